/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_INTENT_H
#define EHR_NOTIFY_INTENT_H

#include "cmd/notify/version_group.h"
#include "common/subscription/subscriptions.h"

/*
 * intent: the lines that ehr-notify writes: one event for each record, then one intent for each message to a
 * person.  The ids are digests of record, subscription and step.  A second run makes the same ids, so the
 * same message is not delivered twice.  A line has no address, no category, and nothing of a version above
 * the one it names.
 */
enum { EVENT_ID = 2 + 26, INTENT_ID = 2 + 26 };

enum intent_kind { INTENT_DATA, INTENT_FLOOR, INTENT_LAST_RESORT, INTENT_ALARM, INTENT_NOTICE };

struct intent {
	enum intent_kind kind;
	const struct subscription *to;        /* NULL: the last resort; INTENT_NOTICE: who got the offer */
	const struct sealed_version *version; /* INTENT_DATA: the version to read; else NULL */
	unsigned criticality;                 /* picks the tier and the word in the line */
	unsigned step;
	unsigned place; /* among the intents of the group: by step, then by class in the step's order */
	bool uncovered; /* INTENT_LAST_RESORT: nobody else could be told */
};

/* The digest of domain, batch, record and the first seq of the group. */
void intent_event_id(char id[EVENT_ID + 1], const struct version_group *g);

/* Each writes one line; false: OUT is full. */
bool intent_write_event(struct buffer *out, const struct version_group *g, const char *event);
bool intent_write(struct buffer *out, const struct notify_policy *plan, const struct version_group *g,
    const char *event, const struct intent *i);

/*
 * An alarm for whoever keeps the subscriptions: a mistake in them silences somebody.  It goes to the last
 * resort, as urgent as the highest criticality.  DIGEST is the policy's.  WHAT->code is set.
 */
bool intent_write_alarm(struct buffer *out, const struct notify_policy *plan, const char *digest,
    const struct subscription_refusal *what);

/* The line of --suppressed: KIND (data, floor) for TO was stopped at STEP, because of REASON. */
bool intent_write_suppressed(struct buffer *out, const char *event, const struct subscription *to,
    const char *kind, unsigned step, const char *reason);

#endif
