/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_JQ_TEXT_H
#define EHR_POLICY_JQ_TEXT_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * jq_text: which jq expressions a policy or a subscription may hold.  Words that could read, print, loop or
 * vary are refused, and so are brackets that do not pair: an expression must not close the brackets that
 * jq.c puts around it.
 */

/*
 * False: *WHY, a constant text, says what is wrong, and *BYTE (from 1) where.  $now is allowed if HAS_NOW.
 */
bool jq_text_is_allowed(struct bytes text, bool has_now, size_t *byte, const char **why);

#endif
