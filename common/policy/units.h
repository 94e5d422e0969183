/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_UNITS_H
#define EHR_POLICY_UNITS_H

#include "common/base/bytes.h"
#include "common/base/decimal.h"

#include <stdbool.h>

/*
 * units: which units a numeric condition converts, and exact comparison across them: 98.6 [degF] is 37.0 Cel.
 * A unit belongs to one dimension; nothing converts between dimensions (mg/dL and mmol/L depend on the
 * substance, so they are two).
 */
struct unit;

/* The unit of a rule, by UCUM code or another spelling of the table; NULL if it is none or would be two. */
const struct unit *unit_find(struct bytes text);

/*
 * The unit of a record beside a rule's: looked up within the rule's dimension alone, so that `C` is Celsius
 * beside Cel; annotations ({..}) are left out if the text as a whole is none.  NULL: unknown there.
 */
const struct unit *unit_beside(const struct unit *rule, struct bytes text);

/* Its UCUM code and dimension: "mm[Hg]", "pressure". */
struct bytes unit_code(const struct unit *u);
struct bytes unit_dimension(const struct unit *u);

/* What a rule may compare with: at most 30 significant digits, exponents within -30..30. */
bool unit_bound(const struct decimal *bound);

/* VALUE in UNIT against BOUND in BOUND_UNIT, of one dimension and with unit_bound(BOUND): as memcmp. */
int unit_compare(const struct decimal *value, const struct unit *unit, const struct decimal *bound,
    const struct unit *bound_unit);

#endif
