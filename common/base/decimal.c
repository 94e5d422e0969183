/* SPDX-License-Identifier: ISC */
#include "common/base/decimal.h"

#include "common/base/natural.h"

#define MAX_EXPONENT INT64_C(100000000000000000)

enum { MAX_PLACES = 1000 }; /* digits before and after the point that rounding allows */
enum { LINE_PLACES = 200 };

struct decimal_scan {
	struct bytes text;
	size_t next;
};

static bool
take(struct decimal_scan *s, const char *any)
{
	if (s->next == s->text.size || s->text.at[s->next] == 0 || strchr(any, s->text.at[s->next]) == NULL)
		return false;
	s->next++;
	return true;
}

static size_t
take_digits(struct decimal_scan *s)
{
	size_t start = s->next;

	while (s->next < s->text.size && s->text.at[s->next] >= '0' && s->text.at[s->next] <= '9')
		s->next++;
	return s->next - start;
}

/* An exponent that is out of range becomes MAX_EXPONENT + 1 with its sign. */
static bool
read_exponent(struct decimal_scan *s, int64_t *exponent)
{
	bool negative = s->next < s->text.size && s->text.at[s->next] == '-';
	size_t start;

	(void)take(s, "+-");
	start = s->next;
	if (take_digits(s) == 0)
		return false;
	for (size_t i = start; i < s->next && *exponent <= MAX_EXPONENT; i++)
		*exponent = *exponent * 10 + (s->text.at[i] - '0');
	if (*exponent > MAX_EXPONENT)
		*exponent = MAX_EXPONENT + 1;
	if (negative)
		*exponent = -*exponent;
	return true;
}

/* AT..END is digits, perhaps with a point after the first WHOLE of them. */
static void
find_digits(struct decimal *d, const char *at, const char *end, size_t whole)
{
	size_t seen = 0;

	for (; at < end; at++) {
		if (*at == '.')
			continue;
		seen++;
		if (*at == '0')
			continue;
		if (d->digits == NULL) {
			d->digits = at;
			d->scale = (int64_t)whole - (int64_t)seen + 1;
		}
		d->count = (size_t)((int64_t)seen - ((int64_t)whole - d->scale));
	}
}

bool
decimal_parse(struct bytes text, struct decimal *d)
{
	struct decimal_scan s = { text, 0 };
	bool negative = take(&s, "-");
	size_t start = s.next;
	size_t whole = take_digits(&s);
	int64_t exponent = 0;

	*d = (struct decimal){ 0 };
	if (text.size > DECIMAL_MAX_SIZE || whole == 0 || (whole > 1 && text.at[start] == '0'))
		return false;
	if (take(&s, ".") && take_digits(&s) == 0)
		return false;
	find_digits(d, text.at + start, text.at + s.next, whole);
	if (take(&s, "eE") && !read_exponent(&s, &exponent))
		return false;
	if (s.next != text.size)
		return false;
	if (d->count == 0)
		return true;
	d->negative = negative;
	d->scale += exponent;
	return exponent >= -MAX_EXPONENT && exponent <= MAX_EXPONENT;
}

static int
compare_digits(const struct decimal *a, const struct decimal *b)
{
	const char *x = a->digits;
	const char *y = b->digits;
	size_t common = a->count < b->count ? a->count : b->count;

	for (size_t i = 0; i < common; i++, x++, y++) {
		x += *x == '.';
		y += *y == '.';
		if (*x != *y)
			return *x > *y ? 1 : -1;
	}
	return (a->count > b->count) - (a->count < b->count);
}

int
decimal_compare(const struct decimal *a, const struct decimal *b)
{
	int sign_a = a->count == 0 ? 0 : a->negative ? -1 : 1;
	int sign_b = b->count == 0 ? 0 : b->negative ? -1 : 1;

	if (sign_a != sign_b)
		return sign_a > sign_b ? 1 : -1;
	if (sign_a == 0)
		return 0;
	if (a->scale != b->scale)
		return a->scale > b->scale ? sign_a : -sign_a;
	return sign_a * compare_digits(a, b);
}

/* Digits after the point. */
static int64_t
places_of(const struct decimal *d)
{
	int64_t places = (int64_t)d->count - d->scale;

	return d->count > 0 && places > 0 ? places : 0;
}

static bool
within(const struct decimal *d, int64_t places)
{
	return d->count == 0 || (d->scale <= places && places_of(d) <= places);
}

/* Long division, one decimal digit at a time; REST is the remainder. */
static void
divide(const struct natural *value, const struct natural *by, struct natural *quotient, struct natural *rest)
{
	natural_set(quotient, 0);
	natural_set(rest, 0);
	for (unsigned i = value->count; i-- > 0;) {
		uint32_t limb = value->limb[i];

		for (uint32_t unit = 100000000; unit > 0; unit /= 10) {
			unsigned digit = 0;

			natural_append(rest, limb / unit % 10);
			for (; natural_compare(rest, by) >= 0; digit++)
				natural_subtract(rest, by);
			natural_append(quotient, digit);
		}
	}
}

/* The base 10^9 is even, so the lowest limb alone tells odd from even. */
static void
round_half_even(struct natural *quotient, const struct natural *rest, const struct natural *step)
{
	struct natural twice = *rest;
	struct natural one;
	bool odd = quotient->count > 0 && quotient->limb[0] % 2 == 1;
	int half;

	natural_add(&twice, rest);
	half = natural_compare(&twice, step);
	natural_set(&one, 1);
	if (half > 0 || (half == 0 && odd))
		natural_add(quotient, &one);
}

static unsigned
digit_at(const struct natural *n, int64_t position)
{
	static const uint32_t power[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };

	return position < 9 * (int64_t)n->count ? n->limb[position / 9] / power[position % 9] % 10 : 0;
}

/* Writes N / 10^HELD with PLACES digits after the point; the digits left out are zeros. */
static bool
write_natural(const struct natural *n, bool negative, int64_t held, int64_t places, struct buffer *out)
{
	char text[NATURAL_DIGITS + MAX_PLACES + 4];
	char *at = text + sizeof text;
	int64_t digits = 9 * (int64_t)n->count;

	while (digits > 0 && digit_at(n, digits - 1) == 0)
		digits--;
	for (int64_t position = held - places; position <= held || position < digits; position++) {
		if (position == held && places > 0)
			*--at = '.';
		*--at = (char)('0' + digit_at(n, position));
	}
	if (negative && n->count > 0)
		*--at = '-';
	return buffer_append(out, at, (size_t)(text + sizeof text - at));
}

/* The quotient was rounded towards zero, so a negative one with a remainder goes one down. */
static void
round_down(struct natural *quotient, const struct natural *rest, bool negative)
{
	struct natural one;

	natural_set(&one, 1);
	if (negative && rest->count > 0)
		natural_add(quotient, &one);
}

static bool
write_multiple(const struct decimal *value, const struct decimal *step, bool down, struct buffer *out)
{
	int64_t places = places_of(step);
	int64_t held = places_of(value) > places ? places_of(value) : places;
	struct natural dividend, divisor, quotient, rest;

	if (step->count == 0 || step->negative || !within(value, MAX_PLACES) || !within(step, MAX_PLACES))
		return false;
	natural_of_decimal(&dividend, value, held);
	natural_of_decimal(&divisor, step, held);
	divide(&dividend, &divisor, &quotient, &rest);
	if (down)
		round_down(&quotient, &rest, value->negative);
	else
		round_half_even(&quotient, &rest, &divisor);
	natural_multiply(&dividend, &quotient, &divisor);
	return write_natural(&dividend, value->negative, held, places, out);
}

bool
decimal_round(const struct decimal *value, const struct decimal *step, struct buffer *out)
{
	return write_multiple(value, step, false, out);
}

bool
decimal_floor(const struct decimal *value, const struct decimal *step, struct buffer *out)
{
	return write_multiple(value, step, true, out);
}

bool
decimal_line(const struct decimal *offset, const struct decimal *factor, const struct decimal *value,
    struct buffer *out)
{
	int64_t product_places = places_of(factor) + places_of(value);
	int64_t places = product_places > places_of(offset) ? product_places : places_of(offset);
	bool negative = factor->negative != value->negative;
	struct natural a, b, sum, less;

	if (!within(offset, LINE_PLACES) || !within(factor, LINE_PLACES) || !within(value, LINE_PLACES))
		return false;
	natural_of_decimal(&a, factor, places_of(factor));
	natural_of_decimal(&b, value, places - places_of(factor));
	natural_multiply(&sum, &a, &b);
	natural_of_decimal(&less, offset, places);
	if (negative == offset->negative || sum.count == 0 || less.count == 0) {
		negative = sum.count == 0 ? offset->negative : negative;
		natural_add(&sum, &less);
	} else if (natural_compare(&sum, &less) >= 0) {
		natural_subtract(&sum, &less);
	} else {
		negative = offset->negative;
		natural_subtract(&less, &sum);
		sum = less;
	}
	return write_natural(&sum, negative, places, places, out);
}
