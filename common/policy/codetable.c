/* SPDX-License-Identifier: ISC */
#include "common/policy/codetable.h"

#include "common/base/diag.h"

#include <stdlib.h>

static void *
resize(void *at, size_t count, size_t size)
{
	size_t bytes;
	void *more;

	if (__builtin_mul_overflow(count, size, &bytes))
		diag_die(EXIT_IO, "out of memory");
	more = realloc(at, bytes);
	if (more == NULL)
		diag_die(EXIT_IO, "out of memory (%zu bytes wanted)", bytes);
	return more;
}

bool
code_key_fold(struct code_key *key, enum fold fold, struct bytes code)
{
	for (size_t i = 0; i < code.size; i++) {
		unsigned char c = codesystem_fold(fold, (unsigned char)code.at[i]);

		if (c == 0 && fold == FOLD_ICD)
			continue;
		if (key->size == MAX_FOLDED)
			return false;
		code_key_add(key, c);
	}
	return true;
}

/* Never 0, which marks a free place. */
static uint32_t
finish(const struct code_key *key, bool is_prefix)
{
	uint64_t hash = (key->hash ^ (is_prefix ? 0x80 : 0)) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(hash >> 32) | 1;
}

static bool
is_code(const struct codes *c, const struct code_row *row, const struct code_key *key)
{
	enum fold fold = c->systems.at[row->system].fold;
	size_t n = 0;

	for (unsigned i = 0; i < row->code_size; i++) {
		unsigned char byte = codesystem_fold(fold, (unsigned char)row->code[i]);

		if (byte == 0 && fold == FOLD_ICD)
			continue;
		if (n == key->size || key->folded[n] != byte)
			return false;
		n++;
	}
	return n == key->size;
}

/* The place of the key, or the free one where it belongs. */
static uint32_t
place(const struct codes *c, const struct code_key *key, bool is_prefix)
{
	uint32_t hash = finish(key, is_prefix);
	uint32_t i = hash & (c->slots - 1);

	for (; c->slot_hash[i] != 0; i = (i + 1) & (c->slots - 1)) {
		const struct code_row *row = &c->row[c->slot[i]];

		if (c->slot_hash[i] == hash && row->system == key->system && row->is_prefix == is_prefix &&
		    is_code(c, row, key))
			return i;
	}
	return i;
}

uint32_t
codetable_find(const struct codes *c, const struct code_key *key, bool is_prefix)
{
	uint32_t i;

	if (c->slots == 0)
		return NO_ROW;
	i = place(c, key, is_prefix);
	return c->slot_hash[i] != 0 ? c->slot[i] : NO_ROW;
}

static void
grow_slots(struct codes *c, uint32_t slots)
{
	uint32_t *old = c->slot;
	uint32_t *old_hash = c->slot_hash;
	uint32_t old_slots = c->slots;

	c->slots = slots;
	c->slot = resize(NULL, slots, sizeof *c->slot);
	c->slot_hash = calloc(slots, sizeof *c->slot_hash);
	if (c->slot_hash == NULL)
		diag_die(EXIT_IO, "out of memory (%zu bytes wanted)", slots * sizeof *c->slot_hash);
	for (uint32_t k = 0; k < old_slots; k++) {
		uint32_t i = old_hash[k] & (slots - 1);

		if (old_hash[k] == 0)
			continue;
		while (c->slot_hash[i] != 0)
			i = (i + 1) & (slots - 1);
		c->slot[i] = old[k];
		c->slot_hash[i] = old_hash[k];
	}
	free(old);
	free(old_hash);
}

void
codetable_reserve(struct codes *c, size_t rows)
{
	size_t want = c->rows + rows;
	uint32_t slots = c->slots > 0 ? c->slots : 64;

	if (want > UINT32_MAX / 4)
		diag_die(EXIT_IO, "out of memory (%zu rows wanted)", want);
	if (want > c->row_room) {
		c->row = resize(c->row, want, sizeof *c->row);
		c->row_room = (uint32_t)want;
	}
	while (slots < 2 * want)
		slots *= 2;
	if (slots > c->slots)
		grow_slots(c, slots);
}

void
codetable_note_systems(struct codes *c)
{
	unsigned room = 2 * c->systems.count + 1;

	if (c->systems.count < c->facts_room)
		return;
	c->facts = resize(c->facts, room, sizeof *c->facts);
	c->used_system = resize(c->used_system, room, sizeof *c->used_system);
	memset(c->facts + c->facts_room, 0, (room - c->facts_room) * sizeof *c->facts);
	c->facts_room = room;
}

/* The same row of the same set twice is a slip of whoever wrote the file. */
static bool
is_double(const struct codes *c, uint32_t first, const struct code_row *row)
{
	for (; first != NO_ROW; first = c->row[first].next) {
		const struct code_row *other = &c->row[first];

		if (other->group == row->group && other->from == row->from && other->until == row->until)
			return true;
	}
	return false;
}

bool
codetable_add(struct codes *c, const struct code_row *row)
{
	struct code_facts *facts = &c->facts[row->system];
	struct code_key key;
	uint32_t first = NO_ROW;
	uint32_t i;

	if (c->rows == c->row_room)
		codetable_reserve(c, c->rows + 16);
	code_key_start(&key, row->system);
	(void)code_key_fold(
	    &key, c->systems.at[row->system].fold, (struct bytes){ row->code, row->code_size });
	i = place(c, &key, row->is_prefix);
	if (c->slot_hash[i] != 0)
		first = c->slot[i];
	if (is_double(c, first, row))
		return false;
	c->row[c->rows] = *row;
	c->row[c->rows].next = first;
	c->slot[i] = c->rows++;
	c->slot_hash[i] = finish(&key, row->is_prefix);
	if (row->is_prefix)
		facts->prefix_lengths |= UINT64_C(1) << key.size;
	if (!facts->in_table)
		c->used_system[c->used_systems++] = row->system;
	facts->in_table = true;
	return true;
}
