/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_ARENA_H
#define EHR_BASE_ARENA_H

#include "common/base/bytes.h"

#include <stddef.h>

/*
 * arena: memory that is freed all at once, for data that lives as long as a policy.
 * Out of memory ends the program with EXIT_IO, so no caller tests for it.
 */
struct arena {
	struct arena_block *blocks; /* private */
};

/* A struct arena of zeros is empty.  The memory is zeroed and aligned for any type. */
void *arena_take(struct arena *a, size_t size);

/* COUNT elements of SIZE bytes; an overflow ends the program as out of memory does. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy, followed by a NUL that its size does not count. */
struct bytes arena_copy(struct arena *a, struct bytes text);

/* printf into the arena. */
const char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Takes everything back.  The newest block, the largest, stays for what comes next: for trees that are read
 * one after the other.
 */
void arena_reset(struct arena *a);

/* Leaves zeros.  May be called twice. */
void arena_release(struct arena *a);

#endif
