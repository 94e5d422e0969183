/* SPDX-License-Identifier: ISC */
#include "common/redact/targets.h"

#include "common/base/memory.h"
#include "common/redact/token.h"

#include <stdlib.h>

void
targets_init(struct targets *t)
{
	*t = (struct targets){ .slot = NULL };
	buffer_init(&t->text, BUFFER_UNLIMITED);
	buffer_init(&t->piece, BUFFER_UNLIMITED);
}

void
targets_release(struct targets *t)
{
	free(t->slot);
	buffer_release(&t->text);
	buffer_release(&t->piece);
	*t = (struct targets){ .slot = NULL };
}

static void
start(struct targets *t, size_t names)
{
	uint32_t slots = 16;

	while (slots < 2 * names)
		slots *= 2;
	if (slots > t->room) {
		free(t->slot);
		t->slot = memory_grow(NULL, slots, sizeof t->slot[0]);
		t->room = slots;
	}
	t->slots = slots;
	for (uint32_t i = 0; i < slots; i++)
		t->slot[i].name = (struct bytes){ NULL, 0 };
}

/* The unescaped string.  The first one makes room for all, so that none of them moves. */
static struct bytes
name_of(struct targets *t, const struct json *j, uint32_t node)
{
	struct bytes name;
	size_t at = t->text.used;

	if ((j->nodes[node].flags & JSON_ESCAPED) == 0)
		return json_inside(j, node);
	name = json_string(j, node, &t->piece);
	if (at == 0 && !buffer_reserve(&t->text, j->text.size))
		memory_missing(j->text.size);
	buffer_add(&t->text, name.at, name.size);
	return (struct bytes){ t->text.at + at, name.size };
}

static void
add(struct targets *t, const struct json *j, uint32_t node, uint32_t root, bool contained)
{
	struct bytes name;
	uint64_t at;

	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return;
	name = name_of(t, j, node);
	for (at = bytes_hash(name); t->slot[at & (t->slots - 1)].name.at != NULL; at++)
		continue;
	t->slot[at & (t->slots - 1)] = (struct targets_name){ name, root, contained };
}

static uint32_t
root_at(const struct roots *roots, uint32_t node)
{
	size_t low = 0;
	size_t high = roots->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (roots->at[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low < roots->count && roots->at[low].node == node ? (uint32_t)low : 0;
}

static void
add_contained(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots,
    uint32_t around)
{
	uint32_t list = json_member_key(j, around, p->contained);

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return;
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		uint32_t root = root_at(roots, i);

		if (root != 0)
			add(t, j, json_member_key(j, i, p->id), root, true);
	}
}

static void
add_entries(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots,
    uint32_t bundle)
{
	uint32_t list = json_member_key(j, bundle, p->entry);

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return;
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		uint32_t resource = json_member_key(j, i, p->resource);
		uint32_t root = resource != 0 ? root_at(roots, resource) : 0;

		if (root != 0) {
			add(t, j, json_member_key(j, i, p->full_url), root, false);
			add(t, j, json_member_key(j, resource, p->id), root, false);
		}
	}
}

void
targets_find(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots)
{
	start(t, 2 * roots->count);
	t->text.used = 0;
	for (size_t i = 0; i < roots->count; i++) {
		add_contained(t, p, j, roots, roots->at[i].node);
		add_entries(t, p, j, roots, roots->at[i].node);
	}
}

struct wanted {
	struct bytes type; /* empty: any */
	bool local;        /* `#x`: a root contained in FROM, or in the root around FROM */
	uint32_t from;
};

static bool
fits(const struct targets_query *q, const struct wanted *w, const struct targets_name *target)
{
	const struct root *at = q->roots->at;
	uint32_t root = target->root;

	if (w->local != target->contained)
		return false;
	if (w->local && at[root].parent != w->from && at[root].parent != at[w->from].parent)
		return false;
	return w->type.size == 0 || bytes_equal(shape_type(q->shape, q->json, at[root].node), w->type);
}

/* Takes from GONE the bits that keep a root of that NAME. */
static void
look_up(const struct targets *t, const struct targets_query *q, struct bytes name, const struct wanted *w,
    uint64_t *gone)
{
	for (uint64_t at = bytes_hash(name);; at++) {
		const struct targets_name *slot = &t->slot[at & (t->slots - 1)];

		if (slot->name.at == NULL)
			return;
		if (bytes_equal(slot->name, name) && fits(q, w, slot))
			*gone &= q->gone[slot->root];
	}
}

/* The reference `#NAME`. */
static uint64_t
local_gone(const struct targets *t, const struct targets_query *q, struct bytes name, uint32_t from)
{
	struct wanted w = { .local = true, .from = from };
	uint64_t gone = UINT64_MAX;

	if (name.size == 0)
		return 0; /* `#`: the root around the reference */
	if (q->roots->count > 1)
		look_up(t, q, name, &w, &gone);
	return gone == UINT64_MAX ? q->local : gone;
}

uint64_t
targets_gone(const struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from)
{
	struct wanted w = { .from = from };
	uint64_t gone = UINT64_MAX;
	struct bytes type, id;

	if (reference.size > 0 && reference.at[0] == '#')
		return local_gone(t, q, (struct bytes){ reference.at + 1, reference.size - 1 }, from);
	if (q->roots->count == 1)
		return 0;
	look_up(t, q, reference, &w, &gone);
	if (bytes_begin(reference, "urn:uuid:")) {
		look_up(t, q, (struct bytes){ reference.at + 9, reference.size - 9 }, &w, &gone);
	} else if (token_reference(reference, &type, &id)) {
		w.type = type;
		look_up(t, q, id, &w, &gone);
	}
	return gone == UINT64_MAX ? 0 : gone;
}
