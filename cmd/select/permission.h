/* SPDX-License-Identifier: ISC */
#ifndef EHR_SELECT_PERMISSION_H
#define EHR_SELECT_PERMISSION_H

#include "common/policy/grants.h"
#include "common/policy/policy.h"

/*
 * permission: whose lines a decision or a grant gives to a reader, and up to which authorization level.
 * A decision that has a part that ehr-select does not understand, or an obligation that it cannot carry
 * out, gives nothing.
 */
struct permission {
	struct bytes subject; /* of a decision: the tag that its lines have */
	struct bytes party;   /* of a decision: the person whom it permits; empty if it names none */
	struct bytes device;  /* of a decision: the device, by id or thumbprint; empty if it names none */
	const struct grants *grants; /* of a grant, with the next */
	const struct grant *grant;
	bool by_pseudonym; /* the decision names one */
	unsigned al;
	/*
	 * Of a decision: the obligations that others carry out, one JSON object a line.  They must be
	 * handed on before anything is given.
	 */
	struct bytes delivery;
	struct arena arena; /* private */
};

struct permission_terms {
	const struct policy *policy;
	const struct instant *now; /* may be NULL */
	bool delivers;             /* the caller hands permission.delivery on */
};

enum permission_outcome {
	PERMISSION_GIVEN,
	PERMISSION_DENIED,    /* *WHY says why; it lives as long as P */
	PERMISSION_NEEDS_NOW, /* it has an end, and there is no now */
};

/* TEXT is one decision of ehr-authz with JSON_SLACK bytes behind it. */
enum permission_outcome permission_of_decision(
    struct permission *p, struct bytes text, const struct permission_terms *terms, const char **why);

/* G is ready and must hold one grant, which gives; it is borrowed for the life of P. */
enum permission_outcome permission_of_grant(
    struct permission *p, const struct grants *g, const struct instant *now, const char **why);

/* True if lines of SUBJECT may be given.  False for the empty subject: such lines are about nobody. */
bool permission_covers(const struct permission *p, struct bytes subject);

void permission_release(struct permission *p);

#endif
