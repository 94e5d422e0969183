/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PAGE_H
#define EHR_POLICY_PAGE_H

#include "cmd/policy/parts.h"

/*
 * page: records as one HTML page that needs nothing else: no script, no resource.  A switch chooses the
 * level; what its readers do not see is black, and what they see changed is marked.  The rule's sentence
 * stands in the title of each part, which a browser shows under the pointer.  The page holds the whole
 * record: it is for people who may see it.
 */

/* VERSION is the one that is shown first; below 0: the record itself. */
void page_begin(struct sink *out, const struct pipeline *l, int version);
void page_record(struct sink *out, const struct parts *p);
void page_end(struct sink *out);

#endif
