/* SPDX-License-Identifier: ISC */
/* The verbs that print sentences: what a directive says, and what a patient is asked about. */
#include "cmd/consent/directive_file.h"
#include "cmd/consent/sentences.h"
#include "cmd/consent/verbs.h"
#include "common/base/options.h"
#include "common/line/sink.h"
#include "common/policy/trust.h"

#include <stdlib.h>
#include <unistd.h>

struct settings {
	const char *policy, *language;
	struct trust_demand trust;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },
	TRUST_OPTIONS(struct settings),
	{ OPTION_TEXT(struct settings, language), 0, false, "language", "en|de",
	    "the sentences' language (en)" },
};

static const struct option_manual render_manual = {
	.program = "ehr-consent render",
	.operands = "file",
	.purpose = "Says in plain sentences what directives permit and forbid.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static const struct option_manual form_manual = {
	.program = "ehr-consent form",
	.operands = "",
	.purpose = "Prints the house rules and options that a patient is asked about.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct printing {
	struct settings set;
	struct policy policy;
	struct buffer text;
	struct sentences s;
};

static void
begin(struct printing *p, struct options *o, int operands)
{
	struct fault fault = { 0 };

	options_into(o, &p->set);
	while (options_next(o) != OPTIONS_END)
		diag_bug("an option without a case");
	if (!p->set.policy)
		options_needs(o, "--policy DIR");
	if (o->operands != operands)
		options_misuse(
		    o, operands ? "expected one file" : "expected no file", o->operands ? o->operand[0] : "");
	if (operands > 0)
		options_refuse_output(o, o->operand[0]);
	if (p->set.language && strcmp(p->set.language, "en") != 0 && strcmp(p->set.language, "de") != 0)
		options_misuse(o, "neither en nor de", p->set.language);
	trust_options(o, &p->set.trust);
	if (!trust_load(&p->policy, p->set.policy, &p->set.trust, &fault))
		fault_exit(&fault);
	buffer_init(&p->text, BUFFER_UNLIMITED);
	p->s = (struct sentences){ .policy = &p->policy,
		.language =
		    p->set.language && strcmp(p->set.language, "de") == 0 ? SENTENCES_DE : SENTENCES_EN,
		.out = &p->text };
}

static int
finish(struct printing *p)
{
	struct sink out;
	bool good;

	sink_init_take(&out, STDOUT_FILENO, "standard output");
	good = sink_put(&out, buffer_bytes(&p->text));
	good = sink_close(&out) && good;
	buffer_release(&p->text);
	policy_release(&p->policy);
	if (!good)
		diag_die(EXIT_IO, "cannot write to standard output");
	return EXIT_DONE;
}

/* Only what ehr-authz reads is said: nobody may agree to sentences about something that has no effect. */
static void
print_file(struct printing *p, const char *path)
{
	struct directive_file f;

	directive_file_read(&f, &p->policy, path, NULL);
	for (size_t i = 0; i < f.count; i++) {
		if (directive_file_refuses(&f.at[i]))
			fault_exit(&f.at[i].fault);
		if (i > 0)
			(void)buffer_append(&p->text, "\n", 1);
		sentences_directive(&p->s, f.at[i].tree);
	}
	directive_file_release(&f);
}

int
verb_render(int argc, char *argv[])
{
	struct printing p = { 0 };
	struct options o;

	options_init(&o, &render_manual, argc, argv);
	begin(&p, &o, 1);
	print_file(&p, o.operand[0]);
	return finish(&p);
}

/* Which rules a heading is about, and what is asked about them. */
enum part { PART_LAW, PART_ASKED, PART_ALWAYS, PART_HOUSE, PARTS };

static const struct {
	const char *en, *de;
} headings[PARTS] = {
	{ "The law, which nothing overrides:", "Das Gesetz, dem nichts vorgeht:" },
	{ "Rules that go before your directive if you agree to them. Do you agree?",
	    "Regeln, die Ihrer Verfügung vorgehen, wenn Sie zustimmen. Stimmen Sie zu?" },
	{ "Rules that go before your directive whatever it says:",
	    "Regeln, die Ihrer Verfügung immer vorgehen:" },
	{ "Rules of the house. Your directive may permit less:",
	    "Regeln des Hauses. Ihre Verfügung kann weniger erlauben:" },
};

static enum part
part_of(const struct yaml_node *layer, const struct yaml_node *rule)
{
	const struct yaml_node *overrides = yaml_find(rule, "overrides_consent");

	if (bytes_are(layer->text, "jurisdiction"))
		return PART_LAW;
	if (!overrides)
		return PART_HOUSE;
	return bytes_are(overrides->text, "always") ? PART_ALWAYS : PART_ASKED;
}

static void
print_rules(struct printing *p, const struct yaml_node *file, enum part part, bool *any)
{
	const struct yaml_node *layer = yaml_find(file, "layer"), *rules = yaml_find(file, "rules");

	if (!layer || !rules || bytes_are(layer->text, "outbound"))
		return;
	for (size_t i = 0; i < rules->count; i++) {
		const struct yaml_node *rule = rules->item[i];

		if (part_of(layer, rule) != part)
			continue;
		if (!*any)
			sentences_say(&p->s, headings[part].en, headings[part].de);
		(void)buffer_append(&p->text, *any ? "" : "\n", *any ? 0 : 1);
		*any = true;
		sentences_say(&p->s, part == PART_ASKED ? "[ ] " : "- ", part == PART_ASKED ? "[ ] " : "- ");
		(void)buffer_append(
		    &p->text, yaml_find(rule, "id")->text.at, yaml_find(rule, "id")->text.size);
		sentences_say(&p->s, ": ", ": ");
		(void)buffer_append(
		    &p->text, yaml_find(rule, "say")->text.at, yaml_find(rule, "say")->text.size);
		sentences_say(&p->s, " ", " ");
		sentences_rule(&p->s, rule);
	}
}

static void
print_questions(const struct sentences *s)
{
	sentences_say(s,
	    "In general, may your record be used as far as these rules permit it?\n"
	    "[ ] yes, but for what I forbid\n"
	    "[ ] no, but for what I permit\n"
	    "What do you forbid or permit: whom, which data, for which purpose, until when?\n"
	    "Where your wish and a rule clash, you may\n"
	    "[ ] a: agree to the rule\n"
	    "[ ] b: forbid less\n"
	    "[ ] c: ask for an exception in the rule, to which the privacy officer must agree, too\n"
	    "[ ] d: propose something else\n"
	    "[ ] e: not agree; then nothing changes\n",
	    "Darf Ihre Akte allgemein verwendet werden, soweit diese Regeln es erlauben?\n"
	    "[ ] ja, außer was ich verbiete\n"
	    "[ ] nein, außer was ich erlaube\n"
	    "Was verbieten oder erlauben Sie: wem, welche Daten, zu welchem Zweck, bis wann?\n"
	    "Wo Ihr Wunsch und eine Regel sich widersprechen, können Sie\n"
	    "[ ] a: der Regel zustimmen\n"
	    "[ ] b: weniger verbieten\n"
	    "[ ] c: um eine Ausnahme von der Regel bitten, der auch die Datenschutzstelle zustimmen muss\n"
	    "[ ] d: etwas anderes vorschlagen\n"
	    "[ ] e: nicht zustimmen; dann ändert sich nichts\n");
}

static void
print_part(struct printing *p, enum part part)
{
	struct fault fault = { 0 };
	bool any = false;

	for (size_t i = 0; i < p->policy.files; i++) {
		struct bytes name = p->policy.file[i].name;
		const struct yaml_node *root;
		const char *shown;
		char path[256];

		if (!bytes_begin(name, "authz/") || !bytes_end(name, ".yaml") ||
		    !bytes_string(name, path, sizeof path))
			continue;
		root = policy_yaml(&p->policy, path, &shown, &fault);
		if (!root)
			fault_exit(&fault);
		print_rules(p, root, part, &any);
	}
	if (any)
		(void)buffer_append(&p->text, "\n", 1);
}

int
verb_form(int argc, char *argv[])
{
	struct printing p = { 0 };
	struct fault fault = { 0 };
	struct access_sources sources = { .policy = &p.policy };
	struct access *access;
	struct options o;

	options_init(&o, &form_manual, argc, argv);
	begin(&p, &o, 0);
	access = access_load(&sources, &fault);
	if (!access)
		fault_exit(&fault);
	for (int part = 0; part < PARTS; part++)
		print_part(&p, (enum part)part);
	print_questions(&p.s);
	access_free(access);
	return finish(&p);
}
