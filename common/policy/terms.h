/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_TERMS_H
#define EHR_POLICY_TERMS_H

#include "common/base/arena.h"
#include "common/base/fold.h"
#include "common/policy/numbers.h"
#include "common/policy/policy.h"
#include "common/policy/term_phrase.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * terms: the words of value sets of terms, and the search for all of them at once in a text.
 *
 * A file is TSV, UTF-8: a line that begins with # (source and licence), a line with the column names, then a
 * row for each term:
 *
 *	term       one word or several
 *	language   two letters; in "de" ä is also found as ae, ö as oe, ü as ue
 *	category   of HL7 v3-ActCode
 *	mode       word: whole words in any case
 *	           caps: whole words in the case of the term (AIDS, PrEP)
 *	           stem: begins a word, which may go on (schwanger)
 *	           number: an example of a kind of numbers (numbers.h); all of its kind are found
 *	unless     phrases, separated by " ; ", that hold the term; inside of one the term does not count
 *	           (ST depression); a word * in one stands for up to four words
 *	           (depression of * plateau)
 *	near_miss  texts, separated by " ; ", in which this row finds nothing; for tests
 *
 * Terms and texts are compared as fold.h writes them.  So a blank in a term is any run of white space and
 * hyphens, and a word ends where no letter and no digit follows.  A text is also searched with its words
 * split where their case changes: hivStatus says HIV.
 *
 * terms_may reads the bytes of a text as they stand, 32 at a time, and dismisses nearly all texts without a
 * term: it looks at the first four letters of each word, then whether the letters of the term stand around
 * it.  terms_find folds the text and compares; markup of which the same dismisses the tags and comments is
 * folded without them alone.  Each term is found by its longest word, so that a frequent word such as "the"
 * in a term costs nothing.
 */
enum term_mode { TERM_WORD, TERM_CAPS, TERM_STEM, TERM_NUMBER };

enum { TERMS_SLACK = 32 }; /* bytes behind a text that terms_may reads */

struct term {
	struct bytes lower; /* folded */
	struct bytes cased;
	struct term_phrase *unless;
	size_t unlesses;
	size_t anchor; /* where its longest word begins */
	enum term_mode mode;
	bool is_spelled_out; /* with ae for ä, not as the row has it */
	unsigned group;      /* for the caller */
};

/* How the longest word of a term begins. */
struct term_anchor {
	uint64_t letters; /* its first eight bytes, fewer of a shorter one, as a number */
	uint64_t mask;    /* those of the eight bytes that it has */
	uint32_t next;    /* the next term whose word begins with the same three letters; 0: none */
	uint8_t size;     /* of the word */
	bool is_open;     /* the word may go on */
};

/* Zeros at first. */
struct terms {
	struct arena arena;
	struct term *at; /* from 1 */
	uint32_t count;
	/* private */
	struct term_anchor *anchor; /* by the number of the term */
	bool in_uuid;               /* a longest word is of digits of a UUID in small letters alone */
	uint32_t room;
	uint32_t *first;                /* by the first three letters of the anchor */
	uint64_t may[(1 << 16) / 64];   /* by the hash of the four bytes where an anchor begins */
	struct numbers numbers;         /* that are asked for */
	uint32_t number[NUMBERS_KINDS]; /* by kind, a term */
};

struct terms_row {
	struct bytes term, category;
	const char *at; /* its place in the text of the file */
};

/*
 * Reads FILE.  GROUP gives the number of each row's group, or -1 to leave the row out.  False after a fault:
 * GROUP may note one and return -2.
 */
enum { TERMS_LEAVE_OUT = -1, TERMS_FAULT = -2 };
bool terms_read(struct terms *t, const struct policy_file *file, struct fault *f,
    int (*group)(void *context, const struct terms_row *row), void *context);

void terms_release(struct terms *t);

/* False if TEXT, which is UTF-8 without escapes, holds no term.  Reads TERMS_SLACK bytes behind it. */
bool terms_may(const struct terms *t, struct bytes text);

/*
 * True if a text that ends with a UUID as TEXT does (uuid_ends), and is the same before it, may hold a term
 * that is no number.  Reads TERMS_SLACK bytes behind TEXT.
 */
bool terms_may_before_uuid(const struct terms *t, struct bytes text);

/* Calls FOUND for each term in TEXT, as often as it stands there.  Reads TERMS_SLACK bytes behind TEXT. */
void terms_find(const struct terms *t, struct bytes text, struct fold *room,
    void (*found)(void *context, const struct term *term), void *context);

#endif
