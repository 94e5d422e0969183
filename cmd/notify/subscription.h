/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_SUBSCRIPTION_H
#define EHR_NOTIFY_SUBSCRIPTION_H

#include "common/policy/grants.h"
#include "common/policy/jq.h"
#include "common/policy/notify_policy.h"

/*
 * subscription: what one person wants to be told of, read from a YAML or JSON tree.  A subscription counts
 * only as far as a signed grant carries it: this is the first of three checks of the AL (match.h has the
 * second).
 */
struct subscription {
	struct bytes id;
	const struct grant *grant;
	unsigned al; /* the grant's, or the AL claimed if that is lower */
	int class;   /* of responders, -1 if the policy has no tiers */
	struct grant_words subjects;
	bool everyone; /* select.subjects: "*" */
	unsigned min_criticality;
	const struct yaml_node *tags; /* map from tag to the words that match, NULL for any */
	struct jq_program *when;      /* NULL for any */
	struct bytes purpose;
	enum notify_payload payload;
	const char *file; /* and line: for messages */
	unsigned line;
};

/* A file of subscriptions; all is borrowed. */
struct subscription_source {
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct instant *now; /* NULL: no subscription has ended */
	struct arena *arena;       /* for what the subscriptions point to */
	const char *file;
	struct fault *fault;
};

enum subscription_outcome {
	SUBSCRIPTION_GOOD,    /* WHEN is the caller's to free */
	SUBSCRIPTION_IDLE,    /* requested, off, or past its end */
	SUBSCRIPTION_REFUSED, /* grant or policy do not carry it: *WHY is one word */
	SUBSCRIPTION_FAULT,   /* malformed: the fault is set */
};

enum subscription_outcome subscription_read(const struct subscription_source *r, const struct yaml_node *node,
    struct subscription *sub, const char **why);

#endif
