/* SPDX-License-Identifier: ISC */
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/label/classify_line.h"
#include "common/line/filter.h"
#include "common/policy/trust.h"

#include <inttypes.h>
#include <stdio.h>

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

/* What is told at the end.  Several types stand in one message: a message for each would hide the others. */
struct report {
	char types[400];
	size_t used;
	bool is_advised[COVERAGE_NO_SUCH_CODE + 1];
};

/* What the reader of a note can do about it, behind the first note of its kind. */
static const char *
advice(struct report *r, enum coverage_kind kind)
{
	static const char *const texts[] = {
		[COVERAGE_UNKNOWN_TYPE] = ": classify.yaml may name their type in base",
		[COVERAGE_NO_BASE] = ": give each a line of base in classify.yaml",
		[COVERAGE_SYSTEM] = ": put its sensitive codes into a value set, or set uncovered in "
				    "classify.yaml; ehr-policy survey lists what occurs",
		[COVERAGE_PART_OF_SYSTEM] = ": add rows where codes that matter are missing; ehr-policy "
					    "survey lists what occurs",
		[COVERAGE_NO_CODE] = ": terms in classify.yaml find words, and uncovered gives them a level",
		[COVERAGE_NO_SUCH_CODE] = ": tell the sender, or set uncovered in classify.yaml",
	};
	bool is_first = !r->is_advised[kind];

	r->is_advised[kind] = true;
	return is_first ? texts[kind] : "";
}

static void
flush_types(struct report *r)
{
	if (r->used > 0)
		diag_warn(
		    "no-base: default level for %.*s%s", (int)r->used, r->types, advice(r, COVERAGE_NO_BASE));
	r->used = 0;
}

static void
add_type(struct report *r, const struct coverage *fact)
{
	int size;

	if (r->used > sizeof r->types - 100)
		flush_types(r);
	size = snprintf(r->types + r->used, sizeof r->types - r->used, "%s%.*s: %" PRIu64,
	    r->used > 0 ? ", " : "", (int)fact->name.size, fact->name.at, fact->records);
	r->used += (size_t)size;
}

static void
report(struct report *r, const struct coverage *fact)
{
	if (fact->kind == COVERAGE_NO_BASE) {
		add_type(r, fact);
		return;
	}
	flush_types(r);
	switch (fact->kind) {
	case COVERAGE_NO_BASE:
		break;
	case COVERAGE_UNKNOWN_TYPE:
		diag_warn("unknown-type: %" PRIu64 " records of a type that nobody knows%s", fact->records,
		    advice(r, fact->kind));
		break;
	case COVERAGE_SYSTEM:
	case COVERAGE_PART_OF_SYSTEM:
		diag_warn("%s-system: %.*s: %" PRIu64 " records, %zu rows%s",
		    fact->kind == COVERAGE_SYSTEM ? "uncovered" : "partly-covered", (int)fact->name.size,
		    fact->name.at, fact->records, fact->rows, advice(r, fact->kind));
		break;
	case COVERAGE_NO_CODE:
		diag_warn("no-code: %" PRIu64 " records with a concept that has a text alone%s",
		    fact->records, advice(r, fact->kind));
		break;
	case COVERAGE_NO_SUCH_CODE:
		diag_warn("no-such-code: %" PRIu64 " records with a code that its system cannot have%s",
		    fact->records, advice(r, fact->kind));
		break;
	}
}

/* At the end, whatever the options: types and code systems that the policy does not cover. */
static enum filter_outcome
end(void *context, struct filter *f)
{
	struct classify *c = context;
	struct coverage fact;
	struct report r = { .used = 0 };

	(void)f;
	for (size_t i = 0; classifier_coverage(c->classifier, i, &fact); i++)
		report(&r, &fact);
	flush_types(&r);
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
