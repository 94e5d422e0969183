/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_MEMORY_H
#define EHR_BASE_MEMORY_H

#include <stddef.h>

/* memory: of the heap, for what no arena or buffer fits.  Out of memory ends the program with EXIT_IO. */

/* COUNT elements of SIZE zero bytes; never NULL. */
void *memory_zeros(size_t count, size_t size) __attribute__((returns_nonnull));

/* OLD (NULL: none) with room for COUNT elements of SIZE bytes; never NULL. */
void *memory_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/* Says that memory is missing (WANTED bytes; 0: more than can be named) and ends the program with EXIT_IO. */
_Noreturn void memory_missing(size_t wanted);

#endif
