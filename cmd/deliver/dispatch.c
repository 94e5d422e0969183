/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/dispatch_parts.h"
#include "cmd/deliver/message.h"
#include "cmd/deliver/trouble.h"
#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <stdlib.h>

enum {
	TIME_MOST = 1024, /* intents of one kind that a round finishes */
	LINE_MOST = DISPATCH_LINE + 4096,
	TAKEN_ALONG = 10000, /* milliseconds that intents wait for one that takes them along */
};

void
dispatch_init(struct dispatch *d)
{
	json_init(&d->json, NULL, JSON_MAX_DEPTH);
	buffer_init(&d->line, LINE_MOST);
	buffer_init(&d->refs, LINE_MOST);
}

void
dispatch_release(struct dispatch *d)
{
	json_release(&d->json);
	buffer_release(&d->line);
	buffer_release(&d->refs);
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

/* What is of no use any more.  A message that was sent and not acknowledged stays a missed one. */
static void
expire(struct dispatch *d)
{
	static struct {
		int64_t seq;
		bool missed;
	} found[TIME_MOST];
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT seq, reason = 'missed' FROM intent WHERE ended IS NULL AND expires <= ? AND state <> "
	    "'sending' LIMIT 1024",
	    "i", d->now);
	size_t count = 0;

	for (; count < TIME_MOST && spool_next(r); count++)
		found[count].seq = spool_int(r, 0), found[count].missed = spool_int(r, 1) == 1;
	spool_done(r);
	for (size_t i = 0; i < count; i++) {
		dispatch_end(d, found[i].seq, "expired", found[i].missed ? "missed" : "expired");
		trouble_next_step(d->spool, found[i].seq, d->now);
	}
}

/* What was sent and not acknowledged goes to the next route when the subscription says so. */
static void
later_routes(struct dispatch *d)
{
	static int64_t seq[TIME_MOST];
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT seq FROM intent WHERE state = 'sent' AND due <= ? AND subscription IS NOT NULL LIMIT "
	    "1024",
	    "i", d->now);
	size_t count = 0;

	while (count < TIME_MOST && spool_next(r))
		seq[count++] = spool_int(r, 0);
	spool_done(r);
	for (size_t i = 0; i < count; i++) {
		struct chosen c;
		const struct subscription *sub;
		int64_t at;

		if (!dispatch_fetch(d, seq[i], &c))
			continue;
		sub = subscriptions_find(gate_subscriptions(d->gate), bytes_of(c.subscription));
		at = dispatch_next_route_at(d, sub, &c);
		if (at != 0 && at <= d->now)
			(void)dispatch_next_route(d, sub, c.seq, c.route);
	}
}

void
dispatch_time(struct dispatch *d)
{
	(void)spool_do(
	    d->spool, "UPDATE intent SET state = 'due' WHERE state = 'held' AND due <= ?", "i", d->now);
	/* One is enough: it takes the others of its digest along, which wait for it a while. */
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'due', channel = NULL WHERE seq IN (SELECT min(seq) FROM intent"
	    " WHERE state = 'gathering' AND due <= ? GROUP BY subscription, level, urgency, trouble)",
	    "i", d->now);
	if (spool_changed(d->spool) > 0)
		(void)spool_do(d->spool,
		    "UPDATE intent SET due = ?1 + ?2 WHERE state = 'gathering' AND due <= ?1", "ii", d->now,
		    (int64_t)TAKEN_ALONG);
	expire(d);
	later_routes(d);
	trouble_time(d->spool, d->delivery, d->now);
}

/* A rate that is used up makes the intent wait for the next window.  A message that failed was counted. */
static bool
exceeds_rate(struct dispatch *d, const struct subscription *sub, const struct chosen *c)
{
	int64_t window = 1000 * sub->delivery->rate_per, left;

	if (sub->delivery->rate_most == 0 || c->tries > 0 || dispatch_is_urgent(d, c->urgency))
		return false;
	left = spool_number(d->spool, 0,
	    "INSERT INTO subscription (id, rate_since, rate_count) VALUES (?1, ?2, 1)"
	    " ON CONFLICT (id) DO UPDATE SET"
	    " rate_count = CASE WHEN rate_since > ?2 - ?3 THEN rate_count + 1 ELSE 1 END,"
	    " rate_since = CASE WHEN rate_since > ?2 - ?3 THEN rate_since ELSE ?2 END"
	    " RETURNING CASE WHEN rate_count > ?4 THEN rate_since + ?3 ELSE 0 END",
	    "tiii", bytes_of(c->subscription), d->now, window, (int64_t)sub->delivery->rate_most);
	if (left != 0)
		dispatch_gather(d, c->seq, left);
	return left != 0;
}

/* What is not urgent waits for the end of quiet hours, if it is of use then. */
static bool
is_quiet(struct dispatch *d, const struct subscription *sub, const struct chosen *c)
{
	const struct subscription_delivery *s = sub->delivery;
	int64_t end;

	if (s->quiet_from == s->quiet_until || dispatch_is_urgent(d, c->urgency) ||
	    c->urgency >= s->quiet_below)
		return false;
	end = 1000 * clock_hours_end((int)s->quiet_from, (int)s->quiet_until, s->quiet_zone, d->now / 1000);
	if (end <= d->now || end >= c->expires)
		return false;
	dispatch_gather(d, c->seq, end);
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

/* A copy of a word of the intent at hand, which the next one takes the place of.  The buffer never moves. */
static struct bytes
keep_word(struct dispatch *d, struct bytes word)
{
	struct bytes kept = { d->refs.at + d->refs.used, word.size };

	buffer_add(&d->refs, word.at, word.size);
	return kept;
}

static struct bytes
reference(const struct json *j)
{
	uint32_t ref = json_member(j, 0, (struct bytes)BYTES("ref"));

	return ref != 0 ? json_inside(j, ref) : (struct bytes){ "", 0 };
}

static struct bytes
subject(const struct json *j)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	uint32_t at = ehr != 0 ? json_member(j, ehr, (struct bytes)BYTES("subject")) : 0;

	return at != 0 ? json_inside(j, at) : (struct bytes){ "", 0 };
}

/* References of other intents that gather for the same digest, each through the gate; they ride along. */
static void
ride_along(struct dispatch *d, const struct subscription *sub, const struct chosen *first, struct batch *b)
{
	struct bytes about = keep_word(d, subject(&d->json));
	struct instant now = { .seconds = d->now / 1000 };
	size_t most = sub->delivery->batch_most > 1 ? sub->delivery->batch_most : DISPATCH_MANY;
	int64_t seq[DISPATCH_MANY];
	size_t found = 0;
	struct spool_rows *r =
	    spool_rows(d->spool, DISPATCH_SAME " AND g.seq <> a.seq ORDER BY g.seq", "i", first->seq);

	while (found + 1 < most && found < DISPATCH_MANY - 1 && spool_next(r))
		seq[found++] = spool_int(r, 0);
	spool_done(r);
	if (found + 1 >= most)
		(void)spool_do(d->spool, "UPDATE intent SET due = ? WHERE seq IN (" DISPATCH_SAME ")", "ii",
		    d->now, first->seq);
	for (size_t i = 0; i < found && b->count < DISPATCH_MANY; i++) {
		const struct subscription *same;
		struct chosen c;
		const char *why;

		if (!dispatch_fetch(d, seq[i], &c))
			continue;
		why = gate_stops(d->gate, &d->json, bytes_of(c.subscription), now, &same);
		if (why != NULL) {
			dispatch_stop(d, c.seq, why);
			continue;
		}
		if (dispatch_told(d, sub, &c) != DISPATCH_NEWS)
			continue;
		note_attempt(d, &c, b->channel);
		b->seq[b->count++] = -c.seq;
		b->mixed = b->mixed || !bytes_equal(subject(&d->json), about);
		if (sub->payload != PAYLOAD_EMPTY && reference(&d->json).size > 0)
			b->ref[b->refs++] = keep_word(d, reference(&d->json));
	}
}

static const char *
message_kind(const struct chosen *c, size_t refs)
{
	if (refs > 0)
		return "digest";
	return c->reminders > 0 ? "reminder" : c->kind;
}

/* Whether anything makes the messages of a subscription wait for each other. */
static bool
is_digested(const struct subscription_delivery *s)
{
	return s->batch_most > 1 || s->rate_most > 0 || s->quiet_from != s->quiet_until;
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
		.no_version = floor || sub == NULL,
		.payload = sub != NULL ? (enum notify_payload)sub->payload : PAYLOAD_EMPTY,
		.purpose = sub != NULL ? sub->purpose : (struct bytes){ "", 0 },
	};
	message_token(d->key, m.id, token);
	if (sub != NULL && !dispatch_is_urgent(d, c->urgency) && is_digested(sub->delivery)) {
		/* All words of a message fit what is reserved. */
		d->refs.used = b->refs = 0;
		b->mixed = false;
		(void)buffer_reserve(&d->refs, LINE_MOST / 2);
		b->ref[b->refs++] = keep_word(d, reference(&d->json));
		ride_along(d, sub, c, b);
		if (dispatch_fetch(d, c->seq, &(struct chosen){ 0 }) && b->refs > 1)
			m.refs = b->ref, m.ref_count = b->refs;
		m.no_subject = b->mixed;
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

/* False: the same is on its way, and what becomes of it decides. */
static bool
choose(struct dispatch *d, int64_t seq, struct batch *b)
{
	const struct subscription *sub = NULL;
	struct instant now = { .seconds = d->now / 1000 };
	enum dispatch_told told;
	const char *why;
	struct chosen c;
	bool floor;

	if (!dispatch_fetch(d, seq, &c))
		return true;
	why = gate_stops(d->gate, &d->json, bytes_of(c.subscription), now, &sub);
	/* Whoever may not read the version any more still hears that something is critical. */
	floor = why != NULL && strcmp(why, "al") == 0 && c.urgency + 1 == (int64_t)d->plan->words &&
		d->plan->floor != FLOOR_SUPPRESS;
	if (c.expires <= d->now) {
		dispatch_end(d, seq, "expired", "expired");
		trouble_next_step(d->spool, seq, d->now);
		return true;
	}
	if (why != NULL && !floor) {
		dispatch_stop(d, seq, why);
		return true;
	}
	if (sub != NULL && !has_route(d, sub, &c, b->channel)) {
		(void)spool_do(d->spool, "UPDATE intent SET channel = NULL WHERE seq = ?", "i", c.seq);
		return true;
	}
	told = sub != NULL ? dispatch_told(d, sub, &c) : DISPATCH_NEWS;
	if (told != DISPATCH_NEWS || (sub != NULL && (is_quiet(d, sub, &c) || exceeds_rate(d, sub, &c))))
		return told != DISPATCH_BEING_TOLD;
	give_number(d, &c);
	note_attempt(d, &c, b->channel);
	b->seq[b->count++] = c.seq;
	write_message(d, &c, sub, floor, b);
	return true;
}

/* The seqs of what is due on CHANNEL, in order. */
static size_t
find_due(struct dispatch *d, const struct delivery_channel *c, bool only_urgent, int64_t seq[DISPATCH_MANY])
{
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT seq FROM intent WHERE state = 'due' AND channel = ? AND urgent >= ?"
	    " ORDER BY urgent DESC, dispatch_by, urgency DESC, seq LIMIT ?",
	    "tii", c->name, (int64_t)only_urgent, (int64_t)c->many);
	size_t found = 0;

	while (found < DISPATCH_MANY && spool_next(r))
		seq[found++] = spool_int(r, 0);
	spool_done(r);
	return found;
}

bool
dispatch_fill(struct dispatch *d, unsigned channel, bool only_urgent, unsigned most, struct batch *b)
{
	const struct delivery_channel *c = &d->delivery->channel[channel];
	int64_t seq[DISPATCH_MANY];
	size_t found, left;

	b->channel = channel;
	b->count = b->messages = 0;
	b->text.used = 0;
	/* What the gate stops is not due any more, so the next ones are looked at. */
	do {
		found = left = find_due(d, c, only_urgent, seq);
		for (size_t i = 0; i < found && b->count < DISPATCH_MANY && b->messages < most; i++)
			left -= choose(d, seq[i], b);
	} while (left < found && b->messages == 0);
	return b->messages > 0;
}

int64_t
dispatch_next(struct dispatch *d)
{
	static const char *const times[] = {
		"SELECT min(due) FROM intent WHERE (state = 'held' OR state = 'gathering' OR state = 'sent')"
		" AND due IS NOT NULL",
		"SELECT min(expires) FROM intent WHERE ended IS NULL AND state <> 'sending'",
	};
	int64_t next = spool_number(d->spool, INT64_MAX,
	    "SELECT min(retry_at) FROM channel WHERE held IS NULL AND retry_at > ? AND EXISTS"
	    " (SELECT 1 FROM intent WHERE state = 'due' AND channel = name)",
	    "i", d->now);
	int64_t again = trouble_next(d->spool, d->delivery);

	if (again < next)
		next = again;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		int64_t at = spool_number(d->spool, INT64_MAX, times[i], "");

		if (at < next)
			next = at;
	}
	return next;
}

int64_t
dispatch_open(struct dispatch *d)
{
	return spool_number(d->spool, 0,
	    "SELECT count(*) FROM intent WHERE ended IS NULL AND (state <> 'sent' OR due IS NOT NULL)", "");
}
