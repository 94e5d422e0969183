/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FOLD_H
#define EHR_BASE_FOLD_H

#include "common/base/buffer.h"

/*
 * fold: a text in the form in which words are compared.
 *
 * Latin letters lose their accents: é is e, ß is ss, œ is oe.  A letter that looks like a plain one is that
 * one: of full width, in a circle, of the mathematical alphabets, or a Greek or Cyrillic А.  A run of white
 * space, control characters, hyphens, dashes and underscores is one blank.  Combining marks, soft hyphens and
 * characters without width are left out.  Other punctuation stays; that above ASCII is a dot.  Other letters
 * of other scripts stay as they are, their case included.  A letter of Chinese, Japanese or Korean, which are
 * written without blanks, is a word by itself.  Single letters with dots between them are one word: H.I.V. is
 * hiv, and so is H. I. V.
 *
 * Markup is folded to its text: a tag that ends a line or a cell is a blank, any other tag and a comment
 * nothing, and an entity its character.  Any text with a tag or an entity in it is markup, as notes are often
 * copied from a page.
 */
struct fold {
	struct buffer lower; /* the folded text without case; it begins and ends with a blank */
	struct buffer cased; /* the same with its case, byte by byte beside `lower` */
	struct buffer whole; /* `cased` before the first fold_split or fold_join; empty: there was none */
};

enum { FOLD_SLACK = 32 }; /* bytes behind `lower` that can be read */

void fold_init(struct fold *f);
void fold_release(struct fold *f);

/* TEXT is UTF-8.  The result is good until the next call. */
void fold_text(struct fold *f, struct bytes text);
void fold_markup(struct fold *f, struct bytes text);
bool fold_is_markup(struct bytes text);

/*
 * Puts a blank into the text, as it was folded, where a word begins by its case alone, as in names of members
 * and in addresses.  False if there is no such place; then nothing changes.  A text that FOLD_CAMEL does not
 * split has no place for FOLD_CAPITALS either.
 */
enum fold_split {
	FOLD_CAMEL,    /* hivStatus is hiv Status, HIVTest is HIV Test */
	FOLD_CAPITALS, /* HIVpositive is HIV positive: three capitals, three small letters */
};
bool fold_split(struct fold *f, enum fold_split how);

/*
 * The first place at FROM or behind it where a word begins in TEXT as FOLD_CAMEL finds it; else the size of
 * TEXT.  Reads FOLD_SLACK bytes behind TEXT.
 */
size_t fold_hump(struct bytes text, size_t from);

/*
 * Makes one word of three letters or more that stand alone in the text, as it was folded, with one and the
 * same sign between them: H/I/V and H I V are HIV.  False if there is none; then nothing changes.
 */
bool fold_join(struct fold *f);

/* Whether a word of three letters or more may be spelled from AT on, a letter of text as it is. */
bool fold_spelled(const char *at, const char *end);

static inline bool
fold_is_capital(char c)
{
	return (unsigned)c - 'A' < 26;
}

static inline bool
fold_is_small(char c)
{
	return (unsigned)c - 'a' < 26;
}

/* Whether the folded byte C belongs to a word. */
static inline bool
fold_is_word(char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10 || (unsigned char)c >= 0x80;
}

/* The rest of the word from AT of the folded TEXT on. */
static inline struct bytes
fold_word(struct bytes text, size_t at)
{
	size_t end = at;

	while (end < text.size && fold_is_word(text.at[end]))
		end++;
	return (struct bytes){ text.at + at, end - at };
}

#endif
