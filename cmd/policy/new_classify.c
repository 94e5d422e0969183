/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new.h"

#include <string.h>

enum { MAX_FAMILY = 32, MAX_LINE = 100 };

/* The place PATH of T; NULL: it has none. */
static const struct survey_place *
place_at(const struct survey_type *t, struct bytes path)
{
	for (size_t i = 0; i < t->places; i++)
		if (bytes_equal(t->place[i].path, path))
			return &t->place[i];
	return NULL;
}

/* A place that every type has with the same kinds of value: one line of "*" stands for it. */
static bool
is_common(const struct survey *s, const struct survey_place *p)
{
	for (size_t i = 0; i < s->types; i++) {
		const struct survey_place *other = place_at(&s->type[i], p->path);
		if (other == NULL || other->kinds != p->kinds)
			return false;
	}
	return s->types > 1;
}

/* In FHIR ._x belongs to .x: a label on either covers both. */
static bool
is_said(const struct survey *s, const struct survey_place *p)
{
	return !s->is_fhir || !bytes_begin(p->path, "._");
}

static bool
is_digit_at(struct bytes text, size_t i)
{
	return i < text.size && ascii_is_digit(text.at[i]);
}

/* True if two paths differ in their numbers alone: .current_l1_a, .current_l2_a. */
static bool
are_family(struct bytes a, struct bytes b)
{
	size_t i = 0;
	size_t k = 0;
	bool numbered = false;

	while (i < a.size && k < b.size) {
		if (is_digit_at(a, i) && is_digit_at(b, k)) {
			numbered = true;
			while (is_digit_at(a, i))
				i++;
			while (is_digit_at(b, k))
				k++;
		} else if (a.at[i++] != b.at[k++]) {
			return false;
		}
	}
	return numbered && i == a.size && k == b.size;
}

/* The places of T that stand in one line with FIRST, it included; PLACES holds their numbers. */
static size_t
family_of(const struct survey *s, const struct survey_type *t, size_t first, bool common, size_t *places)
{
	const struct survey_place *p = &t->place[first];
	size_t size = p->path.size;
	size_t count = 0;

	places[count++] = first;
	for (size_t k = first + 1; !s->is_fhir && k < t->places && count < MAX_FAMILY; k++) {
		const struct survey_place *other = &t->place[k];
		if (other->kinds != p->kinds || other->dates != p->dates || is_common(s, other) != common ||
		    !are_family(p->path, other->path) || size + other->path.size + 2 > MAX_LINE)
			continue;
		size += other->path.size + 2;
		places[count++] = k;
	}
	return count;
}

static void
put_family(struct buffer *out, const struct survey_type *t, const size_t *places, size_t count)
{
	struct buffer key;

	buffer_init(&key, BUFFER_UNLIMITED);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_add(&key, ", ", 2);
		buffer_add(&key, t->place[places[i]].path.at, t->place[places[i]].path.size);
	}
	print_into(out, "    ");
	new_put_key(out, buffer_bytes(&key));
	buffer_release(&key);
}

/* The records of all types with the place. */
static size_t
records_with(const struct survey *s, struct bytes path, size_t *all)
{
	size_t records = 0;

	*all = 0;
	for (size_t i = 0; i < s->types; i++) {
		const struct survey_place *p = place_at(&s->type[i], path);
		records += p != NULL ? p->records : 0;
		*all += s->type[i].records;
	}
	return records;
}

static void
put_line(struct buffer *out, const struct sample *s, const struct survey_type *t, const size_t *places,
    size_t count, bool common)
{
	const struct survey_place *p = &t->place[places[0]];
	bool is_type = s->survey.is_fhir && bytes_are(p->path, ".resourceType");
	size_t all = t->records;
	size_t records = p->records;
	char kinds[96];

	for (size_t i = 1; i < count; i++)
		records = t->place[places[i]].records > records ? t->place[places[i]].records : records;
	if (common)
		records = records_with(&s->survey, p->path, &all);
	put_family(out, t, places, count);
	print_into(out, ": %s # %s%s, in %zu of %zu\n", is_type ? new_bottom(s) : new_top(s),
	    survey_kinds(p, kinds), p->dates ? ", a date" : "", records, all);
}

/* A line for each place of T that is common to all types, or for each that is not. */
static void
put_places(struct buffer *out, const struct sample *s, const struct survey_type *t, bool common)
{
	size_t places[MAX_FAMILY];
	struct buffer done;

	buffer_init(&done, BUFFER_UNLIMITED);
	memset(buffer_more(&done, t->places + 1), 0, t->places + 1);
	for (size_t k = 0; k < t->places; k++) {
		const struct survey_place *p = &t->place[k];
		if (done.at[k] != 0 || !is_said(&s->survey, p) || is_common(&s->survey, p) != common)
			continue;
		size_t count = family_of(&s->survey, t, k, common, places);
		for (size_t i = 0; i < count; i++)
			done.at[places[i]] = 1;
		put_line(out, s, t, places, count, common);
	}
	buffer_release(&done);
}

static void
put_base(struct buffer *out, const struct sample *s)
{
	const struct survey *v = &s->survey;

	print_into(out, "\n# How sensitive each place is. All stand at the highest level: lower what more\n"
			"# people may know, place by place. The nearest place counts; what is not named\n"
			"# has the level of what stands around it. [] is each element of a list, and each\n"
			"# member of an object whose names are data.\n"
			"base:\n");
	if (v->unknown > 0)
		print_into(out,
		    "  # %zu had types that FHIR R4 does not have: those stand at unknown_type.\n",
		    v->unknown);
	if (v->types > 1) {
		print_into(out, "  \"*\": # of every type\n    .: %s # whatever is not named\n", new_top(s));
		put_places(out, s, &v->type[0], true);
	}
	for (size_t i = 0; i < v->types; i++) {
		const struct survey_type *t = &v->type[i];
		print_into(out, "  ");
		new_put_key(out, t->name);
		print_into(out, ": # %zu records\n    .: %s # whatever is not named below\n", t->records,
		    new_top(s));
		put_places(out, s, t, false);
	}
}

static const char fhir_examples[] =
    "\n# Codes that make an entry sensitive, wherever they stand. A value set is a file\n"
    "# below valuesets/ with the columns system, code, display, category, from, until;\n"
    "# policies/hospital has ready ones.\n"
    "#\n"
    "# value_sets:\n"
    "#   hiv: {file: diagnoses.tsv, category: [HIV]}\n"
    "# rules:\n"
    "#   - id: hiv\n"
    "#     say: HIV diagnoses are restricted.\n"
    "#     where: {anywhere: {in: hiv}}\n"
    "#     label: {level: R, sensitivity: [HIV]}\n";

static const char own_examples[] = "\n# Rules raise what their conditions meet.\n"
				   "#\n"
				   "# rules:\n"
				   "#   - id: alarm\n"
				   "#     say: An alarm is nobody's business outside.\n"
				   "#     where: {.status: [alarm]}\n"
				   "#     label: {level: restricted}\n";

static const char urgency[] =
    "\n# How urgent a record is; who is told of it how fast stands in notify.yaml.\n"
    "criticality:\n"
    "  order: [routine, urgent]\n"
    "  default: routine\n"
    "  unreadable: urgent # a value that a rule should have judged and could not\n"
    "  # rules:\n"
    "  #   - {id: alarm, say: An alarm is urgent., where: {.status: [alarm]}, is: urgent}\n";

void
new_classify(struct buffer *out, const struct sample *s, const char *policy)
{
	print_into(out,
	    "# How sensitive, and how urgent, each part of a record of %s is.\n"
	    "classify: 1\n"
	    "sign_off: {by: , at: , serial: } # who answers for this; check warns while it is empty\n"
	    "default: %s # a type that `base` does not name\n"
	    "unknown_type: %s # no type, or one that there is not: always the highest\n"
	    "opaque: %s # attachments and long base64: nobody can look into them\n",
	    policy, new_top(s), new_top(s), new_top(s));
	if (s->survey.is_fhir)
		print_into(out,
		    "narrative: high_water # text.div repeats the rest\n"
		    "categories: {\"*\": V} # of a category that a record brings without a level\n");
	put_base(out, s);
	print_into(out, "%s%s", s->survey.is_fhir ? fhir_examples : own_examples, urgency);
}
