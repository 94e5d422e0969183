/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_ARRAY_H
#define EHR_LABEL_ARRAY_H

#include "common/base/buffer.h"
#include "common/base/diag.h"

#include <stdint.h>
#include <string.h>

/*
 * array: a buffer of structs that grows to the largest record seen and stays.  Elements move when it grows.
 */

/* As buffer_init, with the limit that arrays have: half of what can be addressed. */
static inline void
array_init(struct buffer *b)
{
	buffer_init(b, SIZE_MAX / 2);
}

/* A new element of SIZE bytes at the end, all zeros. */
static inline void *
array_add(struct buffer *b, size_t size)
{
	if (!buffer_reserve(b, size))
		diag_die(EXIT_IO, "out of memory");
	void *element = memset(b->at + b->used, 0, size);
	b->used += size;
	return element;
}

#endif
