/* SPDX-License-Identifier: ISC */
#include "cmd/select/choice.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/line/filter.h"
#include "common/policy/notify_policy.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_LIMIT ((size_t)64 << 20)

struct settings {
	const char *policy, *site, *decision, *deciders, *grant, *authority, *revoked, *level, *al, *pick,
	    *now, *deliver;
	struct trust_demand trust;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR", "the site: authority, revocations" },
	{ OPTION_TEXT(struct settings, decision), 0, false, "decision", "FILE", "what ehr-authz decided" },
	{ OPTION_TEXT(struct settings, deciders), 0, false, "deciders", "JWKS",
	    "public keys that sign decisions; others do not count" },
	{ OPTION_TEXT(struct settings, grant), 0, false, "grant", "FILE",
	    "a signed grant, in place of a decision" },
	{ OPTION_TEXT(struct settings, authority), 0, false, "authority", "JWKS",
	    "public keys that sign grants" },
	{ OPTION_TEXT(struct settings, revoked), 0, false, "revoked", "FILE", "signed revocations" },
	{ OPTION_TEXT(struct settings, level), 0, false, "level", "L", "no version above this level" },
	{ OPTION_TEXT(struct settings, al), 0, false, "al", "N",
	    "no version above this authorization level" },
	{ OPTION_TEXT(struct settings, pick), 0, false, "pick", "highest|all",
	    "one version of a record, or all that are allowed (highest)" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time at which decision or grant must hold" },
	{ OPTION_TEXT(struct settings, deliver), 0, false, "deliver", "FILE",
	    "where notify and expire of the decision go" },
	TRUST_OPTIONS(struct settings),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-select",
	.example = "ehr-select -S site --decision decision.json --now $(date -u +%FT%TZ) sealed.ndjson",
	.operands = "[file ...]",
	.purpose = "Gives of sealed lines what a decision or a grant allows.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct selection {
	struct settings set;
	struct arena arena;
	struct policy policy;
	struct notify_policy plan; /* zeros if the policy notifies nobody */
	struct grants grants;
	bool loaded; /* the grants */
	struct deciders deciders;
	struct permission permission;
	struct instant now;
	struct sealed_line_reader *reader;
	struct obligations *obligations; /* of the decision, as far as they ask something of the data */
	struct stored_views views;
	struct choice choice;
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
	if (!s->decision == !s->grant)
		options_needs(o, "either --decision FILE or --grant FILE");
	if (s->deciders && !s->decision)
		options_misuse(o, "only together with --decision FILE", "--deciders");
	if (s->deliver && !s->decision)
		options_misuse(o, "only together with --decision FILE", "--deliver");
	if (s->deliver && file_is_same(file_identify(s->deliver), file_identify(s->decision)))
		options_misuse(o, "input and output are the same file", s->deliver);
	trust_options(o, &s->trust);
	if (s->level && s->al)
		options_misuse(o, "not together with --level", "--al");
	if (s->pick && strcmp(s->pick, "highest") != 0 && strcmp(s->pick, "all") != 0)
		options_misuse(o, "neither highest nor all", s->pick);
}

static void
load_policy(struct selection *s)
{
	struct fault fault = { 0 };

	s->set.trust.site = s->set.site;
	s->set.trust.now = s->set.now;
	if (!site_check(s->set.site, &fault) ||
	    !trust_load(&s->policy, s->set.policy, &s->set.trust, &fault) ||
	    (policy_file(&s->policy, "notify.yaml") && !notify_policy_load(&s->plan, &s->policy, &fault)))
		fault_exit(&fault);
}

/* A decision must be one file, with room behind it for the JSON index. */
static struct bytes
read_decision(struct selection *s, const char *path)
{
	struct fault fault = { 0 };
	struct bytes text;

	if (!site_read(&s->arena, path, FILE_LIMIT, &text, &fault))
		fault_exit(&fault);
	return text;
}

/* Loads the authority's lists and, unless it is NULL, the grant.  Ends the program if one does not verify. */
static void
load_grants(struct selection *s, const struct options *o, const char *grant, const struct instant *now)
{
	struct grants_files from =
	    permission_lists(&s->arena, s->set.site, s->set.authority, s->set.revoked, grant);
	struct fault fault = { 0 };
	enum diag_exit status;

	if (!grant && !from.revoked)
		return;
	from.limit = FILE_LIMIT;
	from.now = now;
	notify_policy_grants(&s->plan, s->set.authority, &from);
	/* A decision rests on no grant. */
	from.must_revoke = from.must_revoke && grant;
	if (!from.authority)
		options_needs(o, "--site DIR or --authority JWKS");
	status = grants_load(&s->grants, &from, &s->arena, &fault);
	if (status != EXIT_DONE)
		diag_die(status, "%s: %s", fault.file, fault.text);
	s->loaded = true;
}

/* The grant is checked as ehr-notify checks those of subscribers. */
static enum permission_outcome
load_grant(struct selection *s, const struct options *o, const struct instant *now, const char **why)
{
	load_grants(s, o, s->set.grant, now);
	return permission_of_grant(&s->permission, &s->grants, now, why);
}

static bool
take_obligation(void *context, const struct json *j, uint32_t properties, const char **why)
{
	return obligations_add(context, j, properties, why);
}

/* A decision made before its person or device was revoked gives nothing afterwards. */
static enum permission_outcome
load_decision(struct selection *s, const struct options *o, const struct instant *now, const char **why)
{
	struct fault fault = { 0 };
	enum diag_exit status = deciders_load(&s->deciders, &s->arena, s->set.site, s->set.deciders, &fault);
	enum permission_outcome outcome;
	int64_t max_age;

	if (status != EXIT_DONE)
		diag_die(status, "%s: %s", fault.file, fault.text);
	if (!permission_max_age(&s->policy, &max_age, &fault))
		fault_exit(&fault);
	outcome = permission_of_decision(&s->permission, read_decision(s, s->set.decision),
	    &(struct permission_terms){ .policy = &s->policy,
		.now = now,
		.max_age = max_age,
		.deciders = &s->deciders,
		.delivers = s->set.deliver != NULL,
		.program = "ehr-select",
		.take = take_obligation,
		.context = s->obligations },
	    why);
	load_grants(s, o, NULL, now);
	if (outcome != PERMISSION_GIVEN || !permission_is_revoked(&s->permission, &s->grants.revoked))
		return outcome;
	*why = grant_fault_word(GRANT_REVOKED);
	return PERMISSION_DENIED;
}

static void
load_permission(struct selection *s, const struct options *o)
{
	const char *path = s->set.decision ? s->set.decision : s->set.grant, *why = NULL;
	const struct instant *now = s->set.now ? &s->now : NULL;
	enum permission_outcome outcome;

	if (now && !clock_parse_instant(bytes_of(s->set.now), &s->now))
		options_misuse(o, "not a time such as 2026-03-02T09:00:00Z", s->set.now);
	outcome = s->set.decision ? load_decision(s, o, now, &why) : load_grant(s, o, now, &why);
	if (outcome == PERMISSION_NEEDS_NOW)
		options_misuse(o, "needs --now TIME, for it holds for some time only", path);
	if (outcome != PERMISSION_GIVEN)
		diag_die(outcome == PERMISSION_FORGED ? EXIT_KEYS : EXIT_DENIED, "%s: denied: %s", path, why);
}

/* The limit that the reader sets herself.  One above the permission is denied, not lowered. */
static unsigned
limit_of(const struct selection *s, const struct options *o)
{
	unsigned al = 0;

	if (s->set.level) {
		int level = policy_level(&s->policy, bytes_of(s->set.level));

		struct closest near = policy_level_near(&s->policy, bytes_of(s->set.level));

		if (level < 0)
			options_unknown(o, "not a level of the policy", s->set.level, &near, "");
		al = s->policy.level[level].al;
	} else if (s->set.al) {
		uint64_t number;

		if (!options_number(s->set.al, 999, &number))
			options_misuse(o, "not an authorization level", s->set.al);
		al = (unsigned)number;
	} else {
		return s->permission.al;
	}
	if (al > s->permission.al)
		diag_die(EXIT_DENIED, "%s: denied: it allows no more than AL %u",
		    s->set.decision ? s->set.decision : s->set.grant, s->permission.al);
	return al;
}

/* Obligations to redact and to keep-only are carried out by a view of the versions allowed, or not at all. */
static void
choose_views(struct selection *s)
{
	struct fault fault = { 0 };
	const char *action;

	if (!obligations_any(s->obligations))
		return;
	if (!stored_views_load(&s->views, &s->policy, &fault))
		fault_exit(&fault);
	s->choice.views = &s->views;
	s->choice.viewed = stored_views_for(&s->views, s->obligations, &action);
	for (unsigned i = 0; i < s->views.count; i++)
		if (s->policy.level[s->views.at[i].level].al > s->choice.al)
			s->choice.viewed &= ~(UINT64_C(1) << i);
	if (s->choice.viewed == 0)
		diag_die(EXIT_DENIED,
		    "%s: denied: the decision has an obligation that ehr-select cannot carry out: %s: "
		    "no view of redact.yaml up to AL %u does it, but ehr-redact --decision can",
		    s->set.decision, action, s->choice.al);
}

/* What others must do is on disk before anything is given. */
static void
deliver(const struct selection *s)
{
	const char *path = s->set.deliver, *why;
	size_t cut = 0;

	why = path ? permission_deliver(&s->permission, path, &cut) : NULL;
	if (why != NULL)
		diag_die(file_fault_status(errno), "%s: %s", path, why);
	if (cut > 0)
		diag_warn(
		    "%s: an unfinished last line of %zu bytes is cut off, left by a run that was killed",
		    path, cut);
}

/* A permission that fits no line is more often a mistake than an empty record or store. */
static void
say_unmatched(struct selection *s, struct filter *f)
{
	const char *path = s->set.decision ? s->set.decision : s->set.grant;

	if (s->choice.matched > 0 || (s->choice.others == 0 && f->read > 0))
		return;
	f->status = diag_worse(f->status, EXIT_REFUSED);
	if (s->choice.others == 0)
		diag_warn("%s: there was no line, so none is about its subject", path);
	else if (s->set.grant)
		diag_warn("%s: no line is about a subject of this grant", path);
	else if (s->permission.by_pseudonym)
		diag_warn("%s: no line is about the subject of this decision", path);
	else
		diag_warn("%s: the decision names no pseudonym, and no line is about its patient: the lines "
			  "have pseudonyms (see ehr-keys pseudonym --entities)",
		    path);
}

/* Refuses the lines of the group at hand: it will not be whole. */
static enum filter_outcome
refuse_group(struct selection *s, struct filter *f)
{
	struct choice *c = &s->choice;
	enum filter_outcome outcome = FILTER_DONE;

	for (unsigned i = 0; outcome == FILTER_DONE && i < c->count; i++) {
		const struct refused what = { .source = c->source,
			.line = c->line[i].number,
			.reason = REASON_VERSIONS_INCOMPLETE,
			.record = choice_line(c, i) };

		outcome = filter_refuse(f, &what);
	}
	choice_break(c);
	return outcome;
}

/* Under --on-error fail there is one message, for this line; the lines held get none. */
static enum filter_outcome
refuse_line(struct selection *s, struct filter *f, enum reason reason, size_t byte)
{
	if (f->refusals.on_error == ON_ERROR_FAIL)
		choice_break(&s->choice);
	else if (refuse_group(s, f) != FILTER_DONE)
		return FILTER_STOP;
	return filter_no(f, reason, byte);
}

static enum filter_outcome
take_line(void *context, struct filter *f, struct bytes line)
{
	struct selection *s = context;
	struct sealed_line sealed;
	enum reason reason;

	if (!sealed_line_read(s->reader, line, false, &sealed))
		return refuse_line(s, f, sealed.reason, sealed.byte);
	for (;;) {
		switch (choice_add(&s->choice, &sealed, line, f->source, f->line, &reason)) {
		case CHOICE_TAKEN:
			return FILTER_DONE;
		case CHOICE_REFUSED:
			return refuse_line(s, f, reason, 0);
		case CHOICE_BROKEN:
			if (refuse_group(s, f) != FILTER_DONE)
				return FILTER_STOP;
			break;
		}
	}
}

static enum filter_outcome
at_end(void *context, struct filter *f)
{
	struct selection *s = context;

	if (refuse_group(s, f) != FILTER_DONE)
		return FILTER_STOP;
	say_unmatched(s, f);
	return choice_write(&s->choice, &f->out, &f->written) ? FILTER_DONE : filter_stop(f, EXIT_IO);
}

static void
summarise(void *context, struct buffer *text)
{
	const struct choice *c = &((const struct selection *)context)->choice;
	char more[64];
	int size = snprintf(more, sizeof more, ", %" PRIu64 " about others", c->others);

	(void)buffer_append(text, more, (size_t)size);
}

static void
release(struct selection *s)
{
	choice_release(&s->choice);
	obligations_free(s->obligations);
	permission_release(&s->permission);
	deciders_release(&s->deciders);
	sealed_line_reader_free(s->reader);
	if (s->loaded)
		grants_release(&s->grants);
	policy_release(&s->policy);
	arena_release(&s->arena);
}

int
main(int argc, char *argv[])
{
	static struct selection s;
	const struct filter_engine engine = {
		.context = &s, .record = take_line, .end = at_end, .summary = summarise, .envelope = 2
	};
	struct filter f;
	struct options o;
	int status;

	start_program("ehr-select");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	read_options(&o, &f, &s.set);
	load_policy(&s);
	s.obligations = obligations_new(&s.policy);
	load_permission(&s, &o);
	choice_init(&s.choice, &s.permission, &s.policy);
	s.choice.al = limit_of(&s, &o);
	choose_views(&s);
	s.choice.all = s.set.pick && strcmp(s.set.pick, "all") == 0;
	s.reader = sealed_line_reader_new(f.max_depth);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, s.policy.digest);
	if (f.verbose && s.policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, s.policy.directory, s.policy.digest);
	if (s.set.deliver)
		filter_output(&f, &o, s.set.deliver);
	deliver(&s);
	status = filter_run(&f, &o, &engine);
	release(&s);
	return status;
}
