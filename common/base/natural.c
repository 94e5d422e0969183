/* SPDX-License-Identifier: ISC */
#include "common/base/natural.h"

#include "common/base/diag.h"

#include <string.h>

#define BASE UINT32_C(1000000000)

static void
put(struct natural *n, unsigned i, uint32_t limb)
{
	if (i >= NATURAL_LIMBS)
		diag_bug("a number grew past what was computed for it");
	n->limb[i] = limb;
}

static void
trim(struct natural *n)
{
	while (n->count > 0 && n->limb[n->count - 1] == 0)
		n->count--;
}

/* N = N * FACTOR + MORE, both below 2^32. */
static void
scale_and_add(struct natural *n, uint32_t factor, uint32_t more)
{
	uint64_t carry = more;

	for (unsigned i = 0; i < n->count; i++) {
		carry += (uint64_t)n->limb[i] * factor;
		n->limb[i] = (uint32_t)(carry % BASE);
		carry /= BASE;
	}
	for (; carry > 0; carry /= BASE) {
		put(n, n->count, (uint32_t)(carry % BASE));
		n->count++;
	}
	trim(n);
}

void
natural_set(struct natural *n, uint64_t value)
{
	n->count = 0;
	for (; value > 0; value /= BASE)
		n->limb[n->count++] = (uint32_t)(value % BASE);
}

void
natural_append(struct natural *n, unsigned digit)
{
	scale_and_add(n, 10, digit);
}

void
natural_add(struct natural *n, const struct natural *more)
{
	uint32_t carry = 0;

	for (unsigned i = 0; i < more->count || carry > 0; i++) {
		uint32_t sum =
		    carry + (i < n->count ? n->limb[i] : 0) + (i < more->count ? more->limb[i] : 0);

		carry = sum >= BASE;
		put(n, i, carry ? sum - BASE : sum);
		if (i >= n->count)
			n->count = i + 1;
	}
}

void
natural_subtract(struct natural *n, const struct natural *less)
{
	uint32_t borrow = 0;

	for (unsigned i = 0; i < less->count || borrow > 0; i++) {
		uint32_t take = borrow + (i < less->count ? less->limb[i] : 0);

		if (i >= n->count)
			diag_bug("a natural number fell below zero");
		borrow = n->limb[i] < take;
		n->limb[i] += (borrow ? BASE : 0) - take;
	}
	trim(n);
}

void
natural_multiply(struct natural *n, const struct natural *a, const struct natural *b)
{
	n->count = a->count + b->count;
	if (n->count > NATURAL_LIMBS)
		diag_bug("a product grew past what was computed for it");
	memset(n->limb, 0, n->count * sizeof n->limb[0]);
	for (unsigned i = 0; i < a->count; i++) {
		uint64_t carry = 0;

		for (unsigned k = 0; k < b->count; k++) {
			carry += n->limb[i + k] + (uint64_t)a->limb[i] * b->limb[k];
			n->limb[i + k] = (uint32_t)(carry % BASE);
			carry /= BASE;
		}
		n->limb[i + b->count] = (uint32_t)carry;
	}
	trim(n);
}

int
natural_compare(const struct natural *a, const struct natural *b)
{
	if (a->count != b->count)
		return a->count > b->count ? 1 : -1;
	for (unsigned i = a->count; i-- > 0;)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] > b->limb[i] ? 1 : -1;
	return 0;
}

void
natural_of_decimal(struct natural *n, const struct decimal *d, int64_t places)
{
	const char *at = d->digits;
	int64_t zeros = d->scale - (int64_t)d->count + places;

	n->count = 0;
	if (d->count == 0)
		return;
	if (zeros < 0 || zeros > NATURAL_DIGITS)
		diag_bug("a decimal was taken for a whole number");
	for (size_t i = 0; i < d->count; at++) {
		if (*at == '.')
			continue;
		natural_append(n, (unsigned)(*at - '0'));
		i++;
	}
	for (; zeros >= 9; zeros -= 9)
		scale_and_add(n, BASE, 0);
	for (; zeros > 0; zeros--)
		natural_append(n, 0);
}
