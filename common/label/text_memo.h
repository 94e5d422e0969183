/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_TEXT_MEMO_H
#define EHR_LABEL_TEXT_MEMO_H

#include "common/policy/codes.h"

/*
 * text_memo: what the value sets have for the last texts met.  Records of a stream repeat displays, profiles
 * and references without end.  A text's place follows from a hash with a secret key; another text at the same
 * place replaces it.
 */
enum { TEXT_MEMO_PLACES = 256, TEXT_MEMO_BYTES = 119 };

struct text_memo_entry {
	char text[TEXT_MEMO_BYTES];
	uint8_t size; /* 0: the place is free */
	bool is_found;
	struct codes_match match; /* if it is found */
};

/* Zeros at first. */
struct text_memo {
	struct text_memo_entry at[TEXT_MEMO_PLACES];
};

/* The place of TEXT; NULL for an empty or a long text, which has none. */
struct text_memo_entry *text_memo_place(struct text_memo *m, struct bytes text);

/* Whether TEXT stands at its place E, so that IS_FOUND and MATCH are about it. */
bool text_memo_has(const struct text_memo_entry *e, struct bytes text);

/* Puts TEXT there; MATCH is read if IS_FOUND. */
void text_memo_put(
    struct text_memo_entry *e, struct bytes text, bool is_found, const struct codes_match *match);

#endif
