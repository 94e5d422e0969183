/* SPDX-License-Identifier: ISC */
#include "common/base/memory.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

int
main(void)
{
	char *at = memory_zeros(3, 5), zero[15] = { 0 };

	check(memcmp(at, zero, 15) == 0);
	memset(at, 7, 15);
	at = memory_grow(at, 4000, 5);
	check(at[0] == 7 && at[14] == 7);
	free(at);
	at = memory_zeros(0, 5);
	check(at != NULL);
	free(at);
	at = memory_grow(NULL, 2, 2);
	check(at != NULL);
	free(at);
	return tap_end();
}
