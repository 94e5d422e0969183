/* SPDX-License-Identifier: ISC */
#include "common/base/hash.h"

#include <sys/auxv.h>

uint64_t hash_key[2];

/* A digest of the random bytes, since the C library makes secrets of its own from the same bytes. */
static __attribute__((constructor)) void
choose_key(void)
{
	static const uint64_t purpose[2] = { UINT64_C(0x6568722d68617368), 1 };
	const char *random =
	    (const char *)(uintptr_t)getauxval(AT_RANDOM); // NOLINT(performance-no-int-to-ptr)
	struct bytes seed = { random, random == NULL ? 0 : 16 };

	hash_key[0] = hash_keyed(purpose, seed);
	hash_key[1] = hash_keyed(hash_key, seed);
}
