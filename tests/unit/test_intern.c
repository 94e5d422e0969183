/* SPDX-License-Identifier: ISC */
#include "common/access/intern.h"
#include "common/access/scratch.h"
#include "tests/lib/tap.h"

#include <stdint.h>
#include <stdlib.h>

static void
check_words(void)
{
	struct arena arena = { 0 };
	struct intern w;
	bool found = true, again = true, texts = true;

	intern_init(&w, &arena);
	check(intern_find(&w, bytes_of("a")) == 0);
	for (int i = 0; i < 5000; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "w%d", i);
		found = found && intern_add(&w, bytes_of(name)) == (uint32_t)i + 1;
	}
	for (int i = 0; i < 5000; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "w%d", i);
		again = again && intern_add(&w, bytes_of(name)) == (uint32_t)i + 1 &&
			intern_find(&w, bytes_of(name)) == (uint32_t)i + 1;
		texts = texts && bytes_are(intern_text(&w, (uint32_t)i + 1), name);
	}
	check(found);
	check(again);
	check(texts);
	check(intern_find(&w, bytes_of("w5000")) == 0);
	check(intern_add(&w, (struct bytes){ "w\0x", 3 }) == 5001 && intern_find(&w, bytes_of("w")) == 0);
	intern_release(&w);
	intern_release(&w);
	arena_release(&arena);
}

static void
check_sets(void)
{
	uint32_t numbers[] = { 9, 3, 9, 1, 3, 7 };
	struct intern_set s = intern_set_of(numbers, 6), none = { NULL, 0 };

	check(s.count == 4);
	check(intern_set_has(s, 1) && intern_set_has(s, 3) && intern_set_has(s, 7) && intern_set_has(s, 9));
	check(!intern_set_has(s, 0) && !intern_set_has(s, 2) && !intern_set_has(s, 8) &&
	      !intern_set_has(s, 10));
	check(!intern_set_has(none, 0));
	check(intern_set_of(numbers, 0).count == 0);
}

/* Memory is zeroed and aligned; after a reset the same blocks are used again. */
static void
check_scratch(void)
{
	struct scratch s = { 0 };
	char *first = scratch_take(&s, 10), *large, *again;
	bool zero = true;

	large = scratch_take(&s, 1000000);
	memset(first, 7, 10);
	memset(large, 7, 1000000);
	check((uintptr_t)scratch_take(&s, 1) % 16 == 0);
	scratch_reset(&s);
	again = scratch_take(&s, 10);
	check(again == first);
	for (int i = 0; i < 10; i++)
		zero = zero && again[i] == 0;
	check(zero);
	check(scratch_take(&s, 1000000) == large);
	check(scratch_array(&s, 0, 8) != NULL);
	scratch_release(&s);
	scratch_release(&s);
}

int
main(void)
{
	check_words();
	check_sets();
	check_scratch();
	return tap_end();
}
