/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_NUMBERS_H
#define EHR_POLICY_NUMBERS_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * numbers: numbers that say who somebody is, by their form and their check digits, in a text that does not
 * call them by name: social insurance and tax numbers, personal numbers, payment cards, accounts.
 *
 * A number counts where no letter, digit, dash, dot, slash or underscore joins it to something longer, and
 * one with blanks where no further group of digits stands beside it: none is found in a version, an OID, a
 * UUID, a path or a series of samples.  Forms that any tenth number of their length has are found beside
 * other words only, or not at all (BSN, NHI).
 */
enum { NUMBERS_KINDS = 26, NUMBERS_SLACK = 16, NUMBERS_RUN = 16, NUMBERS_SHORTEST = 9 };

/* Private: of a text of that size with the dashes of a date. */
enum { NUMBERS_DATE = 10, NUMBERS_TIME = 35 };
bool numbers_is_whole_time(struct bytes text);

/*
 * Whether TEXT is one of FHIR's dates and times: 2020-01-31, 2020-01-31T00:00:00.000+01:00.  It holds neither
 * numbers nor words.  Reads NUMBERS_SLACK bytes behind TEXT.
 */
static inline bool
numbers_is_time(struct bytes text)
{
	return text.size >= NUMBERS_DATE && text.size <= NUMBERS_TIME && ascii_is_digit(text.at[0]) &&
	       text.at[4] == '-' && text.at[7] == '-' && numbers_is_whole_time(text);
}

/* Which numbers are searched for.  Zeros at first. */
struct numbers {
	uint64_t kinds; /* bit i: kind i */
	/* private: the forms, as bits, by how many digits or letters they begin with */
	uint64_t digits[NUMBERS_RUN + 1], letters[NUMBERS_RUN + 1];
};

/* Adds kinds, given as bits. */
void numbers_add(struct numbers *n, uint64_t kinds);

/* The kinds in TEXT.  Reads NUMBERS_SLACK bytes behind TEXT. */
uint64_t numbers_in(const struct numbers *n, struct bytes text);

/* The kinds that TEXT as a whole is a number of. */
uint64_t numbers_of(struct bytes text);

#endif
