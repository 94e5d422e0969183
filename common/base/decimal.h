/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_DECIMAL_H
#define EHR_BASE_DECIMAL_H

#include "common/base/buffer.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * decimal: JSON numbers, compared and rounded exactly, without floating point: 7.40 equals 7.4, and
 * 12345678901234567891 is above 12345678901234567890.  A decimal points into the text from which it was read;
 * nothing is copied or allocated.
 */
struct decimal {
	const char *digits; /* the first significant digit; a point may stand among the digits */
	size_t count;       /* of digits without zeros at either end; 0 for zero */
	int64_t scale;      /* the value is 0.d1d2d3... * 10^scale */
	bool negative;      /* false for zero */
};

/* In characters.  The JSON index refuses a longer number. */
enum { DECIMAL_MAX_SIZE = 1000 };

/*
 * Reads a JSON number (RFC 8259 section 6).  False for any other text, for one longer than DECIMAL_MAX_SIZE,
 * and for an exponent outside of -10^17..10^17 unless the number is zero.
 */
bool decimal_parse(struct bytes text, struct decimal *d);

/* Below, equal or above 0, as memcmp. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/*
 * Appends the multiple of STEP (above 0) that is nearest to VALUE; a tie goes to the even multiple.  It has
 * as many digits after the point as STEP needs: 7.26 to 0.5 is 7.5, 7 to 0.5 is 7.0.  False, and nothing
 * appended, if VALUE or STEP has more than 1,000 digits before or after the point, or OUT is full.
 */
bool decimal_round(const struct decimal *value, const struct decimal *step, struct buffer *out);

/* The same for the greatest multiple that is not above VALUE: -7.26 to 0.5 is -7.5. */
bool decimal_floor(const struct decimal *value, const struct decimal *step, struct buffer *out);

/*
 * Appends OFFSET + FACTOR * VALUE, exactly.  False, and nothing appended, if one of the three has more than
 * 200 digits before or after the point, or OUT is full.
 */
bool decimal_line(const struct decimal *offset, const struct decimal *factor, const struct decimal *value,
    struct buffer *out);

#endif
