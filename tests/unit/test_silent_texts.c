/* SPDX-License-Identifier: ISC */
#include "common/label/silent_texts.h"

#include "tests/lib/tap.h"

/* Each size, with other bytes behind the text, and with one byte of it changed. */
static void
check_size(struct silent_texts *s, size_t size)
{
	char one[SILENT_TEXTS_BYTES + SILENT_TEXTS_SLACK];
	char two[SILENT_TEXTS_BYTES + SILENT_TEXTS_SLACK];
	struct bytes first = { one, size }, second = { two, size };
	bool good = true;

	memset(one, 'a', sizeof one);
	memset(two, 'b', sizeof two);
	memcpy(two, one, size);
	good = good && !silent_texts_has(s, first);
	silent_texts_put(s, first);
	good = good && silent_texts_has(s, first) && silent_texts_has(s, second);
	good = good && (size == 1 || !silent_texts_has(s, (struct bytes){ one, size - 1 }));
	for (size_t i = 0; i < size; i++) {
		two[i] = 'b';
		good = good && !silent_texts_has(s, second);
		two[i] = 'a';
	}
	check(good);
}

int
main(void)
{
	struct silent_texts s;

	silent_texts_init(&s);
	for (size_t size = SILENT_TEXTS_BYTES; size > 0; size--)
		check_size(&s, size);
	silent_texts_release(&s);
	return tap_end();
}
