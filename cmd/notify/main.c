/* SPDX-License-Identifier: ISC */
#include "cmd/notify/match.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/line/filter.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_LIMIT ((size_t)256 << 20)
#define OUTPUT_LIMIT ((size_t)1 << 30)
#define MESSAGES 20

enum { POLICY = 1, SITE, SUBSCRIPTIONS, GRANTS, REVOKED, AUTHORITY, NOW, SUPPRESSED, STRICT };

static const struct option_entry table[] = {
	{ POLICY, 'P', false, "policy", "DIR", "the policy" },
	{ SITE, 'S', false, "site", "DIR", "the site: subscriptions, grants, authority" },
	{ SUBSCRIPTIONS, 0, false, "subscriptions", "PATH",
	    "subscriptions: a YAML or NDJSON file, or a directory" },
	{ GRANTS, 0, false, "grants", "FILE", "signed grants, one a line" },
	{ REVOKED, 0, false, "revoked", "FILE", "signed revocations" },
	{ AUTHORITY, 0, false, "authority", "JWKS", "public keys that sign grants" },
	{ NOW, 0, false, "now", "TIME", "look at the dates of grants, as of TIME" },
	{ SUPPRESSED, 0, false, "suppressed", "FILE", "write who was not told, and why" },
	{ STRICT, 0, false, "strict", NULL, "do not start if a subscription is refused" },
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-notify",
	.operands = "[file ...]",
	.purpose = "Says who is to be told of sealed records: tags and subscriptions in, intents out.\n"
		   "A secondary notification system: not a primary alarm (IEC 60601-1-8).",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct settings {
	const char *policy;
	const char *site;
	const char *subscriptions;
	const char *grants;
	const char *revoked;
	const char *authority;
	const char *now;
	const char *suppressed;
	bool strict;
};

struct notify {
	struct settings set;
	struct arena arena;
	struct policy policy;
	struct notify_policy plan;
	struct signers *signers;
	struct grants grants;
	struct subscriptions subscriptions;
	struct instant now;
	struct sealed_line_reader *reader;
	struct group group;
	struct match match;
	struct buffer out;
	struct buffer stopped;
	struct sink suppressed;
	uint64_t said[MATCH_WARN + 1]; /* of each coverage: the groups that have it */
};

static void
read_options(struct options *o, struct filter *f, struct settings *s)
{
	int id;

	while ((id = options_next(o)) != OPTIONS_END) {
		const char **const texts[] = {
			[POLICY] = &s->policy,
			[SITE] = &s->site,
			[SUBSCRIPTIONS] = &s->subscriptions,
			[GRANTS] = &s->grants,
			[REVOKED] = &s->revoked,
			[AUTHORITY] = &s->authority,
			[NOW] = &s->now,
			[SUPPRESSED] = &s->suppressed,
		};

		if (filter_option(f, o, id))
			continue;
		if (id == STRICT)
			s->strict = true;
		else
			*texts[id] = o->value;
	}
	if (s->policy == NULL)
		options_misuse(o, "needs", "--policy DIR");
}

static _Noreturn void
die_of_fault(const struct fault *f)
{
	fault_print(f);
	exit((int)fault_status(f));
}

/* The bytes of a file that must be there. */
static struct bytes
read_whole(struct notify *n, const char *path)
{
	struct buffer b;

	buffer_init(&b, FILE_LIMIT);
	if (!file_read(path, &b))
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	struct bytes text = arena_copy(&n->arena, buffer_bytes(&b));
	buffer_release(&b);
	return text;
}

/* Whose signatures count: the policy's own list, or the site's, or the one named. */
static void
load_signers(struct notify *n, const struct options *o)
{
	const char *path = n->set.authority;
	struct bytes text;

	if (path == NULL && n->plan.authority.size > 0) {
		const char *name =
		    arena_format(&n->arena, "%.*s", (int)n->plan.authority.size, n->plan.authority.at);
		const struct policy_file *file = policy_file(&n->policy, name);

		if (file == NULL)
			diag_die(EXIT_POLICY, "%s/%s: not in the policy", n->set.policy, name);
		path = file->shown;
		text = file->text;
	} else {
		path = site_path(&n->arena, n->set.site, SITE_AUTHORITY, path);
		if (path == NULL)
			options_misuse(o, "needs --site DIR or", "--authority JWKS");
		text = read_whole(n, path);
	}
	n->signers = signers_read(text);
	if (n->signers == NULL)
		diag_die(EXIT_KEYS, "%s: no keys of an authority", path);
}

static void
load_grants(struct notify *n)
{
	const char *grants = site_path_if_there(&n->arena, n->set.site, SITE_GRANTS, n->set.grants);
	const char *revoked = site_path_if_there(&n->arena, n->set.site, SITE_REVOKED, n->set.revoked);

	grants_init(&n->grants);
	if (grants != NULL)
		grants_read(&n->grants, n->signers, read_whole(n, grants), n->plan.max_lifetime);
	if (n->grants.bad > 0)
		diag_warn("%s: %zu lines that do not verify give nothing", grants, n->grants.bad);
	if (revoked != NULL)
		grants_read(&n->grants, n->signers, read_whole(n, revoked), 0);
	grants_ready(&n->grants);
	if (n->plan.revocation_required && !n->grants.has_revocations)
		diag_die(EXIT_KEYS, "%s: the policy requires a list of revocations, and no good one is there",
		    revoked != NULL ? revoked : "revoked.jwt");
}

static void
say_refused(void *context, const struct subscription *what, const char *why)
{
	(void)context;
	diag_warn("%s:%u: subscription %.*s refused: %s", what->file, what->line, (int)what->id.size,
	    what->id.at, why);
}

static void
load_subscriptions(struct notify *n, const struct options *o)
{
	struct fault fault = { 0 };
	const char *path = site_path(&n->arena, n->set.site, SITE_SUBSCRIPTIONS, n->set.subscriptions);

	if (path == NULL)
		options_misuse(o, "needs --site DIR or", "--subscriptions PATH");
	subscriptions_init(&n->subscriptions, &n->plan, &n->grants, n->set.now != NULL ? &n->now : NULL);
	if (!subscriptions_read(&n->subscriptions, path, say_refused, NULL, &fault)) {
		if (fault.text[0] == '\0')
			diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
		die_of_fault(&fault);
	}
	if (!subscriptions_ready(&n->subscriptions, &fault))
		die_of_fault(&fault);
	if (n->set.strict && n->subscriptions.refused > 0)
		diag_die(EXIT_POLICY, "%zu subscriptions refused (--strict)", n->subscriptions.refused);
}

static void
load(struct notify *n, const struct options *o)
{
	struct fault fault = { 0 };

	if (n->set.now != NULL && !clock_parse_instant(bytes_of(n->set.now), &n->now))
		options_misuse(o, "not a time such as 2026-03-02T09:00:00Z", n->set.now);
	if (!policy_load(&n->policy, n->set.policy, &fault) ||
	    !notify_policy_load(&n->plan, &n->policy, &fault))
		die_of_fault(&fault);
	load_signers(n, o);
	load_grants(n);
	load_subscriptions(n, o);
}

static void
open_suppressed(struct notify *n)
{
	if (n->set.suppressed == NULL)
		return;
	int fd =
	    open(n->set.suppressed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		diag_die(EXIT_IO, "%s: %s", n->set.suppressed, strerror(errno));
	sink_init_take(&n->suppressed, fd, n->set.suppressed);
	n->match.suppressed = &n->stopped;
}

static enum filter_outcome
suppressed_failed(struct notify *n, struct filter *f)
{
	diag_warn("%s: %s", n->suppressed.name, strerror(n->suppressed.error));
	return filter_stop(f, EXIT_IO);
}

static const char *const coverages[] = {
	[MATCH_BY_FLOOR] = "covered-by-floor: nobody who was told may read what is urgent",
	[MATCH_UNCOVERED] = "uncovered: nobody could be told; sent to the last resort",
	[MATCH_WARN] = "uncovered: nobody could be told",
};

/*
 * What nobody heard of makes the run end with 1 at least; that only floor notices went out is said.  After
 * some messages of one kind the rest are counted, as with refused records.
 */
static void
say_coverage(struct notify *n, struct filter *f, enum match_coverage coverage)
{
	const struct group *g = &n->group;

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
}

static enum filter_outcome
decide(struct notify *n, struct filter *f)
{
	enum match_coverage coverage;
	uint64_t before = n->match.data + n->match.floors + n->match.uncovered;

	n->out.used = 0;
	n->stopped.used = 0;
	if (!match_group(&n->match, &n->group, &n->out, &coverage))
		diag_die(EXIT_IO, "more than 1 GiB of intents for one record");
	say_coverage(n, f, coverage);
	group_drop(&n->group);
	f->written += n->match.data + n->match.floors + n->match.uncovered - before;
	if (n->stopped.used > 0 && !sink_put(&n->suppressed, buffer_bytes(&n->stopped)))
		return suppressed_failed(n, f);
	return sink_put(&f->out, buffer_bytes(&n->out)) ? FILTER_DONE : filter_stop(f, EXIT_IO);
}

/* A line of a group that cannot be taken takes with it those that are held. */
static enum filter_outcome
refuse_held(struct notify *n, struct filter *f)
{
	enum filter_outcome outcome = FILTER_DONE;

	for (unsigned i = 0; outcome == FILTER_DONE && i < n->group.count; i++) {
		const struct version *v = n->group.version[i];
		const struct refused what = {
			.source = n->group.source,
			.line = v->line,
			.reason = REASON_VERSIONS_INCOMPLETE,
			.record = v->whole.used > 0 ? buffer_bytes(&v->whole) : (struct bytes){ "", 0 },
		};

		outcome = filter_refuse(f, &what);
	}
	group_drop(&n->group);
	return outcome;
}

/* Under --on-error fail there is one message and one reason: that of the line at hand. */
static enum filter_outcome
refuse_line(struct notify *n, struct filter *f, enum reason reason, size_t byte)
{
	if (f->refusals.on_error == ON_ERROR_FAIL)
		group_drop(&n->group);
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
		switch (group_add(&n->group, &s, line, f->source, f->line, &reason)) {
		case GROUP_OPEN:
			return FILTER_DONE;
		case GROUP_WHOLE:
			return decide(n, f);
		case GROUP_REFUSED:
			return refuse_line(n, f, reason, 0);
		case GROUP_BROKEN:
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
	filter_init(&f, "ehr-notify");
	read_options(&o, &f, &n.set);
	load(&n, &o);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, n.policy.digest);
	if (n.subscriptions.refused > 0)
		f.status = EXIT_REFUSED;
	n.reader = sealed_line_reader_new(f.max_depth);
	group_init(&n.group, &n.plan, &n.policy,
	    n.subscriptions.wants_sealed || f.refusals.on_error == ON_ERROR_QUARANTINE);
	match_init(&n.match, &n.plan, &n.grants, &n.subscriptions, n.set.now != NULL ? &n.now : NULL);
	buffer_init(&n.out, OUTPUT_LIMIT);
	buffer_init(&n.stopped, OUTPUT_LIMIT);
	open_suppressed(&n);
	int status = filter_run(&f, &o, &engine);
	match_release(&n.match);
	group_release(&n.group);
	sealed_line_reader_free(n.reader);
	subscriptions_release(&n.subscriptions);
	grants_release(&n.grants);
	signers_free(n.signers);
	policy_release(&n.policy);
	buffer_release(&n.out);
	buffer_release(&n.stopped);
	arena_release(&n.arena);
	return status;
}
