/* SPDX-License-Identifier: ISC */
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/label/classify_line.h"
#include "common/line/filter.h"
#include "common/policy/trust.h"

struct classify {
	const char *directory;
	const char *now;
	struct trust_demand trust;
	bool fhir_labels;
	struct policy policy;
	struct json_keys *keys;
	struct classifier *classifier;
	struct classify_line line;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct classify, directory), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct classify, now), 0, false, "now", "TIME",
	    "judge how old a record is as of TIME" },
	{ OPTION_FLAG(struct classify, fhir_labels), 0, false, "fhir-labels", NULL,
	    "write the labels into the records, too, as FHIR has them" },
	TRUST_OPTIONS(struct classify),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-classify",
	.example = "ehr-ingest <upload.json | ehr-classify -P hospital >labelled.ndjson",
	.operands = "[file ...]",
	.purpose = "Labels records: how sensitive each part is, how urgent the whole.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static void
read_options(struct options *o, struct filter *f, struct classify *c)
{
	struct instant now;
	int id;

	options_into(o, c);
	while ((id = options_next(o)) != OPTIONS_END)
		if (!filter_option(f, o, id))
			diag_bug("an option without a case");
	if (c->directory == NULL)
		options_needs(o, "--policy DIR");
	if (c->now != NULL && !clock_parse_instant(bytes_of(c->now), &now))
		options_misuse(o, "not a time such as 2026-11-21T10:00:00Z", c->now);
}

static void
load(struct classify *c, const struct options *o)
{
	struct fault fault = { 0 };

	trust_options(o, &c->trust);
	c->trust.now = c->now;
	if (!trust_load(&c->policy, c->directory, &c->trust, &fault))
		fault_exit(&fault);
	c->keys = json_keys_new();
	c->classifier = classifier_load(&c->policy, c->keys, c->now, &fault);
	if (c->classifier == NULL)
		fault_exit(&fault);
	if (c->fhir_labels && !classifier_fhir_labels(c->classifier))
		options_misuse(o, "the policy has no `roots: fhir` with `code_system`", "--fhir-labels");
}

static enum filter_outcome
take_line(void *context, struct filter *f, struct bytes line)
{
	struct classify *c = context;

	if (!classify_line_run(&c->line, line, &f->out))
		return filter_no(f, c->line.reason, c->line.byte);
	f->written++;
	return FILTER_DONE;
}

static void
say(const char *text)
{
	diag_warn("%s", text);
}

/* At the end, whatever the options: types and code systems that the policy does not cover. */
static enum filter_outcome
end(void *context, struct filter *f)
{
	struct classify *c = context;
	struct coverage fact;
	struct coverage_notes notes = { .say = say };

	(void)f;
	for (size_t i = 0; classifier_coverage(c->classifier, i, &fact); i++)
		coverage_notes_add(&notes, &fact);
	coverage_notes_end(&notes);
	return FILTER_DONE;
}

int
main(int argc, char *argv[])
{
	static struct classify c;
	const struct filter_engine engine = { .context = &c, .record = take_line, .end = end, .envelope = 2 };
	struct options o;
	struct filter f;
	int status;

	start_program("ehr-classify");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	read_options(&o, &f, &c);
	load(&c, &o);
	classify_line_init(&c.line, c.classifier, c.keys, f.max_depth, f.max_record);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, c.policy.digest);
	f.refusals.names = c.keys;
	status = filter_run(&f, &o, &engine);
	classify_line_release(&c.line);
	classifier_free(c.classifier);
	json_keys_free(c.keys);
	policy_release(&c.policy);
	return status;
}
