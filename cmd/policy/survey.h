/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SURVEY_H
#define EHR_POLICY_SURVEY_H

#include "common/base/arena.h"
#include "common/json/json.h"
#include "common/label/roots.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * survey: what records of a sample look like: their types, the places in them, what kind of value stands
 * there.  Names of members only, never a value: what it finds is written into a policy.
 *
 * FHIR records are surveyed by type and member, each resource inside another on its own.  Other records have
 * one type, and their places are followed some way down.
 */
struct survey_place {
	struct bytes path; /* as a policy writes it: ".a.b[]" */
	size_t records;    /* that have it */
	unsigned kinds;    /* bit k: enum json_kind k was seen */
	bool dates;        /* every value is a date with at least a day */
	bool words;        /* every value is a word that could be an id */
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
	size_t unknown; /* resources of a type that FHIR R4 does not have: not surveyed */
	struct survey_type *type;
	size_t types;
	/* private */
	struct arena arena;
	struct roots roots;
	struct buffer text;
	size_t room;
	size_t seen;
};

/* KEYS belongs to the index that records are read with. */
void survey_init(struct survey *s, bool is_fhir, struct json_keys *keys);
void survey_release(struct survey *s);

/* True if the object NODE says a resourceType that FHIR R4 has. */
bool survey_is_fhir(const struct json *j, uint32_t node);

void survey_add(struct survey *s, const struct json *j);

/* "text", "a list", "text or a number" of a place's kinds, into TEXT. */
const char *survey_kinds(const struct survey_place *p, char text[96]);

#endif
