/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_GUARD_H
#define EHR_TESTS_GUARD_H

#include <stdlib.h>
#include <string.h>

/* The guards of common/base/guard.h in the programs of V=tag: the one that EHR_WITHOUT names is taken out. */
static inline int
guard_stands(const char *name)
{
	const char *out = getenv("EHR_WITHOUT");

	return out == NULL || strcmp(out, name) != 0;
}

#define GUARD(name) guard_stands(#name)

#endif
