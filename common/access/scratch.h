/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_SCRATCH_H
#define EHR_ACCESS_SCRATCH_H

#include <stddef.h>

/*
 * scratch: the memory of one decision.  scratch_reset() keeps the blocks for the next decision, so after a
 * few of them nothing is allocated.  Out of memory ends the program with EXIT_IO.
 */
struct scratch {
	/* private */
	struct scratch_block *first;
	struct scratch_block *block;
	size_t used;
};

/* Zeroed memory, aligned for any type.  A scratch of zeros is empty. */
void *scratch_take(struct scratch *s, size_t size);

/* COUNT elements of SIZE bytes. */
void *scratch_array(struct scratch *s, size_t count, size_t size);

void scratch_reset(struct scratch *s);

/* scratch_back() gives back what was taken since scratch_mark(). */
struct scratch_mark {
	struct scratch_block *block;
	size_t used;
};

struct scratch_mark scratch_mark(const struct scratch *s);
void scratch_back(struct scratch *s, struct scratch_mark mark);

/* May be called twice. */
void scratch_release(struct scratch *s);

#endif
