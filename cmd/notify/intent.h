/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_INTENT_H
#define EHR_NOTIFY_INTENT_H

#include "cmd/notify/group.h"
#include "cmd/notify/subscriptions.h"

/*
 * intent: the lines that come out: one event per record, then one intent for each message that ought to reach
 * somebody. Their ids are digests of what they are about, so that a second run makes the same ones and nobody
 * is told twice. No address is in them, no category, and nothing of a version above the one that is named.
 */
enum { EVENT_ID = 2 + 26, INTENT_ID = 2 + 26 };

enum intent_kind { INTENT_DATA, INTENT_FLOOR, INTENT_LAST_RESORT, INTENT_NOTICE };

struct intent {
	enum intent_kind kind;
	const struct subscription *to; /* NULL: the last resort */
	const struct version *version; /* of INTENT_DATA */
	unsigned criticality;          /* the tier, and the word shown */
	unsigned step;
	bool uncovered; /* of the last resort: nobody else could be told */
};

/* The event's id from domain, batch, record and the group's first seq. */
void intent_event_id(char id[EVENT_ID + 1], const struct group *g);

bool intent_write_event(struct buffer *out, const struct group *g, const char *event);
bool intent_write(struct buffer *out, const struct notify_policy *plan, const struct group *g,
    const char *event, const struct intent *i);

/* A candidate that a gate stopped: for --suppressed. */
bool intent_write_suppressed(struct buffer *out, const char *event, const struct subscription *to,
    const char *kind, unsigned step, const char *reason);

#endif
