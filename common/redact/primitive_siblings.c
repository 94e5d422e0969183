/* SPDX-License-Identifier: ISC */
/*
 * FHIR writes what belongs to a primitive x (its id, its extensions) into a member _x beside it, and for an
 * array element by element.  A label on either is about both, a version that withholds one withholds the
 * other, and where x is changed _x goes: a birth time would undo a year of birth.
 */
#include "common/base/diag.h"
#include "common/redact/walk.h"

#include <stdlib.h>

/* The first byte of a key, and whether it begins with an underscore once unescaped. */
static bool
begins_half(const struct walk *w, uint32_t key)
{
	const struct json_node *n = &w->json->nodes[key];
	const char *at = w->json->text.at + n->start + 1;

	if (*at == '_')
		return n->end - n->start > 3;
	return *at == '\\' && n->end - n->start > 8 && memcmp(at, "\\u005", 5) == 0 && (at[5] | 0x20) == 'f';
}

static uint64_t
hash_of(struct bytes name)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(1099511628211);
	return hash ^ (hash >> 32);
}

/* A table of the members that are no halves, by name: an object may have very many. */
static uint32_t
fill_names(struct walk *w, uint32_t object, uint32_t members)
{
	const struct json *j = w->json;
	uint32_t slots = 16;

	while (slots < 2 * members)
		slots *= 2;
	if (slots > w->roles_room) {
		free(w->names);
		w->names = reallocarray(NULL, slots, sizeof w->names[0]);
		if (w->names == NULL)
			diag_die(EXIT_IO, "out of memory (%u names wanted)", slots);
		w->roles_room = slots;
	}
	memset(w->names, 0, slots * sizeof w->names[0]);
	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		if (begins_half(w, k))
			continue;
		uint64_t at = hash_of(json_string(j, k, &w->room));
		while (w->names[at & (slots - 1)] != 0)
			at++;
		w->names[at & (slots - 1)] = k;
	}
	return slots;
}

/* The key of x for the key of _x, 0 if there is none. */
static uint32_t
other_half(struct walk *w, uint32_t slots, uint32_t key)
{
	struct bytes name = json_string(w->json, key, &w->room);

	name = (struct bytes){ name.at + 1, name.size - 1 };
	for (uint64_t at = hash_of(name); w->names[at & (slots - 1)] != 0; at++)
		if (json_is(w->json, w->names[at & (slots - 1)], name))
			return w->names[at & (slots - 1)];
	return 0;
}

static uint8_t
higher_base(uint8_t a, uint8_t b)
{
	if (a == NOTE_NO_BASE || b == NOTE_NO_BASE)
		return a == NOTE_NO_BASE ? b : a;
	return a > b ? a : b;
}

/* Both nodes get what is noted of either.  False if nothing is. */
static bool
join(struct notes *n, uint32_t x, uint32_t half)
{
	struct note a = n->of[x];
	struct note b = n->of[half];
	uint8_t base = higher_base(a.base, b.base);
	uint8_t raise = a.raise > b.raise ? a.raise : b.raise;
	uint64_t out = a.out | b.out;

	if (base == NOTE_NO_BASE && raise == 0 && out == 0)
		return false;
	for (int i = 0; i < 2; i++) {
		struct note *note = notes_touch(n, i == 0 ? x : half);

		note->base = base;
		note->raise = raise;
		note->out = out;
	}
	return true;
}

static void
join_elements(struct walk *w, uint32_t x, uint32_t half)
{
	const struct json *j = w->json;
	uint32_t a = x + 1;
	uint32_t b = half + 1;
	bool any = false;

	for (; a < j->nodes[x].next && b < j->nodes[half].next; a = j->nodes[a].next, b = j->nodes[b].next)
		any |= join(w->notes, a, b);
	if (!any)
		return;
	notes_touch(w->notes, x)->inside = true;
	notes_touch(w->notes, half)->inside = true;
}

/* The bits in which X, or an element of it, is changed. */
static uint64_t
changes_of(struct walk *w, const struct view *v, uint32_t key)
{
	const struct json *j = w->json;
	uint32_t state = PATHS_DEAD;
	uint32_t index = 0;
	uint64_t changes;

	if (v->state != PATHS_DEAD)
		state = paths_member(w->s->paths, v->state, j, key);
	if (state == PATHS_DEAD)
		return 0;
	changes = view_changes(w, state, v->root, v->type);
	if (json_kind(j, key + 1) != JSON_ARRAY)
		return changes;
	for (uint32_t i = key + 2; i < j->nodes[key + 1].next; i = j->nodes[i].next, index++) {
		uint32_t element = paths_element(w->s->paths, state, j, i, index);

		changes |= view_changes(w, element, v->root, v->type);
	}
	return changes;
}

static void
join_halves(struct walk *w, const struct view *v, uint32_t members)
{
	const struct json *j = w->json;
	uint32_t object = v->value;
	uint32_t slots = fill_names(w, object, members);

	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		uint32_t x = begins_half(w, k) ? other_half(w, slots, k) : 0;

		if (x == 0)
			continue;
		(void)join(w->notes, x + 1, k + 1);
		if (json_kind(j, x + 1) == JSON_ARRAY && json_kind(j, k + 1) == JSON_ARRAY)
			join_elements(w, x + 1, k + 1);
		uint64_t changes = changes_of(w, v, x);
		struct note *note = notes_touch(w->notes, k + 1);
		note->half = true;
		note->drop |= changes;
	}
}

/* Length and digest identify what nobody may see: they have at least the level of the data beside them. */
static void
join_data(struct walk *w, uint32_t object, uint32_t data)
{
	const struct json *j = w->json;
	const struct note note = w->notes->of[data];
	uint8_t level = note.base != NOTE_NO_BASE && note.base > note.raise ? note.base : note.raise;

	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		if (w->places.of_key[j->nodes[k].key] != MEMBER_CONTENT)
			continue;
		struct note *content = notes_touch(w->notes, k + 1);
		content->out |= note.out;
		content->raise = level > content->raise ? level : content->raise;
	}
}

void
primitive_siblings_join(struct walk *w, const struct view *v)
{
	const struct json *j = w->json;
	uint32_t object = v->value;
	uint32_t members = 0;
	bool halves = false;

	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		members++;
		halves |= begins_half(w, k);
		if (w->places.of_key[j->nodes[k].key] == MEMBER_DATA)
			join_data(w, object, k + 1);
	}
	if (halves)
		join_halves(w, v, members);
}
