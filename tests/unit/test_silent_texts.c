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
	struct silent_text *e;
	bool good = true;

	memset(one, 'a', sizeof one);
	memset(two, 'b', sizeof two);
	memcpy(two, one, size);
	e = silent_texts_place(s, first);
	good = good && e == silent_texts_place(s, second) && !silent_texts_has(e, first);
	silent_texts_put(e, first);
	good = good && silent_texts_has(e, first) && silent_texts_has(e, second);
	good = good && (size == 1 || !silent_texts_has(e, (struct bytes){ one, size - 1 }));
	for (size_t i = 0; i < size; i++) {
		two[i] = 'b';
		good = good && !silent_texts_has(e, second);
		two[i] = 'a';
	}
	e->size = 0;
	check(good);
}

int
main(void)
{
	struct silent_texts s;

	silent_texts_init(&s);
	for (size_t size = 1; size <= SILENT_TEXTS_BYTES; size++)
		check_size(&s, size);
	silent_texts_release(&s);
	return tap_end();
}
