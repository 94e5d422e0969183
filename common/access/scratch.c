/* SPDX-License-Identifier: ISC */
#include "common/access/scratch.h"

#include "common/base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64 * 1024)

struct scratch_block {
	struct scratch_block *next;
	size_t room;
	max_align_t data[];
};

static struct scratch_block *
new_block(size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct scratch_block *b = malloc(sizeof *b + room);

	if (!b)
		memory_missing(0);
	b->next = NULL;
	b->room = room;
	return b;
}

static void
next_block(struct scratch *s, size_t size)
{
	struct scratch_block **link = s->block ? &s->block->next : &s->first;

	if (!*link || (*link)->room < size) {
		struct scratch_block *b = new_block(size);

		b->next = *link;
		*link = b;
	}
	s->block = *link;
	s->used = 0;
}

void *
scratch_take(struct scratch *s, size_t size)
{
	void *at;

	if (size > SIZE_MAX / 2)
		memory_missing(0);
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!s->block || s->block->room - s->used < size)
		next_block(s, size);
	at = (char *)s->block->data + s->used;
	s->used += size;
	return memset(at, 0, size);
}

void *
scratch_array(struct scratch *s, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all))
		memory_missing(0);
	return scratch_take(s, all);
}

void
scratch_reset(struct scratch *s)
{
	s->block = NULL;
	s->used = 0;
}

struct scratch_mark
scratch_mark(const struct scratch *s)
{
	return (struct scratch_mark){ s->block, s->used };
}

void
scratch_back(struct scratch *s, struct scratch_mark mark)
{
	s->block = mark.block;
	s->used = mark.used;
}

void
scratch_release(struct scratch *s)
{
	for (struct scratch_block *b = s->first, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*s = (struct scratch){ 0 };
}
