/* SPDX-License-Identifier: ISC */
#include "common/label/text_memo.h"

#include "common/base/hash.h"

struct text_memo_entry *
text_memo_place(struct text_memo *m, struct bytes text)
{
	return text.size == 0 || text.size > TEXT_MEMO_BYTES ? NULL
							     : &m->at[hash_bytes(text) % TEXT_MEMO_PLACES];
}

bool
text_memo_has(const struct text_memo_entry *e, struct bytes text)
{
	return e->size == text.size && memcmp(e->text, text.at, text.size) == 0;
}

void
text_memo_put(struct text_memo_entry *e, struct bytes text, bool is_found, const struct codes_match *match)
{
	memcpy(e->text, text.at, text.size);
	e->size = (uint8_t)text.size;
	e->is_found = is_found;
	if (is_found)
		e->match = *match;
}
