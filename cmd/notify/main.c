/* SPDX-License-Identifier: ISC */
#include "cmd/notify/match.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/line/filter.h"
#include "common/policy/permission.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"
#include "common/subscription/subscriptions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define FILE_LIMIT ((size_t)256 << 20)
#define OUTPUT_LIMIT ((size_t)1 << 30)
#define MESSAGES 20

struct settings {
	const char *policy;
	const char *site;
	const char *subscriptions;
	const char *grants;
	const char *revoked;
	const char *authority;
	const char *now;
	const char *suppressed;
	struct trust_demand trust;
	bool strict;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site: subscriptions, grants, authority" },
	SUBSCRIPTIONS_OPTIONS(struct settings),
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time; needed where grants or revocations end" },
	{ OPTION_TEXT(struct settings, suppressed), 0, false, "suppressed", "FILE",
	    "write who was not told, and why" },
	{ OPTION_FLAG(struct settings, strict), 0, false, "strict", NULL,
	    "do not start if a subscription is refused" },
	TRUST_OPTIONS(struct settings),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-notify",
	.example = "ehr-notify -S site --now $(date -u +%FT%TZ) <sealed.ndjson >intents.ndjson",
	.operands = "[file ...]",
	.purpose = "Says who is to be told of sealed records: tags and subscriptions in, intents out.\n"
		   "A secondary notification system: not a primary alarm (IEC 60601-1-8).",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct notify {
	struct settings set;
	struct arena arena;
	struct policy policy;
	struct notify_policy plan;
	struct grants grants;
	struct subscriptions subscriptions;
	struct instant now;
	struct sealed_line_reader *reader;
	struct version_group group;
	struct match match;
	struct buffer out;
	struct buffer stopped;
	struct buffer alarms;
	uint64_t mistakes; /* in subscriptions */
	struct sink suppressed;
	uint64_t said[MATCH_WARN + 1]; /* by coverage: groups */
};

static void
read_options(struct options *o, struct filter *f, struct settings *s)
{
	int id;

	options_into(o, s);
	while ((id = options_next(o)) != OPTIONS_END)
		if (!filter_option(f, o, id))
			diag_bug("an option without a case");
	trust_policy(o, &s->policy, s->site);
}

static void
load_grants(struct notify *n, const struct options *o)
{
	struct grants_files from = permission_lists(&n->arena, n->set.site, n->set.authority, n->set.revoked,
	    site_path_if_there(&n->arena, n->set.site, SITE_GRANTS, n->set.grants));
	struct fault fault = { 0 };
	enum diag_exit status;

	from.limit = FILE_LIMIT;
	from.now = n->set.now != NULL ? &n->now : NULL;
	notify_policy_grants(&n->plan, n->set.authority, &from);
	if (from.authority == NULL)
		options_needs(o, "--site DIR or --authority JWKS");
	status = grants_load(&n->grants, &from, &n->arena, &fault);
	if (n->grants.unfinished)
		diag_warn("%s: the last line is unfinished and does not count", from.grants);
	if (status != EXIT_DONE)
		diag_die(status, "%s: %s", fault.file, fault.text);
	if (n->grants.bad > 0)
		diag_warn("%s: %zu lines that do not verify give nothing", from.grants, n->grants.bad);
	if (n->set.now == NULL && grants_end(&n->grants))
		options_misuse(o, "needs --now TIME, because this ends some time",
		    n->grants.count > 0 ? from.grants : from.revoked);
}

/* One of many mistakes is enough to call somebody. */
static void
add_alarm(struct notify *n, const struct subscription_refusal *what)
{
	if (++n->mistakes <= MESSAGES && !intent_write_alarm(&n->alarms, &n->plan, n->policy.digest, what))
		diag_bug("an alarm longer than 1 GiB");
}

static void
refused(void *context, const struct subscription_refusal *what)
{
	char place[40] = "";
	int size = 0;

	if (what->line > 0)
		size = snprintf(place, sizeof place, ":%u", what->line);
	if (what->line > 0 && what->column > 0)
		(void)snprintf(place + size, sizeof place - (size_t)size, ":%u", what->column);
	diag_warn("%s%s: subscription%s%.*s refused: %s", what->file, place, what->id.size > 0 ? " " : "",
	    (int)what->id.size, what->id.at, what->why);
	if (what->code != NULL)
		add_alarm(context, what);
}

static void
load_subscriptions(struct notify *n, const struct options *o)
{
	const char *path = site_path(&n->arena, n->set.site, SITE_SUBSCRIPTIONS, n->set.subscriptions);

	if (path == NULL)
		options_misuse(o, "needs --site DIR or", "--subscriptions PATH");
	buffer_init(&n->alarms, OUTPUT_LIMIT);
	subscriptions_init(&n->subscriptions, &n->plan, &n->grants, n->set.now != NULL ? &n->now : NULL);
	if (!subscriptions_read(&n->subscriptions, path, refused, n))
		diag_die(EXIT_IO, "%s: %s", path, file_read_fault(errno));
	subscriptions_ready(&n->subscriptions, refused, n);
	if (n->set.strict && n->subscriptions.refused > 0)
		diag_die(EXIT_POLICY, "%zu subscriptions refused (--strict)", n->subscriptions.refused);
}

/* At once: the next record may be long in coming. */
static void
write_alarms(struct notify *n, struct filter *f)
{
	if (n->mistakes > 0 || n->subscriptions.refused > 0)
		f->status = diag_worse(f->status, EXIT_REFUSED);
	for (size_t i = 0; i < n->alarms.used; i++)
		f->written += n->alarms.at[i] == '\n';
	if (!sink_put(&f->out, buffer_bytes(&n->alarms)) || !sink_flush(&f->out))
		diag_die(EXIT_IO, "%s: %s", f->out.name, strerror(f->out.error));
	n->alarms.used = 0;
}

/* Before the first record. */
static void
write_first_alarms(struct notify *n, struct filter *f)
{
	if (n->mistakes > MESSAGES)
		diag_warn("%" PRIu64 " mistakes in subscriptions; alarms are written for the first %d",
		    n->mistakes, MESSAGES);
	write_alarms(n, f);
}

static void
load(struct notify *n, const struct options *o)
{
	struct fault fault = { 0 };

	if (n->set.now != NULL && !clock_parse_instant(bytes_of(n->set.now), &n->now))
		options_misuse(o, "not a time such as 2026-03-02T09:00:00Z", n->set.now);
	trust_options(o, &n->set.trust);
	n->set.trust.site = n->set.site;
	n->set.trust.now = n->set.now;
	if (!site_check(n->set.site, &fault) ||
	    !trust_load(&n->policy, n->set.policy, &n->set.trust, &fault) ||
	    !notify_policy_load(&n->plan, &n->policy, &fault))
		fault_exit(&fault);
	load_grants(n, o);
	load_subscriptions(n, o);
}

static void
open_suppressed(struct notify *n, struct filter *f, const struct options *o)
{
	if (n->set.suppressed == NULL)
		return;
	filter_create(f, o, n->set.suppressed, &n->suppressed);
	n->match.suppressed = &n->stopped;
}

static enum filter_outcome
suppressed_failed(struct notify *n, struct filter *f)
{
	diag_warn("%s: %s", n->suppressed.name, strerror(n->suppressed.error));
	return filter_stop(f, EXIT_IO);
}

static const char *const coverages[] = {
	[MATCH_BY_FLOOR] =
	    "covered-by-floor: nobody who was told may read what is urgent; grant somebody a level that does",
	[MATCH_UNCOVERED] = "uncovered: nobody could be told; sent to the last resort; let somebody who is "
			    "granted the level subscribe",
	[MATCH_WARN] = "uncovered: nobody could be told; let somebody who is granted the level subscribe",
};

/*
 * Warns about a group that its tier does not cover.  An uncovered group makes the run end with EXIT_REFUSED
 * at least.  After MESSAGES warnings of a kind the rest are counted, as for refused records.
 */
static void
say_coverage(struct notify *n, struct filter *f, enum match_coverage coverage)
{
	const struct version_group *g = &n->group;

	if (coverage == MATCH_COVERED)
		return;
	if (++n->said[coverage] <= MESSAGES)
		diag_warn("%s:%zu: %s", g->source, g->version[0]->line, coverages[coverage]);
	if (coverage == MATCH_UNCOVERED)
		f->status = diag_worse(f->status, EXIT_REFUSED);
}

static void
say_the_rest(const struct notify *n)
{
	for (size_t i = MATCH_BY_FLOOR; i < sizeof coverages / sizeof coverages[0]; i++)
		if (n->said[i] > MESSAGES)
			diag_warn("... and %" PRIu64 " more: %s", n->said[i] - MESSAGES, coverages[i]);
	if (n->match.ended > 0)
		diag_warn(
		    "grant-expired: %" PRIu64 " messages did not go out, as the grants of %" PRIu64
		    " subscriptions have ended; ehr-keys subscribe again, or take the subscription away",
		    n->match.ended, n->match.ended_carriers);
}

static void
say_endless(void *context, const struct subscription *what, bool crashed)
{
	struct notify *n = context;

	const struct subscription_refusal mistake = {
		.file = what->file,
		.line = what->line,
		.id = what->id,
		.why = crashed ? "condition-crash: the process that evaluates `when` crashed"
			       : "condition-timeout: `when` took too much time or memory",
		.code = crashed ? "condition-crash" : "condition-timeout",
	};

	refused(n, &mistake);
}

static uint64_t
intents_of(const struct match *m)
{
	return m->data + m->floors + m->notices + m->uncovered;
}

static enum filter_outcome
decide(struct notify *n, struct filter *f)
{
	enum match_coverage coverage;
	uint64_t before = intents_of(&n->match);

	n->out.used = 0;
	n->stopped.used = 0;
	if (!match_group(&n->match, &n->group, &n->out, &coverage))
		diag_die(EXIT_IO, "more than 1 GiB of intents for one record");
	say_coverage(n, f, coverage);
	if (n->mistakes > 0)
		write_alarms(n, f);
	version_group_drop(&n->group);
	f->written += intents_of(&n->match) - before;
	if (n->stopped.used > 0 && !sink_put(&n->suppressed, buffer_bytes(&n->stopped)))
		return suppressed_failed(n, f);
	return sink_put(&f->out, buffer_bytes(&n->out)) ? FILTER_DONE : filter_stop(f, EXIT_IO);
}

/* Refuses the lines that are held: their group will not be whole. */
static enum filter_outcome
refuse_held(struct notify *n, struct filter *f)
{
	enum filter_outcome outcome = FILTER_DONE;

	for (unsigned i = 0; outcome == FILTER_DONE && i < n->group.count; i++) {
		const struct sealed_version *v = n->group.version[i];
		const struct refused what = {
			.source = n->group.source,
			.line = v->line,
			.reason = REASON_VERSIONS_INCOMPLETE,
			.record = v->whole.used > 0 ? buffer_bytes(&v->whole) : (struct bytes){ "", 0 },
		};

		outcome = filter_refuse(f, &what);
	}
	version_group_drop(&n->group);
	return outcome;
}

/* Under --on-error fail there is one message, for this line; the lines held get none. */
static enum filter_outcome
refuse_line(struct notify *n, struct filter *f, enum reason reason, size_t byte)
{
	if (f->refusals.on_error == ON_ERROR_FAIL)
		version_group_drop(&n->group);
	else if (refuse_held(n, f) != FILTER_DONE)
		return FILTER_STOP;
	return filter_no(f, reason, byte);
}

static enum filter_outcome
take_line(void *context, struct filter *f, struct bytes line)
{
	struct notify *n = context;
	struct sealed_line s;
	enum reason reason;

	if (!sealed_line_read(n->reader, line, true, &s))
		return refuse_line(n, f, s.reason, s.byte);
	for (;;) {
		switch (version_group_add(&n->group, &s, line, f->source, f->line, &reason)) {
		case VERSION_GROUP_OPEN:
			return FILTER_DONE;
		case VERSION_GROUP_WHOLE:
			return decide(n, f);
		case VERSION_GROUP_REFUSED:
			return refuse_line(n, f, reason, 0);
		case VERSION_GROUP_BROKEN:
			if (refuse_held(n, f) != FILTER_DONE)
				return FILTER_STOP;
			break;
		}
	}
}

static enum filter_outcome
at_end(void *context, struct filter *f)
{
	struct notify *n = context;

	(void)refuse_held(n, f);
	say_the_rest(n);
	if (n->set.suppressed != NULL && !sink_close(&n->suppressed))
		return suppressed_failed(n, f);
	return FILTER_DONE;
}

static void
summarise(void *context, struct buffer *text)
{
	const struct match *m = &((const struct notify *)context)->match;
	char more[160];
	int size = snprintf(more, sizeof more,
	    ", %" PRIu64 " data, %" PRIu64 " floor, %" PRIu64 " stopped by a gate, %" PRIu64 " uncovered",
	    m->data, m->floors, m->stopped, m->uncovered);

	(void)buffer_append(text, more, (size_t)size);
}

int
main(int argc, char *argv[])
{
	static struct notify n;
	const struct filter_engine engine = {
		.context = &n, .record = take_line, .end = at_end, .summary = summarise, .envelope = 2
	};
	struct filter f;
	struct options o;

	start_program("ehr-notify");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	read_options(&o, &f, &n.set);
	load(&n, &o);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, n.policy.digest);
	if (f.verbose && n.policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, n.policy.directory, n.policy.digest);
	write_first_alarms(&n, &f);
	n.reader = sealed_line_reader_new(f.max_depth);
	version_group_init(&n.group, &n.plan, &n.policy,
	    n.subscriptions.wants_sealed || f.refusals.on_error == ON_ERROR_QUARANTINE);
	match_init(&n.match, &n.plan, &n.grants, &n.subscriptions, n.set.now != NULL ? &n.now : NULL);
	n.match.milliseconds = n.policy.condition_seconds * 1000;
	n.match.endless = say_endless;
	n.match.endless_context = &n;
	buffer_init(&n.out, OUTPUT_LIMIT);
	buffer_init(&n.stopped, OUTPUT_LIMIT);
	open_suppressed(&n, &f, &o);
	int status = filter_run(&f, &o, &engine);
	match_release(&n.match);
	version_group_release(&n.group);
	sealed_line_reader_free(n.reader);
	subscriptions_release(&n.subscriptions);
	grants_release(&n.grants);
	policy_release(&n.policy);
	buffer_release(&n.out);
	buffer_release(&n.stopped);
	buffer_release(&n.alarms);
	arena_release(&n.arena);
	return status;
}
