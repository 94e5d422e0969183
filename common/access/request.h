/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_REQUEST_H
#define EHR_ACCESS_REQUEST_H

#include "common/access/intern.h"
#include "common/access/scratch.h"
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/closest.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * request: one AuthZEN request, read into an array of attributes.
 *
 * An attribute is something that a rule may ask of a request.  Each has a small number.  The first ones are
 * those of attributes.def; a policy adds its own in authz/roles.yaml.
 */
enum request_place { PLACE_SUBJECT, PLACE_ACTION, PLACE_RESOURCE, PLACE_CONTEXT, PLACE_COUNT };

/*
 * A member of the object itself, one of its properties, or a data criterion: a property that describes
 * records.
 */
enum attribute_kind { ATTRIBUTE_TOP, ATTRIBUTE_ORDINARY, ATTRIBUTE_DATA };

enum {
#define ATTRIBUTE(name, place, kind, key) ATTRIBUTE_##name,
#include "common/access/attributes.def"
#undef ATTRIBUTE
	ATTRIBUTES_FIXED,
	ATTRIBUTES_MAX = 128,
	DATA_FIRST = ATTRIBUTE_CLASS,
	DATA_COUNT = ATTRIBUTE_INSTANCE - ATTRIBUTE_CLASS + 1,
};

struct attribute {
	enum request_place place;
	enum attribute_kind kind;
	struct bytes key;
	struct bytes name; /* "subject.ward" */
	uint16_t json;     /* number of the key in the index */
};

struct attributes {
	struct attribute at[ATTRIBUTES_MAX];
	unsigned count;
	uint8_t order[ATTRIBUTES_MAX]; /* their numbers, sorted by name */
	struct json_keys *keys;
	/* private */
	uint8_t *by_key[PLACE_COUNT]; /* number of the key -> attribute + 1, 0: none */
	size_t by_keys;
};

/* Adds those of attributes.def.  KEYS gains their keys and is borrowed. */
void attributes_init(struct attributes *a, struct json_keys *keys);

/* Adds one of the policy's own, unless it is there.  False if there are too many. */
bool attributes_add(struct attributes *a, struct arena *arena, enum request_place place, struct bytes key);

/* The attribute KEY of PLACE, -1 if there is none. */
int attributes_find(const struct attributes *a, enum request_place place, struct bytes key);

/* The attribute of the name "resource.author", -1 if there is none. */
int attributes_named(const struct attributes *a, struct bytes name);

/* The nearest key of PLACE, or with PLACE_COUNT the nearest name, for a message. */
struct closest attributes_near(const struct attributes *a, enum request_place place, struct bytes text);

/* Fills by_key.  To be called after the last attribute is added. */
void attributes_ready(struct attributes *a, struct arena *arena);

/* The attribute of the property of PLACE whose key has the number JSON in the index, -1 if there is none. */
static inline int
attributes_of_key(const struct attributes *a, enum request_place place, uint16_t json)
{
	return json < a->by_keys ? (int)a->by_key[place][json] - 1 : -1;
}

/* A set of attributes, by number. */
struct attribute_set {
	uint64_t bits[ATTRIBUTES_MAX / 64];
};

static inline void
attribute_set_add(struct attribute_set *s, unsigned attribute)
{
	s->bits[attribute / 64] |= UINT64_C(1) << attribute % 64;
}

static inline bool
attribute_set_has(const struct attribute_set *s, unsigned attribute)
{
	return (s->bits[attribute / 64] >> attribute % 64 & 1) != 0;
}

/*
 * A value is a string, a number or a boolean; an attribute has a list of them.  A single value is a list of
 * one.  Missing are: null, objects, nested lists, a context.time that is no time, an empty list of purposes.
 */
enum value_kind { VALUE_STRING, VALUE_NUMBER, VALUE_TRUE, VALUE_FALSE };

struct value {
	struct bytes text; /* of a string: unescaped; of a number: as it stands */
	uint32_t word;     /* of a string: its number in the policy's words, 0 if it has none */
	enum value_kind kind;
};

struct values {
	const struct value *at;
	uint32_t count;
	bool present;
	bool distrusted; /* the custodian does not believe it of the requester: missing for the custodian */
};

/* Strings are equal by bytes, numbers by value. */
bool request_same_value(const struct value *a, const struct value *b);

/* True if TEXT is one of the strings. */
bool values_have(const struct values *all, struct bytes text);

struct request {
	struct values at[ATTRIBUTES_MAX];
	struct instant time; /* with timed */
	bool timed;
	bool
	    foreign; /* another domain says who asks: a fact that names no domain may be about someone else */
	bool time_stated; /* context.time is there, well-formed or not */
	/* where the reader's time counts though it is there: what it says, and whether that is too far off */
	struct bytes stated_time;
	bool skewed;
};

/* How requests are read.  Everything is borrowed. */
struct request_reader {
	const struct attributes *attributes;
	const struct intern *words;
	struct scratch *scratch;   /* holds the values */
	const struct instant *now; /* where context.time is absent; NULL: the time stays missing */
	const int64_t
	    *max_skew; /* with NOW: it counts, and context.time is at most so far from it, in seconds */
	const struct json *json; /* of the request */
	unsigned searched; /* ATTRIBUTE_SUBJECT_ID, _RESOURCE_ID or _ACTION_NAME: not read; 0: all are */
	uint16_t key_subject, key_action, key_resource, key_context, key_id, key_type, key_name,
	    key_properties;
};

/* Adds the keys of a request's own members to KEYS. */
void request_keys(struct request_reader *r, struct json_keys *keys);

/* The nodes of a request's four parts, 0 for one that is absent. */
struct request_parts {
	uint32_t subject, action, resource, context;
};

/* Finds the parts in the object NODE.  A part that it lacks stays in P as it is. */
void request_parts_read(const struct request_reader *r, uint32_t node, struct request_parts *p);

/* NULL, or what is wrong: a constant, as the answer says it. */
const char *request_read(struct request_reader *r, const struct request_parts *p, struct request *q);

/* The values in the JSON value NODE of an attribute. */
struct values request_values(struct request_reader *r, unsigned attribute, uint32_t node);

/* The one string of an attribute; empty if it is missing, several values, or another kind. */
struct bytes request_string(const struct request *q, unsigned attribute);

/*
 * A code as it is compared: without the attribute's usual system in front ("system|").  The usual systems are
 * the FHIR resource types for class, v3-Confidentiality and v3-ActCode for label, v3-ActReason for purpose,
 * under any of their names: an OID in front of BTG must not slip past a deny.  A patient is compared without
 * `Patient/` in front, for facts and deny rules would not find her by it.
 */
struct bytes request_code(unsigned attribute, struct bytes text);

#endif
