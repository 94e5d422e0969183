/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ATTRIBUTES_H
#define EHR_ACCESS_ATTRIBUTES_H

#include "common/base/arena.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * attributes: what a rule may ask of a request, each with a small number, so that a request is read once into
 * an array.  Those of attributes.def come first; a policy may add its own (roles.yaml, `attributes`).
 */
enum place { PLACE_SUBJECT, PLACE_ACTION, PLACE_RESOURCE, PLACE_CONTEXT, PLACE_COUNT };

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
	enum place place;
	enum attribute_kind kind;
	struct bytes key;
	struct bytes name; /* "subject.ward" */
	uint16_t json;     /* number of the key in the index */
};

struct attributes {
	struct attribute at[ATTRIBUTES_MAX];
	unsigned count;
	uint8_t order[ATTRIBUTES_MAX]; /* all of them by the bytes of their names */
	struct json_keys *keys;
	/* private */
	uint8_t *by_key[PLACE_COUNT]; /* number of the key -> attribute + 1 */
	size_t by_keys;
};

/* KEYS gains the keys of all attributes and is borrowed. */
void attributes_init(struct attributes *a, struct json_keys *keys);

/* A policy's own; false if there are too many.  One that is there already is not added again. */
bool attributes_add(struct attributes *a, struct arena *arena, enum place place, struct bytes key);

/* The attribute KEY of a place, -1 if there is none. */
int attributes_find(const struct attributes *a, enum place place, struct bytes key);

/* "resource.author" -> its number, -1 if there is none. */
int attributes_named(const struct attributes *a, struct bytes name);

/* After the last was added: the ways back from a key. */
void attributes_ready(struct attributes *a, struct arena *arena);

/* The attribute that the key of number JSON among a place's properties is, -1 if it is none. */
static inline int
attributes_of_key(const struct attributes *a, enum place place, uint16_t json)
{
	return json < a->by_keys ? (int)a->by_key[place][json] - 1 : -1;
}

/* Attributes as a set: those that a rule missed. */
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

#endif
