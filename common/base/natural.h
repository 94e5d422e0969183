/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_NATURAL_H
#define EHR_BASE_NATURAL_H

#include "common/base/decimal.h"

#include <stdint.h>

/*
 * natural: natural numbers of up to 2,304 decimal digits, for exact rounding and units.  The size is fixed,
 * so nothing is allocated.  The caller makes sure that results fit; a result that does not is a bug
 * (diag_bug).
 */
enum { NATURAL_LIMBS = 256, NATURAL_DIGITS = 9 * NATURAL_LIMBS };

struct natural {
	unsigned count;               /* limbs in use; 0 for zero */
	uint32_t limb[NATURAL_LIMBS]; /* in base 10^9, the lowest first */
};

void natural_set(struct natural *n, uint64_t value);

/* N = N * 10 + DIGIT */
void natural_append(struct natural *n, unsigned digit);

/* N = N + MORE; N = N - LESS, where LESS must not be above N. */
void natural_add(struct natural *n, const struct natural *more);
void natural_subtract(struct natural *n, const struct natural *less);

/* N = A * B, where N is neither of them. */
void natural_multiply(struct natural *n, const struct natural *a, const struct natural *b);

int natural_compare(const struct natural *a, const struct natural *b);

/* N = |D| * 10^PLACES, which must be a whole number. */
void natural_of_decimal(struct natural *n, const struct decimal *d, int64_t places);

#endif
