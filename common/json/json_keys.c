/* SPDX-License-Identifier: ISC */
#include "common/json/json_parts.h"

#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { KEYS_MAX = 65535, FIRST_SLOTS = 256, SPARSE = 4 };

/* Of a table with open addressing; number 0: free. */
struct slot {
	uint64_t word[2]; /* see words_of */
	uint32_t hash;    /* the upper half */
	uint16_t number;
	uint16_t size; /* of the name, at most LONG */
};

/* Names shorter than this are compared without a look at them. */
enum { LONG = 17 };

struct json_keys {
	struct buffer names; /* struct bytes each, from number 1 on */
	uint16_t count;
	struct slot *slots;
	size_t mask;
};

uint64_t
json_hash_long(struct bytes text)
{
	uint64_t h = text.size;
	size_t i;

	for (i = 0; i + 16 < text.size; i += 16)
		h = json_hash_mix(json_load(text.at + i) ^ h, json_load(text.at + i + 8) + h);
	return json_hash_mix(json_load(text.at + text.size - 16) ^ h, json_load(text.at + text.size - 8) + h);
}

struct json_keys *
json_keys_new(void)
{
	struct json_keys *k = memory_zeros(1, sizeof *k);

	buffer_init(&k->names, (KEYS_MAX + 1) * sizeof(struct bytes));
	k->slots = memory_zeros(FIRST_SLOTS, sizeof *k->slots);
	k->mask = FIRST_SLOTS - 1;
	return k;
}

static struct bytes
name_of(const struct json_keys *k, uint16_t number)
{
	struct bytes name;

	memcpy(&name, k->names.at + (number - 1) * sizeof name, sizeof name);
	return name;
}

void
json_keys_free(struct json_keys *k)
{
	if (k == NULL)
		return;
	for (unsigned i = 1; i <= k->count; i++)
		free((void *)(uintptr_t)name_of(k, (uint16_t)i).at);
	buffer_release(&k->names);
	free(k->slots);
	free(k);
}

/* Two words that hold all of a NAME that is not long.  Eight bytes behind it must be readable. */
static inline void
words_of(struct bytes name, uint64_t word[2])
{
	word[0] = word[1] = 0;
	if (name.size >= LONG || name.size == 0)
		return;
	word[0] = json_load(name.at);
	if (name.size < 8)
		word[0] <<= 8 * (8 - name.size);
	else
		word[1] = json_load(name.at + name.size - 8);
}

uint16_t
json_keys_look_up(const struct json_keys *k, struct bytes name, uint64_t hash)
{
	uint16_t size = (uint16_t)(name.size < LONG ? name.size : LONG);
	uint64_t word[2];

	if (k == NULL)
		return 0;
	words_of(name, word);
	for (size_t i = hash & k->mask; k->slots[i].number != 0; i = (i + 1) & k->mask) {
		const struct slot *slot = &k->slots[i];

		if (slot->hash == (uint32_t)(hash >> 32) && slot->size == size && slot->word[0] == word[0] &&
		    slot->word[1] == word[1] && (size < LONG || bytes_equal(name_of(k, slot->number), name)))
			return slot->number;
	}
	return 0;
}

static void
enter(struct json_keys *k, uint16_t number)
{
	struct bytes name = name_of(k, number);
	uint64_t hash = json_hash(name);
	size_t i = hash & k->mask;

	while (k->slots[i].number != 0)
		i = (i + 1) & k->mask;
	k->slots[i] = (struct slot){ .hash = (uint32_t)(hash >> 32),
		.number = number,
		.size = (uint16_t)(name.size < LONG ? name.size : LONG) };
	words_of(name, k->slots[i].word);
}

/* The table is sparse, so that an unknown key meets a free slot at once. */
static void
widen(struct json_keys *k)
{
	size_t count = 2 * (k->mask + 1);

	free(k->slots);
	k->slots = memory_zeros(count, sizeof *k->slots);
	k->mask = count - 1;
	for (unsigned i = 1; i <= k->count; i++)
		enter(k, (uint16_t)i);
}

/* A copy with zeros behind it, because the hash reads whole words. */
static struct bytes
keep(struct bytes name)
{
	char *at = memory_zeros(name.size + JSON_SLACK, 1);

	if (name.size > 0)
		memcpy(at, name.at, name.size);
	return (struct bytes){ at, name.size };
}

uint16_t
json_keys_add(struct json_keys *k, struct bytes name)
{
	struct bytes copy = keep(name);
	uint64_t hash = json_hash(copy);
	uint16_t number = json_keys_look_up(k, copy, hash);

	if (number != 0 || k->count == KEYS_MAX) {
		free((void *)(uintptr_t)copy.at);
		return number;
	}
	if (!buffer_append(&k->names, &copy, sizeof copy))
		diag_bug("more known keys than there are numbers");
	k->count++;
	enter(k, k->count);
	if (k->count * (size_t)SPARSE > k->mask)
		widen(k);
	return k->count;
}

uint16_t
json_keys_find(const struct json_keys *k, struct bytes name)
{
	struct bytes copy = keep(name);
	uint16_t number = json_keys_look_up(k, copy, json_hash(copy));

	free((void *)(uintptr_t)copy.at);
	return number;
}
