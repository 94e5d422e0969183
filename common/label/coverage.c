/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

#include <stdlib.h>

/*
 * coverage: what the policy does not see, counted over a run.  Names in it are words of vocabularies that are
 * compiled in: never a text of a record.
 */

/* Systems whose codes say nothing of a person's health: FHIR's own words, units, registries. */
static const char *const structural[] = {
	"http://terminology.hl7.org/",
	"http://unitsofmeasure.org",
	"http://hl7.org/fhir/sid/us-npi",
	"http://hl7.org/fhir/sid/us-ssn",
};

static bool
is_structural(struct bytes uri)
{
	for (size_t i = 0; i < sizeof structural / sizeof structural[0]; i++)
		if (bytes_begin(uri, structural[i]))
			return true;
	/* http://hl7.org/fhir/sid/... are other people's systems under names that HL7 gave them. */
	return bytes_begin(uri, "http://hl7.org/fhir/") && !bytes_begin(uri, "http://hl7.org/fhir/sid/");
}

static uint8_t
coverage_of(const struct codes *codes, unsigned system)
{
	if (is_structural(codes_system_uri(codes, system)))
		return COVERED;
	if (codes_system_rows(codes, system) == 0)
		return NOT_COVERED;
	return codes_system_complete(codes, system) ? COVERED : COVERED_IN_PART;
}

void
coverage_init(struct run *run)
{
	struct ruleset *s = &run->set;

	run->systems = codes_systems(s->codes);
	run->type_count = arena_array(&s->arena, vocabulary_size(VOCABULARY_RESOURCE_TYPE), sizeof(uint64_t));
	run->system_count = arena_array(&s->arena, run->systems + 1, sizeof(uint64_t));
	run->system_seen = arena_array(&s->arena, run->systems + 1, sizeof(uint64_t));
	run->system_coverage = arena_take(&s->arena, run->systems + 1);
	for (unsigned i = 1; i <= run->systems; i++)
		run->system_coverage[i] = coverage_of(s->codes, i);
	/* Place 0 is for all that no table knows. */
	run->system_coverage[0] = NOT_COVERED;
}

void
coverage_type(struct run *run, uint32_t root)
{
	struct bytes type;
	const struct concept *c;

	if (run->plan->has_base)
		return;
	if (run->plan->is_unknown) {
		run->unknown_types++;
		return;
	}
	type = shape_type(run->set.shape, run_json(run), root);
	c = shape_is_fhir(run->set.shape) ? vocabulary_find(VOCABULARY_RESOURCE_TYPE, type) : NULL;
	if (c != NULL)
		run->type_count[c->index]++;
	else
		run->other_unspoken++;
}

bool
coverage_system(struct run *run, unsigned system, uint32_t name)
{
	unsigned place = system == CODES_UNKNOWN_SYSTEM ? 0 : system;

	if (run->system_coverage[place] == COVERED)
		return false;
	if (place == 0 && is_structural(json_inside(run_json(run), name)))
		return false;
	if (run->system_seen[place] != run->record_number) {
		run->system_seen[place] = run->record_number;
		run->system_count[place]++;
	}
	return run->set.uncovered != LABEL_NONE && run->system_coverage[place] == NOT_COVERED;
}

/* ---- facts -----------------------------------------------------------------------------------------------
 */

/* One after another: the I-th of those whose count is above 0. */
struct picking {
	size_t left;
	struct coverage *fact;
};

static bool
pick(struct picking *p, enum coverage_kind kind, struct bytes name, uint64_t records, size_t rows)
{
	if (records == 0 || p->left-- > 0)
		return false;
	*p->fact = (struct coverage){ kind, name, records, rows };
	return true;
}

static bool
pick_type(const struct run *run, struct picking *p)
{
	if (pick(p, COVERAGE_UNKNOWN_TYPE, (struct bytes){ 0 }, run->unknown_types, 0) ||
	    pick(p, COVERAGE_NO_BASE, (struct bytes)BYTES("other types"), run->other_unspoken, 0))
		return true;
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_RESOURCE_TYPE); i++)
		if (pick(p, COVERAGE_NO_BASE, vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->code,
			run->type_count[i], 0))
			return true;
	return false;
}

bool
coverage_fact(const struct run *run, size_t i, struct coverage *fact)
{
	const struct codes *codes = run->set.codes;
	struct picking p = { .left = i, .fact = fact };

	if (pick_type(run, &p))
		return true;
	for (unsigned n = 1; n <= run->systems; n++)
		if (pick(&p,
			run->system_coverage[n] == NOT_COVERED ? COVERAGE_SYSTEM : COVERAGE_PART_OF_SYSTEM,
			codes_system_uri(codes, n), run->system_count[n], codes_system_rows(codes, n)))
			return true;
	return pick(&p, COVERAGE_SYSTEM, (struct bytes)BYTES("another system"), run->system_count[0], 0);
}
