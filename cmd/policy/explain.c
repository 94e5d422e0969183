/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy explain: shows what each version keeps of a record, part by part, and why.  The output holds
 * paths and, with --bars, values, for people who may see the record.  It goes to standard output only.
 */
#include "cmd/policy/parts.h"
#include "cmd/policy/print.h"
#include "cmd/policy/records.h"
#include "cmd/policy/verbs.h"
#include "common/base/clock.h"
#include "common/policy/vocabulary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 1 };

struct settings {
	const char *policy, *level, *now, *request;
	bool bars, html;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, level), 0, false, "level", "LEVEL",
	    "what a reader of this level gets, and why not the rest" },
	{ OPTION_FLAG(struct settings, bars), 0, false, "bars", NULL,
	    "the record at every level side by side, black bars over what is withheld" },
	{ OPTION_FLAG(struct settings, html), 0, false, "html", NULL,
	    "the same as a page for a browser, with a switch for the level" },
	{ WIDTH, 0, false, "width", "COLUMNS", "of the picture (100)" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time that the policy reckons with" },
	{ OPTION_TEXT(struct settings, request), 0, false, "request", "FILE",
	    "explain a request by the rules of access instead" },
};

static const struct option_manual manual = {
	.program = "ehr-policy explain",
	.operands = "RECORD",
	.purpose = "Says for each part of a record its level, the rule that gives it, and who may know it.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

enum { DEFAULT_WIDTH = 100, MAX_PATH_CELL = 48, LEVEL_CELL = 14, FATE_CELL = 30 };

struct explanation {
	struct sink out;
	struct policy policy;
	struct dry_run run;
	struct parts parts;
	int version; /* of --level; -1: all */
	struct settings set;
	size_t width;
	size_t path_cell;
	struct buffer path;
};

static const char *const why_words[] = {
	[WHY_NONE] = "withheld",
	[WHY_LEVEL] = "withheld: above this level",
	[WHY_CATEGORY] = "withheld: its category",
	[WHY_TYPE] = "withheld: its type",
	[WHY_FORM] = "withheld: not of the form that keep names",
	[WHY_NOT_KEPT] = "withheld: not in keep",
	[WHY_TRANSFORM] = "removed by",
	[WHY_PLACE] = "withheld: copies something",
	[WHY_REFERENCE] = "withheld: what it names is gone",
	[WHY_EMPTY] = "withheld: nothing left in it",
	[WHY_RECORD] = "withheld: too little is left",
};

static void
fate_text(const struct explanation *x, struct redactor_fate fate, char *text, size_t room)
{
	const struct redactor *r = x->run.redactor;
	struct bytes id = { 0 };

	if (fate.why == WHY_TRANSFORM)
		id = redactor_transform(r, fate.transform).id;
	if (fate.fate == FATE_KEPT)
		(void)snprintf(text, room, "shown");
	else if (fate.fate == FATE_TRANSFORMED)
		(void)snprintf(text, room, "changed by %.*s", (int)id.size, id.at);
	else
		(void)snprintf(
		    text, room, "%s%s%.*s", why_words[fate.why], id.size > 0 ? " " : "", (int)id.size, id.at);
}

static void
put_rule(struct explanation *x, struct bytes id, struct bytes say, const char *file, unsigned line)
{
	print(&x->out, "%.*s: %.*s", (int)id.size, id.at, (int)(say.size < 3000 ? say.size : 3000), say.at);
	if (line > 0)
		print(&x->out, " (%s:%u)", file, line);
}

static void
put_label(struct explanation *x, const struct label *label)
{
	const struct label *behind[PARTS_BEHIND];

	if (label == NULL)
		return;
	struct label_origin rule = classifier_origin(x->run.classifier, label->origin);
	put_rule(x, bytes_of(rule.id), bytes_of(rule.say), rule.file, rule.line);
	for (size_t i = 0, count = parts_behind(&x->parts, label, behind); i < count; i++) {
		rule = classifier_origin(x->run.classifier, behind[i]->origin);
		print(&x->out, "%s%s", i == 0 ? " Behind it: " : ", ", rule.id);
		if (rule.line > 0)
			print(&x->out, " (%s:%u)", rule.file, rule.line);
	}
}

static struct bytes
path_of(struct explanation *x, uint32_t i)
{
	x->path.used = 0;
	parts_path(&x->parts, i, &x->path);
	return buffer_bytes(&x->path);
}

static void
put_fates(struct explanation *x, uint32_t i)
{
	char text[256];

	if (x->version >= 0) {
		fate_text(x, parts_fate(&x->parts, (unsigned)x->version, i), text, sizeof(text));
		print_cell(&x->out, bytes_of(text), FATE_CELL);
		print_blanks(&x->out, 2);
		return;
	}
	for (unsigned v = 0; v < x->parts.versions; v++) {
		struct redactor_fate fate = parts_fate(&x->parts, v, i);
		struct bytes name = x->policy.level[redactor_level(x->run.redactor, v)].name;
		size_t width = print_width(name);
		if (fate.fate == FATE_WITHHELD)
			print_bar(&x->out, width);
		else if (fate.fate == FATE_TRANSFORMED)
			print_cell(&x->out, (struct bytes)BYTES("~"), width);
		else
			print_cell(&x->out, name, width);
		print_blanks(&x->out, v + 1 < x->parts.versions ? 1 : 2);
	}
}

/* With --level: the sentence of redact.yaml that withholds or changes the part. */
static void
put_reason(struct explanation *x, uint32_t i)
{
	const struct redactor *r = x->run.redactor;
	struct redactor_rule rule;

	if (x->version < 0)
		return;
	struct redactor_fate fate = parts_fate(&x->parts, (unsigned)x->version, i);
	if (fate.why == WHY_NONE || fate.why == WHY_LEVEL)
		return;
	rule = fate.why == WHY_TRANSFORM ? redactor_transform(r, fate.transform)
					 : redactor_version_rule(r, (unsigned)x->version);
	print(&x->out, "; ");
	put_rule(x, rule.id, rule.say, rule.file, rule.line);
}

static void
put_row(struct explanation *x, uint32_t i)
{
	char level[PARTS_LEVEL];

	print_cell(&x->out, path_of(x, i), x->path_cell);
	print_blanks(&x->out, 2);
	print_cell(&x->out, parts_level(&x->parts, i, level), LEVEL_CELL);
	print_blanks(&x->out, 2);
	put_fates(x, i);
	put_label(x, x->parts.at[i].label);
	put_reason(x, i);
	print(&x->out, "\n");
}

/* The next part: behind a uniform part, which gets one row, else the first of its own parts. */
static uint32_t
next_row(const struct explanation *x, uint32_t i)
{
	return x->parts.at[i].uniform ? x->parts.at[i].next : i + 1;
}

static void
put_head(struct explanation *x)
{
	size_t widest = 4;

	for (uint32_t i = 0; i < x->parts.count; i = next_row(x, i))
		if (x->parts.at[i].uniform && print_width(path_of(x, i)) > widest)
			widest = print_width(path_of(x, i));
	x->path_cell = widest < MAX_PATH_CELL ? widest : MAX_PATH_CELL;
	print_cell(&x->out, (struct bytes)BYTES("path"), x->path_cell + 2);
	print_cell(&x->out, (struct bytes)BYTES("level"), LEVEL_CELL + 2);
	if (x->version >= 0) {
		char text[64];
		struct bytes name =
		    x->policy.level[redactor_level(x->run.redactor, (unsigned)x->version)].name;
		(void)snprintf(text, sizeof(text), "at level %.*s", (int)name.size, name.at);
		print_cell(&x->out, bytes_of(text), FATE_CELL + 2);
	} else {
		size_t width = 1;
		for (unsigned v = 0; v < x->parts.versions; v++)
			width += 1 + x->policy.level[redactor_level(x->run.redactor, v)].name.size;
		print_cell(&x->out, (struct bytes)BYTES("readers"), width < 9 ? 9 : width);
	}
	print(&x->out, "because\n");
}

static void
put_urgency(struct explanation *x)
{
	const struct labels *labels = &x->run.labels;

	for (size_t k = 0; k < labels->count; k++) {
		const struct label *label = &labels->at[k];
		if (label->kind != LABEL_URGENCY)
			continue;
		struct bytes word = classifier_criticality(x->run.classifier, (unsigned)label->criticality);
		uint32_t part = 0;
		while (part + 1 < x->parts.count && x->parts.at[part].node != label->node)
			part++;
		print_cell(&x->out, path_of(x, part), x->path_cell);
		print(&x->out, "  %.*s, ", (int)word.size, word.at);
		if (label->level != LABEL_NONE) {
			struct bytes name = x->policy.level[label->level].name;
			print(&x->out, "known from %.*s up, ", (int)name.size, name.at);
		}
		print(&x->out, "because ");
		put_label(x, label);
		print(&x->out, "\n");
	}
}

static void
put_title(struct explanation *x)
{
	const struct labels *labels = &x->run.labels;
	struct bytes level = x->policy.level[labels->level].name;
	struct bytes word = classifier_criticality(x->run.classifier, labels->criticality);

	(void)print_cut(&x->out, labels->id, x->width / 2);
	print(&x->out, ": level %.*s", (int)level.size, level.at);
	for (unsigned i = 0; i < 64; i++) {
		if ((labels->sensitivity >> i & 1) == 0)
			continue;
		struct bytes code = vocabulary_at(VOCABULARY_SENSITIVITY, i)->code;
		print(&x->out, " %.*s", (int)code.size, code.at);
	}
	print(&x->out, ", criticality %.*s\n\n", (int)word.size, word.at);
}

static void
explain_record(struct explanation *x)
{
	parts_init(&x->parts, &x->run);
	if (x->set.html) {
		parts_html_record(&x->out, &x->parts);
		parts_release(&x->parts);
		return;
	}
	put_title(x);
	if (x->set.bars) {
		parts_bars(&x->out, &x->parts, x->version, x->width);
	} else {
		put_head(x);
		for (uint32_t i = 0; i < x->parts.count; i = next_row(x, i))
			if (x->parts.at[i].uniform)
				put_row(x, i);
		put_urgency(x);
	}
	parts_release(&x->parts);
}

static enum diag_exit
explain_file(struct explanation *x, const char *path)
{
	struct records records;
	struct bytes record;
	bool first = true;
	enum diag_exit status = EXIT_DONE;
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;

	if (!records_read(&records, path)) {
		diag_warn("%s: %s", shown, strerror(errno));
		status = EXIT_IO;
	}
	while (status == EXIT_DONE && records_next(&records, &record)) {
		if (!dry_run(&x->run, record)) {
			records_say(&records, shown, record, x->run.reason, x->run.byte, true);
			status = EXIT_BAD_RECORD;
			break;
		}
		if (!first && !x->set.html)
			print(&x->out, "\n");
		first = false;
		explain_record(x);
	}
	records_release(&records);
	return status;
}

static void
load(struct explanation *x, const struct options *o)
{
	const char *level = x->set.level;
	struct fault f = { 0 };
	struct instant instant;

	if (x->set.now != NULL && !clock_parse_instant(bytes_of(x->set.now), &instant))
		options_misuse(o, "not a time, as 2026-03-02T09:00:00Z", x->set.now);
	switch (dry_run_load(&x->run, &x->policy, x->set.now, true, &f)) {
	case DRY_RUN_READY:
		break;
	case DRY_RUN_NEEDS_NOW:
		diag_die(EXIT_USAGE, "this policy computes ages: --now is missing");
	case DRY_RUN_FAULT:
	default:
		fault_exit(&f);
	}
	x->version = -1;
	for (unsigned v = 0; level != NULL && v < redactor_versions(x->run.redactor); v++)
		if (bytes_are(x->policy.level[redactor_level(x->run.redactor, v)].name, level))
			x->version = (int)v;
	if (level != NULL && x->version < 0) {
		struct closest near = policy_level_near(&x->policy, bytes_of(level));

		options_unknown(o, "redact.yaml has no version of this level", level, &near, "");
	}
}

enum diag_exit
verb_explain(int argc, char *argv[])
{
	struct options o;
	struct explanation x = { .width = DEFAULT_WIDTH };

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--request") == 0 || strncmp(argv[i], "--request=", 10) == 0)
			return verb_explain_request(argc, argv);
	options_init(&o, &manual, argc, argv);
	options_into(&o, &x.set);
	while (options_next(&o) == WIDTH)
		if (!options_size(o.value, &x.width) || x.width < BARS_MIN_WIDTH || x.width > BARS_MAX_WIDTH)
			options_misuse(&o, "not a width from 60 to 1000", o.value);
	if (o.operands > 1)
		options_misuse(&o, "more than one file", o.operand[1]);
	if (o.operands == 1)
		options_refuse_output(&o, o.operand[0]);
	if (x.set.html && x.set.bars)
		options_misuse(&o, "--html and --bars are two pictures", "--html");
	verb_load(&o, x.set.policy, NULL, &x.policy);
	load(&x, &o);
	buffer_init(&x.path, (size_t)1 << 26);
	sink_init_take(&x.out, STDOUT_FILENO, "<stdout>");
	if (x.set.html)
		parts_html_begin(&x.out, &x.run, x.version);
	enum diag_exit status = explain_file(&x, o.operands > 0 ? o.operand[0] : "-");
	if (x.set.html)
		parts_html_end(&x.out);
	buffer_release(&x.path);
	dry_run_release(&x.run);
	policy_release(&x.policy);
	return verb_finish(&x.out, status);
}
