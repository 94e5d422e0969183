/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ENTRIES_H
#define EHR_ACCESS_ENTRIES_H

#include "common/access/criteria.h"

/*
 * entries: the values that a policy lists for an attribute, compiled: roles and actions through their groups,
 * purposes and labels with all that lies below them, classes written out.
 */

/* `[x, y]` or `x`: entry, entries, words, plain_words and attribute of T; T->mode is looked at. False with a
 * fault. */
bool entries_read(struct reader *r, const struct yaml_node *node, unsigned attribute, struct test *t);

/* The fault for a name that stands nowhere.  Always false. */
bool entries_unknown(struct reader *r, const struct yaml_node *node, const char *what, const char *where);

#endif
