/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_TAGSCAN_H
#define EHR_LINE_TAGSCAN_H

#include "common/line/tags.h"

/*
 * tagscan: the tag object in exactly the form in which tags_write writes it, read without an index: several
 * times faster, since nothing is searched.  What is in any other form (white space, another order, an escape)
 * is not for it: it says no, and the caller goes the general way, which knows every form and every reason.
 * Never a yes to what tags_read would refuse.
 */

/* TEXT begins with the object; *END is behind it.  Stages version, deleted, sealed and opened only. */
bool tags_scan(struct bytes text, struct tags *t, size_t *end);

/* How many bytes at the front of TEXT may stand in a word (see tag_is_word), however many they are. */
size_t tags_word_size(struct bytes text);

#endif
