/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ANSWER_REASON_H
#define EHR_ACCESS_ANSWER_REASON_H

#include "common/access/decide.h"
#include "common/json/json_write.h"

/*
 * answer_reason: the reasons of a verdict in words: `reason_user`, one of two constants, and
 * `reason_admin`, the sentences of the rules that decided, which PUBLIC_ONLY leaves out.
 */
void answer_reason_write(struct json_write *w, const struct verdict *v, bool public_only);

#endif
