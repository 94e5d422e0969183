/* SPDX-License-Identifier: ISC */
#include "common/policy/elements.h"
#include "common/policy/vocabulary.h"
#include "tests/lib/tap.h"

static bool
has(const char *kind, const char *name, const char *type)
{
	struct elements e;
	struct element found;

	return elements_find(&e, bytes_of(kind), bytes_of(name), &found) && bytes_are(found.type, type) &&
	       bytes_are(found.name, name);
}

static void
check_members(void)
{
	struct elements e;
	struct element found;

	check(has("Period", "start", "dateTime"));
	check(has("Patient", "gender", "code(administrative-gender)"));
	check(has("Patient", "contact", "Patient.contact"));
	check(has("Patient.contact", "period", "Period"));
	check(has("Observation", "valueQuantity", "Quantity"));
	check(has("Observation", "valueString", "string"));
	check(has("Observation.component", "referenceRange", "Observation.referenceRange"));
	check(has("MedicationRequest", "medicationReference", "Reference(Medication)"));
	check(has("Extension", "valueDosage", "Dosage"));
	/* what a kind extends comes along */
	check(has("Patient", "text", "Narrative") && has("Bundle", "meta", "Meta"));
	check(has("Patient.contact", "modifierExtension", "Extension") && has("Period", "id", "id"));
	check(!has("Bundle", "text", "Narrative") && !has("Period", "modifierExtension", "Extension"));
	check(!has("Period", "foo", "string") && !has("Observation", "value", "Quantity"));
	check(!has("Nothing", "id", "id") && !has("", "id", "id"));
	check(elements_find(&e, bytes_of("Observation"), bytes_of("category"), &found) && found.is_list);
	check(elements_find(&e, bytes_of("Observation"), bytes_of("status"), &found) && found.is_required);
	check(elements_find(&e, bytes_of("Observation"), bytes_of("valueRange"), &found) &&
	      bytes_are(found.stem, "value") && !found.is_list);
}

static void
check_bounds(void)
{
	check(bytes_are(elements_bare(bytes_of("Reference(Patient|Group)")), "Reference"));
	check(bytes_are(elements_bound(bytes_of("Reference(Patient|Group)")), "Patient|Group"));
	check(bytes_are(elements_bare(bytes_of("dateTime")), "dateTime"));
	check(elements_bound(bytes_of("dateTime")).size == 0);
	check(bytes_are(elements_codes(bytes_of("quantity-comparator")), "< <= >= >"));
	check(elements_codes(bytes_of("nothing")).size == 0);
}

/* Each type of a member is a kind, or a primitive type; each value set has its codes. */
static bool
is_whole(struct bytes kind)
{
	struct elements e;
	struct element found;
	bool good = elements_open(&e, kind);

	while (elements_next(&e, &found)) {
		struct bytes bare = elements_bare(found.type);

		good = good && found.name.size > 0 && bare.size > 0;
		if (elements_kind(bare) == ELEMENTS_KINDS)
			good = good && (bare.at[0] >= 'a' || bytes_are(bare, "BackboneElement"));
		if (bytes_begin(found.type, "code("))
			good = good && elements_codes(elements_bound(found.type)).size > 0;
	}
	if (!good)
		printf("# %.*s\n", (int)kind.size, kind.at);
	return good;
}

int
main(void)
{
	bool whole = true;

	check_members();
	check_bounds();
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_RESOURCE_TYPE); i++) {
		const struct concept *c = vocabulary_at(VOCABULARY_RESOURCE_TYPE, i);

		whole = is_whole(c->code) && whole;
	}
	check(whole);
	return tap_end();
}
