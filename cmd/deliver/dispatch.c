/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/dispatch.h"

#include "cmd/deliver/answer.h"
#include "cmd/deliver/message.h"
#include "cmd/deliver/trouble.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/line/tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	ROUTE_MOST = 1024, /* intents routed in a round */
	LINE_MOST = 1 << 20,
	TAKEN_ALONG = 10000, /* milliseconds that intents wait for one that takes them along */
};

/* How many messages a subscription got since the window began. */
struct rate {
	int64_t since;
	uint64_t count;
};

void
dispatch_init(struct dispatch *d)
{
	json_init(&d->json, NULL, JSON_MAX_DEPTH);
	buffer_init(&d->line, LINE_MOST);
	buffer_init(&d->refs, LINE_MOST);
	dispatch_gate_changed(d);
}

void
dispatch_release(struct dispatch *d)
{
	json_release(&d->json);
	buffer_release(&d->line);
	buffer_release(&d->refs);
	free(d->rates);
}

void
dispatch_gate_changed(struct dispatch *d)
{
	free(d->rates);
	d->rates = memory_zeros(gate_subscriptions(d->gate)->count + 1, sizeof *d->rates);
}

void
dispatch_recover(struct dispatch *d)
{
	(void)spool_do(d->spool,
	    "UPDATE attempt SET finished = ?, result = 'lost' WHERE finished IS NULL AND intent IN"
	    " (SELECT seq FROM intent WHERE state = 'sending')",
	    "i", d->now);
	(void)spool_do(d->spool, "UPDATE intent SET state = 'due' WHERE state = 'sending'", "");
}

void
dispatch_time(struct dispatch *d)
{
	(void)spool_do(
	    d->spool, "UPDATE intent SET state = 'due' WHERE state = 'held' AND due <= ?", "i", d->now);
	/* One is enough: it takes the others of its subscription along, which wait for it a while. */
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'due', channel = NULL WHERE seq IN (SELECT min(seq) FROM intent"
	    " WHERE state = 'gathering' AND due <= ? GROUP BY subscription)",
	    "i", d->now);
	if (spool_changed(d->spool) > 0)
		(void)spool_do(d->spool,
		    "UPDATE intent SET due = ?1 + ?2 WHERE state = 'gathering' AND due <= ?1", "ii", d->now,
		    (int64_t)TAKEN_ALONG);
	trouble_time(d->spool, d->delivery, d->now);
}

static void
end(struct dispatch *d, int64_t seq, const char *state, const char *reason)
{
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = ?, reason = ?, ended = ?, due = NULL WHERE seq = ?", "ttii",
	    bytes_of(state), bytes_of(reason), d->now, seq);
}

static bool
is_urgent(const struct dispatch *d, int64_t urgency)
{
	return urgency + 2 >= (int64_t)d->plan->words;
}

static void
give_up(struct dispatch *d, int64_t seq, const char *reason)
{
	end(d, seq, "dead", reason);
	d->failed++;
	trouble_next_step(d->spool, seq, d->now);
}

/* An intent of a subscription that gathers waits for others of its kind. */
static bool
gathers(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t urgency, int64_t accepted,
    int64_t due)
{
	const struct subscription_delivery *s = sub->delivery;
	int64_t until = accepted + 1000 * s->batch_wait;

	if (s->batch_most < 2 || is_urgent(d, urgency) || due > accepted || until <= d->now)
		return false;
	(void)spool_do(
	    d->spool, "UPDATE intent SET state = 'gathering', due = ? WHERE seq = ?", "ii", until, seq);
	if ((uint64_t)spool_number(d->spool, 0,
		"SELECT count(*) FROM intent WHERE subscription = ? AND state = 'gathering'", "t",
		sub->id) >= s->batch_most)
		(void)spool_do(d->spool,
		    "UPDATE intent SET due = ? WHERE subscription = ? AND state = 'gathering'", "it", d->now,
		    sub->id);
	return true;
}

/* The same version of a record was told not long ago, at least as urgently. */
static bool
is_told(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t urgency)
{
	if (sub->delivery->dedupe == 0 || is_urgent(d, urgency))
		return false;
	return spool_number(d->spool, 0,
		   "SELECT 1 FROM intent AS a JOIN intent AS b ON b.record = a.record AND b.level = a.level "
		   "AND"
		   " b.subscription = a.subscription WHERE a.seq = ? AND b.seq <> a.seq AND b.last_sent > ? "
		   "AND"
		   " b.urgency >= a.urgency",
		   "ii", seq, d->now - 1000 * sub->delivery->dedupe) == 1;
}

static void
set_channel(struct dispatch *d, int64_t seq, struct bytes channel)
{
	(void)spool_do(d->spool, "UPDATE intent SET channel = ? WHERE seq = ?", "ti", channel, seq);
}

/* The next route of the subscription, if there is one. */
static bool
next_route(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t route)
{
	if (sub == NULL || (size_t)route + 1 >= sub->delivery->routes)
		return false;
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'due', route = route + 1, channel = NULL, tries = 0 WHERE seq = ?",
	    "i", seq);
	return true;
}

/* The channel gets the intent, if the policy has it and allows the address. */
static bool
goes_to(struct dispatch *d, int64_t seq, struct bytes channel, struct bytes to)
{
	int found = delivery_channel_find(d->delivery, channel);

	if (found < 0 || !delivery_allows(&d->delivery->channel[found], to))
		return false;
	set_channel(d, seq, channel);
	return true;
}

struct row {
	int64_t seq, urgency, accepted, due, route, expires;
	char subscription[130], kind[32];
};

static void
route_one(struct dispatch *d, const struct row *r)
{
	const struct subscription *sub;

	if (r->expires <= d->now) {
		end(d, r->seq, "expired", "expired");
		trouble_next_step(d->spool, r->seq, d->now);
		return;
	}
	if (r->subscription[0] == '\0') {
		if (strcmp(r->kind, "notice") == 0)
			trouble_tell_class(d->spool, gate_subscriptions(d->gate), d->plan, r->seq, d->now);
		else if (d->delivery->last_channel < 0)
			give_up(d, r->seq, "no-last-resort");
		else if (!goes_to(d, r->seq, d->delivery->channel[d->delivery->last_channel].name,
			     d->delivery->last_to))
			give_up(d, r->seq, "address");
		return;
	}
	sub = subscriptions_find(gate_subscriptions(d->gate), bytes_of(r->subscription));
	if (sub == NULL)
		end(d, r->seq, "stopped", gate_missing(d->gate, bytes_of(r->subscription)));
	else if ((size_t)r->route >= sub->delivery->routes)
		give_up(d, r->seq, "no-route");
	else if (is_told(d, sub, r->seq, r->urgency))
		end(d, r->seq, "stopped", "dedupe");
	else if (!gathers(d, sub, r->seq, r->urgency, r->accepted, r->due) &&
		 !goes_to(
		     d, r->seq, sub->delivery->route[r->route].channel, sub->delivery->route[r->route].to) &&
		 !next_route(d, sub, r->seq, r->route))
		give_up(d, r->seq, "address");
}

bool
dispatch_route(struct dispatch *d)
{
	struct spool_rows *rows = spool_rows(d->spool,
	    "SELECT seq, urgency, accepted, due, route, expires, subscription, kind FROM intent"
	    " WHERE state = 'due' AND channel IS NULL ORDER BY dispatch_by, urgency DESC, seq LIMIT 1024",
	    "");
	static struct row found[ROUTE_MOST];
	size_t count = 0;

	while (count < ROUTE_MOST && spool_next(rows)) {
		struct row *r = &found[count++];

		*r = (struct row){ spool_int(rows, 0), spool_int(rows, 1), spool_int(rows, 2),
			spool_int(rows, 3), spool_int(rows, 4), spool_int(rows, 5), "", "" };
		(void)bytes_string(spool_text(rows, 6), r->subscription, sizeof r->subscription);
		(void)bytes_string(spool_text(rows, 7), r->kind, sizeof r->kind);
	}
	spool_done(rows);
	for (size_t i = 0; i < count; i++)
		route_one(d, &found[i]);
	/* Who is told in place of a class, or by the next step, has no channel yet. */
	return count > 0 &&
	       spool_number(d->spool, 0,
		   "SELECT 1 FROM intent WHERE state = 'due' AND channel IS NULL LIMIT 1", "") == 1;
}

/* What of an intent a message needs; texts are kept in the dispatcher's buffers. */
struct chosen {
	int64_t seq, urgency, ack, expires, tries, reminders, number, route, step;
	char id[130], kind[32], subscription[130], trouble[130];
};

/* False if the intent is not due any more: another process has changed it. */
static bool
fetch(struct dispatch *d, int64_t seq, struct chosen *c)
{
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT urgency, ack, expires, tries, reminders, number, route, step, id, kind, subscription, "
	    "trouble, line"
	    " FROM intent WHERE seq = ?",
	    "i", seq);

	if (!spool_next(r))
		return false;
	*c = (struct chosen){ .seq = seq };
	c->urgency = spool_int(r, 0), c->ack = spool_int(r, 1), c->expires = spool_int(r, 2);
	c->tries = spool_int(r, 3), c->reminders = spool_int(r, 4), c->number = spool_int(r, 5);
	c->route = spool_int(r, 6), c->step = spool_int(r, 7);
	(void)(bytes_string(spool_text(r, 8), c->id, sizeof c->id) &&
	       bytes_string(spool_text(r, 9), c->kind, sizeof c->kind) &&
	       bytes_string(spool_text(r, 10), c->subscription, sizeof c->subscription) &&
	       bytes_string(spool_text(r, 11), c->trouble, sizeof c->trouble));
	d->line.used = 0;
	buffer_add(&d->line, spool_text(r, 12).at, spool_text(r, 12).size);
	spool_done(r);
	if (!json_slack(&d->line) || !json_parse(&d->json, buffer_bytes(&d->line)))
		diag_bug("an intent in the spool that is no JSON");
	return true;
}

/* A rate that is used up makes the intent wait for the next window. */
static bool
exceeds_rate(struct dispatch *d, const struct subscription *sub, const struct chosen *c)
{
	struct rate *r = &d->rates[sub - gate_subscriptions(d->gate)->at];
	int64_t window = 1000 * sub->delivery->rate_per;

	if (sub->delivery->rate_most == 0 || is_urgent(d, c->urgency))
		return false;
	if (d->now - r->since >= window)
		*r = (struct rate){ .since = d->now };
	if (r->count++ < sub->delivery->rate_most)
		return false;
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'gathering', channel = NULL, due = ? WHERE seq = ?", "ii",
	    r->since + window, c->seq);
	return true;
}

/* The number among the messages of its subscription, given when the first try passes the gate. */
static void
give_number(struct dispatch *d, struct chosen *c)
{
	if (c->number != 0 || c->subscription[0] == '\0')
		return;
	c->number = spool_number(d->spool, 0,
	    "INSERT INTO subscription (id, numbered) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET numbered = "
	    "numbered + 1"
	    " RETURNING numbered",
	    "t", bytes_of(c->subscription));
	(void)spool_do(d->spool, "UPDATE intent SET number = ? WHERE seq = ?", "ii", c->number, c->seq);
}

static void
note_attempt(struct dispatch *d, const struct chosen *c, unsigned channel)
{
	(void)spool_do(d->spool, "UPDATE intent SET state = 'sending', tries = ? WHERE seq = ?", "ii",
	    c->tries + 1, c->seq);
	(void)spool_do(d->spool,
	    "INSERT INTO attempt (intent, try, channel, started) SELECT ?1, 1 + coalesce(max(try), 0), ?2, "
	    "?3 FROM attempt"
	    " WHERE intent = ?1",
	    "iti", c->seq, d->delivery->channel[channel].name, d->now);
}

/* References of other intents of the subscription that gather, each through the gate; they ride along. */
static void
ride_along(struct dispatch *d, const struct subscription *sub, const struct chosen *first, struct batch *b)
{
	struct instant now = { .seconds = d->now / 1000 };
	size_t most = sub->delivery->batch_most > 1 ? sub->delivery->batch_most : DISPATCH_MANY;
	int64_t seq[DISPATCH_MANY];
	size_t found = 0;
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT seq FROM intent WHERE subscription = ? AND state = 'gathering' AND seq <> ? ORDER BY seq",
	    "ti", sub->id, first->seq);

	while (found + 1 < most && found < DISPATCH_MANY - 1 && spool_next(r))
		seq[found++] = spool_int(r, 0);
	spool_done(r);
	if (found + 1 >= most)
		(void)spool_do(d->spool,
		    "UPDATE intent SET due = ? WHERE subscription = ? AND state = 'gathering'", "it", d->now,
		    sub->id);
	for (size_t i = 0; i < found && b->count < DISPATCH_MANY; i++) {
		const struct subscription *same;
		struct chosen c;
		const char *why;
		uint32_t ref;

		if (!fetch(d, seq[i], &c))
			continue;
		why = gate_stops(d->gate, &d->json, bytes_of(c.subscription), now, &same);
		ref = json_member(&d->json, 0, (struct bytes)BYTES("ref"));
		if (why != NULL) {
			end(d, c.seq, "stopped", why);
			d->stopped++;
			continue;
		}
		note_attempt(d, &c, b->channel);
		b->seq[b->count++] = -c.seq;
		if (ref == 0)
			continue;
		struct bytes text = json_inside(&d->json, ref);
		b->ref[b->refs++] = (struct bytes){ d->refs.at + d->refs.used, text.size };
		buffer_add(&d->refs, text.at, text.size);
	}
}

static const char *
message_kind(const struct chosen *c, size_t refs)
{
	if (refs > 0)
		return "digest";
	return c->reminders > 0 ? "reminder" : c->kind;
}

static void
write_message(
    struct dispatch *d, const struct chosen *c, const struct subscription *sub, bool floor, struct batch *b)
{
	char token[MESSAGE_TOKEN + 1];
	struct message_parts m = {
		.intent = &d->json,
		.id = bytes_of(c->id),
		.to = sub != NULL ? sub->delivery->route[c->route].to : d->delivery->last_to,
		.subscription = bytes_of(c->subscription),
		.number = c->number,
		.tries = c->tries + 1,
		.at = d->now,
		.ack_by = c->ack != 0 ? d->now + c->ack : 0,
		.expires = c->expires,
		.trouble = bytes_of(c->trouble),
		.token = token,
		.no_version = floor,
	};
	message_token(d->key, m.id, token);
	if (sub != NULL && !is_urgent(d, c->urgency) &&
	    (sub->delivery->batch_most > 1 || sub->delivery->rate_most > 0)) {
		uint32_t ref = json_member(&d->json, 0, (struct bytes)BYTES("ref"));
		struct bytes own = ref != 0 ? json_inside(&d->json, ref) : (struct bytes){ "", 0 };

		/* The buffer never moves: all refs of a message fit what is reserved. */
		d->refs.used = b->refs = 0;
		(void)buffer_reserve(&d->refs, LINE_MOST / 2);
		b->ref[b->refs++] = (struct bytes){ d->refs.at, own.size };
		buffer_add(&d->refs, own.at, own.size);
		ride_along(d, sub, c, b);
		if (b->refs > 1 && fetch(d, c->seq, &(struct chosen){ 0 }))
			m.refs = b->ref, m.ref_count = b->refs;
	}
	m.kind = floor ? "floor" : message_kind(c, m.ref_count);
	message_write(&b->text, &m);
	b->messages++;
}

/* The subscription may have been written anew since the channel was found. */
static bool
has_route(const struct dispatch *d, const struct subscription *sub, const struct chosen *c, unsigned channel)
{
	const struct subscription_route *route = &sub->delivery->route[c->route];

	return (size_t)c->route < sub->delivery->routes &&
	       bytes_equal(route->channel, d->delivery->channel[channel].name) &&
	       delivery_allows(&d->delivery->channel[channel], route->to);
}

/* One intent into the batch, if the gate lets it pass. */
static void
choose(struct dispatch *d, int64_t seq, struct batch *b)
{
	const struct subscription *sub = NULL;
	struct instant now = { .seconds = d->now / 1000 };
	const char *why = NULL;
	struct chosen c;
	bool floor;

	if (!fetch(d, seq, &c))
		return;
	if (c.subscription[0] != '\0')
		why = gate_stops(d->gate, &d->json, bytes_of(c.subscription), now, &sub);
	/* Whoever may not read the version any more still hears that something is critical. */
	floor = why != NULL && strcmp(why, "al") == 0 && c.urgency + 1 == (int64_t)d->plan->words &&
		d->plan->floor != FLOOR_SUPPRESS;
	if (c.expires <= d->now)
		why = "expired", floor = false;
	if (why != NULL && !floor) {
		end(d, seq, strcmp(why, "expired") == 0 ? why : "stopped", why);
		d->stopped++;
		trouble_next_step(d->spool, seq, d->now);
		return;
	}
	if (sub != NULL && !has_route(d, sub, &c, b->channel)) {
		set_channel(d, c.seq, (struct bytes){ NULL, 0 });
		return;
	}
	if (sub != NULL && exceeds_rate(d, sub, &c))
		return;
	give_number(d, &c);
	note_attempt(d, &c, b->channel);
	b->seq[b->count++] = c.seq;
	write_message(d, &c, sub, floor, b);
}

/* The seqs of what is due on CHANNEL, in order. */
static size_t
find_due(struct dispatch *d, const struct delivery_channel *c, int64_t least, int64_t seq[DISPATCH_MANY])
{
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT seq FROM intent WHERE state = 'due' AND channel = ? AND urgency >= ?"
	    " ORDER BY dispatch_by, urgency DESC, seq LIMIT ?",
	    "tii", c->name, least, (int64_t)c->many);
	size_t found = 0;

	while (found < DISPATCH_MANY && spool_next(r))
		seq[found++] = spool_int(r, 0);
	spool_done(r);
	return found;
}

bool
dispatch_fill(struct dispatch *d, unsigned channel, bool only_urgent, struct batch *b)
{
	const struct delivery_channel *c = &d->delivery->channel[channel];
	int64_t least = only_urgent ? (int64_t)d->plan->words - 2 : 0, seq[DISPATCH_MANY];
	size_t found;

	b->channel = channel;
	b->count = b->messages = 0;
	b->text.used = 0;
	/* What the gate stops is not due any more, so the next ones are looked at. */
	do {
		found = find_due(d, c, least, seq);
		for (size_t i = 0; i < found && b->count < DISPATCH_MANY; i++)
			choose(d, seq[i], b);
	} while (found > 0 && b->messages == 0);
	return b->messages > 0;
}

enum { UNKNOWN_TRIES = 10, FAILURES = 5, PROBE = 30 * 1000, RETRY_AFTER_CRITICAL = 30 };

/* A tenth more or less, by the intent and the try: the same in each run, and different among intents. */
static int64_t
jitter(int64_t wait, int64_t seq, int64_t tries)
{
	uint64_t x = ((uint64_t)seq * 31 + (uint64_t)tries) * UINT64_C(0x9e3779b97f4a7c15);

	return wait + (int64_t)(x >> 40) % (wait / 5 + 1) - wait / 10;
}

static void
accepted(struct dispatch *d, const struct chosen *c)
{
	d->sent++;
	if (c->ack > 0 && strcmp(c->kind, "resolved") != 0)
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'sent', due = ?1 + ack, first_sent = coalesce(first_sent, "
		    "?1), last_sent = ?1"
		    " WHERE seq = ?2 AND state = 'sending'",
		    "ii", d->now, c->seq);
	else
		(void)spool_do(d->spool,
		    "UPDATE intent SET state = 'done', ended = ?1, due = NULL, first_sent = "
		    "coalesce(first_sent, ?1),"
		    " last_sent = ?1 WHERE seq = ?2 AND state = 'sending'",
		    "ii", d->now, c->seq);
}

static void
try_again(struct dispatch *d, const struct chosen *c, int64_t retry_after)
{
	const struct delivery_tries *t = &d->delivery->retry[c->urgency < NOTIFY_MAX_WORDS ? c->urgency : 0];
	int64_t index = c->tries < (int64_t)t->count ? c->tries : (int64_t)t->count - 1;
	int64_t wait = jitter(1000 * t->wait[index], c->seq, c->tries);

	if (retry_after > 0 && c->urgency + 1 == (int64_t)d->plan->words &&
	    retry_after > RETRY_AFTER_CRITICAL)
		retry_after = RETRY_AFTER_CRITICAL;
	if (retry_after > 0)
		wait = 1000 * retry_after;
	if (d->now + wait >= c->expires) {
		give_up(d, c->seq, "expired");
		return;
	}
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'held', due = ? WHERE seq = ? AND state = 'sending'", "ii",
	    d->now + wait, c->seq);
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
	if (!next_route(d, subscriptions_find(gate_subscriptions(d->gate), bytes_of(c->subscription)), c->seq,
		c->route))
		give_up(d, c->seq, reason);
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
	    d->now + PROBE, name, (int64_t)FAILURES);
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

void
dispatch_result(
    struct dispatch *d, const struct batch *b, int status, struct bytes answers, struct bytes said)
{
	enum verdict v = answer_judge(status);
	int64_t retry_after = 0;
	int of_message = status;
	struct answers a;
	char reason[32];

	answers_init(&a, answers);
	for (unsigned i = 0; i < b->count; i++) {
		bool rides = b->seq[i] < 0;
		struct chosen c;

		if (!fetch(d, rides ? -b->seq[i] : b->seq[i], &c))
			continue;
		/* What rides along shares the fate of the message before it. */
		if (!rides)
			of_message = status_of(b, &c, status, &a, &retry_after);
		(void)snprintf(reason, sizeof reason, "code-%d", of_message);
		finish_attempt(d, c.seq, of_message);
		settle(d, &c, answer_judge(of_message), retry_after, reason);
	}
	answers_release(&a);
	note_channel(d, b->channel, v == VERDICT_AGAIN || v == VERDICT_UNKNOWN || status >= 77, said);
}

int64_t
dispatch_next(struct dispatch *d)
{
	int64_t next = spool_number(d->spool, INT64_MAX,
	    "SELECT min(due) FROM intent WHERE state IN ('held', 'gathering', 'sent') AND due IS NOT NULL",
	    "");
	int64_t probe = spool_number(d->spool, INT64_MAX,
	    "SELECT min(retry_at) FROM channel WHERE held IS NULL AND retry_at > ? AND EXISTS"
	    " (SELECT 1 FROM intent WHERE state = 'due' AND channel = name)",
	    "i", d->now);

	return next < probe ? next : probe;
}

int64_t
dispatch_open(struct dispatch *d)
{
	return spool_number(d->spool, 0,
	    "SELECT count(*) FROM intent WHERE ended IS NULL AND (state <> 'sent' OR due IS NOT NULL)", "");
}
