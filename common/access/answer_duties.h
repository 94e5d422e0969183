/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ANSWER_DUTIES_H
#define EHR_ACCESS_ANSWER_DUTIES_H

#include "common/access/answer.h"

/*
 * The members of `obligations`, numbered ob-1 and on: level, redact, keep-only (equal ones once), those of
 * rules, and with a denial what stronger authentication would help.
 */
void answer_duties(const struct answer *a, const struct verdict *v);

#endif
