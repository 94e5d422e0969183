/* SPDX-License-Identifier: ISC */
/* ehr-deliver run: sends what is due until it is stopped. */
#include "cmd/deliver/dispatch.h"
#include "cmd/deliver/intake.h"
#include "cmd/deliver/key.h"
#include "cmd/deliver/steady.h"
#include "cmd/deliver/verbs.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	CALLS_MOST = 1000,
	TICK = 10,   /* milliseconds: how long new intents may wait to be seen */
	LOOK = 1000, /* between two looks at the site's files, where nothing is sent */
	LOCK_SECONDS = 5,
	FULL = 60 * 1000, /* a spool that cannot be written ends the run after so long */
};

struct settings {
	struct verb_files files;
	const char *secrets;
	bool drain;
	bool verbose;
};

static const struct option_entry table[] = {
	VERB_GATE,
	{ OPTION_TEXT(struct settings, secrets), 0, false, "secrets", "DIR",
	    "secrets of channels, each a file" },
	{ OPTION_FLAG(struct settings, drain), 0, false, "drain", NULL, "end when nothing is due, for cron" },
	{ OPTION_FLAG(struct settings, verbose), 'v', false, "verbose", NULL, "print a summary at the end" },
};

static const struct option_manual manual = {
	.program = "ehr-deliver run",
	.operands = "",
	.purpose = "Sends what is due, through the channels of the policy, earliest deadline first.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

/* A call and what it carries. */
struct running {
	struct call *call; /* NULL: it could not be started */
	struct batch *batch;
	bool ended;
	int status;
};

struct lane {
	struct channel *channel; /* NULL: it cannot be used */
	unsigned calls;
};

struct runner {
	struct settings set;
	struct verb_policy policy;
	struct dispatch dispatch;
	struct lane lane[DELIVERY_MAX_CHANNELS];
	struct running running[CALLS_MOST];
	unsigned calls;
	unsigned ended; /* of them */
	struct batch *spare;
	int64_t changes; /* of the spool, when the last round began */
	int64_t looked;  /* at the site's files, by steady_now() */
	int64_t failing; /* since when the spool cannot be written, by steady_now(); 0: it can */
	int64_t offset;  /* from the clock that never steps to the time of day */
	enum diag_exit status;
};

static volatile sig_atomic_t asked_to_end;

static void
on_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

/* The time of day as the last round saw it, and what has passed since. */
static int64_t
now_of(const struct runner *r)
{
	return r->offset + steady_now();
}

/* Inside a transaction that writes. */
static void
read_clock(struct runner *r)
{
	struct dispatch *d = &r->dispatch;
	int64_t step;

	d->now = steady_time(d->spool, &step);
	r->offset = d->now - steady_now();
	if (step == 0)
		return;
	diag_warn("the clock was put %s by %" PRId64 " s: what was left of each deadline is kept",
	    step > 0 ? "forward" : "back", (step > 0 ? step : -step) / 1000);
}

static void
load(struct runner *r, const struct options *o)
{
	struct dispatch *d = &r->dispatch;

	verb_policy_load(&r->policy, o, &r->set.files);
	*d = (struct dispatch){ .spool = verb_open(o, &r->set.files.place),
		.policy = &r->policy.policy,
		.plan = &r->policy.plan,
		.delivery = &r->policy.delivery };
	d->now = verb_now();
	r->offset = d->now - steady_now();
	d->gate = verb_gate(&r->policy, o, &r->set.files, (struct instant){ .seconds = d->now / 1000 });
	if (gate_refused(d->gate) > 0)
		diag_warn("%zu subscriptions do not count (ehr-notify says why)", gate_refused(d->gate));
	dispatch_init(d);
}

static void
open_channels(struct runner *r)
{
	char why[256];

	for (unsigned i = 0; i < r->policy.delivery.channels; i++) {
		const struct delivery_channel *c = &r->policy.delivery.channel[i];

		r->lane[i].channel = channel_open(c, r->set.secrets, spool_directory(r->dispatch.spool), why);
		if (r->lane[i].channel != NULL)
			continue;
		diag_warn("channel %.*s: %s", (int)c->name.size, c->name.at, why);
		r->dispatch.unusable |= UINT32_C(1) << i;
		/* Who gives no secrets uses no channel that has one; a message that needs it is left. */
		if (c->secret.size == 0 || r->set.secrets != NULL)
			r->status = diag_worse(r->status, EXIT_REFUSED);
	}
	if (r->policy.delivery.channels == 0)
		diag_warn("the policy names no channels: nothing can be sent");
}

static struct batch *
take_batch(struct runner *r)
{
	struct batch *b = r->spare;

	r->spare = NULL;
	if (b == NULL) {
		b = memory_zeros(1, sizeof *b);
		buffer_init(&b->text, (size_t)1 << 30);
	}
	return b;
}

static void
give_batch(struct runner *r, struct batch *b)
{
	if (r->spare == NULL) {
		r->spare = b;
		return;
	}
	buffer_release(&b->text);
	free(b);
}

/* Messages for the free slots.  A few slots of each channel are for the two highest criticalities alone. */
static unsigned
fill_lane(struct runner *r, unsigned channel, unsigned filled)
{
	const struct delivery_channel *c = &r->policy.delivery.channel[channel];
	struct lane *l = &r->lane[channel];
	unsigned most = r->policy.delivery.slots < CALLS_MOST ? r->policy.delivery.slots : CALLS_MOST;
	unsigned reserved =
	    r->policy.delivery.reserved < c->slots ? r->policy.delivery.reserved : c->slots - 1;

	enum dispatch_way way = dispatch_way(&r->dispatch, channel);

	if (l->channel == NULL || way == DISPATCH_RESTS || (way == DISPATCH_PROBE && l->calls > 0))
		return filled;
	while (l->calls < (way == DISPATCH_PROBE ? 1 : c->slots) && filled < CALLS_MOST) {
		struct batch *b = take_batch(r);
		bool only_urgent =
		    way == DISPATCH_UP && (l->calls >= c->slots - reserved || filled - r->ended >= most);

		if (!dispatch_fill(
			&r->dispatch, channel, only_urgent, way == DISPATCH_PROBE ? 1 : DISPATCH_MANY, b)) {
			give_batch(r, b);
			break;
		}
		l->calls++;
		r->running[filled++] = (struct running){ .batch = b };
		if (way == DISPATCH_PROBE)
			dispatch_probing(&r->dispatch, channel);
	}
	return filled;
}

/* Reads what the calls say, and finds those that have ended. */
static void
step_calls(struct runner *r)
{
	int64_t now = steady_now();

	for (unsigned i = 0; i < r->calls; i++) {
		struct running *at = &r->running[i];

		if (at->ended || (at->call != NULL && !call_step(at->call, now)))
			continue;
		at->ended = true;
		at->status = at->call == NULL ? EX_OSERR : call_status(at->call);
		r->ended++;
		r->lane[at->batch->channel].calls--;
	}
}

/* The results of calls that have ended. */
static void
note_results(struct runner *r)
{
	for (unsigned i = 0; i < r->calls; i++) {
		const struct running *at = &r->running[i];

		if (at->ended)
			dispatch_result(&r->dispatch, at->batch, at->status,
			    at->call != NULL ? call_answers(at->call) : (struct bytes){ "", 0 },
			    at->call != NULL ? call_said(at->call)
					     : (struct bytes)BYTES("could not be started"));
	}
}

static void
drop_ended(struct runner *r)
{
	for (unsigned i = r->calls; i-- > 0;) {
		struct running *at = &r->running[i];

		if (!at->ended)
			continue;
		give_batch(r, at->batch);
		if (at->call != NULL)
			call_free(at->call);
		*at = r->running[--r->calls];
	}
	r->ended = 0;
}

/* Before each round, so that nothing is sent by a grant that was taken back. */
static bool
look_at_files(struct runner *r)
{
	struct dispatch *d = &r->dispatch;
	enum diag_exit status = EXIT_DONE;
	bool changed;
	char why[512];

	r->looked = steady_now();
	/* By the clock itself: the round that sees it put comes later. */
	if (!gate_refresh(
		d->gate, (struct instant){ .seconds = verb_now() / 1000 }, &changed, &status, why)) {
		diag_warn("%s", why);
		r->status = diag_worse(r->status, status);
		return false;
	}
	if (spool_is_replaced(d->spool)) {
		diag_warn("spool.db was replaced or taken away while it was in use");
		r->status = diag_worse(r->status, EXIT_IO);
		return false;
	}
	return true;
}

/* A full disk may get room again; until then nothing is taken for done. */
static bool
commit(struct runner *r)
{
	struct spool_fault f = { 0 };

	if (spool_commit(r->dispatch.spool, &f)) {
		r->failing = 0;
		return true;
	}
	if (r->failing == 0) {
		diag_warn("%s", f.text);
		r->failing = steady_now();
	}
	if (steady_now() - r->failing >= FULL) {
		r->status = diag_worse(r->status, f.status);
		asked_to_end = 1;
	}
	return false;
}

/* Nothing of a round holds: results are noted again in the next one, messages are not sent. */
static void
take_back(struct runner *r, unsigned filled)
{
	for (unsigned i = filled; i-- > r->calls;) {
		r->lane[r->running[i].batch->channel].calls--;
		give_batch(r, r->running[i].batch);
	}
}

/* One transaction; then the calls that it noted are started.  Returns whether there may be more at once. */
static bool
round_of(struct runner *r)
{
	struct dispatch *d = &r->dispatch;
	unsigned before = r->calls, filled = before;
	bool more;

	spool_begin(d->spool);
	/* Nobody else can commit from here to the end, so what comes later is seen. */
	r->changes = spool_changes(d->spool);
	read_clock(r);
	note_results(r);
	dispatch_time(d);
	dispatch_route(d);
	if (asked_to_end == 0)
		for (unsigned i = 0; i < r->policy.delivery.channels; i++)
			filled = fill_lane(r, i, filled);
	more = dispatch_unrouted(d);
	if (!commit(r)) {
		take_back(r, filled);
		return false;
	}
	r->calls = filled;
	for (unsigned i = before; i < filled; i++)
		r->running[i].call = channel_start(r->lane[r->running[i].batch->channel].channel,
		    buffer_bytes(&r->running[i].batch->text), steady_now());
	drop_ended(r);
	return more;
}

static void
wait_for(struct runner *r, int64_t until)
{
	static struct pollfd polls[CALLS_MOST * CALL_POLLS];
	int64_t wait = until - now_of(r);
	nfds_t count = 0;

	for (unsigned i = 0; i < r->calls; i++)
		if (r->running[i].call == NULL)
			wait = 0;
		else if (!r->running[i].ended)
			call_poll(r->running[i].call, &polls[CALL_POLLS * count++]);
	if (wait > TICK)
		wait = TICK;
	(void)poll(polls, CALL_POLLS * count, wait > 0 ? (int)wait : 0);
}

static void
run(struct runner *r)
{
	struct dispatch *d = &r->dispatch;
	int64_t next = 0;

	while (asked_to_end == 0 || r->calls > 0) {
		bool due;

		step_calls(r);
		due = next <= now_of(r) ||
		      (r->failing == 0 && (r->ended > 0 || spool_changes(d->spool) != r->changes));
		if ((due || steady_now() - r->looked >= LOOK) && !look_at_files(r))
			asked_to_end = 1;
		if (due) {
			bool more = round_of(r);

			next = more ? 0 : dispatch_next(d);
			if (r->failing != 0)
				next = d->now + LOOK;
			/* What is due now and was not started has a channel that rests or cannot be used. */
			if (r->set.drain && r->calls == 0 && next > d->now)
				return;
		}
		wait_for(r, next);
	}
}

static void
listen_to_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
}

static int
finish(struct runner *r)
{
	struct dispatch *d = &r->dispatch;
	int64_t left = dispatch_open(d);

	if (r->set.verbose)
		diag_warn("%" PRIu64 " sent, %" PRIu64 " stopped by the gate, %" PRIu64 " given up, %" PRId64
			  " open",
		    d->sent, d->stopped, d->failed, left);
	if (d->failed > 0)
		r->status = diag_worse(r->status, EXIT_REFUSED);
	if (r->set.drain && left > 0)
		r->status = diag_worse(r->status, EXIT_AGAIN);
	for (unsigned i = 0; i < r->policy.delivery.channels; i++)
		channel_close(r->lane[i].channel);
	dispatch_release(d);
	gate_close(d->gate);
	mac_free(d->key);
	spool_close(d->spool);
	policy_release(&r->policy.policy);
	return (int)r->status;
}

int
verb_run(int argc, char *argv[])
{
	static struct runner r;
	struct spool_fault f = { 0 };
	struct options o;

	verb_read(&o, &manual, &r.set, argc, argv);
	load(&r, &o);
	if (!spool_lock(r.dispatch.spool, LOCK_SECONDS, &f))
		verb_die(&f);
	r.dispatch.key = key_read(r.dispatch.spool, &f);
	if (r.dispatch.key == NULL)
		verb_die(&f);
	open_channels(&r);
	listen_to_signals();
	spool_begin(r.dispatch.spool);
	read_clock(&r);
	intake_words(r.dispatch.spool, &r.policy.plan);
	verb_channels(r.dispatch.spool, &r.policy.delivery);
	dispatch_recover(&r.dispatch);
	verb_commit(r.dispatch.spool);
	run(&r);
	return finish(&r);
}
