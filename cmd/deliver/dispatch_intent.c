/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/dispatch_parts.h"

#include "cmd/deliver/trouble.h"
#include "common/line/tags.h"

void
dispatch_end(struct dispatch *d, int64_t seq, const char *state, const char *reason)
{
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = ?, reason = ?, ended = ?, due = NULL WHERE seq = ?", "ttii",
	    bytes_of(state), bytes_of(reason), d->now, seq);
}

void
dispatch_stop(struct dispatch *d, int64_t seq, const char *reason)
{
	dispatch_end(d, seq, "stopped", reason);
	d->stopped++;
	trouble_next_step(d->spool, seq, d->now);
}

bool
dispatch_is_urgent(const struct dispatch *d, int64_t urgency)
{
	return urgency + 2 >= (int64_t)d->plan->words;
}

void
dispatch_give_up(struct dispatch *d, int64_t seq, const char *reason)
{
	dispatch_end(d, seq, "dead", reason);
	d->failed++;
	trouble_next_step(d->spool, seq, d->now);
}

bool
dispatch_next_route(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t route)
{
	if (sub == NULL || (size_t)route + 1 >= sub->delivery->routes)
		return false;
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'due', route = route + 1, channel = NULL, tries = 0 WHERE seq = ?",
	    "i", seq);
	return true;
}

void
dispatch_gather(struct dispatch *d, int64_t seq, int64_t until)
{
	(void)spool_do(d->spool,
	    "UPDATE intent SET state = 'gathering', channel = NULL, due = ? WHERE seq = ?", "ii", until, seq);
}

#define SAID_BY_B                                                                                            \
	"b.record = a.record AND b.level = a.level AND b.subscription = a.subscription AND b.seq <> a.seq"   \
	" AND b.urgency >= a.urgency"

enum dispatch_told
dispatch_told(struct dispatch *d, const struct subscription *sub, const struct chosen *c)
{
	enum dispatch_told told;

	if (sub->delivery->dedupe == 0 || dispatch_is_urgent(d, c->urgency))
		return DISPATCH_NEWS;
	told = (enum dispatch_told)spool_number(d->spool, DISPATCH_NEWS,
	    "SELECT CASE WHEN EXISTS (SELECT 1 FROM intent AS b WHERE " SAID_BY_B
	    " AND b.last_sent > ?2) THEN 1"
	    " WHEN EXISTS (SELECT 1 FROM intent AS b WHERE b.state = 'sending' AND " SAID_BY_B ") THEN 2"
	    " ELSE 0 END FROM intent AS a WHERE seq = ?1 AND first_sent IS NULL",
	    "ii", c->seq, d->now - 1000 * sub->delivery->dedupe);
	if (told == DISPATCH_TOLD) {
		dispatch_end(d, c->seq, "stopped", "dedupe");
		/* Its case may have come to the last resort before, and wait for nobody else. */
		trouble_exhaust(d->spool, d->now);
	}
	return told;
}

static bool
is_plain(const char *text)
{
	return tags_word_size(bytes_of(text)) == strlen(text);
}

/* What an altered or broken row holds must not be taken for less than it says, nor break a message. */
static bool
read_row(struct dispatch *d, const struct spool_rows *r, struct chosen *c)
{
	struct bytes line = spool_text(r, 12);

	c->urgency = spool_int(r, 0), c->ack = spool_int(r, 1), c->expires = spool_int(r, 2);
	c->tries = spool_int(r, 3), c->reminders = spool_int(r, 4), c->number = spool_int(r, 5);
	c->route = spool_int(r, 6), c->step = spool_int(r, 7);
	c->sending = bytes_are(spool_text(r, 13), "sending");
	d->line.used = 0;
	return c->urgency >= 0 && c->route >= 0 && bytes_string(spool_text(r, 8), c->id, sizeof c->id) &&
	       bytes_string(spool_text(r, 9), c->kind, sizeof c->kind) &&
	       bytes_string(spool_text(r, 10), c->subscription, sizeof c->subscription) &&
	       bytes_string(spool_text(r, 11), c->trouble, sizeof c->trouble) && is_plain(c->id) &&
	       is_plain(c->kind) && is_plain(c->subscription) && is_plain(c->trouble) &&
	       line.size <= DISPATCH_LINE && buffer_append(&d->line, line.at, line.size);
}

bool
dispatch_fetch(struct dispatch *d, int64_t seq, struct chosen *c)
{
	struct spool_rows *r = spool_rows(d->spool,
	    "SELECT urgency, ack, expires, tries, reminders, number, route, step, id, kind, subscription, "
	    "trouble, line, state"
	    " FROM intent WHERE seq = ?",
	    "i", seq);
	bool good;

	if (!spool_next(r))
		return false;
	*c = (struct chosen){ .seq = seq };
	good = read_row(d, r, c);
	spool_done(r);
	if (good && json_slack(&d->line) && json_parse(&d->json, buffer_bytes(&d->line)))
		return true;
	dispatch_give_up(d, seq, "malformed");
	return false;
}

int64_t
dispatch_next_route_at(struct dispatch *d, const struct subscription *sub, const struct chosen *c)
{
	int64_t first, wait = 0;

	if (sub == NULL || (size_t)c->route + 1 >= sub->delivery->routes ||
	    sub->delivery->route[c->route + 1].after == 0)
		return 0;
	first = spool_number(d->spool, 0,
	    "SELECT min(started) FROM attempt WHERE intent = ?1 AND started >= (SELECT accepted FROM intent "
	    "WHERE seq = ?1)",
	    "i", c->seq);
	for (int64_t i = 1; i <= c->route + 1; i++)
		wait += 1000 * sub->delivery->route[i].after;
	return first != 0 ? first + wait : 0;
}
