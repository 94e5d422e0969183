/* SPDX-License-Identifier: ISC */
#include "common/label/text_memo.h"

#include "tests/lib/tap.h"

#include <string.h>

static struct text_memo memo;

int
main(void)
{
	char text[TEXT_MEMO_BYTES + 1];
	struct codes_match match = { .is_dated = true };
	struct bytes longest = { text, TEXT_MEMO_BYTES };
	struct bytes too_long = { text, sizeof text };
	struct bytes other = { text + 1, TEXT_MEMO_BYTES };
	struct text_memo_entry *e;

	memset(text, 'a', sizeof text);
	check(text_memo_place(&memo, (struct bytes){ text, 0 }) == NULL);
	check(text_memo_place(&memo, too_long) == NULL);
	e = text_memo_place(&memo, longest);
	if (e == NULL)
		return 1;
	check(e == text_memo_place(&memo, longest) && !text_memo_has(e, longest));
	text_memo_put(e, longest, true, &match);
	check(text_memo_has(e, longest) && text_memo_has(e, other) && e->is_found && e->match.is_dated);
	check(!text_memo_has(e, (struct bytes){ text, TEXT_MEMO_BYTES - 1 }));
	text[TEXT_MEMO_BYTES] = 'b';
	check(!text_memo_has(e, other));
	text_memo_put(e, other, false, NULL);
	check(text_memo_has(e, other) && !text_memo_has(e, longest) && !e->is_found);
	return tap_end();
}
