/* SPDX-License-Identifier: ISC */
#include "common/access/attributes.h"

#include "common/base/diag.h"

static const char *const places[PLACE_COUNT] = { "subject", "action", "resource", "context" };

static const struct {
	enum place place;
	enum attribute_kind kind;
	const char *key;
	const char *name;
} fixed[ATTRIBUTES_FIXED] = {
#define NAME_SUBJECT "subject."
#define NAME_ACTION "action."
#define NAME_RESOURCE "resource."
#define NAME_CONTEXT "context."
#define ATTRIBUTE(name, place, kind, key) { PLACE_##place, ATTRIBUTE_##kind, key, NAME_##place key },
#include "common/access/attributes.def"
#undef ATTRIBUTE
};

static void
append(struct attributes *a, struct attribute new)
{
	unsigned at = a->count;

	new.json = json_keys_add(a->keys, new.key);
	a->at[a->count++] = new;
	for (; at > 0 && bytes_compare(a->at[a->order[at - 1]].name, new.name) > 0; at--)
		a->order[at] = a->order[at - 1];
	a->order[at] = (uint8_t)(a->count - 1);
}

void
attributes_init(struct attributes *a, struct json_keys *keys)
{
	*a = (struct attributes){ .keys = keys };
	for (unsigned i = 0; i < ATTRIBUTES_FIXED; i++)
		append(a, (struct attribute){ .place = fixed[i].place,
			      .kind = fixed[i].kind,
			      .key = bytes_of(fixed[i].key),
			      .name = bytes_of(fixed[i].name) });
}

bool
attributes_add(struct attributes *a, struct arena *arena, enum place place, struct bytes key)
{
	if (attributes_find(a, place, key) >= 0)
		return true;
	if (a->count == ATTRIBUTES_MAX)
		return false;
	append(
	    a, (struct attribute){ .place = place,
		   .kind = ATTRIBUTE_ORDINARY,
		   .key = arena_copy(arena, key),
		   .name = bytes_of(arena_format(arena, "%s.%.*s", places[place], (int)key.size, key.at)) });
	return true;
}

int
attributes_find(const struct attributes *a, enum place place, struct bytes key)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].place == place && bytes_equal(a->at[i].key, key))
			return (int)i;
	return -1;
}

int
attributes_named(const struct attributes *a, struct bytes name)
{
	for (unsigned i = 0; i < a->count; i++)
		if (bytes_equal(a->at[i].name, name))
			return (int)i;
	return -1;
}

void
attributes_ready(struct attributes *a, struct arena *arena)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].json >= a->by_keys)
			a->by_keys = (size_t)a->at[i].json + 1;
	for (int place = 0; place < PLACE_COUNT; place++)
		a->by_key[place] = arena_array(arena, a->by_keys, 1);
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].kind != ATTRIBUTE_TOP)
			a->by_key[a->at[i].place][a->at[i].json] = (uint8_t)(i + 1);
}
