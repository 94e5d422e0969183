/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy survey: the code systems of records, by the names that stand there, and what the value sets of a
 * policy know of each.  Names are the records' own, so they go to standard output alone.
 */
#include "cmd/policy/print.h"
#include "cmd/policy/records.h"
#include "cmd/policy/verbs.h"
#include "common/base/memory.h"
#include "common/json/json.h"
#include "common/policy/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_NAMES = 1 << 16, NAME_WIDTH = 120 };

/* What was seen of a name.  Number 0 is a Coding without a system. */
struct system_tally {
	struct bytes name;
	size_t records, codes, found, misfit;
	size_t last; /* the record counted last */
};

struct systems {
	struct codes *codes;
	struct json_keys *names; /* their numbers are places in `tally` */
	struct system_tally *tally;
	struct arena arena;
	struct buffer text;
	struct json json;
	size_t records;
	unsigned count;
	uint16_t code, system;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct verb_policy),
};

static const struct option_manual manual = {
	.program = "ehr-policy survey",
	.operands = "[RECORDS ...]",
	.purpose =
	    "Lists the code systems of records, and how many of their codes the policy's value sets hold.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

static unsigned
number_of(struct systems *s, struct bytes name)
{
	unsigned number = name.size == 0 ? 0 : json_keys_add(s->names, name);

	if (number >= s->count)
		s->count = number + 1;
	if (s->tally[number].name.at == NULL)
		s->tally[number].name = arena_copy(&s->arena, number > 0 ? name : (struct bytes){ "", 0 });
	return number;
}

static void
count_coding(struct systems *s, uint32_t object)
{
	uint32_t code = json_member_key(&s->json, object, s->code);
	uint32_t system = json_member_key(&s->json, object, s->system);
	struct codes_match match = { 0 };
	struct system_tally *t;
	struct bytes text;

	if (code == 0 || json_kind(&s->json, code) != JSON_STRING ||
	    (system != 0 && json_kind(&s->json, system) != JSON_STRING))
		return;
	text = system != 0 ? json_string(&s->json, system, &s->text) : (struct bytes){ "", 0 };
	t = &s->tally[number_of(s, text)];
	unsigned number = codes_system(s->codes, t->name);
	text = json_string(&s->json, code, &s->text);
	t->records += t->last != s->records;
	t->last = s->records;
	t->codes++;
	t->found += codes_find(s->codes, number, text, NULL, &match);
	t->misfit += !codes_fit(s->codes, number, text);
}

static bool
count_record(struct systems *s, struct bytes record)
{
	if (!json_parse(&s->json, record))
		return false;
	s->records++;
	for (uint32_t i = 0; i < s->json.count; i++)
		if (json_kind(&s->json, i) == JSON_OBJECT)
			count_coding(s, i);
	return true;
}

static enum diag_exit
count_file(struct systems *s, const char *path)
{
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
	enum diag_exit status = EXIT_DONE;
	struct records records;
	struct bytes record;

	if (!records_read(&records, path)) {
		diag_warn("%s: %s", shown, strerror(errno));
		status = EXIT_IO;
	}
	while (status != EXIT_IO && records_next(&records, &record)) {
		if (count_record(s, record))
			continue;
		diag_warn("%s:%zu: %s: %s at byte %zu", shown, records.line, reason_code(s->json.reason),
		    reason_text(s->json.reason), s->json.byte);
		status = EXIT_REFUSED;
	}
	records_release(&records);
	return status;
}

/* Most records first. */
static int
by_records(const void *a, const void *b)
{
	const struct system_tally *left = a, *right = b;

	if (left->records != right->records)
		return left->records < right->records ? 1 : -1;
	return bytes_compare(left->name, right->name);
}

static const char *
what_is_known(const struct systems *s, const struct system_tally *t)
{
	unsigned number = codes_system(s->codes, t->name);

	if (number == CODES_ANY_SYSTEM)
		return "no system";
	if (number == CODES_UNKNOWN_SYSTEM)
		return "unknown";
	if (codes_system_plain(s->codes, number))
		return "plain";
	if (codes_system_rows(s->codes, number) == 0)
		return "no rows";
	return codes_system_complete(s->codes, number) ? "covered" : "in part";
}

static void
put_table(struct systems *s, struct sink *out)
{
	qsort(s->tally, s->count, sizeof *s->tally, by_records);
	print(
	    out, "%8s %8s %8s %8s  %-9s  %s\n", "records", "codes", "in sets", "no form", "known", "system");
	for (unsigned i = 0; i < s->count && s->tally[i].records > 0; i++) {
		const struct system_tally *t = &s->tally[i];

		print(out, "%8zu %8zu %8zu %8zu  %-9s  ", t->records, t->codes, t->found, t->misfit,
		    what_is_known(s, t));
		(void)print_cut(out, t->name, NAME_WIDTH);
		print(out, "\n");
	}
}

static void
start(struct systems *s, struct policy *p)
{
	const char *shown;
	struct fault f = { 0 };
	const struct yaml_node *root = policy_yaml(p, "classify.yaml", &shown, &f);

	*s = (struct systems){ .names = json_keys_new() };
	if (root != NULL)
		s->codes =
		    codes_load(p, shown, yaml_find(root, "systems"), yaml_find(root, "value_sets"), &f);
	if (s->codes == NULL)
		fault_exit(&f);
	s->tally = memory_zeros(MAX_NAMES, sizeof *s->tally);
	buffer_init(&s->text, BUFFER_UNLIMITED);
}

static enum diag_exit
survey(const struct options *o, struct policy *p)
{
	enum diag_exit status = EXIT_DONE;
	struct json_keys *keys = json_keys_new();
	struct systems s;
	struct sink out;

	start(&s, p);
	s.code = json_keys_add(keys, (struct bytes)BYTES("code"));
	s.system = json_keys_add(keys, (struct bytes)BYTES("system"));
	json_init(&s.json, keys, JSON_MAX_DEPTH);
	if (o->operands == 0)
		status = count_file(&s, "-");
	for (int i = 0; i < o->operands; i++)
		status = diag_worse(status, count_file(&s, o->operand[i]));
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	put_table(&s, &out);
	json_release(&s.json);
	json_keys_free(keys);
	json_keys_free(s.names);
	codes_free(s.codes);
	buffer_release(&s.text);
	arena_release(&s.arena);
	free(s.tally);
	return verb_finish(&out, status);
}

enum diag_exit
verb_survey(int argc, char *argv[])
{
	struct verb_policy set = { 0 };
	struct options o;
	struct policy p;

	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while (options_next(&o) != OPTIONS_END)
		continue;
	verb_load(&o, set.policy, &p);
	enum diag_exit status = survey(&o, &p);
	policy_release(&p);
	return status;
}
