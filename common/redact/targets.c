/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/label/coding.h"
#include "common/redact/token.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

/* Which references a name is for. */
enum scope {
	SCOPE_ANY,   /* of an entry: its id or fullUrl */
	SCOPE_TYPED, /* of an entry: `Type/id` */
	SCOPE_FOUND, /* by a search for identifiers or types: `Type?system|value`, `?system|value`, `Type?` */
	SCOPE_LOCAL, /* of a contained root: `#id`.  The index of the root around it is added. */
};

/*
 * Any number of roots may have one name.  What is lost of them is found once a turn, so it does not matter
 * how many references name them.
 */
struct targets_group {
	uint64_t gone;  /* the bits that lost all of them, in that turn */
	size_t name;    /* where its name begins in the text */
	uint32_t size;  /* a name is made of two or three strings of the line, and shorter than it */
	uint32_t scope; /* enum scope */
	uint32_t turn;  /* 0: not found yet */
	uint32_t first; /* item, from 1 */
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
	buffer_init(&t->name, BUFFER_UNLIMITED);
}

void
targets_release(struct targets *t)
{
	free(t->slot);
	buffer_release(&t->groups);
	buffer_release(&t->items);
	buffer_release(&t->text);
	buffer_release(&t->piece);
	buffer_release(&t->name);
	*t = (struct targets){ .slot = NULL };
}

static struct targets_group *
group_at(const struct targets *t, uint32_t number)
{
	return (struct targets_group *)(void *)t->groups.at + number - 1;
}

/* A table of SLOTS slots, all free. */
static void
clear_slots(struct targets *t, uint32_t slots)
{
	if (slots > t->room) {
		free(t->slot);
		t->slot = memory_grow(NULL, slots, sizeof t->slot[0]);
		t->room = slots;
	}
	t->slots = slots;
	memset(t->slot, 0, slots * sizeof t->slot[0]);
}

static void
start(struct targets *t)
{
	clear_slots(t, FIRST_SLOTS);
	t->groups.used = t->items.used = t->text.used = 0;
	t->turn = 1;
}

static struct bytes
name_of(const struct targets *t, const struct targets_group *g)
{
	return (struct bytes){ t->text.at + g->name, g->size };
}

static bool
is_group(const struct targets *t, uint32_t number, uint32_t scope, struct bytes name)
{
	const struct targets_group *g = group_at(t, number);

	return g->scope == scope && bytes_equal(name_of(t, g), name);
}

/* The slot of a group, or the free one where it belongs. */
static uint32_t *
find_slot(const struct targets *t, uint32_t scope, struct bytes name)
{
	uint64_t key[2] = { hash_key[0], hash_key[1] ^ scope };
	uint64_t at = hash_keyed(key, name);

	for (;; at++) {
		uint32_t *slot = &t->slot[at & (t->slots - 1)];

		if (*slot == 0 || is_group(t, *slot, scope, name))
			return slot;
	}
}

/* One entry may have any number of names: at most three quarters of the slots are taken. */
static void
grow_slots(struct targets *t)
{
	uint32_t count = (uint32_t)(t->groups.used / sizeof(struct targets_group));

	if (count < t->slots / 4 * 3)
		return;
	if (t->slots > UINT32_MAX / 2)
		memory_missing(0);
	clear_slots(t, 2 * t->slots);
	for (uint32_t number = 1; number <= count; number++) {
		const struct targets_group *g = group_at(t, number);

		*find_slot(t, g->scope, name_of(t, g)) = number;
	}
}

/* Adds ROOT to the group whose name is the text from NAME on. */
static void
add(struct targets *t, uint32_t scope, size_t name, uint32_t root)
{
	struct bytes text = { t->text.at + name, t->text.used - name };
	struct targets_item *item;
	uint32_t *slot;

	grow_slots(t);
	slot = find_slot(t, scope, text);
	if (*slot == 0) {
		*(struct targets_group *)buffer_more(&t->groups, sizeof(struct targets_group)) =
		    (struct targets_group){ .name = name, .size = (uint32_t)text.size, .scope = scope };
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
	struct bytes name = bytes_trim(json_string(j, node, &t->piece));

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
	add(t, SCOPE_ANY, at, root);
	at = t->text.used;
	if (type.size == 0)
		return;
	buffer_add(&t->text, type.at, type.size);
	buffer_add(&t->text, "/", 1);
	put_name(t, j, node);
	add(t, SCOPE_TYPED, at, root);
}

/* The first of a list; some write one without the list around it. */
static uint32_t
first_of(const struct json *j, uint32_t list)
{
	return json_kind(j, list) == JSON_ARRAY ? list + 1 : list;
}

/* A search for an identifier, with and without its system, may mean ROOT. */
static void
add_identifier(struct targets *t, const struct json *j, uint32_t identifier, uint32_t root, struct bytes type)
{
	bool is_object = json_kind(j, identifier) == JSON_OBJECT;
	uint32_t value = is_object ? json_member(j, identifier, (struct bytes)BYTES("value")) : 0;
	uint32_t system = is_object ? json_member(j, identifier, (struct bytes)BYTES("system")) : 0;

	if (!is_name(j, value))
		return;
	for (int form = 0; form < 3; form++) {
		size_t at = t->text.used;

		buffer_add(&t->text, type.at, form < 2 ? type.size : 0);
		buffer_add(&t->text, "?", 1);
		if (form > 0 && is_name(j, system))
			put_name(t, j, system);
		if (form > 0)
			buffer_add(&t->text, "|", 1);
		put_name(t, j, value);
		add(t, SCOPE_FOUND, at, root);
	}
}

static void
add_found(struct targets *t, const struct json *j, uint32_t resource, uint32_t root, struct bytes type)
{
	uint32_t list = json_member(j, resource, (struct bytes)BYTES("identifier"));
	size_t at = t->text.used;

	buffer_add(&t->text, type.at, type.size);
	buffer_add(&t->text, "?", 1);
	add(t, SCOPE_FOUND, at, root);
	if (list == 0)
		return;
	if (json_kind(j, list) != JSON_ARRAY) {
		add_identifier(t, j, list, root, type);
		return;
	}
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
		add_identifier(t, j, i, root, type);
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
		struct bytes name;

		if (!is_name(j, id))
			continue;
		/* Some write `#a` as the id, too. */
		name = bytes_trim(json_string(j, id, &t->piece));
		name = bytes_begin(name, "#") ? bytes_behind(name, 1) : name;
		buffer_add(&t->text, name.at, name.size);
		add(t, SCOPE_LOCAL + roots->at[root].parent, at, root);
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
			add_found(t, j, resource, root, type);
		}
	}
}

void
targets_find(struct targets *t, const struct places *p, struct shape *shape, const struct json *j,
    const struct roots *roots)
{
	start(t);
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

/*
 * Takes from GONE the bits that keep a root of that name; of those that a search finds, the bits that keep
 * all, for which of them it means is not known.  False if there is none.
 */
static bool
look_up(struct targets *t, const struct targets_query *q, uint32_t scope, struct bytes name, uint64_t *gone)
{
	uint32_t number = *find_slot(t, scope, name);
	const struct targets_item *item = (const struct targets_item *)(const void *)t->items.at;
	struct targets_group *g;

	if (number == 0)
		return false;
	g = group_at(t, number);
	if (g->turn != t->turn) {
		g->turn = t->turn;
		g->gone = scope == SCOPE_FOUND ? 0 : UINT64_MAX;
		for (uint32_t i = g->first; i != 0; i = item[i - 1].next)
			g->gone = scope == SCOPE_FOUND ? g->gone | q->gone[item[i - 1].root]
						       : g->gone & q->gone[item[i - 1].root];
	}
	*gone &= g->gone;
	return true;
}

/* One parameter of a search, NAME=VALUE, for roots of TYPE: the entry that it names, if it names one. */
static bool
find_parameter(struct targets *t, const struct targets_query *q, struct bytes type, struct bytes parameter,
    uint64_t *gone)
{
	bool is_id = bytes_begin(parameter, "_id=");
	bool is_identifier = bytes_begin(parameter, "identifier=");
	size_t name = is_id ? strlen("_id=") : strlen("identifier=");
	struct bytes value;

	if ((!is_id && !is_identifier) || memchr(parameter.at, ',', parameter.size) != NULL)
		return false;
	value = coding_decoded(bytes_behind(parameter, name), &t->piece);
	/* Without a value, any of a system's is meant. */
	if (value.size == 0 || value.at[value.size - 1] == '|')
		return false;
	t->name.used = 0;
	buffer_add(&t->name, type.at, type.size);
	buffer_add(&t->name, is_id ? "/" : "?", 1);
	buffer_add(&t->name, value.at, value.size);
	(void)look_up(
	    t, q, is_id ? SCOPE_TYPED : SCOPE_FOUND, (struct bytes){ t->name.at, t->name.used }, gone);
	return true;
}

/*
 * A search in place of a reference (FHIR R4 3.1.0.11.3): `Patient?identifier=urn:x|1`.  By an identifier or
 * an id it means the entry that has it; what else it asks is not evaluated, so it may mean any of its type.
 */
static uint64_t
search_gone(struct targets *t, const struct targets_query *q, struct bytes reference, const char *mark)
{
	struct bytes type = { reference.at, (size_t)(mark - reference.at) };
	const char *slash = memrchr(type.at, '/', type.size);
	const char *end = reference.at + reference.size;
	uint64_t gone = UINT64_MAX;

	if (slash != NULL)
		type = (struct bytes){ slash + 1, (size_t)(mark - slash) - 1 };
	for (const char *at = mark + 1; at < end;) {
		const char *next = memchr(at, '&', (size_t)(end - at));
		struct bytes parameter = { at, (size_t)((next != NULL ? next : end) - at) };

		if (find_parameter(t, q, type, parameter, &gone))
			return gone == UINT64_MAX ? 0 : gone;
		at += parameter.size + 1;
	}
	t->name.used = 0;
	buffer_add(&t->name, type.at, type.size);
	buffer_add(&t->name, "?", 1);
	return look_up(t, q, SCOPE_FOUND, (struct bytes){ t->name.at, t->name.used }, &gone) ? gone : 0;
}

uint64_t
targets_identified(
    struct targets *t, const struct targets_query *q, const struct json *j, uint32_t identifier)
{
	uint32_t value = json_member(j, identifier, (struct bytes)BYTES("value"));
	uint32_t system = json_member(j, identifier, (struct bytes)BYTES("system"));
	uint64_t gone = UINT64_MAX;
	struct bytes text;

	if (q->roots->count == 1 || !is_name(j, value))
		return 0;
	t->name.used = 0;
	buffer_add(&t->name, "?", 1);
	if (is_name(j, system)) {
		text = json_string(j, system, &t->piece);
		buffer_add(&t->name, text.at, text.size);
	}
	buffer_add(&t->name, "|", 1);
	text = json_string(j, value, &t->piece);
	buffer_add(&t->name, text.at, text.size);
	return look_up(t, q, SCOPE_FOUND, (struct bytes){ t->name.at, t->name.used }, &gone) ? gone : 0;
}

bool
targets_fragment(struct bytes reference, struct bytes *name)
{
	size_t mark = 0;

	reference = bytes_trim(reference);
	while (mark < reference.size && strchr("#/:?|", reference.at[mark]) == NULL)
		mark++;
	*name = reference;
	if (mark == reference.size)
		return reference.size > 0;
	while (mark < reference.size && reference.at[mark] != '#')
		mark++;
	if (mark == reference.size)
		return false;
	*name = bytes_behind(reference, mark + 1);
	return true;
}

/* A root of that name contained in FROM, or in the root around FROM. */
static bool
look_up_local(
    struct targets *t, const struct targets_query *q, struct bytes name, uint32_t from, uint64_t *gone)
{
	bool is_inside = look_up(t, q, SCOPE_LOCAL + from, name, gone);

	return look_up(t, q, SCOPE_LOCAL + q->roots->at[from].parent, name, gone) || is_inside;
}

/* The reference `#NAME` in root FROM. */
static uint64_t
local_gone(struct targets *t, const struct targets_query *q, struct bytes name, uint32_t from)
{
	uint64_t gone = UINT64_MAX;

	if (name.size == 0)
		return 0; /* `#`: the root around the reference */
	if (q->roots->count > 1)
		(void)look_up_local(t, q, name, from, &gone);
	return gone == UINT64_MAX ? q->local : gone;
}

uint64_t
targets_gone(
    struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from, bool *is_here)
{
	uint64_t gone = UINT64_MAX;
	struct bytes type, id, name;
	const char *mark;

	*is_here = false;
	reference = bytes_trim(reference);
	mark = memchr(reference.at, '?', reference.size);
	if (reference.size > 0 && reference.at[0] == '#')
		return local_gone(t, q, bytes_behind(reference, 1), from);
	if (q->roots->count == 1)
		return 0;
	if (targets_fragment(reference, &name) && look_up_local(t, q, name, from, &gone))
		return gone;
	if (mark != NULL)
		return search_gone(t, q, reference, mark);
	*is_here = look_up(t, q, SCOPE_ANY, reference, &gone);
	if (bytes_begin(reference, "urn:uuid:")) {
		reference = bytes_behind(reference, 9);
		*is_here |= look_up(t, q, SCOPE_ANY, reference, &gone);
	} else if (token_reference(reference, &type, &id)) {
		/* They stand side by side. */
		(void)look_up(t, q, SCOPE_TYPED, (struct bytes){ type.at, type.size + 1 + id.size }, &gone);
	}
	return gone == UINT64_MAX ? 0 : gone;
}

void
targets_local(const struct targets *t, const struct roots *roots, struct bytes name, uint32_t from,
    void (*found)(void *context, uint32_t root), void *context)
{
	const struct targets_item *item = (const struct targets_item *)(const void *)t->items.at;

	for (int i = 0; i < 2; i++) {
		uint32_t number = *find_slot(t, SCOPE_LOCAL + (i == 0 ? from : roots->at[from].parent), name);

		if (number == 0 || (i == 1 && roots->at[from].parent == from))
			continue;
		found(context, item[group_at(t, number)->first - 1].root);
	}
}
