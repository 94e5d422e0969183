/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

bool
primitive_siblings_is(const struct json *j, uint32_t key)
{
	struct bytes name = json_inside(j, key);

	return bytes_begin(name, "_") || bytes_begin(name, "\\u005f") || bytes_begin(name, "\\u005F");
}

static uint8_t
higher_base(uint8_t a, uint8_t b)
{
	if (a == NOTES_NO_BASE || b == NOTES_NO_BASE)
		return a == NOTES_NO_BASE ? b : a;
	return a > b ? a : b;
}

/* Both nodes get the notes of either.  False if there are none. */
static bool
join(struct notes *n, uint32_t x, uint32_t sibling)
{
	struct notes_node a = *notes_of(n, x);
	struct notes_node b = *notes_of(n, sibling);
	uint8_t base = higher_base(a.base, b.base);
	uint8_t raise = a.raise > b.raise ? a.raise : b.raise;
	uint64_t left_out = a.left_out | b.left_out;

	if (base == NOTES_NO_BASE && raise == 0 && left_out == 0)
		return false;
	for (int i = 0; i < 2; i++) {
		struct notes_node *note = notes_touch(n, i == 0 ? x : sibling);

		note->base = base;
		note->raise = raise;
		note->left_out = left_out;
	}
	return true;
}

static void
join_elements(const struct outline *o, uint32_t x, uint32_t sibling)
{
	const struct json *j = o->json;
	uint32_t a = x + 1;
	uint32_t b = sibling + 1;
	bool any = false;

	while (a < j->nodes[x].next && b < j->nodes[sibling].next) {
		any |= join(o->notes, a, b);
		a = j->nodes[a].next;
		b = j->nodes[b].next;
	}
	if (!any)
		return;
	notes_touch(o->notes, x)->inside = true;
	notes_touch(o->notes, sibling)->inside = true;
}

/* The bits that change the member of V that has that NUMBER and the value behind KEY, or an element of it. */
static uint64_t
changes_of(struct outline *o, const struct view *v, uint32_t key, uint16_t number)
{
	const struct json *j = o->json;
	uint32_t state = PATHS_DEAD;
	uint32_t index = 0;
	uint64_t changes;

	if (v->state != PATHS_DEAD)
		state = paths_member_as(o->s->paths, v->state, j, key, number);
	if (state == PATHS_DEAD)
		return 0;
	changes = matches_changes(o, state, v->root, v->type);
	if (json_kind(j, key + 1) != JSON_ARRAY)
		return changes;
	for (uint32_t i = key + 2; i < j->nodes[key + 1].next; i = j->nodes[i].next, index++) {
		uint32_t element = paths_element(o->s->paths, state, j, i, index);

		changes |= matches_changes(o, element, v->root, v->type);
	}
	return changes;
}

/* A primitive may have no value.  Then its _x changes as x would, so it goes. */
static void
drop_lone(struct outline *o, const struct view *v, uint32_t key)
{
	uint16_t number = json_keys_find(o->keys, bytes_behind(json_string(o->json, key, &o->room), 1));
	uint64_t changes = number == 0 ? 0 : changes_of(o, v, key, number);

	if (changes != 0)
		notes_touch(o->notes, key + 1)->dropped |= changes;
}

static void
join_members(struct json_named *named, struct outline *o, const struct view *v)
{
	const struct json *j = o->json;
	uint32_t object = v->value;

	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		uint32_t x;

		if (!primitive_siblings_is(j, k))
			continue;
		x = json_named_twin(named, j, object, k);
		if (x == 0) {
			drop_lone(o, v, k);
			continue;
		}
		(void)join(o->notes, x + 1, k + 1);
		if (json_kind(j, x + 1) == JSON_ARRAY && json_kind(j, k + 1) == JSON_ARRAY)
			join_elements(o, x + 1, k + 1);
		uint64_t changes = changes_of(o, v, x, j->nodes[x].key);
		struct notes_node *note = notes_touch(o->notes, k + 1);
		note->is_sibling = true;
		note->dropped |= changes;
	}
}

/* Of an Attachment. */
static void
join_data(const struct outline *o, uint32_t object, uint32_t data)
{
	const struct json *j = o->json;
	const struct notes_node note = *notes_of(o->notes, data);
	uint8_t level = note.base != NOTES_NO_BASE && note.base > note.raise ? note.base : note.raise;

	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next) {
		if (o->places.of_key[j->nodes[k].key] != PLACE_CONTENT)
			continue;
		struct notes_node *content = notes_touch(o->notes, k + 1);
		content->left_out |= note.left_out;
		content->raise = level > content->raise ? level : content->raise;
	}
}

void
primitive_siblings_join(struct json_named *named, struct outline *o, const struct view *v)
{
	const struct json *j = o->json;
	bool siblings = false;

	for (uint32_t k = v->value + 1; k < j->nodes[v->value].next; k = j->nodes[k].next) {
		siblings |= primitive_siblings_is(j, k);
		if (o->places.of_key[j->nodes[k].key] == PLACE_DATA && GUARD(attachments))
			join_data(o, v->value, k + 1);
	}
	if (siblings && GUARD(primitive_siblings))
		join_members(named, o, v);
}
