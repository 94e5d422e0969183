/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/answer.h"
#include "cmd/deliver/dispatch_parts.h"

#include <stdio.h>
#include <sysexits.h>

enum { UNKNOWN_TRIES = 10, PROBE = 30 * 1000, RETRY_AFTER_CRITICAL = 30 };

/* A tenth more or less, by the intent and the try: the same in each run, and different among intents. */
static int64_t
jitter(int64_t wait, int64_t seq, int64_t tries)
{
	uint64_t x = ((uint64_t)seq * 31 + (uint64_t)tries) * UINT64_C(0x9e3779b97f4a7c15);

	return wait + (int64_t)(x >> 40) % (wait / 5 + 1) - wait / 10;
}

static const struct subscription *
subscription_of(const struct dispatch *d, const struct chosen *c)
{
	return subscriptions_find(gate_subscriptions(d->gate), bytes_of(c->subscription));
}

/* It waits for an acknowledgement, or, sooner, for the next route. */
static void
accepted(struct dispatch *d, const struct chosen *c)
{
	bool waits = c->ack > 0 && strcmp(c->kind, "resolved") != 0;
	/* Somebody has taken charge while it was on its way: nobody is asked any more. */
	bool acked = waits && spool_number(d->spool, 0,
				  "SELECT 1 FROM trouble WHERE id = ? AND state IN ('acked', 'resolved')",
				  "t", bytes_of(c->trouble)) == 1;
	int64_t due = d->now + c->ack, at = dispatch_next_route_at(d, subscription_of(d, c), c);

	d->sent++;
	if (at != 0 && at < due)
		due = at;
	if (waits && !acked)
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'sent', due = ?1, first_sent = coalesce(first_sent, ?2), "
		    "last_sent = ?2 WHERE seq = ?3 AND state = 'sending'",
		    "iii", due, d->now, c->seq);
	else
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = ?3, ended = ?1, due = NULL, first_sent = "
		    "coalesce(first_sent, ?1), last_sent = ?1 WHERE seq = ?2 AND state = 'sending'",
		    "iit", d->now, c->seq, bytes_of(acked ? "acked" : "done"));
}

static void
try_again(struct dispatch *d, const struct chosen *c, int64_t retry_after)
{
	const struct delivery_tries *t = &d->delivery->retry[c->urgency < NOTIFY_MAX_WORDS ? c->urgency : 0];
	int64_t index = c->tries < (int64_t)t->count ? c->tries : (int64_t)t->count - 1;
	int64_t wait = jitter(1000 * t->wait[index], c->seq, c->tries);
	int64_t at = dispatch_next_route_at(d, subscription_of(d, c), c);

	if (retry_after > 0 && c->urgency + 1 == (int64_t)d->plan->words &&
	    retry_after > RETRY_AFTER_CRITICAL)
		retry_after = RETRY_AFTER_CRITICAL;
	if (retry_after > 0)
		wait = 1000 * retry_after;
	if (d->now + wait >= c->expires) {
		dispatch_give_up(d, c->seq, "expired");
		return;
	}
	if (at != 0 && at <= d->now + wait)
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'held', due = ?, route = route + 1, channel = NULL, tries = 0"
		    " WHERE seq = ? AND state = 'sending'",
		    "ii", at > d->now ? at : d->now, c->seq);
	else
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'held', due = ? WHERE seq = ? AND state = 'sending'", "ii",
		    d->now + wait, c->seq);
}

/* It was answered, or ended otherwise, while it was on its way: only its times are noted. */
static void
note_sent(struct dispatch *d, const struct chosen *c)
{
	d->sent++;
	(void)spool_do(d->spool,
	    "UPDATE intent SET first_sent = coalesce(first_sent, ?1), last_sent = ?1 WHERE seq = ?2", "ii",
	    d->now, c->seq);
}

static void
settle(struct dispatch *d, const struct chosen *c, enum verdict v, int64_t retry_after, const char *reason)
{
	switch (v) {
	case VERDICT_ACCEPTED:
		accepted(d, c);
		return;
	case VERDICT_UNKNOWN:
		if (c->tries >= UNKNOWN_TRIES)
			break;
		try_again(d, c, retry_after);
		return;
	case VERDICT_AGAIN:
		try_again(d, c, retry_after);
		return;
	case VERDICT_NOBODY:
		(void)spool_do(d->spool,
		    "INSERT INTO subscription (id, state, since) VALUES (?1, 'error', ?2) ON CONFLICT (id) "
		    "DO UPDATE SET"
		    " state = 'error', since = ?2",
		    "ti", bytes_of(c->subscription), d->now);
		break;
	case VERDICT_DEAD:
		break;
	}
	if (!dispatch_next_route(d, subscription_of(d, c), c->seq, c->route))
		dispatch_give_up(d, c->seq, reason);
}

/* Five failures in a row, and the channel rests; one message in half a minute asks whether it is back. */
static void
note_channel(struct dispatch *d, unsigned channel, bool failed, struct bytes said)
{
	struct bytes name = d->delivery->channel[channel].name;

	if (!failed) {
		(void)spool_do(d->spool,
		    "UPDATE channel SET failures = 0, retry_at = NULL WHERE name = ? AND failures > 0", "t",
		    name);
		return;
	}
	(void)spool_do(d->spool,
	    "INSERT INTO channel (name, failures, error, error_at) VALUES (?1, 1, ?2, ?3) ON CONFLICT (name) "
	    "DO UPDATE SET"
	    " failures = failures + 1, error = ?2, error_at = ?3",
	    "tti", name, said, d->now);
	(void)spool_do(d->spool, "UPDATE channel SET retry_at = ? WHERE name = ? AND failures >= ?", "iti",
	    d->now + PROBE, name, (int64_t)DISPATCH_FAILURES);
	/* What is urgent looks for another way. */
	if (spool_changed(d->spool) > 0)
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'due', channel = NULL WHERE channel = ? AND urgent = 1 AND "
		    "(state = 'due' OR (state = 'held' AND due IS NOT NULL))",
		    "t", name);
}

static void
finish_attempt(struct dispatch *d, int64_t seq, int status)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%d", status);
	(void)spool_do(d->spool,
	    "UPDATE attempt SET finished = ?, result = ? WHERE intent = ? AND finished IS NULL", "iti",
	    d->now, bytes_of(text), seq);
}

/* What the call says of the message of C: by an answer of its own, else by its exit status. */
static int
status_of(const struct batch *b, const struct chosen *c, int status, struct answers *a, int64_t *retry_after)
{
	int found = status;

	*retry_after = 0;
	if (answers_find(a, bytes_of(c->id), b->messages == 1, &found, retry_after))
		return found;
	/* A call of many that ended well and has no answer for a message did not take it. */
	return b->messages > 1 && status == 0 ? EX_TEMPFAIL : status;
}

/*
 * The channel does not work, whatever the message is.  A call fails if each of its messages does: a channel
 * may say so by its answers, and end with 0.
 */
static bool
is_failure(enum verdict v, int status)
{
	return v == VERDICT_AGAIN || v == VERDICT_UNKNOWN || status >= EX_NOPERM;
}

void
dispatch_result(
    struct dispatch *d, const struct batch *b, int status, struct bytes answers, struct bytes said)
{
	bool failed = b->count > 0 || is_failure(answer_judge(status), status);
	enum verdict v;
	int64_t retry_after = 0;
	int of_message = status;
	struct answers a;
	char reason[32];

	answers_init(&a, answers);
	for (unsigned i = 0; i < b->count; i++) {
		bool rides = b->seq[i] < 0;
		struct chosen c;

		if (!dispatch_fetch(d, rides ? -b->seq[i] : b->seq[i], &c))
			continue;
		/* What rides along shares the fate of the message before it. */
		if (!rides)
			of_message = status_of(b, &c, status, &a, &retry_after);
		(void)snprintf(reason, sizeof reason, "code-%d", of_message);
		finish_attempt(d, c.seq, of_message);
		v = answer_judge(of_message);
		failed = failed && is_failure(v, of_message);
		if (c.sending)
			settle(d, &c, v, retry_after, reason);
		else if (v == VERDICT_ACCEPTED)
			note_sent(d, &c);
	}
	answers_release(&a);
	note_channel(d, b->channel, failed, said);
}
