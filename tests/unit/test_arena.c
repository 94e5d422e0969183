/* SPDX-License-Identifier: ISC */
#include "common/base/arena.h"
#include "common/base/memory.h"
#include "tests/lib/tap.h"

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

/* Most arenas hold little.  A hundred of them must not take a hundred large blocks. */
static bool
small_stays_small(void)
{
	enum { COUNT = 100, MOST = COUNT * 2048 };
	static struct arena many[COUNT];
	size_t before = mallinfo2().uordblks;
	size_t took;

	for (size_t i = 0; i < COUNT; i++)
		(void)arena_take(&many[i], 100);
	took = mallinfo2().uordblks - before;
	for (size_t i = 0; i < COUNT; i++)
		arena_release(&many[i]);
	return took < MOST;
}

/* Blocks double up to a limit, so that a large arena takes few of them and wastes little. */
static bool
large_takes_few(void)
{
	struct arena a = { 0 };
	const struct arena_block *last = NULL;
	size_t blocks = 0;

	for (size_t i = 0; i < 100000; i++) {
		(void)arena_take(&a, 100);
		blocks += a.blocks != last;
		last = a.blocks;
	}
	arena_release(&a);
	return blocks < 200;
}

/* A block of a large arena begins where a huge page does, and is zeros also where an older one was. */
static bool
large_is_huge(void)
{
	struct arena a = { 0 };
	bool good = true;

	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < 12000; i++) {
			unsigned char *at = arena_take(&a, 1000);

			good = good && at[0] == 0 && at[999] == 0;
			memset(at, 0xff, 1000);
		}
		good = good && (uintptr_t)a.blocks % MEMORY_HUGE == 0;
		arena_reset(&a);
	}
	arena_release(&a);
	return good;
}

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
	arena_reset(&a);
	zero = true;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned char *at = arena_take(&a, 1000);

		for (size_t k = 0; k < 1000; k++) {
			zero = zero && at[k] == 0;
			at[k] = 0xff;
		}
		arena_reset(&a);
	}
	check(zero);
	arena_release(&a);
	arena_reset(&a);
	arena_release(&a);
	check(a.blocks == NULL);
	check(small_stays_small());
	check(large_takes_few());
	check(large_is_huge());
	return tap_end();
}
