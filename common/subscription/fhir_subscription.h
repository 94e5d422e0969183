/* SPDX-License-Identifier: ISC */
#ifndef EHR_SUBSCRIPTION_FHIR_SUBSCRIPTION_H
#define EHR_SUBSCRIPTION_FHIR_SUBSCRIPTION_H

#include "common/subscription/subscription.h"

/*
 * fhir_subscription: `fhir` of a subscription: a Subscription resource in place of payload, route and a part
 * of select.  Three forms say the same: FHIR R4 with a search as criteria, R4 or R4B with a topic (HL7
 * Subscriptions R5 Backport 1.1.0), and R5.  What a subscription of this site cannot say alike is refused,
 * never left out: without a filter more would be told than was asked for.
 */

/* What the resource says; texts live in the tree or the arena. */
struct fhir_wish {
	struct grant_words subjects; /* none: all that the grant covers */
	const struct fhir_topic *topic;
	enum notify_payload payload;
	struct bytes channel;
	struct bytes to;
	uint64_t most;                    /* events in a message; 0: any */
	unsigned idle;                    /* enum subscription_idle */
	const struct yaml_node *end;      /* NULL: no end */
	const struct yaml_node *resource; /* for faults */
};

/* False with a fault, which begins with what is not carried out: "fhir-filter: ...". */
bool fhir_subscription_read(
    const struct subscription_source *r, const struct yaml_node *resource, struct fhir_wish *w);

#endif
