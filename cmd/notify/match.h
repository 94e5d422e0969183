/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_MATCH_H
#define EHR_NOTIFY_MATCH_H

#include "cmd/notify/intent.h"

/*
 * match: who hears of a record, the second of the three AL gates.  A person gets one version: the highest
 * that she may read.  Tier, class, deadline and the word shown come from that version's own criticality;
 * nothing but the floor notice uses the criticality of what she may not read, or she would learn of a hidden
 * emergency.
 */
struct match {
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct subscriptions *subscriptions;
	const struct instant *now; /* NULL: dates of grants are not looked at (ehr-deliver always does) */
	struct buffer *suppressed; /* NULL: not wanted */
	/* counts of the run */
	uint64_t data;
	uint64_t floors;
	uint64_t stopped;
	uint64_t uncovered;
	/* private */
	uint32_t *candidates;
	struct intent *intents;
	size_t room;
	size_t count;
	struct json tags;              /* for `when` and tags: */
	const struct version *indexed; /* whose they are */
	char event[EVENT_ID + 1];      /* of the group at hand; "" until a line needs it */
};

void match_init(struct match *m, const struct notify_policy *plan, const struct grants *grants,
    const struct subscriptions *subscriptions, const struct instant *now);
void match_release(struct match *m);

enum match_coverage { MATCH_COVERED, MATCH_BY_FLOOR, MATCH_UNCOVERED, MATCH_WARN };

/*
 * Decides about a whole group and writes its event line and intents to OUT, in order of step, then
 * subscription. *COVERAGE: whether somebody of the tier that the group's highest criticality picks was told,
 * as far as the policy asks. False if OUT is full.
 */
bool match_group(struct match *m, const struct group *g, struct buffer *out, enum match_coverage *coverage);

#endif
