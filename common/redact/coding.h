/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_CODING_H
#define EHR_REDACT_CODING_H

#include "common/redact/operation.h"

/*
 * coding: operations that read the system and the code of a Coding.
 *
 *	code: {characters: 3}      a Coding of an ICD system, cut to its category: F10.20 becomes F10;
 *	                           display and all else go, as does any other Coding
 *	display: from_value_set    the policy's own text for the code beside it; removed if it has none
 */

/* As operation_apply. */
enum operation_outcome coding_cut(
    const struct operation *o, const struct operation_value *v, struct buffer *out);
enum operation_outcome coding_display(
    const struct operation *o, const struct operation_value *v, struct buffer *out);

#endif
