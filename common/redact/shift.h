/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_SHIFT_H
#define EHR_REDACT_SHIFT_H

#include "common/redact/operation.h"

/*
 * shift: `date_shift` moves a date by 1 to `days` days, forwards or back, and never by none.  How far is said
 * by
 *
 *	HMAC-SHA-256(key, part "ehr-redact/1", part "date_shift", for each scope: part its name,
 *	             part its value, part "")
 *
 * where parts are as in token.h: the first eight bytes, highest first, modulo 2 * days.  So all dates of one
 * scope (of a subject, unless the policy says otherwise) move alike, and the time between two of them stays.
 * The time of day and the zone stay as they came.  "2026-03" is moved as its 15th, "2026" as its 1 July, and
 * written as exactly as it came.
 */

/* As operation_apply, for `date_shift`. */
enum operation_outcome shift_apply(
    const struct operation *o, const struct operation_value *v, struct buffer *out);

#endif
