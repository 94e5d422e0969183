/* SPDX-License-Identifier: ISC */
#include "common/policy/vocabulary.h"

#include "common/base/bisect.h"

/* The index of each concept in its list (SENSITIVITY_HIV), so that a row can name its parent. */
enum {
#define CONFIDENTIALITY(code, display, parent, status) CONFIDENTIALITY_##code,
#include "common/policy/vocabulary.def"
	CONFIDENTIALITY_COUNT,
	CONFIDENTIALITY_NO_PARENT = CONCEPT_NO_PARENT
};

enum {
#define SENSITIVITY(code, display, parent, status) SENSITIVITY_##code,
#include "common/policy/vocabulary.def"
	SENSITIVITY_COUNT,
	SENSITIVITY_NO_PARENT = CONCEPT_NO_PARENT
};

enum {
#define PRIVACY_LAW(code, display, parent, status) PRIVACY_LAW_##code,
#include "common/policy/vocabulary.def"
	PRIVACY_LAW_COUNT,
	PRIVACY_LAW_NO_PARENT = CONCEPT_NO_PARENT
};

enum {
#define HANDLING(code, display, parent, status) HANDLING_##code,
#include "common/policy/vocabulary.def"
	HANDLING_COUNT,
	HANDLING_NO_PARENT = CONCEPT_NO_PARENT
};

enum {
#define PURPOSE(code, display, parent, status) PURPOSE_##code,
#include "common/policy/vocabulary.def"
	PURPOSE_COUNT,
	PURPOSE_NO_PARENT = CONCEPT_NO_PARENT
};

enum {
#define RESOURCE_TYPE(code, display, parent, status) RESOURCE_TYPE_##code,
#include "common/policy/vocabulary.def"
	RESOURCE_TYPE_COUNT,
	RESOURCE_TYPE_NO_PARENT = CONCEPT_NO_PARENT
};

#define ROW(list, code, display, parent, status)                                                             \
	{ BYTES(#code), BYTES(display), CONCEPT_##status, list##_##code, list##_##parent },

static const struct concept confidentiality[] = {
#define CONFIDENTIALITY(code, display, parent, status) ROW(CONFIDENTIALITY, code, display, parent, status)
#include "common/policy/vocabulary.def"
};

static const struct concept sensitivity[] = {
#define SENSITIVITY(code, display, parent, status) ROW(SENSITIVITY, code, display, parent, status)
#include "common/policy/vocabulary.def"
};

static const struct concept privacy_law[] = {
#define PRIVACY_LAW(code, display, parent, status) ROW(PRIVACY_LAW, code, display, parent, status)
#include "common/policy/vocabulary.def"
};
_Static_assert(
    SENSITIVITY_COUNT + PRIVACY_LAW_COUNT <= 64, "a set of sensitivity categories and laws is a word");

static const struct concept handling[] = {
#define HANDLING(code, display, parent, status) ROW(HANDLING, code, display, parent, status)
#include "common/policy/vocabulary.def"
};

static const struct concept purpose[] = {
#define PURPOSE(code, display, parent, status) ROW(PURPOSE, code, display, parent, status)
#include "common/policy/vocabulary.def"
};

static const struct concept resource_type[] = {
#define RESOURCE_TYPE(code, display, parent, status) ROW(RESOURCE_TYPE, code, display, parent, status)
#include "common/policy/vocabulary.def"
};

/* Each list is sorted by code in ASCII order, for the binary search; a unit test checks the order. */
static const struct {
	struct bytes system;
	const struct concept *at;
	size_t count;
} list[VOCABULARY_COUNT] = {
	[VOCABULARY_CONFIDENTIALITY] = { BYTES("http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
	    confidentiality, CONFIDENTIALITY_COUNT },
	[VOCABULARY_SENSITIVITY] = { BYTES("http://terminology.hl7.org/CodeSystem/v3-ActCode"), sensitivity,
	    SENSITIVITY_COUNT },
	[VOCABULARY_PRIVACY_LAW] = { BYTES("http://terminology.hl7.org/CodeSystem/v3-ActCode"), privacy_law,
	    PRIVACY_LAW_COUNT },
	[VOCABULARY_HANDLING] = { BYTES("http://terminology.hl7.org/CodeSystem/v3-ActCode"), handling,
	    HANDLING_COUNT },
	[VOCABULARY_PURPOSE] = { BYTES("http://terminology.hl7.org/CodeSystem/v3-ActReason"), purpose,
	    PURPOSE_COUNT },
	[VOCABULARY_RESOURCE_TYPE] = { BYTES("http://hl7.org/fhir/resource-types"), resource_type,
	    RESOURCE_TYPE_COUNT },
};

struct bytes
vocabulary_system(enum vocabulary v)
{
	return list[v].system;
}

size_t
vocabulary_size(enum vocabulary v)
{
	return list[v].count;
}

const struct concept *
vocabulary_at(enum vocabulary v, size_t index)
{
	return &list[v].at[index];
}

const struct concept *
vocabulary_find(enum vocabulary v, struct bytes code)
{
	const struct concept *at = list[v].at;
	struct bisect b = { .high = list[v].count };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(at[b.middle].code, code) < 0);
	return b.low < list[v].count && bytes_equal(at[b.low].code, code) ? &at[b.low] : NULL;
}

void
vocabulary_offer(enum vocabulary v, struct closest *c)
{
	for (size_t i = 0; i < vocabulary_size(v); i++)
		if (vocabulary_at(v, i)->status == CONCEPT_ACTIVE)
			closest_offer(c, vocabulary_at(v, i)->code);
}

bool
vocabulary_below(enum vocabulary v, const struct concept *a, const struct concept *b)
{
	while (a != b && a->parent != CONCEPT_NO_PARENT)
		a = &list[v].at[a->parent];
	return a == b;
}

uint64_t
vocabulary_label(enum vocabulary v, const struct concept *c)
{
	return UINT64_C(1) << (c->index + (v == VOCABULARY_PRIVACY_LAW ? (unsigned)SENSITIVITY_COUNT : 0));
}

uint64_t
vocabulary_labels_below(enum vocabulary v, const struct concept *c)
{
	uint64_t set = 0;

	for (size_t i = 0; i < list[v].count; i++)
		if (vocabulary_below(v, &list[v].at[i], c))
			set |= vocabulary_label(v, &list[v].at[i]);
	return set;
}

bool
vocabulary_is_actor(struct bytes type)
{
	static const char *const actors[] = { "Patient", "Practitioner", "PractitionerRole", "RelatedPerson",
		"Organization", "Location", "HealthcareService", "Device", "Group" };

	for (size_t i = 0; i < sizeof actors / sizeof actors[0]; i++)
		if (bytes_are(type, actors[i]))
			return true;
	return false;
}
