/* SPDX-License-Identifier: ISC */
#include "common/base/arena.h"
#include "tests/lib/tap.h"

#include <stddef.h>
#include <stdint.h>

int
main(void)
{
	struct arena a = { 0 };
	bool aligned = true;
	bool zero = true;

	for (size_t size = 0; size < 3000; size++) {
		unsigned char *at = arena_take(&a, size);

		aligned = aligned && (uintptr_t)at % _Alignof(max_align_t) == 0;
		for (size_t i = 0; i < size; i++) {
			zero = zero && at[i] == 0;
			at[i] = 0xff;
		}
	}
	check(aligned);
	check(zero);
	struct bytes copy = arena_copy(&a, (struct bytes){ "a\0b", 3 });
	check(copy.size == 3 && memcmp(copy.at, "a\0b", 4) == 0);
	check(bytes_are(bytes_of(arena_format(&a, "%s-%d", "x", 7)), "x-7"));
	check(arena_take(&a, (size_t)1 << 20) != NULL);
	arena_release(&a);
	arena_release(&a);
	check(a.blocks == NULL);
	return tap_end();
}
