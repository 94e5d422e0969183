/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_STORED_VIEWS_H
#define EHR_REDACT_STORED_VIEWS_H

#include "common/redact/obligations.h"

/*
 * stored_views: the versions of redact.yaml that have a `view`, a word by which a sealed line can be told to
 * lack some types or categories, and which of them do what obligations ask for.
 *
 * A view satisfies an obligation to redact if one of its demands is met: of `class`, none of the types is
 * among the version's `types`, and the redactor drops what tells of others; of `label`, each category is in
 * or below its `without`.  It satisfies one to keep-only if its `types` are all kept whole.  Other demands
 * are not looked at, and exceptions need nothing, as more than asked for may be withheld.
 */
struct stored_view {
	struct bytes word;
	unsigned level; /* index in the ladder */
	uint64_t without;
	struct bytes *type;
	size_t types;
	bool typed; /* it has `types`, and no others */
};

enum { STORED_VIEWS_MAX = 32 };

struct stored_views {
	struct stored_view at[STORED_VIEWS_MAX];
	unsigned count;
};

/* P without redact.yaml has none.  False with a fault. */
bool stored_views_load(struct stored_views *v, struct policy *p, struct fault *f);

/*
 * Bit I: view I satisfies all of O, which are some.  *ACTION is one of them; if the result is 0, one that no
 * view satisfies beside the others.
 */
uint64_t stored_views_for(const struct stored_views *v, const struct obligations *o, const char **action);

#endif
