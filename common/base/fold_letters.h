/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FOLD_LETTERS_H
#define EHR_BASE_FOLD_LETTERS_H

#include "common/base/bytes.h"

/*
 * fold_letters: what a character above U+017F, or from U+0080 to U+00BF, is folded to (fold.h).
 *
 * A letter becomes the plain one of ASCII that it is or that it looks like: with accents, in small capitals,
 * as an exponent, in a circle, of the mathematical alphabets, and those of the Greek and the Cyrillic
 * alphabet that nobody can tell from it.
 */
enum { FOLD_LETTERS_ROOM = 4 };

/* The text for C, empty if C is left out.  False: C stays as it is. */
bool fold_letters(unsigned c, char room[FOLD_LETTERS_ROOM], struct bytes *to);

#endif
