/* SPDX-License-Identifier: ISC */
#include "common/redact/kinds.h"

#include "common/base/bisect.h"
#include "common/base/memory.h"
#include "common/policy/elements.h"

#include <stdlib.h>
#include <string.h>

struct kinds_member {
	uint16_t key;
	struct kinds_at at;
};

/* A kind with members, or one without, which is a value of a form. */
struct kind {
	struct bytes name; /* empty: a value */
	struct form form;
	uint32_t first; /* member */
	uint16_t count;
	bool is_coded;
};

struct kinds {
	struct arena *arena;
	struct json_keys *keys;
	bool extensions;
	struct kind *kind;
	uint16_t kinds, room;
	struct kinds_member *member; /* of each kind together, by ascending key */
	uint32_t members, member_room;
	uint16_t of_element[ELEMENTS_KINDS]; /* its number, 0: not asked for */
	uint16_t any_reference, resource_type;
};

static uint16_t
add_kind(struct kinds *k, struct kind kind)
{
	if (k->kinds == k->room) {
		k->room = k->room > 0 ? (uint16_t)(2 * k->room) : 64;
		k->kind = memory_grow(k->kind, k->room, sizeof k->kind[0]);
	}
	k->kind[k->kinds] = kind;
	return k->kinds++;
}

struct kinds *
kinds_new(struct arena *a, struct json_keys *keys, bool extensions)
{
	struct kinds *k = memory_zeros(1, sizeof *k);
	struct form any;

	*k = (struct kinds){ .arena = a, .keys = keys, .extensions = extensions };
	(void)add_kind(k, (struct kind){ .form.kind = FORM_FREE });
	form_types(&any, a, (struct bytes)BYTES("Resource"));
	k->any_reference = add_kind(k, (struct kind){ .form = any });
	k->resource_type = add_kind(k, (struct kind){ .form.kind = FORM_RESOURCE_TYPE });
	return k;
}

void
kinds_free(struct kinds *k)
{
	if (k == NULL)
		return;
	free(k->kind);
	free(k->member);
	free(k);
}

/* The number of a kind; its members are added later. */
static uint16_t
number_of(struct kinds *k, unsigned element, struct bytes name)
{
	if (k->of_element[element] == 0)
		k->of_element[element] = add_kind(k, (struct kind){ .name = name });
	return k->of_element[element];
}

/* The number of a value's form.  Few forms differ, so the list is searched. */
static uint16_t
form_number(struct kinds *k, struct bytes type)
{
	struct form form;

	form_of_type(&form, k->arena, type);
	if (form.kind == FORM_FREE)
		return KINDS_UNKNOWN;
	for (uint16_t i = 1; form.count == 0 && i < k->kinds; i++)
		if (k->kind[i].name.size == 0 && k->kind[i].form.kind == form.kind &&
		    k->kind[i].form.count == 0)
			return i;
	return add_kind(k, (struct kind){ .form = form });
}

static struct kinds_at
at_type(struct kinds *k, struct bytes type)
{
	struct bytes bare = elements_bare(type);
	unsigned element = elements_kind(bare);
	struct kinds_at at = { KINDS_UNKNOWN, k->any_reference };
	struct form form;

	if (element == ELEMENTS_KINDS) {
		at.number = form_number(k, type);
		return at;
	}
	at.number = number_of(k, element, bare);
	if (bytes_are(bare, "Reference") && elements_bound(type).size > 0) {
		form_types(&form, k->arena, elements_bound(type));
		at.bound = form.count == 0 ? k->any_reference : add_kind(k, (struct kind){ .form = form });
	}
	return at;
}

static void
add_member(struct kinds *k, struct kind *kind, struct kinds_member member)
{
	uint32_t at = k->members;

	if (k->members == k->member_room) {
		k->member_room = k->member_room > 0 ? 2 * k->member_room : 512;
		k->member = memory_grow(k->member, k->member_room, sizeof k->member[0]);
	}
	while (at > kind->first && k->member[at - 1].key > member.key) {
		k->member[at] = k->member[at - 1];
		at--;
	}
	k->member[at] = member;
	k->members++;
	kind->count++;
}

/* Roots inside a root are walked as roots, and extensions only where a policy lists some. */
static bool
is_wanted(const struct kinds *k, const struct element *e)
{
	return bytes_are(e->type, "Extension") ? k->extensions : !bytes_are(e->type, "Resource");
}

/* Of a resource, which is what has the member implicitRules. */
static void
add_type_member(struct kinds *k, struct kind *kind)
{
	struct kinds_member member = { .key = json_keys_add(k->keys, bytes_of("resourceType")) };

	member.at.number = k->resource_type;
	add_member(k, kind, member);
}

static void
fill(struct kinds *k, uint16_t number)
{
	struct kind kind = k->kind[number];
	struct elements elements;
	struct element e;
	unsigned coded = 0;

	kind.first = k->members;
	(void)elements_open(&elements, kind.name);
	while (elements_next(&elements, &e)) {
		struct kinds_member member = { .at.number = KINDS_UNKNOWN };

		if (!is_wanted(k, &e))
			continue;
		member.key = json_keys_add(k->keys, e.name);
		if (bytes_are(kind.name, "Reference") && bytes_are(e.name, "reference"))
			member.at.number = k->any_reference;
		else
			member.at = at_type(k, e.type);
		add_member(k, &kind, member);
		if (bytes_are(e.name, "implicitRules"))
			add_type_member(k, &kind);
		coded += bytes_are(e.type, "uri") && bytes_are(e.name, "system");
		coded += bytes_are(e.type, "code") && bytes_are(e.name, "code");
	}
	kind.is_coded = coded == 2;
	k->kind[number] = kind;
}

void
kinds_add(struct kinds *k, struct bytes type)
{
	unsigned element = elements_kind(type);
	uint16_t from = k->kinds;

	if (element == ELEMENTS_KINDS || k->of_element[element] != 0)
		return;
	(void)number_of(k, element, type);
	for (uint16_t i = from; i < k->kinds; i++)
		if (k->kind[i].name.size > 0)
			fill(k, i);
}

struct kinds_at
kinds_root(const struct kinds *k, struct bytes type)
{
	unsigned element = elements_kind(type);

	return (struct kinds_at){ element == ELEMENTS_KINDS ? KINDS_UNKNOWN : k->of_element[element],
		k->any_reference };
}

struct kinds_at
kinds_member(const struct kinds *k, struct kinds_at around, uint16_t key)
{
	const struct kind *kind = &k->kind[around.number];
	struct bisect b = { .low = kind->first, .high = kind->first + kind->count };

	while (bisect_more(&b))
		bisect_step(&b, k->member[b.middle].key < key);
	if (b.low == kind->first + kind->count || k->member[b.low].key != key || key == 0)
		return (struct kinds_at){ KINDS_UNKNOWN, 0 };
	struct kinds_at at = k->member[b.low].at;
	if (at.number == k->any_reference)
		at.number = around.bound;
	return at;
}

const struct form *
kinds_form(const struct kinds *k, struct kinds_at at)
{
	return &k->kind[at.number].form;
}

bool
kinds_is_coded(const struct kinds *k, struct kinds_at at)
{
	return k->kind[at.number].is_coded;
}
