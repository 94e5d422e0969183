/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_TAGS_SCAN_H
#define EHR_LINE_TAGS_SCAN_H

#include "common/line/tags.h"

/*
 * tags_scan: reads the object ehr in exactly the form in which tags_write writes it, without an index: several
 * times faster, since nothing is searched.  False for any other form (white space, another order, an escape):
 * the caller then reads it with tags_read, which knows every form and every reason.  tags_scan takes nothing
 * that tags_read refuses.
 */

/* TEXT begins with the object; *END is behind it.  Stages version, deleted, sealed and opened only. */
bool tags_scan(struct bytes text, struct tags *t, size_t *end);

/* How many bytes at the front of TEXT may stand in a word (see tag_is_word), however many they are. */
size_t tags_word_size(struct bytes text);

#endif
