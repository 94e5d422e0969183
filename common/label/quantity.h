/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_QUANTITY_H
#define EHR_LABEL_QUANTITY_H

#include "common/base/decimal.h"
#include "common/base/truth.h"
#include "common/json/json.h"
#include "common/policy/units.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * quantity: a number of a record, with its unit and comparator, beside a number of a rule.  The comparison is
 * exact: no float is involved.
 */
struct condition_members;
struct condition_record;

/* One end of a range: the value must lie on this side of it. */
struct quantity_bound {
	struct decimal number;
	const struct unit *unit; /* NULL: a bare number */
	bool is_upper;
	bool is_included;
};

struct quantity {
	struct decimal number;
	const struct unit *unit; /* NULL: the record gives none */
	int comparator;   /* 0 none; -1 the true value is below, 1 above; 2 a comparator that is not known */
	bool is_touching; /* with a comparator: the number itself is possible */
};

/* Why a number cannot be compared. */
enum quantity_fault { QUANTITY_GOOD, QUANTITY_NO_VALUE, QUANTITY_NO_UNIT };

/*
 * Reads a number, or an object with value and unit, as FHIR's Quantity.  Its unit must be of BESIDE's
 * dimension; with BESIDE NULL it must have none.
 */
enum quantity_fault quantity_read(const struct condition_members *m, const struct condition_record *r,
    uint32_t node, const struct unit *beside, struct quantity *quantity);

/* Whether it lies on the bound's side; unknown where the comparator leaves that open. */
enum truth quantity_within(const struct quantity *quantity, const struct quantity_bound *bound);

/* "92 %", "38.0 Cel", "5".  False: *WHY is a constant text. */
bool quantity_parse_bound(struct bytes text, struct quantity_bound *bound, const char **why);

/* The member KEY of an Observation or component; of a list the only element, as some write one.  0: none. */
uint32_t quantity_member(const struct json *j, uint32_t holder, uint16_t key);

#endif
