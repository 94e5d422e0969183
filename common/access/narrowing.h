/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_NARROWING_H
#define EHR_ACCESS_NARROWING_H

#include "common/access/request.h"
#include "common/access/roles.h"

/*
 * narrowing: the data criteria that a request states.  It asks for the entries that meet them and for no
 * others.  A decision on it says so with a keep-only obligation; otherwise whoever carries the decision
 * out on the whole record would give what nobody judged.
 *
 * An entry meets the narrowing if its class and its id are among the values, it is of one of the dates,
 * and it has all labels, codes, authors and related things that are named.  A level keeps the entries at
 * it and below.
 */
struct narrowing {
	bool there;                   /* a data criterion is stated */
	struct values at[DATA_COUNT]; /* groups of classes are written out */
};

/* What it points to lives in SCRATCH and in Q. */
struct narrowing narrowing_of(
    const struct request *q, const struct roles *roles, const struct intern *words, struct scratch *scratch);

/* True if an entry needs one of the values of ATTRIBUTE; else it needs all. */
static inline bool
narrowing_any(unsigned attribute)
{
	return attribute == ATTRIBUTE_CLASS || attribute == ATTRIBUTE_INSTANCE || attribute == ATTRIBUTE_DATE;
}

#endif
