/* SPDX-License-Identifier: ISC */
/* The verbs that turn FHIR Consents into directives of the project's own form, and the other way round. */
#include "cmd/consent/directive_file.h"
#include "cmd/consent/verbs.h"
#include "common/access/fhir_write.h"
#include "common/base/options.h"
#include "common/line/sink.h"
#include "common/policy/trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct settings {
	struct trust_demand trust;
	const char *policy, *entities, *on_error;
	bool yaml;
};

#define BOTH                                                                                                 \
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },                 \
	    TRUST_OPTIONS(struct settings),                                                                  \
	    { OPTION_TEXT(struct settings, entities), 0, false, "entities", "FILE",                          \
		    "the register: it knows patients by their identifiers" },                                \
	{                                                                                                    \
		OPTION_TEXT(struct settings, on_error), 0, false, "on-error", "fail|skip",                   \
		    "what to do when a directive is refused (fail)"                                          \
	}

static const struct option_entry import_table[] = {
	BOTH,
	{ OPTION_FLAG(struct settings, yaml), 0, false, "yaml", NULL, "write YAML, for people" },
};

static const struct option_entry export_table[] = { BOTH };

static const struct option_manual import_manual = {
	.program = "ehr-consent import",
	.operands = "file",
	.purpose = "Writes directives, such as Consents of FHIR R4 and R5, in the project's own form.",
	.table = import_table,
	.count = sizeof import_table / sizeof import_table[0],
};

static const struct option_manual export_manual = {
	.program = "ehr-consent export",
	.operands = "file",
	.purpose = "Writes directives as Consents of FHIR R4, as far as these can say the same.",
	.table = export_table,
	.count = sizeof export_table / sizeof export_table[0],
};

struct converting {
	struct settings set;
	struct policy policy;
	struct buffer text;
	bool many; /* more than one directive comes out */
};

static void
begin(struct converting *c, struct options *o)
{
	struct fault fault = { 0 };

	options_into(o, &c->set);
	while (options_next(o) != OPTIONS_END)
		diag_bug("an option without a case");
	if (!c->set.policy)
		options_needs(o, "--policy DIR");
	if (c->set.on_error && strcmp(c->set.on_error, "fail") != 0 && strcmp(c->set.on_error, "skip") != 0)
		options_misuse(o, "neither fail nor skip", c->set.on_error);
	if (o->operands != 1)
		options_misuse(o, "expected one file", o->operands ? o->operand[0] : "");
	options_refuse_output(o, o->operand[0]);
	trust_options(o, &c->set.trust);
	if (!trust_load(&c->policy, c->set.policy, &c->set.trust, &fault))
		fault_exit(&fault);
	buffer_init(&c->text, BUFFER_UNLIMITED);
}

static void
put(struct buffer *out, struct bytes text)
{
	(void)buffer_append(out, text.at, text.size);
}

/* A plain scalar is the same string: it begins like no number, and true, false and null are quoted. */
static bool
is_word(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_letter(text.at[i]) &&
		    (i == 0 || (!ascii_is_digit(text.at[i]) && text.at[i] != '-' && text.at[i] != '/')))
			return false;
	return text.size > 0 && !bytes_are(text, "true") && !bytes_are(text, "false") &&
	       !bytes_are(text, "null");
}

/* Each key on a line of its own, rules as a list of such maps, other values as JSON, which is YAML, too. */
/* NOLINTNEXTLINE(misc-no-recursion): rules are two deep */
static void
put_map(struct buffer *out, const struct yaml_node *map, unsigned indent, const char *lead)
{
	char before[32];

	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *value = map->item[i];
		bool rules = bytes_are(map->key[i]->text, "rules") && value->count > 0;

		(void)snprintf(before, sizeof before, "%*s", (int)indent, i == 0 ? lead : "");
		put(out, bytes_of(before));
		put(out, map->key[i]->text);
		put(out, bytes_of(rules ? ":" : ": "));
		if (value->kind == YAML_STRING && is_word(value->text))
			put(out, value->text);
		else if (!rules)
			(void)yaml_to_json(value, out);
		put(out, bytes_of("\n"));
		for (size_t k = 0; rules && k < value->count; k++)
			put_map(out, value->item[k], indent + 4, "- ");
	}
}

static bool
put_own(struct converting *c, struct written_directive *f)
{
	if (c->set.yaml) {
		put_map(&c->text, f->tree, c->many ? 2 : 0, c->many ? "- " : "");
		return true;
	}
	(void)yaml_to_json(f->tree, &c->text);
	put(&c->text, bytes_of("\n"));
	return true;
}

static bool
put_consent(struct converting *c, struct written_directive *f, const char *file)
{
	struct fhir_writing writing = { .policy = &c->policy, .file = file, .fault = &f->fault };
	struct json_write w = json_write_to(&c->text);

	return fhir_write(&writing, f->tree, &w) && buffer_append(&c->text, "\n", 1);
}

/* The number of directives that were refused. */
static uint64_t
convert_all(struct converting *c, const char *path, bool import)
{
	struct directive_file f;
	uint64_t refused = 0;

	directive_file_read(&f, &c->policy, path, c->set.entities);
	c->many = f.count > 1;
	for (size_t i = 0; i < f.count; i++) {
		size_t before = c->text.used;
		struct written_directive *one = &f.at[i];

		if (!directive_file_refuses(one) && (import ? put_own(c, one) : put_consent(c, one, path)))
			continue;
		c->text.used = before;
		refused++;
		fault_print(&one->fault);
	}
	if (f.others > 0)
		diag_warn("%" PRIu64 " consents of another scope left out", f.others);
	directive_file_release(&f);
	return refused;
}

static int
convert(const struct option_manual *manual, int argc, char *argv[], bool import)
{
	struct converting c = { 0 };
	struct options o;
	struct sink out;
	uint64_t refused;
	bool skip, good;

	options_init(&o, manual, argc, argv);
	begin(&c, &o);
	refused = convert_all(&c, o.operand[0], import);
	skip = c.set.on_error && strcmp(c.set.on_error, "skip") == 0;
	sink_init_take(&out, STDOUT_FILENO, "standard output");
	good = (refused > 0 && !skip) || sink_put(&out, buffer_bytes(&c.text));
	good = sink_close(&out) && good;
	buffer_release(&c.text);
	policy_release(&c.policy);
	if (!good)
		diag_die(EXIT_IO, "cannot write to standard output");
	return refused == 0 ? EXIT_DONE : skip ? EXIT_REFUSED : EXIT_BAD_RECORD;
}

int
verb_import(int argc, char *argv[])
{
	return convert(&import_manual, argc, argv, true);
}

int
verb_export(int argc, char *argv[])
{
	return convert(&export_manual, argc, argv, false);
}
