/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_MATCH_H
#define EHR_NOTIFY_MATCH_H

#include "cmd/notify/intent.h"

/*
 * match: who is told of a record.  This is the second of three checks of the AL: subscriptions.h has the
 * first, ehr-deliver the third.  A person gets one version, the highest that she may read.  Tier, class,
 * deadline and the word in the line come from the criticality of that version.  Only the floor notice uses
 * the criticality of versions above it; otherwise a message would reveal a hidden emergency.
 */
struct match {
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct subscriptions *subscriptions;
	const struct instant
	    *now; /* NULL: dates of grants are not checked (ehr-deliver always checks them) */
	struct buffer *suppressed; /* NULL: not wanted */
	uint64_t milliseconds;     /* for jq_limit */
	/*
	 * Called once for a subscription whose `when` passed its limit.  From then on it matches nothing.
	 */
	void (*endless)(void *context, const struct subscription *sub, bool crashed);
	void *endless_context;
	/* counts of the run */
	uint64_t data;
	uint64_t floors;
	uint64_t notices;
	uint64_t stopped;
	uint64_t uncovered;
	uint64_t ended;          /* of the stopped: for a grant that has ended */
	uint64_t ended_carriers; /* the subscriptions of these */
	/* private */
	uint32_t *candidates;
	struct intent *intents;
	size_t room;
	size_t count;
	bool *is_endless, *has_ended;         /* by subscription */
	struct buffer endless_whens;          /* struct endless_when */
	struct json tags;                     /* the index of a version's tags, for `when` and `tags` */
	const struct sealed_version *indexed; /* the version that TAGS is of */
	char event[EVENT_ID + 1];             /* id of the group's event; "" until a line needs it */
};

void match_init(struct match *m, const struct notify_policy *plan, const struct grants *grants,
    const struct subscriptions *subscriptions, const struct instant *now);
void match_release(struct match *m);

enum match_coverage {
	MATCH_COVERED,
	MATCH_BY_FLOOR,  /* by floor notices alone */
	MATCH_UNCOVERED, /* not met: the last resort is told */
	MATCH_WARN,      /* not met: the policy asks for a warning */
};

/*
 * Decides about a whole group.  Writes its event line and intents to OUT, by step, then by class as the step
 * names them, then by subscription.  *COVERAGE: whether the policy's demand is met that somebody in the tier
 * of the group's highest criticality is told.  False if OUT is full.
 */
bool match_group(
    struct match *m, const struct version_group *g, struct buffer *out, enum match_coverage *coverage);

#endif
