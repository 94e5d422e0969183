/* SPDX-License-Identifier: ISC */
#include "common/base/arena.h"

#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A program has a hundred arenas, most of them with a few paths in them; those of a policy hold megabytes,
 * those of directives a hundred.  The C library zeroes a block of WIDE_ROOM by mapping it; a block of
 * MOST_ROOM is of huge pages.
 */
#define FIRST_ROOM ((size_t)1024 - sizeof(struct arena_block))
#define WIDE_ROOM ((size_t)128 * 1024)
#define MOST_ROOM ((size_t)2 * MEMORY_HUGE - sizeof(struct arena_block))

struct arena_block {
	struct arena_block *before;
	size_t used;
	size_t room;
	size_t dirty; /* memory below this may hold anything, the rest is zeros */
	max_align_t memory[];
};

static struct arena_block *
add_block(struct arena *a, size_t least)
{
	size_t room = a->blocks == NULL ? FIRST_ROOM : a->blocks->room * 2, head = sizeof(struct arena_block);
	struct arena_block *block;

	if (room > MOST_ROOM)
		room = MOST_ROOM;
	if (room < least)
		room = least;
	/* Pages are touched when they are taken; a table with room of its own, where it is written. */
	bool own = room == least || (room >= WIDE_ROOM && room < MOST_ROOM);
	if (own)
		block = memory_zeros(1, head + room);
	else
		block = room == MOST_ROOM ? memory_huge(head + room) : memory_grow(NULL, 1, head + room);
	*block = (struct arena_block){ .before = a->blocks, .room = room, .dirty = own ? 0 : room };
	a->blocks = block;
	return block;
}

void *
arena_take(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = a->blocks;

	if (__builtin_add_overflow(size, align - 1, &size) || size > SIZE_MAX / 2)
		memory_missing(0);
	size -= size % align;
	if (block == NULL || block->room - block->used < size)
		block = add_block(a, size);
	char *at = (char *)block->memory + block->used;
	if (block->used < block->dirty)
		memset(at, 0, size < block->dirty - block->used ? size : block->dirty - block->used);
	block->used += size;
	return at;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all))
		memory_missing(0);
	return arena_take(a, all);
}

struct bytes
arena_copy(struct arena *a, struct bytes text)
{
	char *at = arena_take(a, text.size + 1);

	if (text.size > 0)
		memcpy(at, text.at, text.size);
	return (struct bytes){ at, text.size };
}

const char *
arena_format(struct arena *a, const char *format, ...)
{
	va_list arguments;
	va_list again;

	va_start(arguments, format);
	va_copy(again, arguments);
	int size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0)
		diag_bug("a format that cannot be printed");
	char *at = arena_take(a, (size_t)size + 1);
	(void)vsnprintf(at, (size_t)size + 1, format, again);
	va_end(again);
	return at;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *newest = a->blocks;
	struct arena before = { newest ? newest->before : NULL };

	arena_release(&before);
	if (newest == NULL)
		return;
	if (newest->dirty < newest->used)
		newest->dirty = newest->used;
	newest->used = 0;
	newest->before = NULL;
}

void
arena_release(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *before = a->blocks->before;

		free(a->blocks);
		a->blocks = before;
	}
}
