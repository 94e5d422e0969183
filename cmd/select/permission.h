/* SPDX-License-Identifier: ISC */
#ifndef EHR_SELECT_PERMISSION_H
#define EHR_SELECT_PERMISSION_H

#include "common/policy/grants.h"
#include "common/policy/policy.h"

/*
 * permission: what a decision or a grant lets a reader have: whose lines, and up to which authorization
 * level. Whatever is not understood, or would have to be done to the data by somebody else, is no permission.
 */
struct permission {
	struct bytes subject;        /* of a decision: the tag that lines must carry */
	const struct grants *grants; /* of a grant: it says whose lines */
	const struct grant *grant;
	unsigned al;
	struct arena arena; /* private */
};

enum permission_outcome {
	PERMISSION_GIVEN,
	PERMISSION_DENIED,    /* *WHY is a constant that says why */
	PERMISSION_NEEDS_NOW, /* it ends some time, and nobody said what time it is */
};

/* TEXT is one decision of ehr-authz with JSON_SLACK bytes behind it.  NOW may be NULL. */
enum permission_outcome permission_of_decision(
    struct permission *p, struct bytes text, const struct instant *now, const char **why);

/* The one grant in G, which has been read and made ready. */
enum permission_outcome permission_of_grant(
    struct permission *p, const struct grants *g, const struct instant *now, const char **why);

/* True if lines of SUBJECT (empty: of nobody) may be given. */
bool permission_covers(const struct permission *p, struct bytes subject);

void permission_release(struct permission *p);

#endif
