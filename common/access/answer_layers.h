/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ANSWER_LAYERS_H
#define EHR_ACCESS_ANSWER_LAYERS_H

#include "common/access/answer.h"

/* The members of `layers`: what each layer came to, by which rules, and what it missed. */
void answer_layers(const struct answer *a, const struct verdict *v);

/* Is rule I of the outcome's file among those that its result rests on? */
bool answer_rule_spoke(const struct outcome *o, uint32_t i);

#endif
