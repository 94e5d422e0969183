/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_LIMITS_H
#define EHR_ACCESS_LIMITS_H

#include "common/access/decide.h"

/*
 * limits: what a verdict withholds of the record: items to redact and lists to keep to.
 */

/* Collects the limits of the layers in V. */
void limits_gather(struct verdict *v, struct scratch *scratch);

/* Adds those of OTHER to V.  A redaction without exceptions becomes an exception of the narrowing of V. */
void limits_add(struct verdict *v, const struct verdict *other, struct scratch *scratch);

/* Lets limits by levels alone lower v->level instead. */
void limits_spend(struct verdict *v);

#endif
