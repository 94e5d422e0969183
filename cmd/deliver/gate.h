/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_GATE_H
#define EHR_DELIVER_GATE_H

#include "common/json/json.h"
#include "common/subscription/subscriptions.h"

/*
 * gate: the third check of the AL, before every attempt, retries and digests included: the grant, the
 * revocations, the subscription and the policy as they are now.  subscription.h has the first check,
 * cmd/notify/match.h the second.  The files are read again when they change.
 */
struct gate_files {
	const char *site;
	const char *subscriptions;
	const char *grants;
	const char *revoked;
	const char *authority;
};

struct gate;

/* POLICY and PLAN are borrowed.  NOW: the time of the dispatcher.  NULL with a status: WHY is said. */
struct gate *gate_open(struct policy *policy, const struct notify_policy *plan,
    const struct gate_files *files, struct instant now, enum diag_exit *status, char why[512]);
void gate_close(struct gate *g);

/*
 * Reads the files again if one has changed, or if something in them begins or ends at NOW, the time of day.
 * False with a status: a list of revocations does not verify, or
 * a file cannot be read; nothing may be sent then.
 */
bool gate_refresh(struct gate *g, struct instant now, bool *changed, enum diag_exit *status, char why[512]);

/*
 * Whether the intent in J may be sent to SUBSCRIPTION at NOW, or, if that is empty, to the last resort.
 * NULL: yes.  Else the reason: altered (it holds what its kind may not, or names another receiver), gone,
 * subscription-off, not-selected, al, or a word of a grant's fault.  SUB is the subscription if there is one.
 */
const char *gate_stops(const struct gate *g, const struct json *j, struct bytes subscription,
    struct instant now, const struct subscription **sub);

/* GRANT_GOOD, or that the grant of a subscription that counts is revoked, or does not hold at NOW. */
enum grant_fault gate_grant(const struct gate *g, const struct subscription *sub, struct instant now);

/* Why a subscription that is not among those that count is not: "gone", or the word of its refusal. */
const char *gate_missing(const struct gate *g, struct bytes subscription);

/* Subscriptions refused, which status tells. */
size_t gate_refused(const struct gate *g);

/* All that count, sorted by id. */
const struct subscriptions *gate_subscriptions(const struct gate *g);

#endif
