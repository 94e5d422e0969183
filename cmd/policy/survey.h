/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SURVEY_H
#define EHR_POLICY_SURVEY_H

#include "common/base/arena.h"
#include "common/json/json.h"
#include "common/label/roots.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * survey: the types of the records of a sample, their places, and the kinds of value in each place.  It keeps
 * names of members and never a value, since its result is written into a policy.
 *
 * FHIR records are surveyed by type and member, and each resource inside another as a record of its own.  All
 * other records have one type, and their places are followed three levels down.
 */
struct survey_place {
	struct bytes path; /* as a policy writes it: ".a.b[]" */
	size_t records;    /* with this place */
	unsigned kinds;    /* bit k: a value of enum json_kind k was seen */
	bool dates;        /* every value is a date with at least a day */
	bool words;        /* every value is a word, as ids are */
	size_t last;       /* private: the record that was counted last */
};

struct survey_type {
	struct bytes name;
	size_t records;
	struct survey_place *place; /* in the order of appearance */
	size_t places;
	size_t room; /* private */
};

struct survey {
	bool is_fhir;
	size_t records; /* resources inside others not counted */
	size_t unknown; /* resources of a type that FHIR R4 does not have; they are not surveyed */
	struct survey_type *type;
	size_t types;
	/* private */
	struct arena arena;
	struct roots roots;
	struct buffer text;
	size_t room;
	size_t seen;
};

/* KEYS: of the index of the records; borrowed. */
void survey_init(struct survey *s, bool is_fhir, struct json_keys *keys);
void survey_release(struct survey *s);

/* True if the object NODE has a resourceType of FHIR R4. */
bool survey_is_fhir(const struct json *j, uint32_t node);

/* Adds the record in J. */
void survey_add(struct survey *s, const struct json *j);

/* "text", "a list", "text or a number" of a place's kinds, into TEXT. */
const char *survey_kinds(const struct survey_place *p, char text[96]);

#endif
