/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/dispatch_parts.h"
#include "cmd/deliver/trouble.h"

enum { ROUTE_MOST = 1024 /* intents routed in a round */ };

/* An intent of a subscription that gathers waits for others of its kind. */
static bool
gathers(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t urgency, int64_t accepted,
    int64_t due)
{
	const struct subscription_delivery *s = sub->delivery;
	int64_t until = accepted + 1000 * s->batch_wait;

	if (s->batch_most < 2 || dispatch_is_urgent(d, urgency) || due > accepted || until <= d->now)
		return false;
	dispatch_gather(d, seq, until);
	if ((uint64_t)spool_number(d->spool, 0, "SELECT count(*) FROM (" DISPATCH_SAME ")", "i", seq) >=
	    s->batch_most)
		(void)spool_do(d->spool, "UPDATE intent SET due = ? WHERE seq IN (" DISPATCH_SAME ")", "ii",
		    d->now, seq);
	return true;
}

/* The place of the channel, if the policy has it and allows the address; -1. */
static int
way_to(const struct dispatch *d, struct bytes channel, struct bytes to)
{
	int found = delivery_channel_find(d->delivery, channel);

	return found >= 0 && delivery_allows(&d->delivery->channel[found], to) ? found : -1;
}

static void
go(struct dispatch *d, int64_t seq, int channel, int64_t skipped)
{
	(void)spool_do(d->spool,
	    "UPDATE intent SET channel = ?, route = route + ?2, tries = CASE WHEN ?2 > 0 THEN 0 ELSE tries "
	    "END"
	    " WHERE seq = ?3",
	    "tii", d->delivery->channel[channel].name, skipped, seq);
}

enum dispatch_way
dispatch_way(struct dispatch *d, unsigned channel)
{
	struct bytes name = d->delivery->channel[channel].name;

	if ((d->unusable & UINT32_C(1) << channel) != 0 ||
	    spool_number(d->spool, 0,
		"SELECT 1 FROM channel WHERE name = ? AND (held IS NOT NULL OR retry_at > ?)", "ti", name,
		d->now) == 1)
		return DISPATCH_RESTS;
	if (spool_number(d->spool, 0, "SELECT failures FROM channel WHERE name = ?", "t", name) <
	    DISPATCH_FAILURES)
		return DISPATCH_UP;
	return spool_number(d->spool, 0,
		   "SELECT 1 FROM intent WHERE state = 'sending' AND channel = ? LIMIT 1", "t", name) == 1
		   ? DISPATCH_RESTS
		   : DISPATCH_PROBE;
}

void
dispatch_probing(struct dispatch *d, unsigned channel)
{
	(void)spool_do(d->spool,
	    "UPDATE intent SET channel = NULL WHERE channel = ? AND urgent = 1 AND state = 'due'", "t",
	    d->delivery->channel[channel].name);
}

/*
 * The first route, from the one on that the intent has, whose channel is up.  If there is none it waits on
 * the first that is allowed, and the next step of its case does not wait.
 */
static void
take_route(struct dispatch *d, const struct subscription_delivery *s, int64_t seq, int64_t route)
{
	int64_t waits = -1;

	for (int64_t i = route; i < (int64_t)s->routes; i++) {
		int channel = way_to(d, s->route[i].channel, s->route[i].to);

		if (channel >= 0 && dispatch_way(d, (unsigned)channel) != DISPATCH_RESTS) {
			go(d, seq, channel, i - route);
			return;
		}
		if (channel >= 0 && waits < 0)
			waits = i;
	}
	if (waits < 0) {
		dispatch_give_up(d, seq, "address");
		return;
	}
	go(d, seq, way_to(d, s->route[waits].channel, s->route[waits].to), waits - route);
	trouble_next_step(d->spool, seq, d->now);
}

static void
take_last_resort(struct dispatch *d, int64_t seq)
{
	int last = d->delivery->last_channel;

	if (last < 0)
		dispatch_give_up(d, seq, "no-last-resort");
	else if (way_to(d, d->delivery->channel[last].name, d->delivery->last_to) < 0)
		dispatch_give_up(d, seq, "address");
	else
		go(d, seq, last, 0);
}

struct row {
	int64_t seq, urgency, accepted, due, route;
	char subscription[130], kind[32];
};

static void
route_one(struct dispatch *d, const struct row *r)
{
	const struct subscription *sub;

	if (r->subscription[0] == '\0') {
		if (strcmp(r->kind, "notice") == 0)
			trouble_tell_class(d->spool, d->gate, d->plan, r->seq, d->now);
		else
			take_last_resort(d, r->seq);
		return;
	}
	sub = subscriptions_find(gate_subscriptions(d->gate), bytes_of(r->subscription));
	if (sub == NULL)
		dispatch_stop(d, r->seq, gate_missing(d->gate, bytes_of(r->subscription)));
	else if ((size_t)r->route >= sub->delivery->routes)
		dispatch_give_up(d, r->seq, "no-route");
	else if (!gathers(d, sub, r->seq, r->urgency, r->accepted, r->due))
		take_route(d, sub->delivery, r->seq, r->route);
}

void
dispatch_route(struct dispatch *d)
{
	struct spool_rows *rows = spool_rows(d->spool,
	    "SELECT seq, urgency, accepted, due, route, subscription, kind FROM intent"
	    " WHERE state = 'due' AND channel IS NULL ORDER BY urgent DESC, dispatch_by, urgency DESC, seq "
	    "LIMIT 1024",
	    "");
	static struct row found[ROUTE_MOST];
	size_t count = 0;

	while (count < ROUTE_MOST && spool_next(rows)) {
		struct row *r = &found[count++];

		*r = (struct row){ spool_int(rows, 0), spool_int(rows, 1), spool_int(rows, 2),
			spool_int(rows, 3), spool_int(rows, 4), "", "" };
		(void)bytes_string(spool_text(rows, 5), r->subscription, sizeof r->subscription);
		(void)bytes_string(spool_text(rows, 6), r->kind, sizeof r->kind);
	}
	spool_done(rows);
	for (size_t i = 0; i < count; i++)
		route_one(d, &found[i]);
}

bool
dispatch_unrouted(struct dispatch *d)
{
	return spool_number(d->spool, 0,
		   "SELECT 1 FROM intent WHERE state = 'due' AND channel IS NULL LIMIT 1", "") == 1;
}
