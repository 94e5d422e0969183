/* SPDX-License-Identifier: ISC */
#include "common/json/path.h"

#include "common/base/bisect.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/json/pathcode.h"

#include <stdlib.h>
#include <string.h>

/*
 * The automaton over many expressions.  A state is the set of instructions that a node has reached, with
 * those that their jumps reach.  A step depends on the node's key or index alone, so each state has a row
 * that says where each named key, each named index, and any other lead.  A select() depends on the node
 * itself.  A state that holds one leads to two states, one for each answer.
 *
 * A hostile record can drive a policy with many `..` through very many sets.  Past the limits a state is not
 * kept: it is made again when it is needed, in the slot of its depth.  The walk goes depth first, so the
 * states in use at one time stand at different depths.  The upper half of a state's number is the depth.
 */
#define NO_TEST UINT32_MAX

enum {
	MAX_KEPT = 4096,
	MAX_KEPT_BYTES = 8 << 20,
	UNKEPT = PATHS_UNKEPT,
	INDEX_BITS = PATHS_INDEX_BITS,
	MAX_DEPTH = PATHS_MAX_DEPTH,
	OPEN = PATHS_OPEN,
};

struct state {
	uint32_t *at; /* the set: instructions, ascending */
	uint32_t count;
	uint32_t *number; /* what is matched, ascending */
	uint32_t numbers;
	uint32_t test;      /* the instruction of the first select, or NO_TEST */
	uint32_t answer[2]; /* by its outcome: a kept state + 1; 0: unknown */
	uint32_t hash;
};

struct paths {
	struct paths_steps steps; /* the first member, as path.h says */
	struct arena arena;
	struct path_code code;
	bool ready;    /* no expression may be added any more */
	uint32_t root; /* the kept state + 1 of every root before its selects; 0: unknown */

	/* Symbols: 0 any other key, from 1 the named keys, then any other element, then the named indexes. */
	uint32_t *index; /* named indexes, ascending */
	uint32_t single; /* then the named keys whose value is no array, if shapes vary */
	uint32_t symbols;
	bool vary;

	struct state *kept; /* 0: the dead one */
	uint32_t count;
	uint32_t room; /* most automata stay small, so it grows */
	size_t bytes;
	uint16_t *slot_of; /* kept states + 1 by hash, open addressing; SLOTS_EACH times `room` */

	struct state *unkept; /* by depth */
	size_t unkept_count;

	/* The set at hand. */
	uint64_t *mark;
	uint32_t *item;
	uint32_t items;
};

enum { FIRST_KEPT = 32, SLOTS_EACH = 4 };

struct paths *
paths_new(struct json_keys *keys)
{
	struct paths *p = memory_zeros(1, sizeof *p);

	p->code.arena = &p->arena;
	p->code.keys = keys;
	return p;
}

void
paths_free(struct paths *p)
{
	if (p == NULL)
		return;
	free(p->unkept);
	free(p->kept);
	free(p->steps.row);
	free(p->slot_of);
	arena_release(&p->arena);
	free(p);
}

enum path_outcome
paths_add(struct paths *p, struct bytes expression, uint32_t number, size_t *byte)
{
	if (p->ready)
		diag_bug("a path was added to an automaton at work");
	return pathcode_add(&p->code, expression, number, byte);
}

void
paths_vary(struct paths *p)
{
	p->vary = true;
}

const char *
paths_fault(const struct paths *p)
{
	return p->code.fault;
}

static int
order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts, drops repeats, and returns the new count. */
static uint32_t
unique(uint32_t *at, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 0)
		qsort(at, count, sizeof *at, order);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || at[i] != at[kept - 1])
			at[kept++] = at[i];
	return kept;
}

/* The operands of all OP instructions, ascending, each once. */
static uint32_t *
operands(struct paths *p, enum path_op op, uint32_t *count)
{
	uint32_t *value = arena_array(&p->arena, p->code.count + 1, sizeof *value);

	*count = 0;
	for (size_t i = 0; i < p->code.count; i++)
		if (p->code.at[i].op == op)
			value[(*count)++] = p->code.at[i].value;
	*count = unique(value, *count);
	return value;
}

uint32_t
paths_symbol_of_index(const struct paths *p, uint32_t index)
{
	struct bisect b = { .high = p->steps.indexes };

	while (bisect_more(&b))
		bisect_step(&b, p->index[b.middle] < index);
	if (b.low == p->steps.indexes || p->index[b.low] != index)
		return p->steps.other_element;
	return p->steps.other_element + (uint32_t)b.low + 1;
}

/* Puts symbols into the instructions in place of keys and indexes. */
static void
name_symbols(struct paths *p)
{
	uint32_t keys;
	uint32_t *key = operands(p, PATH_MEMBER, &keys);

	p->index = operands(p, PATH_ELEMENT, &p->steps.indexes);
	p->steps.other_element = keys + 1;
	p->single = p->steps.other_element + 1 + p->steps.indexes;
	p->symbols = p->single + (p->vary ? keys : 0);
	p->steps.single = p->vary ? p->single - 1 : 0;
	p->steps.classes_of = keys > 0 ? (size_t)key[keys - 1] + 1 : 0;
	uint16_t *class_of = arena_array(&p->arena, p->steps.classes_of + 1, sizeof *class_of);
	for (uint32_t i = 0; i < keys; i++)
		class_of[key[i]] = (uint16_t)(i + 1);
	p->steps.class_of = class_of;
	for (size_t i = 0; i < p->code.count; i++) {
		struct path_instruction *at = &p->code.at[i];

		if (at->op == PATH_MEMBER)
			at->value = class_of[at->value];
		else if (at->op == PATH_ELEMENT)
			at->value = paths_symbol_of_index(p, at->value);
	}
}

static void
clear(struct paths *p)
{
	memset(p->mark, 0, (p->code.count / 64 + 1) * sizeof *p->mark);
	p->items = 0;
}

/* Adds instruction I and those that its jumps reach. */
static void
reach(struct paths *p, uint32_t i) // NOLINT(misc-no-recursion): as deep as commas nest
{
	for (;;) {
		struct path_instruction at = p->code.at[i];

		if ((p->mark[i / 64] >> (i % 64)) & 1)
			return;
		p->mark[i / 64] |= UINT64_C(1) << (i % 64);
		if (at.op == PATH_JUMP) {
			i += at.value;
			continue;
		}
		if (at.op == PATH_SPLIT) {
			reach(p, i + at.value);
		} else {
			p->item[p->items++] = i;
			if (at.op != PATH_DESCEND)
				return;
		}
		i++;
	}
}

/* The set one step down from S by SYMBOL.  Where shapes vary, see paths_vary. */
static void
reach_below(struct paths *p, const struct state *s, uint32_t symbol)
{
	bool is_single = symbol >= p->single;
	bool is_element = symbol >= p->steps.other_element && !is_single;

	if (is_single)
		symbol -= p->single - 1;
	clear(p);
	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t i = s->at[k];
		struct path_instruction at = p->code.at[i];

		if (at.op == PATH_DESCEND || (at.op == PATH_MEMBER && is_element && p->vary))
			reach(p, i);
		else if (at.op == PATH_EACH ||
			 ((at.op == PATH_MEMBER || at.op == PATH_ELEMENT) && at.value == symbol))
			reach(p, i + 1);
	}
	for (uint32_t k = 0; is_single && k < p->items; k++)
		if (p->code.at[p->item[k]].op == PATH_EACH)
			reach(p, p->item[k] + 1);
}

/*
 * The set that S becomes once its first select is settled.  The instructions of S are copied without their
 * jumps: to follow a `..` again would meet the same select again.  Selects are settled in ascending order.
 */
static void
reach_answer(struct paths *p, const struct state *s, bool holds)
{
	clear(p);
	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t i = s->at[k];

		if (i == s->test)
			continue;
		p->mark[i / 64] |= UINT64_C(1) << (i % 64);
		p->item[p->items++] = i;
	}
	if (holds)
		reach(p, s->test + 1);
}

/* Makes S of the set at hand.  Its arrays have room. */
static void
write_state(struct paths *p, struct state *s)
{
	s->count = p->items;
	s->numbers = 0;
	s->test = NO_TEST;
	memcpy(s->at, p->item, p->items * sizeof *s->at);
	for (uint32_t k = 0; k < s->count; k++) {
		struct path_instruction at = p->code.at[s->at[k]];

		if (at.op == PATH_MATCH)
			s->number[s->numbers++] = at.value;
		else if (at.op == PATH_SELECT && s->test == NO_TEST)
			s->test = s->at[k];
	}
	s->numbers = unique(s->number, s->numbers);
}

static uint32_t
hash_of(const uint32_t *item, uint32_t items)
{
	uint64_t hash = items;

	for (uint32_t i = 0; i < items; i++)
		hash = (hash ^ item[i]) * UINT64_C(0x9e3779b97f4a7c15) >> 1;
	return (uint32_t)(hash >> 16);
}

/* The slot behind SLOT. */
static uint32_t
slot_behind(const struct paths *p, uint32_t slot)
{
	return (slot + 1) % (SLOTS_EACH * p->room);
}

/* Doubles the room for kept states. */
static void
widen(struct paths *p)
{
	p->room = p->room == 0 ? FIRST_KEPT : 2 * p->room;
	p->kept = memory_grow(p->kept, p->room, sizeof *p->kept);
	p->steps.row = memory_grow(p->steps.row, p->room, sizeof *p->steps.row);
	free(p->slot_of);
	p->slot_of = memory_zeros((size_t)SLOTS_EACH * p->room, sizeof *p->slot_of);
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t slot = p->kept[i].hash % (SLOTS_EACH * p->room);

		while (p->slot_of[slot] != 0)
			slot = slot_behind(p, slot);
		p->slot_of[slot] = (uint16_t)(i + 1);
	}
}

/* The index of the kept state of the set at hand, new if there is room; else UNKEPT. */
static uint32_t
keep(struct paths *p)
{
	uint32_t hash = hash_of(p->item, p->items);
	size_t row = p->symbols * sizeof(uint16_t);
	size_t set = (size_t)p->items * sizeof(uint32_t);
	uint32_t slot;

	if (p->count == p->room && p->room < MAX_KEPT)
		widen(p);
	slot = hash % (SLOTS_EACH * p->room);
	for (; p->slot_of[slot] != 0; slot = slot_behind(p, slot)) {
		uint32_t i = p->slot_of[slot] - 1U;
		const struct state *s = &p->kept[i];

		if (s->hash == hash && s->count == p->items && memcmp(s->at, p->item, set) == 0)
			return i;
	}
	if (p->count == MAX_KEPT || p->bytes + row + 2 * set > MAX_KEPT_BYTES)
		return UNKEPT;
	p->bytes += row + 2 * set;
	struct state *s = &p->kept[p->count];
	*s = (struct state){ .hash = hash };
	s->at = arena_array(&p->arena, p->items + 1, sizeof *s->at);
	s->number = arena_array(&p->arena, p->items + 1, sizeof *s->number);
	p->steps.row[p->count] = arena_array(&p->arena, p->symbols, sizeof **p->steps.row);
	write_state(p, s);
	p->slot_of[slot] = (uint16_t)(p->count + 1);
	return p->count++;
}

/* The slot of DEPTH, whose arrays have room for any set. */
static struct state *
unkept(struct paths *p, uint32_t depth)
{
	if (depth >= p->unkept_count) {
		size_t count = 2 * (size_t)depth + 16;
		struct state *at = memory_grow(p->unkept, count, sizeof *at);

		memset(at + p->unkept_count, 0, (count - p->unkept_count) * sizeof *at);
		p->unkept = at;
		p->unkept_count = count;
	}
	struct state *s = &p->unkept[depth];
	if (s->at == NULL) {
		s->at = arena_array(&p->arena, p->code.count + 1, sizeof *s->at);
		s->number = arena_array(&p->arena, p->code.count + 1, sizeof *s->number);
	}
	return s;
}

static const struct state *
state_of(const struct paths *p, uint32_t state)
{
	uint32_t index = state & UNKEPT;

	return index == UNKEPT ? &p->unkept[state >> INDEX_BITS] : &p->kept[index];
}

/* The index of a state of the set at hand, for a node at DEPTH. */
static uint32_t
finish(struct paths *p, uint32_t depth)
{
	p->items = unique(p->item, p->items);
	uint32_t index = keep(p);

	if (index == UNKEPT)
		write_state(p, unkept(p, depth));
	return index;
}

static void
prepare(struct paths *p)
{
	name_symbols(p);
	p->mark = arena_array(&p->arena, p->code.count / 64 + 1, sizeof *p->mark);
	p->item = arena_array(&p->arena, p->code.count + 1, sizeof *p->item);
	p->ready = true;
	(void)finish(p, 0); /* the empty set is PATHS_DEAD */
}

/* Settles the selects of the state INDEX at NODE. */
static uint32_t
settle(struct paths *p, uint32_t index, uint32_t depth, const struct json *j, uint32_t node)
{
	for (;;) {
		uint32_t state = depth << INDEX_BITS | index;
		const struct state *s = state_of(p, state);

		if (s->test == NO_TEST)
			return s->count == 0 ? PATHS_DEAD : state;
		const struct path_select *select = &p->code.select[p->code.at[s->test].value];
		bool holds = pathcode_holds(select, j, node, false, NULL);
		if (index != UNKEPT && s->answer[holds] != 0) {
			index = s->answer[holds] - 1;
			continue;
		}
		uint32_t from = index;
		reach_answer(p, s, holds);
		index = finish(p, depth);
		if (from != UNKEPT && index != UNKEPT)
			p->kept[from].answer[holds] = index + 1;
	}
}

uint32_t
paths_root(struct paths *p, const struct json *j, uint32_t node, unsigned depth)
{
	if (!p->ready)
		prepare(p);
	if (depth > MAX_DEPTH)
		diag_bug("a path was followed deeper than any record is");
	if (p->root != 0)
		return settle(p, p->root - 1, depth, j, node);
	clear(p);
	for (size_t i = 0; i < p->code.count; i++)
		if (i == 0 || p->code.at[i - 1].op == PATH_MATCH)
			reach(p, (uint32_t)i);
	uint32_t index = finish(p, depth);

	if (index != UNKEPT)
		p->root = index + 1;
	return settle(p, index, depth, j, node);
}

uint32_t
paths_step(struct paths *p, uint32_t state, uint32_t symbol, const struct json *j, uint32_t node)
{
	uint32_t index = state & UNKEPT;
	uint32_t depth = (state >> INDEX_BITS) + 1;
	uint32_t to = index != UNKEPT ? p->steps.row[index][symbol] & (OPEN - 1U) : 0;

	if (depth > MAX_DEPTH)
		diag_bug("a path was followed deeper than any record is");
	if (to != 0)
		return settle(p, to - 1, depth, j, node);
	reach_below(p, state_of(p, state), symbol);
	to = finish(p, depth);
	if (index != UNKEPT && to != UNKEPT)
		p->steps.row[index][symbol] = (uint16_t)((to + 1) | (p->kept[to].test != NO_TEST ? OPEN : 0));
	return settle(p, to, depth, j, node);
}

const uint32_t *
paths_matched(const struct paths *p, uint32_t state, size_t *count)
{
	const struct state *s = state_of(p, state);

	*count = s->numbers;
	return s->number;
}
