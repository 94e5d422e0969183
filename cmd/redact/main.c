/* SPDX-License-Identifier: ISC */
#include "cmd/redact/permit.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/line/filter.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"
#include "common/redact/redact_keys.h"
#include "common/redact/redactor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct settings {
	const char *policy, *site, *keys, *levels, *batch, *now, *other_policy;
	struct trust_demand trust;
	bool fhir_labels;
	struct permit_options permit; /* its site is SITE */
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site, whose keys/ has the keys of redact.yaml" },
	{ OPTION_TEXT(struct settings, keys), 0, false, "keys", "DIR", "the key directory" },
	{ OPTION_TEXT(struct settings, levels), 0, false, "levels", "L,N",
	    "make the versions of these levels only" },
	{ OPTION_TEXT(struct settings, permit.decision), 0, false, "decision", "FILE",
	    "carry out what ehr-authz decided: one version of each record" },
	{ OPTION_TEXT(struct settings, permit.deciders), 0, false, "deciders", "JWKS",
	    "public keys that sign decisions; others do not count" },
	{ OPTION_TEXT(struct settings, permit.level), 0, false, "level", "L",
	    "no version above this level; with --decision" },
	{ OPTION_TEXT(struct settings, permit.handled), 0, false, "handled", "LIST",
	    "obligations that the caller carries out: audit,notify,expire" },
	{ OPTION_TEXT(struct settings, permit.deliver), 0, false, "deliver", "FILE",
	    "where notify and expire of the decision go" },
	{ OPTION_TEXT(struct settings, permit.authority), 0, false, "authority", "JWKS",
	    "public keys that sign revocations" },
	{ OPTION_TEXT(struct settings, permit.revoked), 0, false, "revoked", "FILE", "signed revocations" },
	{ OPTION_FLAG(struct settings, fhir_labels), 0, false, "fhir-labels", NULL,
	    "write into each version the labels of what it holds, as FHIR has them" },
	{ OPTION_TEXT(struct settings, batch), 0, false, "batch", "ID",
	    "what tokens with scope batch are bound to" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time at which ages are computed (RFC 3339)" },
	{ OPTION_TEXT(struct settings, other_policy), 0, false, "other-policy", "accept",
	    "take records that another policy labelled" },
	TRUST_OPTIONS(struct settings),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-redact",
	.example = "ehr-classify -P hospital upload.ndjson | ehr-redact -S site >versions.ndjson",
	.operands = "[file ...]",
	.purpose = "Makes of each labelled record one version for each redaction level.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct program {
	struct settings set;
	struct arena arena;
	struct policy policy;
	struct redact_keys keys;
	struct instant now;
	struct permit permit;
	struct redactor *redactor;
	uint64_t withheld; /* records without a version to write */
};

static void
read_options(struct options *o, struct filter *f, struct settings *s)
{
	const struct {
		const char *const *value;
		const char *name;
	} with[] = {
		{ &s->permit.level, "--level" },
		{ &s->permit.deciders, "--deciders" },
		{ &s->permit.handled, "--handled" },
		{ &s->permit.deliver, "--deliver" },
		{ &s->permit.authority, "--authority" },
		{ &s->permit.revoked, "--revoked" },
	};
	int id;

	options_into(o, s);
	while ((id = options_next(o)) != OPTIONS_END)
		(void)filter_option(f, o, id);
	trust_policy(o, &s->policy, s->site);
	if (s->other_policy != NULL && strcmp(s->other_policy, "accept") != 0)
		options_misuse(o, "not accept", s->other_policy);
	if (s->permit.decision != NULL && s->levels != NULL)
		options_misuse(o, "not together with --decision", "--levels");
	for (size_t i = 0; s->permit.decision == NULL && i < sizeof with / sizeof with[0]; i++)
		if (*with[i].value != NULL)
			options_misuse(o, "only together with --decision FILE", with[i].name);
	if (s->permit.deliver != NULL &&
	    file_is_same(file_identify(s->permit.deliver), file_identify(s->permit.decision)))
		options_misuse(o, "input and output are the same file", s->permit.deliver);
	if (s->batch != NULL && !tag_is_word(bytes_of(s->batch)))
		options_misuse(o, "not a word", s->batch);
}

static void
load(struct program *p, const struct options *o, const struct filter *f)
{
	struct redactor_settings settings = {
		.levels = p->set.levels,
		.now = p->set.now != NULL ? &p->now : NULL,
		.batch = bytes_of(p->set.batch != NULL ? p->set.batch : ""),
		.other_policy = p->set.other_policy != NULL,
		.fhir_labels = p->set.fhir_labels,
		.max_depth = f->max_depth,
		.max_record = f->max_record,
		.key = redact_keys_find,
		.context = &p->keys,
	};
	struct redactor_problem problem = { .text = "" };
	struct closest near;

	if (p->set.now != NULL && !clock_parse_instant(bytes_of(p->set.now), &p->now))
		options_misuse(o, "not a time", p->set.now);
	trust_options(o, &p->set.trust);
	p->set.trust.site = p->set.site;
	p->keys = (struct redact_keys){ .arena = &p->arena,
		.directory = site_path(&p->arena, p->set.site, SITE_KEYS, p->set.keys),
		.revoked = site_path(&p->arena, p->set.site, SITE_REVOKED, NULL),
		.options = "--site DIR or --keys DIR",
		.now = settings.now };
	p->set.trust.keys = p->keys.directory;
	p->set.trust.now = p->set.now;
	if (!site_check(p->set.site, &problem.fault) ||
	    !trust_load(&p->policy, p->set.policy, &p->set.trust, &problem.fault))
		fault_exit(&problem.fault);
	if (p->set.permit.decision != NULL) {
		p->set.permit.site = p->set.site;
		permit_load(&p->permit, &p->policy, &p->set.permit, settings.now, &p->arena, o);
		settings.decision = &p->permit.decision;
	}
	switch (redactor_load(&p->redactor, &p->policy, &settings, &problem)) {
	case REDACTOR_READY:
		return;
	case REDACTOR_FAULT:
		fault_exit(&problem.fault);
	case REDACTOR_NO_KEY:
		diag_die(EXIT_KEYS, "key-missing: no key redact.%s in the key directory", problem.text);
	case REDACTOR_NEEDS_NOW:
		options_needs(o, "--now TIME: the policy computes ages");
	case REDACTOR_NEEDS_BATCH:
		options_needs(o, "--batch ID: the policy binds tokens to a batch");
	case REDACTOR_NO_FHIR:
		options_misuse(o, "the policy has no `roots: fhir` with `code_system`", "--fhir-labels");
	case REDACTOR_NO_VERSION:
		diag_die(EXIT_DENIED, "%s: denied: no version is so low", p->set.permit.decision);
	case REDACTOR_UNKNOWN_LEVEL:
		near = policy_level_near(&p->policy, bytes_of(problem.text));
		options_unknown(o, "redact.yaml has no version of level", problem.text, &near, "");
	}
	diag_bug("a start without a case");
}

static enum filter_outcome
redact_line(void *context, struct filter *f, struct bytes line)
{
	struct program *p = context;
	struct redaction result;

	if (!redactor_run(p->redactor, line, &result))
		return filter_no(f, result.reason, result.byte);
	if (!redactor_write(p->redactor, &f->out))
		return filter_stop(f, EXIT_IO);
	f->written += result.written;
	p->withheld += result.written == 0;
	return FILTER_DONE;
}

/* At the end, whatever the options: a policy that loses what it ought to show may go unnoticed else. */
static enum filter_outcome
end(void *context, struct filter *f)
{
	const struct program *p = context;
	uint64_t failed = redactor_failed(p->redactor);

	(void)f;
	if (failed > 0)
		diag_warn(REDACTOR_NOT_UNDERSTOOD, failed);
	return FILTER_DONE;
}

static void
summarize(void *context, struct buffer *text)
{
	const struct program *p = context;
	char line[96];
	int size = snprintf(line, sizeof line,
	    ", %" PRIu64 " withheld, %" PRIu64 " values not understood and removed", p->withheld,
	    redactor_failed(p->redactor));

	(void)buffer_append(text, line, (size_t)size);
}

int
main(int argc, char *argv[])
{
	struct program p = { .withheld = 0 };
	struct filter f;
	struct options o;
	struct filter_engine engine = {
		.context = &p, .record = redact_line, .end = end, .summary = summarize, .envelope = 2
	};
	int status;

	start_program("ehr-redact");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	read_options(&o, &f, &p.set);
	load(&p, &o, &f);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, p.policy.digest);
	if (f.verbose && p.policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, p.policy.directory, p.policy.digest);
	if (p.set.permit.deliver != NULL) {
		filter_output(&f, &o, p.set.permit.deliver);
		permit_deliver(&p.permit, p.set.permit.deliver);
	}
	status = filter_run(&f, &o, &engine);
	redactor_free(p.redactor);
	permit_release(&p.permit);
	redact_keys_close(&p.keys);
	policy_release(&p.policy);
	arena_release(&p.arena);
	return status;
}
