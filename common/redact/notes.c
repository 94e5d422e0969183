/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/policy/vocabulary.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256, FIRST_SLOTS = 64 };

const struct notes_node notes_nothing = { .base = NOTES_NO_BASE };

void
notes_init(struct notes *n)
{
	*n = (struct notes){ .cursor = pointer_cursor_new() };
}

void
notes_release(struct notes *n)
{
	free(n->bit);
	free(n->note);
	free(n->slot);
	free(n->labelled);
	free(n->urgent);
	free(n->category);
	pointer_cursor_free(n->cursor);
	*n = (struct notes){ .note = NULL };
}

static void
grow(void *at, uint32_t *room, uint32_t count, size_t size)
{
	void **array = at;
	uint64_t want = *room > 0 ? *room : FIRST_ROOM;

	if (count <= *room)
		return;
	while (want < count)
		want *= 2;
	if (want > UINT32_MAX)
		memory_missing(0);
	*array = memory_grow(*array, want, size);
	*room = (uint32_t)want;
}

/* A table of SLOTS slots, all free. */
static void
clear_slots(struct notes *n, uint32_t slots)
{
	if (slots > n->slot_room) {
		free(n->slot);
		n->slot = memory_grow(NULL, slots, sizeof n->slot[0]);
		n->slot_room = slots;
	}
	n->slots = slots;
	memset(n->slot, 0, slots * sizeof n->slot[0]);
}

/* WORDS of them, all clear.  Those of a large table that stay so take no memory. */
static void
clear_bits(struct notes *n, uint32_t words)
{
	for (uint32_t i = 0; i < n->notes; i++)
		n->bit[n->note[i].node / 64] = 0;
	if (words <= n->bit_room)
		return;
	free(n->bit);
	n->bit = memory_zeros(words, sizeof n->bit[0]);
	n->bit_room = words;
}

static void
start(struct notes *n, const struct json *j)
{
	clear_bits(n, j->count / 64 + 1);
	clear_slots(n, FIRST_SLOTS);
	n->notes = n->count = n->urgencies = n->categories = 0;
	n->highest = 0;
	n->left_out = 0;
}

/* The key keeps a sender from choosing the nodes whose slots lie in a row. */
static uint32_t
first_slot(const struct notes *n, uint32_t node)
{
	uint64_t mixed = (node ^ hash_key[0]) * 0xff51afd7ed558ccdu;

	return (uint32_t)(((mixed ^ mixed >> 32) * (hash_key[1] | 1)) >> 32) & (n->slots - 1);
}

/* Note number NUMBER, from 1. */
static void
enter(struct notes *n, uint32_t number)
{
	uint32_t at = first_slot(n, n->note[number - 1].node);

	while (n->slot[at] != 0)
		at = (at + 1) & (n->slots - 1);
	n->slot[at] = number;
}

static void
grow_slots(struct notes *n)
{
	if (n->slots > UINT32_MAX / 2)
		memory_missing(0);
	clear_slots(n, 2 * n->slots);
	for (uint32_t number = 1; number <= n->notes; number++)
		enter(n, number);
}

static struct notes_node *
find(const struct notes *n, uint32_t node)
{
	uint32_t at = first_slot(n, node);

	while (n->note[n->slot[at] - 1].node != node)
		at = (at + 1) & (n->slots - 1);
	return &n->note[n->slot[at] - 1];
}

const struct notes_node *
notes_find(const struct notes *n, uint32_t node)
{
	return find(n, node);
}

struct notes_node *
notes_touch(struct notes *n, uint32_t node)
{
	uint64_t bit = UINT64_C(1) << (node % 64);
	struct notes_node *note;

	if ((n->bit[node / 64] & bit) != 0)
		return find(n, node);
	grow(&n->note, &n->note_room, n->notes + 1, sizeof n->note[0]);
	note = &n->note[n->notes++];
	*note = notes_nothing;
	note->node = node;
	n->bit[node / 64] |= bit;
	if (n->notes > n->slots / 4 * 3)
		grow_slots(n);
	else
		enter(n, n->notes);
	return note;
}

static bool
bad(struct notes *n, const struct json *j, uint32_t node, enum reason reason)
{
	n->reason = reason;
	n->byte = j->nodes[node].start + 1;
	return false;
}

/* Value nodes, 0 if absent. */
struct label_parts {
	uint32_t at, level, sensitivity, basis, criticality, rule, was;
};

/* `was` explains the label to people; it decides nothing. */
static bool
read_parts(struct label_parts *p, const struct json *j, uint32_t label)
{
	static const struct {
		struct bytes name;
		size_t part;
		enum json_kind kind;
	} table[] = {
		{ BYTES("at"), offsetof(struct label_parts, at), JSON_STRING },
		{ BYTES("level"), offsetof(struct label_parts, level), JSON_STRING },
		{ BYTES("sensitivity"), offsetof(struct label_parts, sensitivity), JSON_ARRAY },
		{ BYTES("criticality"), offsetof(struct label_parts, criticality), JSON_STRING },
		{ BYTES("rule"), offsetof(struct label_parts, rule), JSON_STRING },
		{ BYTES("basis"), offsetof(struct label_parts, basis), JSON_ARRAY },
		{ BYTES("was"), offsetof(struct label_parts, was), JSON_STRING },
	};
	enum { MEMBERS = sizeof table / sizeof table[0] };

	*p = (struct label_parts){ 0 };
	if (json_kind(j, label) != JSON_OBJECT)
		return false;
	for (uint32_t k = label + 1; k < j->nodes[label].next; k = j->nodes[k].next) {
		struct bytes name = json_inside(j, k);
		size_t i = 0;

		while (i < MEMBERS && !bytes_equal(name, table[i].name))
			i++;
		if (i == MEMBERS || json_kind(j, k + 1) != table[i].kind)
			return false;
		*(uint32_t *)(void *)((char *)p + table[i].part) = k + 1;
	}
	return p->at != 0 && p->rule != 0 && (p->level != 0 || p->sensitivity != 0);
}

static bool
read_level(const struct scheme *s, const struct json *j, uint32_t node, unsigned *level)
{
	int found = policy_level(s->policy, json_inside(j, node));

	*level = (unsigned)found;
	return found >= 0;
}

/* Adds the words of ARRAY, if there is one. */
static bool
read_words(const struct json *j, enum vocabulary v, uint32_t array, uint64_t *categories)
{
	for (uint32_t i = array + 1; array != 0 && i < j->nodes[array].next; i = j->nodes[i].next) {
		const struct concept *c = NULL;

		if (json_kind(j, i) == JSON_STRING)
			c = vocabulary_find(v, json_inside(j, i));
		if (c == NULL)
			return false;
		*categories |= vocabulary_label(v, c);
	}
	return true;
}

/* Returns the bits of the versions that leave one of them out. */
static uint64_t
add_categories(struct notes *n, const struct scheme *s, uint32_t node, uint64_t categories)
{
	uint64_t out = 0;

	for (unsigned v = 0; v < s->versions; v++)
		if ((s->version[v].without & categories) != 0)
			out |= s->version[v].bits;
	if (n->wants_categories && categories != 0) {
		grow(&n->category, &n->category_room, n->categories + 1, sizeof n->category[0]);
		n->category[n->categories++] = (struct notes_category){ node, categories };
	}
	return out;
}

static bool
add_urgency(struct notes *n, const struct scheme *s, const struct json *j, const struct label_parts *p,
    uint32_t node, unsigned level)
{
	struct bytes word = json_inside(j, p->criticality);
	unsigned i = 0;

	while (i < s->criticalities && !bytes_equal(s->criticality[i], word))
		i++;
	if (i == s->criticalities)
		return bad(n, j, p->criticality, REASON_UNKNOWN_CRITICALITY);
	grow(&n->urgent, &n->urgent_room, n->urgencies + 1, sizeof n->urgent[0]);
	n->urgent[n->urgencies++] = (struct notes_urgency){ node, level, i };
	return true;
}

static void
add_node(struct notes *n, uint32_t node)
{
	if (n->count > 0 && n->labelled[n->count - 1] == node)
		return;
	grow(&n->labelled, &n->labelled_room, n->count + 1, sizeof n->labelled[0]);
	n->labelled[n->count++] = node;
}

static bool
read_label(struct notes *n, const struct scheme *s, const struct json *j, uint32_t label)
{
	struct label_parts p;
	uint32_t node;
	unsigned level = 0;
	uint64_t categories = 0, out;

	if (!read_parts(&p, j, label))
		return bad(n, j, label, REASON_BAD_LABEL);
	if (!pointer_cursor_find(n->cursor, p.at, &node))
		return bad(n, j, p.at, REASON_BAD_POINTER);
	if (p.level != 0 && !read_level(s, j, p.level, &level))
		return bad(n, j, p.level, REASON_UNKNOWN_LEVEL);
	if (p.criticality != 0)
		return p.level != 0 ? add_urgency(n, s, j, &p, node, level)
				    : bad(n, j, label, REASON_BAD_LABEL);
	if (!read_words(j, VOCABULARY_SENSITIVITY, p.sensitivity, &categories))
		return bad(n, j, p.sensitivity, REASON_BAD_LABEL);
	if (!read_words(j, VOCABULARY_PRIVACY_LAW, p.basis, &categories))
		return bad(n, j, p.basis, REASON_BAD_LABEL);
	out = add_categories(n, s, node, categories);

	struct bytes rule = json_inside(j, p.rule);
	struct notes_node *note = notes_touch(n, node);

	if (bytes_are(rule, "base") || bytes_are(rule, "default"))
		note->base = (uint8_t)level;
	else if (level > note->raise)
		note->raise = (uint8_t)level;
	note->left_out |= out;
	n->left_out |= out;
	n->highest = level > n->highest ? level : n->highest;
	add_node(n, node);
	return true;
}

static int
compare_categories(const void *a, const void *b)
{
	const struct notes_category *x = a;
	const struct notes_category *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

static int
compare_nodes(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

bool
notes_read(struct notes *n, const struct scheme *s, const struct json *j, const struct envelope *e)
{
	bool sorted = true;

	start(n, j);
	pointer_cursor_start(n->cursor, j, e->record);
	for (uint32_t i = e->labels + 1; i < j->nodes[e->labels].next; i = j->nodes[i].next)
		if (!read_label(n, s, j, i))
			return false;
	/* Nodes without a label take their level from the root. */
	if (notes_of(n, e->record)->base == NOTES_NO_BASE)
		return bad(n, j, e->labels, REASON_BAD_LABEL);
	for (uint32_t i = 1; i < n->count; i++)
		sorted &= n->labelled[i - 1] <= n->labelled[i];
	if (!sorted)
		qsort(n->labelled, n->count, sizeof n->labelled[0], compare_nodes);
	if (n->categories > 1)
		qsort(n->category, n->categories, sizeof n->category[0], compare_categories);
	return true;
}

void
notes_drop(struct notes *n, uint32_t node, uint64_t bits)
{
	struct notes_node *note = notes_touch(n, node);

	note->dropped |= bits;
	note->left_out |= bits;
	n->left_out |= bits;
	add_node(n, node);
}

void
notes_drops_end(struct notes *n)
{
	if (n->count > 1)
		qsort(n->labelled, n->count, sizeof n->labelled[0], compare_nodes);
}
