/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_UNITS_H
#define EHR_POLICY_UNITS_H

#include "common/base/bytes.h"
#include "common/base/decimal.h"

#include <stdbool.h>

/*
 * units: the units that numeric conditions convert, and exact comparison across them: 98.6 [degF] is 37.0
 * Cel.  A unit has one dimension, and units of two dimensions are never compared.  mg/dL and mmol/L are two
 * dimensions, because the conversion depends on the substance.
 */
struct unit;

/* The unit of a rule, by UCUM code or other spelling; NULL if TEXT is no unit, or one in two dimensions. */
const struct unit *unit_find(struct bytes text);

/*
 * The unit TEXT of a record, looked up only in the dimension of the rule's unit: beside Cel, `C` is Celsius.
 * If the whole TEXT is no unit, annotations ({..}) are left out.  NULL: no unit of that dimension.
 */
const struct unit *unit_beside(const struct unit *rule, struct bytes text);

/* "pressure", for example. */
struct bytes unit_dimension(const struct unit *u);

/* True if a rule may compare with BOUND: at most 30 significant digits, exponents within -30..30. */
bool unit_bound(const struct decimal *bound);

/*
 * VALUE in UNIT against BOUND in BOUND_UNIT, as memcmp.  Both units have one dimension, and unit_bound(BOUND)
 * holds.
 */
int unit_compare(const struct decimal *value, const struct unit *unit, const struct decimal *bound,
    const struct unit *bound_unit);

#endif
