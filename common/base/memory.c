/* SPDX-License-Identifier: ISC */
#include "common/base/memory.h"

#include "common/base/diag.h"

#include <stdlib.h>

void *
memory_zeros(size_t count, size_t size)
{
	void *at = calloc(count > 0 ? count : 1, size);

	if (at == NULL)
		diag_die(EXIT_IO, "out of memory (%zu times %zu bytes wanted)", count, size);
	return at;
}

void *
memory_grow(void *old, size_t count, size_t size)
{
	void *at = reallocarray(old, count > 0 ? count : 1, size);

	if (at == NULL)
		diag_die(EXIT_IO, "out of memory (%zu times %zu bytes wanted)", count, size);
	return at;
}
