/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/redact/token.h"

#include <stdlib.h>

/* Which references a name is for. */
enum scope {
	SCOPE_ANY,   /* of an entry: its id or fullUrl */
	SCOPE_TYPED, /* of an entry: `Type/id` */
	SCOPE_LOCAL, /* of a contained root: `#id` */
};

/*
 * Any number of roots may have one name.  What is lost of them is found once a turn, so it does not matter
 * how many references name them.
 */
struct targets_group {
	uint64_t gone;   /* the bits that lost all of them, in that turn */
	uint32_t turn;   /* 0: not found yet */
	uint32_t around; /* SCOPE_LOCAL: the root around them */
	size_t name;     /* where its name begins in the text */
	size_t size;
	uint32_t first; /* item, from 1 */
	uint32_t scope; /* enum scope */
};

struct targets_item {
	uint32_t root;
	uint32_t next; /* of the group, from 1 */
};

void
targets_init(struct targets *t)
{
	*t = (struct targets){ .slot = NULL };
	buffer_init(&t->groups, BUFFER_UNLIMITED);
	buffer_init(&t->items, BUFFER_UNLIMITED);
	buffer_init(&t->text, BUFFER_UNLIMITED);
	buffer_init(&t->piece, BUFFER_UNLIMITED);
}

void
targets_release(struct targets *t)
{
	free(t->slot);
	buffer_release(&t->groups);
	buffer_release(&t->items);
	buffer_release(&t->text);
	buffer_release(&t->piece);
	*t = (struct targets){ .slot = NULL };
}

static struct targets_group *
group_at(const struct targets *t, uint32_t number)
{
	return (struct targets_group *)(void *)t->groups.at + number - 1;
}

static void
start(struct targets *t, size_t groups)
{
	uint32_t slots = 16;

	while (slots < 2 * groups)
		slots *= 2;
	if (slots > t->room) {
		free(t->slot);
		t->slot = memory_grow(NULL, slots, sizeof t->slot[0]);
		t->room = slots;
	}
	t->slots = slots;
	memset(t->slot, 0, slots * sizeof t->slot[0]);
	t->groups.used = t->items.used = t->text.used = 0;
	t->turn = 1;
}

static bool
is_group(const struct targets *t, uint32_t number, enum scope scope, uint32_t around, struct bytes name)
{
	const struct targets_group *g = group_at(t, number);

	return g->scope == (uint32_t)scope && g->around == around &&
	       bytes_equal((struct bytes){ t->text.at + g->name, g->size }, name);
}

/* The slot of a group, or the free one where it belongs. */
static uint32_t *
find_slot(const struct targets *t, enum scope scope, uint32_t around, struct bytes name)
{
	uint64_t key[2] = { hash_key[0] ^ around, hash_key[1] ^ (uint64_t)scope };
	uint64_t at = hash_keyed(key, name);

	for (;; at++) {
		uint32_t *slot = &t->slot[at & (t->slots - 1)];

		if (*slot == 0 || is_group(t, *slot, scope, around, name))
			return slot;
	}
}

/* Adds ROOT to the group whose name is the text from NAME on. */
static void
add(struct targets *t, enum scope scope, uint32_t around, size_t name, uint32_t root)
{
	struct bytes text = { t->text.at + name, t->text.used - name };
	uint32_t *slot = find_slot(t, scope, around, text);
	struct targets_item *item;

	if (*slot == 0) {
		*(struct targets_group *)buffer_more(&t->groups, sizeof(struct targets_group)) =
		    (struct targets_group){
			    .around = around, .name = name, .size = text.size, .scope = scope
		    };
		*slot = (uint32_t)(t->groups.used / sizeof(struct targets_group));
	} else
		t->text.used = name;
	item = buffer_more(&t->items, sizeof *item);
	*item = (struct targets_item){ root, group_at(t, *slot)->first };
	group_at(t, *slot)->first = (uint32_t)(t->items.used / sizeof *item);
}

static bool
is_name(const struct json *j, uint32_t node)
{
	return node != 0 && json_kind(j, node) == JSON_STRING;
}

static void
put_name(struct targets *t, const struct json *j, uint32_t node)
{
	struct bytes name = json_string(j, node, &t->piece);

	buffer_add(&t->text, name.at, name.size);
}

/* NODE, if it is a string, is a name of the entry ROOT. */
static void
add_entry(struct targets *t, const struct json *j, uint32_t node, uint32_t root, struct bytes type)
{
	size_t at = t->text.used;

	if (!is_name(j, node))
		return;
	put_name(t, j, node);
	add(t, SCOPE_ANY, 0, at, root);
	at = t->text.used;
	if (type.size == 0)
		return;
	buffer_add(&t->text, type.at, type.size);
	buffer_add(&t->text, "/", 1);
	put_name(t, j, node);
	add(t, SCOPE_TYPED, 0, at, root);
}

/* The first of a list; some write one without the list around it. */
static uint32_t
first_of(const struct json *j, uint32_t list)
{
	return json_kind(j, list) == JSON_ARRAY ? list + 1 : list;
}

static void
add_contained(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots,
    uint32_t around)
{
	uint32_t list = json_member_key(j, roots->at[around].node, p->contained);

	if (list == 0)
		return;
	for (uint32_t i = first_of(j, list); i < j->nodes[list].next; i = j->nodes[i].next) {
		uint32_t root = (uint32_t)roots_inner(roots, i);
		uint32_t id = root != 0 ? json_member_key(j, i, p->id) : 0;
		size_t at = t->text.used;

		if (!is_name(j, id))
			continue;
		put_name(t, j, id);
		add(t, SCOPE_LOCAL, roots->at[root].parent, at, root);
	}
}

static void
add_entries(struct targets *t, const struct places *p, struct shape *shape, const struct json *j,
    const struct roots *roots, uint32_t bundle)
{
	uint32_t list = json_member_key(j, roots->at[bundle].node, p->entry);

	if (list == 0)
		return;
	for (uint32_t i = first_of(j, list); i < j->nodes[list].next; i = j->nodes[i].next) {
		uint32_t resource = json_member_key(j, i, p->resource);
		uint32_t url = json_member_key(j, i, p->full_url);
		uint32_t root;

		/* DSTU1 has `content`, and the entry's id for its address. */
		if (resource == 0)
			resource = json_member_key(j, i, p->content);
		if (url == 0)
			url = json_member_key(j, i, p->id);
		root = (uint32_t)roots_inner(roots, resource);
		if (root != 0) {
			struct bytes type = shape_type(shape, j, resource);

			add_entry(t, j, url, root, type);
			add_entry(t, j, json_member_key(j, resource, p->id), root, type);
		}
	}
}

void
targets_find(struct targets *t, const struct places *p, struct shape *shape, const struct json *j,
    const struct roots *roots)
{
	start(t, 4 * roots->count);
	for (uint32_t i = 0; i < roots->count; i++) {
		add_contained(t, p, j, roots, i);
		add_entries(t, p, shape, j, roots, i);
	}
}

void
targets_turn(struct targets *t)
{
	t->turn++;
}

/* Takes from GONE the bits that keep a root of that name. */
static void
look_up(struct targets *t, const struct targets_query *q, enum scope scope, uint32_t around,
    struct bytes name, uint64_t *gone)
{
	uint32_t number = *find_slot(t, scope, around, name);
	const struct targets_item *item = (const struct targets_item *)(const void *)t->items.at;
	struct targets_group *g;

	if (number == 0)
		return;
	g = group_at(t, number);
	if (g->turn != t->turn) {
		g->turn = t->turn;
		g->gone = UINT64_MAX;
		for (uint32_t i = g->first; i != 0; i = item[i - 1].next)
			g->gone &= q->gone[item[i - 1].root];
	}
	*gone &= g->gone;
}

/* The reference `#NAME` in root FROM: a root contained in FROM, or in the root around FROM. */
static uint64_t
local_gone(struct targets *t, const struct targets_query *q, struct bytes name, uint32_t from)
{
	uint64_t gone = UINT64_MAX;

	if (name.size == 0)
		return 0; /* `#`: the root around the reference */
	if (q->roots->count > 1) {
		look_up(t, q, SCOPE_LOCAL, from, name, &gone);
		look_up(t, q, SCOPE_LOCAL, q->roots->at[from].parent, name, &gone);
	}
	return gone == UINT64_MAX ? q->local : gone;
}

uint64_t
targets_gone(struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from)
{
	uint64_t gone = UINT64_MAX;
	struct bytes type, id;

	if (reference.size > 0 && reference.at[0] == '#')
		return local_gone(t, q, (struct bytes){ reference.at + 1, reference.size - 1 }, from);
	if (q->roots->count == 1)
		return 0;
	look_up(t, q, SCOPE_ANY, 0, reference, &gone);
	if (bytes_begin(reference, "urn:uuid:")) {
		reference = (struct bytes){ reference.at + 9, reference.size - 9 };
		look_up(t, q, SCOPE_ANY, 0, reference, &gone);
	} else if (token_reference(reference, &type, &id)) {
		/* They stand side by side. */
		look_up(t, q, SCOPE_TYPED, 0, (struct bytes){ type.at, type.size + 1 + id.size }, &gone);
	}
	return gone == UINT64_MAX ? 0 : gone;
}

void
targets_local(const struct targets *t, const struct roots *roots, struct bytes name, uint32_t from,
    void (*found)(void *context, uint32_t root), void *context)
{
	const struct targets_item *item = (const struct targets_item *)(const void *)t->items.at;

	for (int i = 0; i < 2; i++) {
		uint32_t number = *find_slot(t, SCOPE_LOCAL, i == 0 ? from : roots->at[from].parent, name);

		if (number == 0 || (i == 1 && roots->at[from].parent == from))
			continue;
		found(context, item[group_at(t, number)->first - 1].root);
	}
}
