/* SPDX-License-Identifier: ISC */
#include "common/access/intern.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

struct intern_slot {
	uint32_t hash;
	uint32_t number; /* 0: free */
};

static uint32_t
hash_of(struct bytes text)
{
	return (uint32_t)hash_bytes(text);
}

void
intern_init(struct intern *w, struct arena *arena)
{
	*w = (struct intern){ .arena = arena };
}

void
intern_release(struct intern *w)
{
	free(w->slot);
	free(w->text);
	*w = (struct intern){ 0 };
}

static struct intern_slot *
probe(const struct intern *w, struct bytes text, uint32_t hash)
{
	uint32_t at = hash & (w->room - 1);

	while (w->slot[at].number) {
		if (w->slot[at].hash == hash && bytes_equal(w->text[w->slot[at].number - 1], text))
			break;
		at = (at + 1) & (w->room - 1);
	}
	return &w->slot[at];
}

static void
grow(struct intern *w)
{
	struct intern_slot *old = w->slot;
	uint32_t olds = w->room;

	w->room = olds ? olds * 2 : 256;
	w->slot = memory_zeros(w->room, sizeof *w->slot);
	for (uint32_t i = 0; i < olds; i++)
		if (old[i].number)
			*probe(w, w->text[old[i].number - 1], old[i].hash) = old[i];
	free(old);
}

uint32_t
intern_add(struct intern *w, struct bytes text)
{
	uint32_t hash = hash_of(text);
	struct intern_slot *slot;

	if ((w->count + 1) * 2 > w->room)
		grow(w);
	slot = probe(w, text, hash);
	if (slot->number)
		return slot->number;
	if (w->count == w->texts) {
		w->texts = w->texts ? w->texts * 2 : 128;
		w->text = memory_grow(w->text, w->texts, sizeof *w->text);
	}
	w->text[w->count++] = arena_copy(w->arena, text);
	*slot = (struct intern_slot){ .hash = hash, .number = w->count };
	return w->count;
}

uint32_t
intern_find(const struct intern *w, struct bytes text)
{
	return w->count ? probe(w, text, hash_of(text))->number : 0;
}

struct bytes
intern_text(const struct intern *w, uint32_t word)
{
	return w->text[word - 1];
}

struct bytes
intern_pair(struct scratch *scratch, struct bytes a, struct bytes b)
{
	char *at = scratch_take(scratch, a.size + b.size + 1);

	memcpy(at, a.at, a.size);
	memcpy(at + a.size + 1, b.at, b.size);
	return (struct bytes){ at, a.size + b.size + 1 };
}

static int
by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

struct intern_set
intern_set_of(uint32_t *at, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 1)
		qsort(at, count, sizeof *at, by_number);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || at[kept - 1] != at[i])
			at[kept++] = at[i];
	return (struct intern_set){ at, kept };
}
