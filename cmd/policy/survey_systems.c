/* SPDX-License-Identifier: ISC */
#include "cmd/policy/survey_report.h"

#include "cmd/policy/print.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { MAX_NAMES = 1 << 16, NAME_WIDTH = 120 };

/* What was seen of a name.  Number 0 is a Coding without a system. */
struct system_tally {
	struct bytes name;
	size_t records, codes, found, misfit;
	size_t last; /* the record counted last */
};

void
survey_systems_init(struct survey_systems *s, const struct codes *codes)
{
	*s = (struct survey_systems){ .codes = codes, .names = json_keys_new() };
	s->tally = memory_zeros(MAX_NAMES, sizeof *s->tally);
	buffer_init(&s->text, BUFFER_UNLIMITED);
}

void
survey_systems_release(struct survey_systems *s)
{
	if (s->names != NULL)
		json_keys_free(s->names);
	free(s->tally);
	buffer_release(&s->text);
	arena_release(&s->arena);
	*s = (struct survey_systems){ 0 };
}

static unsigned
number_of(struct survey_systems *s, struct bytes name)
{
	unsigned number = name.size == 0 ? 0 : json_keys_add(s->names, name);

	if (number >= s->count)
		s->count = number + 1;
	if (s->tally[number].name.at == NULL)
		s->tally[number].name = arena_copy(&s->arena, number > 0 ? name : (struct bytes){ "", 0 });
	return number;
}

static void
count_coding(struct survey_systems *s, const struct json *j, uint32_t object)
{
	uint32_t code = json_member(j, object, (struct bytes)BYTES("code"));
	uint32_t system = json_member(j, object, (struct bytes)BYTES("system"));
	struct codes_match match = { 0 };
	struct system_tally *t;
	struct bytes text;

	if (code == 0 || json_kind(j, code) != JSON_STRING ||
	    (system != 0 && json_kind(j, system) != JSON_STRING))
		return;
	text = system != 0 ? json_string(j, system, &s->text) : (struct bytes){ "", 0 };
	t = &s->tally[number_of(s, text)];
	unsigned number = codes_system(s->codes, t->name);
	text = json_string(j, code, &s->text);
	t->records += t->last != s->records;
	t->last = s->records;
	t->codes++;
	t->found += codes_find(s->codes, number, text, NULL, &match);
	t->misfit += !codes_fit(s->codes, number, text);
}

void
survey_systems_add(struct survey_systems *s, const struct json *j, uint32_t node)
{
	s->records++;
	for (uint32_t i = node; i < j->nodes[node].next; i++)
		if (json_kind(j, i) == JSON_OBJECT)
			count_coding(s, j, i);
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
what_is_known(const struct survey_systems *s, const struct system_tally *t)
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

void
survey_systems_print(struct survey_systems *s, struct sink *out)
{
	qsort(s->tally, s->count, sizeof *s->tally, by_records);
	if (s->count == 0 || s->tally[0].records == 0)
		return;
	print(out, "\n%8s %8s %8s %8s  %-9s  %s\n", "records", "codes", "in sets", "no form", "known",
	    "system");
	for (unsigned i = 0; i < s->count && s->tally[i].records > 0; i++) {
		const struct system_tally *t = &s->tally[i];
		const char *known = what_is_known(s, t);

		print(out, "%8zu %8zu %8zu %8zu  ", t->records, t->codes, t->found, t->misfit);
		if (t->name.size == 0) {
			print(out, "%s\n", known);
			continue;
		}
		print(out, "%-9s  ", known);
		(void)print_cut(out, t->name, NAME_WIDTH);
		print(out, "\n");
	}
}
