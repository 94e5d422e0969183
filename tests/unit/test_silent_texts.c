/* SPDX-License-Identifier: ISC */
#include "common/label/silent_texts.h"

#include "tests/lib/tap.h"

/* Each size, with other bytes behind the text, with one byte of it changed, and as the other KIND. */
static void
check_size(struct silent_texts *s, size_t size, enum silent_kind kind)
{
	char one[SILENT_TEXTS_BYTES + SILENT_TEXTS_SLACK];
	char two[SILENT_TEXTS_BYTES + SILENT_TEXTS_SLACK];
	struct bytes first = { one, size }, second = { two, size };
	bool good = true;

	memset(one, 'a', sizeof one);
	memset(two, 'b', sizeof two);
	memcpy(two, one, size);
	good = good && !silent_texts_has(s, first, kind);
	silent_texts_put(s, first, kind);
	good = good && silent_texts_has(s, first, kind) && silent_texts_has(s, second, kind);
	good = good && (size == 1 || !silent_texts_has(s, (struct bytes){ one, size - 1 }, kind));
	good = good && !silent_texts_has(s, first, kind ^ SILENT_BEGIN);
	for (size_t i = 0; i < size; i++) {
		two[i] = 'b';
		good = good && !silent_texts_has(s, second, kind);
		two[i] = 'a';
	}
	check(good);
}

/* Two brief texts whose places meet stay both; a third one takes the place of the one that came first. */
static void
check_pairs(struct silent_texts *s)
{
	char room[16 + SILENT_TEXTS_SLACK] = { 0 };
	struct bytes text = { room, 4 };
	char met[3][4];
	size_t place = 0, count = 0;

	for (unsigned i = 0; count < 3; i++) {
		memcpy(room, &i, sizeof i);
		struct silent_brief brief = silent_texts_brief(text, SILENT_WHOLE);
		size_t own = silent_texts_brief_place(&brief);

		if (count == 0)
			place = own;
		if (own == place)
			memcpy(met[count++], room, 4);
	}
	for (size_t i = 0; i < 3; i++) {
		memcpy(room, met[i], 4);
		silent_texts_put(s, text, SILENT_WHOLE);
	}
	for (size_t i = 0; i < 3; i++) {
		memcpy(room, met[i], 4);
		check(silent_texts_has(s, text, SILENT_WHOLE) == (i > 0));
	}
}

int
main(void)
{
	struct silent_texts s;

	silent_texts_init(&s);
	check_pairs(&s);
	for (size_t size = SILENT_TEXTS_BYTES; size > 0; size--) {
		check_size(&s, size, SILENT_WHOLE);
		silent_texts_release(&s);
		silent_texts_init(&s);
		check_size(&s, size, SILENT_BEGIN);
	}
	silent_texts_release(&s);
	return tap_end();
}
