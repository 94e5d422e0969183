/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SURVEY_H
#define EHR_POLICY_SURVEY_H

#include "common/base/arena.h"
#include "common/json/json.h"
#include "common/json/path.h"
#include "common/label/roots.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * survey: the types of the records of a sample, their places, the kinds of value in each place, and the units
 * of quantities.  It keeps names of members, types and units, and no other value, since its result is written
 * into a policy.
 *
 * Each resource inside another FHIR record is a record of its own.  Records that are not FHIR have the type
 * that stands in one of their places, or one type.
 *
 * An object is a map if its names are data: dates, numbers, people.  The places in it have [] for the name.
 * Maps are recognized at the end of a pass, so a sample is read until survey_again() is false.
 */
struct survey_place {
	struct bytes path; /* as a policy writes it: ".a.b[]" */
	size_t records;    /* with this place */
	unsigned kinds;    /* bit k: a value of enum json_kind k was seen */
	bool dates;        /* every value is a date with at least a day */
	bool words;        /* every value is a word, as ids are */
	size_t values;     /* strings and numbers, equal ones counted each time */
	size_t different;  /* after survey_end: values that differ */
	size_t single;     /* after survey_end: values that occur once */
	size_t number;     /* counts the places of all types */
	/* private */
	size_t last;          /* the record that was counted last */
	struct buffer hashes; /* uint64_t, of the values */
};

/* A unit by the name that records use. */
struct survey_name {
	struct bytes name;
	struct bytes system; /* empty: none */
	size_t count;
};

struct survey_names {
	struct survey_name *at;
	size_t count;
	size_t others; /* uses of names that found no room */
	size_t room;   /* private */
	size_t last;   /* private */
};

struct survey_type {
	struct bytes name;
	size_t records;
	struct survey_place *place; /* in the order of appearance */
	size_t places;
	size_t room; /* private */
};

/* What a later walk over the same records calls for each value in a place, instead of counting it. */
struct survey_watch {
	void (*value)(void *context, const struct survey_place *p, uint32_t node);
	void *context;
};

struct survey {
	bool is_fhir;
	const struct survey_watch *watch; /* borrowed; NULL: values are counted */
	size_t numbers;                   /* of places */
	unsigned depth;                   /* how far places are followed */
	size_t records;                   /* resources inside others not counted */
	size_t unknown; /* resources of a type that FHIR R4 does not have; they are not surveyed */
	struct survey_type *type;
	size_t types;
	struct survey_names units; /* of quantities */
	/* private */
	struct arena arena;
	struct roots roots;
	struct path *type_at; /* of records that are not FHIR; NULL: one type */
	struct json_keys *keys;
	struct buffer text;
	size_t room;
	size_t seen;
	struct survey_object *object;
	size_t objects;
	size_t object_room;
};

/* KEYS: of the index of the records; borrowed. */
void survey_init(struct survey *s, bool is_fhir, struct json_keys *keys);
void survey_release(struct survey *s);

/* The types of records that are not FHIR stand at this path.  False: it is no plain path. */
bool survey_set_type(struct survey *s, struct bytes path);

/* True if the object NODE has a resourceType of FHIR R4. */
bool survey_is_fhir(const struct json *j, uint32_t node);

/* Adds the record in J: a bare one, or what stands behind `ehr` in a line. */
void survey_add(struct survey *s, const struct json *j);

/* The node of that record; 0 of a bare one. */
uint32_t survey_record(const struct json *j);

/* After a pass over the sample: true if maps were found.  Then all counts are 0 and another pass is due. */
bool survey_again(struct survey *s);

/* Counts different values, after the last pass. */
void survey_end(struct survey *s);

/* Classes of equal values. */
struct survey_classes {
	size_t count;
	size_t single;   /* classes of one value */
	size_t smallest; /* the values of the smallest class; 0: there are no values */
};

/* Of the values whose hashes (uint64_t) HASHES holds; sorts them. */
struct survey_classes survey_classes(struct buffer *hashes);

/* "text", "a list", "text or a number" of a place's kinds, into TEXT. */
const char *survey_kinds(const struct survey_place *p, char text[96]);

#endif
