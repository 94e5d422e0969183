/* SPDX-License-Identifier: ISC */
#include "common/policy/units.h"

#include "common/base/diag.h"
#include "common/base/natural.h"

#include <stdlib.h>

/*
 * A value v of a unit is v * f/g + o/h in the first unit of its dimension.  The comparison uses whole numbers
 * only: it multiplies both sides by all divisors and by a power of ten, then adds each term to the side where
 * it is positive.
 */
struct unit {
	struct bytes dimension;
	struct bytes code;
	uint64_t factor, factor_by;
	int64_t offset;
	uint64_t offset_by;
	const char *also; /* other spellings, a bar after each */
};

enum {
	BOUND_DIGITS = 30,
	BOUND_SCALE = 30,
	FAR = 300, /* no bound, in any unit, lies beyond 10^+-300 */
	MAX_UNIT = 64,
};

static const struct unit table[] = {
#define UNIT(dimension, code, factor, factor_by, offset, offset_by, also)                                    \
	{ BYTES(dimension), BYTES(code), factor, factor_by, offset, offset_by, also },
#include "common/policy/units.def"
#undef UNIT
};
enum { UNITS = sizeof table / sizeof table[0] };

static bool
is_spelling(const struct unit *u, struct bytes text)
{
	const char *at = u->also;

	if (bytes_equal(u->code, text))
		return true;
	for (const char *bar; (bar = strchr(at, '|')) != NULL; at = bar + 1)
		if (bytes_equal((struct bytes){ at, (size_t)(bar - at) }, text))
			return true;
	return false;
}

/* The unit TEXT of DIMENSION (at NULL: of any); NULL if there is none or more than one. */
static const struct unit *
look_up(struct bytes dimension, struct bytes text)
{
	const struct unit *found = NULL;

	for (size_t i = 0; i < UNITS; i++) {
		if (dimension.at != NULL && !bytes_equal(table[i].dimension, dimension))
			continue;
		if (!is_spelling(&table[i], text))
			continue;
		if (found != NULL)
			return NULL;
		found = &table[i];
	}
	return found;
}

const struct unit *
unit_find(struct bytes text)
{
	return look_up((struct bytes){ NULL, 0 }, text);
}

/* TEXT without {annotations} in ROOM; false if braces do not pair or TEXT is too long. */
static bool
strip(struct bytes text, char room[MAX_UNIT], struct bytes *stripped)
{
	size_t size = 0;
	bool inside = false;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];

		if (c == '{' || c == '}') {
			if (inside != (c == '}'))
				return false;
			inside = !inside;
		} else if (!inside) {
			if (size == MAX_UNIT)
				return false;
			room[size++] = c;
		}
	}
	*stripped = (struct bytes){ room, size };
	return !inside;
}

const struct unit *
unit_beside(const struct unit *rule, struct bytes text)
{
	/* Most records have the rule's own unit. */
	const struct unit *found = bytes_equal(text, rule->code) ? rule : look_up(rule->dimension, text);
	char room[MAX_UNIT] = { 0 };
	struct bytes stripped;

	if (found != NULL || !strip(text, room, &stripped))
		return found;
	/* An annotation alone is 1 (UCUM 6).  Beside % it may mean per cent, so it counts beside 1 only. */
	if (stripped.size == 0 && text.size > 0 && bytes_are(rule->code, "1"))
		return rule;
	return look_up(rule->dimension, stripped);
}

struct bytes
unit_dimension(const struct unit *u)
{
	return u->dimension;
}

bool
unit_bound(const struct decimal *bound)
{
	return bound->count <= BOUND_DIGITS && bound->scale >= -BOUND_SCALE &&
	       bound->scale <= BOUND_SCALE + 1;
}

/* VALUE with its exponent cut to -FAR..FAR.  It compares as VALUE does, and the numbers below stay small. */
static struct decimal
bring_near(const struct decimal *value)
{
	struct decimal near = *value;

	if (value->count == 0 || (value->scale >= -FAR && value->scale <= FAR))
		return near;
	near.digits = "1";
	near.count = 1;
	near.scale = value->scale > 0 ? FAR : -FAR;
	return near;
}

static int64_t
places(const struct decimal *d)
{
	int64_t behind = (int64_t)d->count - d->scale;

	return d->count > 0 && behind > 0 ? behind : 0;
}

struct sides {
	struct natural left, right;
};

/* Adds TERM times the three factors BY to the left side, or to the right side if it is NEGATIVE. */
static void
add_term(struct sides *s, const struct natural *term, bool negative, const uint64_t by[3])
{
	struct natural product = *term, factor, result;

	for (unsigned i = 0; i < 3; i++) {
		natural_set(&factor, by[i]);
		natural_multiply(&result, &product, &factor);
		product = result;
	}
	natural_add(negative ? &s->right : &s->left, &product);
}

/* Adds V of unit U times the divisors of both units; NEGATIVE if V stands on the right side. */
static void
add_value(struct sides *s, const struct decimal *v, const struct unit *u, const struct unit *other,
    int64_t scale, bool negative)
{
	struct natural number, one;
	struct decimal ten = { .digits = "1", .count = 1, .scale = 1 };
	uint64_t others = other->factor_by * other->offset_by;
	uint64_t offset = (uint64_t)llabs(u->offset);

	natural_of_decimal(&number, v, scale);
	add_term(s, &number, negative != v->negative, (uint64_t[]){ u->factor, u->offset_by, others });
	natural_of_decimal(&one, &ten, scale);
	add_term(s, &one, negative != (u->offset < 0), (uint64_t[]){ offset, u->factor_by, others });
}

int
unit_compare(const struct decimal *value, const struct unit *unit, const struct decimal *bound,
    const struct unit *bound_unit)
{
	struct decimal near;
	struct sides s;
	int64_t scale;

	if (unit == bound_unit)
		return decimal_compare(value, bound);
	if (!bytes_equal(unit->dimension, bound_unit->dimension) || !unit_bound(bound))
		diag_bug("units were compared that cannot be");
	near = bring_near(value);
	scale = places(&near) > places(bound) ? places(&near) : places(bound);
	natural_set(&s.left, 0);
	natural_set(&s.right, 0);
	add_value(&s, &near, unit, bound_unit, scale, false);
	add_value(&s, bound, bound_unit, unit, scale, true);
	return natural_compare(&s.left, &s.right);
}
