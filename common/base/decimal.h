/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_DECIMAL_H
#define EHR_BASE_DECIMAL_H

#include "common/base/buffer.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * decimal: numbers as they stand in JSON texts, compared and rounded exactly.  No double anywhere: 7.40 is
 * 7.4, 12345678901234567891 is above 12345678901234567890, and 1e999999 is above both.  Nothing is copied
 * and nothing allocated: a decimal points into the text it was read from.
 */
struct decimal {
	const char *digits; /* the first significant digit; a point may stand among those that follow */
	size_t count;       /* significant digits, zeros at both ends left out; 0 for zero */
	int64_t scale;      /* the value is 0.d1d2d3... * 10^scale */
	bool negative;      /* never of zero */
};

/* The longest number that an index lets pass, and so the longest that is one here. */
enum { DECIMAL_MAX_SIZE = 1000 };

/*
 * Reads a JSON number (RFC 8259 section 6) and nothing else; false for any other text, one that is longer
 * than DECIMAL_MAX_SIZE, and an exponent beyond +-10^17 (unless of zero, whose exponent means nothing).
 */
bool decimal_parse(struct bytes text, struct decimal *d);

/* Below, equal or above 0, as memcmp. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/*
 * Appends the multiple of STEP (above 0) that is nearest to VALUE, half to even, with as many digits behind
 * the point as the text of STEP shows that it needs: 7.26 to 0.5 is 7.5, 7 to 0.5 is 7.0.  False, and nothing
 * appended, if VALUE or STEP reaches over 1,000 digits before or behind the point, or OUT is full.
 */
bool decimal_round(const struct decimal *value, const struct decimal *step, struct buffer *out);

/* The same with the greatest multiple that is not above VALUE: -7.26 to 0.5 is -7.5. */
bool decimal_floor(const struct decimal *value, const struct decimal *step, struct buffer *out);

#endif
