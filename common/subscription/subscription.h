/* SPDX-License-Identifier: ISC */
#ifndef EHR_SUBSCRIPTION_SUBSCRIPTION_H
#define EHR_SUBSCRIPTION_SUBSCRIPTION_H

#include "common/policy/grants.h"
#include "common/policy/notify_policy.h"
#include "common/subscription/conditions.h"

/*
 * subscription: what one person wants to be told of, read from a YAML or JSON tree.  A subscription counts
 * only as far as a signed grant carries it: this is the first of three checks of the AL (match.h has the
 * second).
 */

/* A tag and the words of which it must be one. */
struct tag_choice {
	struct bytes tag;
	struct grant_words words;
};

/* Why a subscription that its grant carries tells nobody. */
enum subscription_idle {
	SUBSCRIPTION_RUNS,
	SUBSCRIPTION_OFF,
	SUBSCRIPTION_REQUESTED,
	SUBSCRIPTION_ENDED, /* `until` has passed */
};

/* Where a message goes; the first is tried at once. */
struct subscription_route {
	struct bytes channel;
	struct bytes to;
	int64_t after; /* seconds after the message was sent by the route before it, and not acknowledged */
};

/*
 * How messages of criticalities below the two highest are gathered; the others go at once, one by one.
 * Times are in seconds; 0: not asked for.
 */
struct subscription_delivery {
	const struct subscription_route *route;
	size_t routes;
	uint64_t batch_most; /* references in a message */
	int64_t batch_wait;  /* for more of them */
	uint64_t rate_most;  /* messages in rate_per */
	int64_t rate_per;
	int64_t dedupe;         /* so long the same version of a record is not told again */
	uint64_t quiet_from;    /* minutes of the day */
	uint64_t quiet_until;   /* the same: no hours are quiet */
	const char *quiet_zone; /* NULL: that of the machine */
	int quiet_below;        /* the place of the least urgent word that is told in quiet hours */
};

/* A site has 100,000 of them, so the numbers are small. */
struct subscription {
	struct bytes id;
	struct bytes purpose;
	const struct grant *grant;
	struct grant_words subjects;
	const struct tag_choice *tags;                /* all must fit */
	struct jq_program *when;                      /* NULL for any; borrowed from struct conditions */
	const struct subscription_delivery *delivery; /* NULL unless it is kept, see subscription_source */
	const char *file;                             /* and line: for messages */
	int64_t until;                                /* seconds since 1970; INT64_MAX: it has no end */
	uint32_t line;
	uint32_t order; /* of reading; set by subscriptions */
	uint8_t tag_count;
	uint8_t al;   /* the grant's, or the AL claimed if that is lower */
	int8_t class; /* of responders, -1 if the policy has no tiers */
	uint8_t min_criticality;
	uint8_t payload; /* enum notify_payload */
	uint8_t idle;    /* enum subscription_idle */
	bool everyone;   /* select.subjects: "*" */
};

enum { SUBSCRIPTION_TAGS_MOST = 255 };

/* A file of subscriptions; all is borrowed. */
struct subscription_source {
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct instant *now; /* NULL: no subscription has ended */
	struct arena *arena;       /* for what the subscription at hand points to */
	struct pool *pool;         /* for what lasts */
	struct conditions *conditions;
	const char *file;
	struct fault *fault;
	bool keeps_delivery;
};

enum subscription_outcome {
	SUBSCRIPTION_GOOD,    /* it may be idle */
	SUBSCRIPTION_DROPPED, /* idle, and grant or policy would not carry it either */
	SUBSCRIPTION_REFUSED, /* grant or policy do not carry it: *WHY is one word */
	SUBSCRIPTION_FAULT,   /* malformed: the fault is set; sub->id is its id if that could be read */
};

/* What SUB points to lives as long as NODE and R's arena: see subscription_keep(). */
enum subscription_outcome subscription_read(const struct subscription_source *r, const struct yaml_node *node,
    struct subscription *sub, const char **why);

/* Copies to R's pool what SUB points to. */
void subscription_keep(const struct subscription_source *r, struct subscription *sub);

#endif
