/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_TERM_PHRASE_H
#define EHR_POLICY_TERM_PHRASE_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * term_phrase: a text that holds a term, in which the term does not count.  The word * in it stands for up to
 * four words; the term stands before the first of these.
 */
struct term_phrase {
	struct bytes text; /* folded, without case; fold.h */
	size_t offset;     /* of the term's longest word in it */
};

/* What PHRASE has before its first *. */
struct bytes term_phrase_first(struct bytes phrase);

/*
 * Whether PHRASE stands in the folded TEXT so that the longest word of the term in it is the one at AT.  A
 * plus may stand for a blank, as in a query, and signs of emphasis beside one; other signs part two thoughts.
 */
bool term_phrase_stands(const struct term_phrase *phrase, struct bytes text, size_t at);

/* Takes the first phrase off LIST, in which " ; " separates them; false if LIST is empty. */
bool term_phrase_take(struct bytes *list, struct bytes *phrase);

/*
 * Whether TERM stands in the folded TEXT with its byte ANCHOR at AT, where signs may stand for its blanks:
 * one between two words, as in sickle+cell, or blanks with signs of emphasis (*sickle* *cell*).  IS_OPEN:
 * its last word may go on.
 */
bool term_phrase_parted(struct bytes term, size_t anchor, struct bytes text, size_t at, bool is_open);

#endif
