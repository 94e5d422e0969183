/* SPDX-License-Identifier: ISC */
#include "common/access/intern.h"

#include "common/base/diag.h"

#include <stdlib.h>

struct word {
	uint32_t hash;
	uint32_t number; /* 0: free */
};

uint64_t
intern_hash(struct bytes text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.size; i++)
		h = (h ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
	return h ^ (h >> 29);
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

static void *
more_room(void *old, size_t count, size_t size)
{
	void *room = reallocarray(old, count, size);

	if (!room)
		diag_die(EXIT_IO, "out of memory");
	return room;
}

/* The slot where TEXT stands or would stand. */
static struct word *
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
	uint32_t room = w->room ? w->room * 2 : 256;
	struct word *old = w->slot;
	uint32_t olds = w->room;

	w->slot = more_room(NULL, room, sizeof *w->slot);
	memset(w->slot, 0, room * sizeof *w->slot);
	w->room = room;
	for (uint32_t i = 0; i < olds; i++)
		if (old[i].number)
			*probe(w, w->text[old[i].number - 1], old[i].hash) = old[i];
	free(old);
}

uint32_t
intern_add(struct intern *w, struct bytes text)
{
	uint32_t hash = (uint32_t)intern_hash(text);
	struct word *slot;

	if ((w->count + 1) * 2 > w->room)
		grow(w);
	slot = probe(w, text, hash);
	if (slot->number)
		return slot->number;
	if (w->count == w->texts) {
		w->texts = w->texts ? w->texts * 2 : 128;
		w->text = more_room(w->text, w->texts, sizeof *w->text);
	}
	w->text[w->count++] = arena_copy(w->arena, text);
	*slot = (struct word){ .hash = hash, .number = w->count };
	return w->count;
}

uint32_t
intern_find(const struct intern *w, struct bytes text)
{
	return w->count ? probe(w, text, (uint32_t)intern_hash(text))->number : 0;
}

struct bytes
intern_text(const struct intern *w, uint32_t word)
{
	return w->text[word - 1];
}

static int
by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

struct word_set
word_set_of(uint32_t *at, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 1)
		qsort(at, count, sizeof *at, by_number);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || at[kept - 1] != at[i])
			at[kept++] = at[i];
	return (struct word_set){ at, kept };
}
