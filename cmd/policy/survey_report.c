/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy survey: lists the types, places, code systems and units of records, and with a policy the level
 * of each place and the rules that speak of it.  It shows names, never a value.
 */
#include "cmd/policy/survey_report.h"
#include "cmd/policy/parts.h"
#include "cmd/policy/print.h"
#include "cmd/policy/sample.h"
#include "cmd/policy/verbs.h"
#include "common/base/bisect.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/policy/codes.h"
#include "common/policy/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 12, MAX_RULES = 8, COUNT_CELL = 8, KIND_CELL = 18, MAX_PATH_CELL = 60 };

struct settings {
	const char *policy, *now;
	bool risk;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_FLAG(struct settings, risk), 0, false, "risk", NULL,
	    "how many values occur once, and how many records a version singles out" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time that the policy reckons with" },
};

static const struct option_manual manual = {
	.program = "ehr-policy survey",
	.operands = "FILE",
	.purpose =
	    "Lists the types, places, code systems and units of records, and with --policy the rule that "
	    "speaks of each.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

/* What the policy says of the values in a place. */
struct spoken {
	unsigned lowest, highest;
	unsigned rules;
	const char *rule[MAX_RULES];
	bool seen, more;
};

struct report {
	struct sink out;
	struct sample sample;
	struct settings set;
	struct policy policy;
	struct dry_run run;
	struct parts parts;
	bool has_parts;
	struct spoken *spoken; /* by number of a place */
	size_t room;
	size_t level_cell;
	struct survey_risk risk;
	struct codes *codes;
	struct survey_systems systems;
};

static bool
take_record(void *context, const struct json *j, struct bytes text)
{
	struct report *r = context;

	survey_systems_add(&r->systems, j, survey_record(j));
	if (r->set.policy == NULL)
		return true;
	if (r->has_parts)
		parts_release(&r->parts);
	r->has_parts = dry_run(&r->run, text);
	if (!r->has_parts) {
		diag_warn("a record is refused: %s: %s at byte %zu", reason_code(r->run.reason),
		    reason_text(r->run.reason), r->run.byte);
		return false;
	}
	parts_init(&r->parts, &r->run);
	if (r->set.risk)
		survey_risk_add(&r->risk, &r->run);
	return true;
}

/* The part of NODE; parts stand in document order. */
static const struct parts_item *
part_of(const struct parts *p, uint32_t node)
{
	struct bisect b = { .high = p->count };

	while (bisect_more(&b))
		bisect_step(&b, p->at[b.middle].node < node);
	return b.low < p->count && p->at[b.low].node == node ? &p->at[b.low] : NULL;
}

static void
add_rule(struct spoken *s, const char *id)
{
	for (unsigned i = 0; i < s->rules; i++)
		if (strcmp(s->rule[i], id) == 0)
			return;
	if (s->rules < MAX_RULES)
		s->rule[s->rules++] = id;
	else
		s->more = true;
}

static void
take_value(void *context, const struct survey_place *p, uint32_t node)
{
	struct report *r = context;
	const struct parts_item *part = r->has_parts ? part_of(&r->parts, node) : NULL;

	while (p->number >= r->room) {
		size_t more = r->room > 0 ? r->room : 256;
		r->spoken = memory_grow(r->spoken, r->room + more, sizeof(*r->spoken));
		memset(r->spoken + r->room, 0, more * sizeof(*r->spoken));
		r->room += more;
	}
	if (part == NULL)
		return;
	struct spoken *s = &r->spoken[p->number];
	s->lowest = !s->seen || part->level < s->lowest ? part->level : s->lowest;
	s->highest = !s->seen || part->level > s->highest ? part->level : s->highest;
	s->seen = true;
	if (part->label != NULL)
		add_rule(s, classifier_origin(r->run.classifier, part->label->origin).id);
}

static void
put_number(struct report *r, size_t number)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%zu", number);
	print_cell(&r->out, bytes_of(text), COUNT_CELL);
}

static void
put_spoken(struct report *r, const struct survey_place *p)
{
	char text[64];
	const struct spoken *s = p->number < r->room ? &r->spoken[p->number] : NULL;

	if (s == NULL || !s->seen) {
		print(&r->out, "-\n");
		return;
	}
	const struct bytes low = r->policy.level[s->lowest].name;
	const struct bytes high = r->policy.level[s->highest].name;
	if (s->lowest == s->highest)
		(void)snprintf(text, sizeof(text), "%.*s", (int)low.size, low.at);
	else
		(void)snprintf(
		    text, sizeof(text), "%.*s-%.*s", (int)low.size, low.at, (int)high.size, high.at);
	print_cell(&r->out, bytes_of(text), r->level_cell);
	for (unsigned i = 0; i < s->rules; i++)
		print(&r->out, "%s%s", i > 0 ? ", " : "", s->rule[i]);
	print(&r->out, "%s\n", s->more ? ", ..." : "");
}

static void
put_place(struct report *r, const struct survey_place *p, size_t path_cell)
{
	char kinds[96];
	char text[128];

	(void)snprintf(text, sizeof(text), "%s%s", survey_kinds(p, kinds), p->dates ? ", a date" : "");
	print(&r->out, "  ");
	print_cell(&r->out, p->path, path_cell);
	print(&r->out, "  ");
	put_number(r, p->records);
	if (!r->set.risk && r->set.policy == NULL) {
		print(&r->out, "%s\n", text);
		return;
	}
	print_cell(&r->out, bytes_of(text), KIND_CELL);
	print(&r->out, " ");
	if (r->set.risk) {
		put_number(r, p->different);
		put_number(r, p->single);
	}
	if (r->set.policy != NULL)
		put_spoken(r, p);
	else
		print(&r->out, "\n");
}

static void
put_type(struct report *r, const struct survey_type *t)
{
	size_t widest = 4;

	for (size_t i = 0; i < t->places; i++)
		widest = print_width(t->place[i].path) > widest ? print_width(t->place[i].path) : widest;
	widest = widest < MAX_PATH_CELL ? widest : MAX_PATH_CELL;
	print(&r->out, "\n");
	(void)print_cut(&r->out, t->name, MAX_PATH_CELL);
	print(&r->out, ": %zu records\n  ", t->records);
	print_cell(&r->out, (struct bytes)BYTES("path"), widest);
	print(&r->out, "  records kind%s", r->set.risk || r->set.policy != NULL ? "               " : "");
	if (r->set.risk)
		print(&r->out, "values  once    ");
	if (r->set.policy != NULL) {
		print_cell(&r->out, (struct bytes)BYTES("level"), r->level_cell);
		print(&r->out, "because");
	}
	print(&r->out, "\n");
	for (size_t i = 0; i < t->places; i++)
		put_place(r, &t->place[i], widest);
}

static int
count_order(const void *a, const void *b)
{
	const struct survey_name *x = a;
	const struct survey_name *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	int order = bytes_compare(x->name, y->name);
	return order != 0 ? order : bytes_compare(x->system, y->system);
}

static void
put_unit(struct report *r, const struct survey_name *n)
{
	const struct unit *unit = unit_find(n->name);

	if (unit == NULL)
		print(&r->out, "unknown: no rule can convert it");
	else
		print(&r->out, "%.*s", (int)unit_dimension(unit).size, unit_dimension(unit).at);
	if (n->system.size > 0 && !bytes_are(n->system, "http://unitsofmeasure.org")) {
		print(&r->out, ", of ");
		(void)print_cut(&r->out, n->system, MAX_PATH_CELL);
	}
}

static void
put_units(struct report *r, struct survey_names *n)
{
	size_t widest = 6;

	if (n->count == 0)
		return;
	qsort(n->at, n->count, sizeof(*n->at), count_order);
	for (size_t i = 0; i < n->count; i++)
		widest = print_width(n->at[i].name) > widest ? print_width(n->at[i].name) : widest;
	widest = widest < MAX_PATH_CELL ? widest : MAX_PATH_CELL;
	print(&r->out, "\nunits\n");
	for (size_t i = 0; i < n->count; i++) {
		print(&r->out, "  ");
		print_cell(&r->out, n->at[i].name, widest);
		print(&r->out, "  ");
		put_number(r, n->at[i].count);
		put_unit(r, &n->at[i]);
		print(&r->out, "\n");
	}
	if (n->others > 0)
		print(&r->out, "  and %zu uses of further names\n", n->others);
}

static void
put_report(struct report *r)
{
	struct survey *s = &r->sample.survey;

	print(&r->out, "%zu records, %zu types", s->records, s->types);
	if (s->unknown > 0)
		print(&r->out, ", %zu of types that FHIR R4 does not have", s->unknown);
	print(&r->out, "\n");
	for (size_t i = 0; i < s->types; i++)
		put_type(r, &s->type[i]);
	survey_systems_print(&r->systems, &r->out);
	put_units(r, &s->units);
	if (r->set.risk && r->set.policy != NULL)
		survey_risk_print(&r->risk, &r->out);
}

static void
load(struct report *r, const struct options *o)
{
	struct fault f = { 0 };
	struct instant instant;
	const struct yaml_node *root = NULL;
	const char *shown = "";

	if (r->set.now != NULL && !clock_parse_instant(bytes_of(r->set.now), &instant))
		options_misuse(o, "not a time, as 2026-03-02T09:00:00Z", r->set.now);
	if (r->set.policy != NULL) {
		verb_load(o, r->set.policy, NULL, &r->policy);
		switch (dry_run_load(&r->run, &r->policy, r->set.now, true, &f)) {
		case DRY_RUN_READY:
			break;
		case DRY_RUN_NEEDS_NOW:
			diag_die(EXIT_USAGE, "this policy computes ages: --now is missing");
		case DRY_RUN_FAULT:
		default:
			fault_exit(&f);
		}
		root = policy_yaml(&r->policy, "classify.yaml", &shown, &f);
		survey_risk_init(&r->risk, &r->run);
		for (unsigned i = 0; i < r->policy.levels; i++)
			r->level_cell = r->policy.level[i].name.size > r->level_cell
					    ? r->policy.level[i].name.size
					    : r->level_cell;
		/* The head needs 7. */
		r->level_cell = r->level_cell > 2 ? 2 * r->level_cell + 3 : 7;
	}
	r->codes =
	    codes_load(&r->policy, shown, yaml_find(root, "systems"), yaml_find(root, "value_sets"), &f);
	if (r->codes == NULL)
		fault_exit(&f);
	survey_systems_init(&r->systems, r->codes);
}

static void
release(struct report *r)
{
	if (r->has_parts)
		parts_release(&r->parts);
	if (r->set.policy != NULL) {
		survey_risk_release(&r->risk);
		dry_run_release(&r->run);
	}
	survey_systems_release(&r->systems);
	codes_free(r->codes);
	policy_release(&r->policy);
	sample_release(&r->sample);
	free(r->spoken);
}

enum diag_exit
verb_survey(int argc, char *argv[])
{
	struct options o;
	struct report r = { 0 };
	struct sample_watch watch = { take_record, { take_value, &r } };

	options_init(&o, &manual, argc, argv);
	options_into(&o, &r.set);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands > 1)
		options_misuse(&o, "more than one file", o.operand[1]);
	if (o.operands == 1)
		options_refuse_output(&o, o.operand[0]);
	load(&r, &o);
	sink_init_take(&r.out, STDOUT_FILENO, "<stdout>");
	enum diag_exit status = sample_read(&r.sample, o.operands > 0 ? o.operand[0] : "-", DEPTH, &watch);
	if (status == EXIT_DONE || status == EXIT_REFUSED)
		put_report(&r);
	release(&r);
	return verb_finish(&r.out, status);
}
