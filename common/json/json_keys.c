/* SPDX-License-Identifier: ISC */
#include "common/json/json_parts.h"

#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { KEYS_MAX = 65535, FIRST_SLOTS = 256, SPARSE = 4 };

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

void
json_keys_free(struct json_keys *k)
{
	if (k == NULL)
		return;
	for (unsigned i = 1; i <= k->count; i++)
		free((void *)(uintptr_t)json_keys_name(k, (uint16_t)i).at);
	buffer_release(&k->names);
	free(k->slots);
	free(k);
}

static void
enter(struct json_keys *k, uint16_t number)
{
	struct json_name n = json_name(json_keys_name(k, number));
	size_t i = n.hash & k->mask;

	while (k->slots[i].number != 0)
		i = (i + 1) & k->mask;
	k->slots[i] = (struct json_key_slot){ { n.word[0], n.word[1] }, n.size, number };
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
	struct json_name n = json_name(copy);
	uint16_t number = json_keys_look_up(k, copy, &n);

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
	struct json_name n = json_name(copy);
	uint16_t number = json_keys_look_up(k, copy, &n);

	free((void *)(uintptr_t)copy.at);
	return number;
}

struct bytes
json_keys_named(const struct json_keys *k, uint16_t number)
{
	if (number == 0 || number > k->count)
		return (struct bytes){ 0 };
	return json_keys_name(k, number);
}
