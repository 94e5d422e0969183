/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_SCRATCH_H
#define EHR_ACCESS_SCRATCH_H

#include <stddef.h>

/*
 * scratch: memory for one decision.  It is forgotten all at once and kept, so after the first few decisions
 * nothing is allocated any more.  Out of memory ends the program with EXIT_IO.
 */
struct scratch {
	struct scratch_block *first; /* private */
	struct scratch_block *block;
	size_t used;
};

/* All zeros is an empty scratch.  Aligned for any type, zeroed. */
void *scratch_take(struct scratch *s, size_t size);

/* COUNT elements; an overflow ends the program. */
void *scratch_array(struct scratch *s, size_t count, size_t size);

void scratch_reset(struct scratch *s);
void scratch_release(struct scratch *s);

#endif
