/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_MEMORY_H
#define EHR_BASE_MEMORY_H

#include <stddef.h>

/*
 * memory: heap memory, for what fits neither an arena nor a buffer.  Out of memory ends the program with
 * EXIT_IO, so no caller tests for it.
 */

/* COUNT elements of SIZE zero bytes; never NULL. */
void *memory_zeros(size_t count, size_t size) __attribute__((returns_nonnull));

/* OLD (NULL: none) with room for COUNT elements of SIZE bytes; never NULL. */
void *memory_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/*
 * SIZE bytes, which may hold anything, from a boundary of huge pages on; never NULL.  The kernel maps 2 MB of
 * them at one go, where it has such pages.
 */
enum { MEMORY_HUGE = 2 * 1024 * 1024 };
void *memory_huge(size_t size) __attribute__((returns_nonnull));

/*
 * Reports that WANTED bytes (0: a number that is unknown or overflows) cannot be had and ends the program
 * with EXIT_IO at once: no function registered by atexit runs.
 */
_Noreturn void memory_missing(size_t wanted);

#endif
