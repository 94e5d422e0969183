/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DUTIES_H
#define EHR_ACCESS_DUTIES_H

#include "common/access/decide.h"

/*
 * duties: what the enforcement point must do with a permitted request: withhold what the layers redact, keep
 * to what they limit to, and the obligations of rules (authorization page, sections 8 to 10).
 */

/* v->redact and v->keep, of all layers, after overriding. */
void duties_of_data(struct verdict *v, struct scratch *scratch);

/* Items that are about levels alone lower v->level and are then spent. */
void duties_spend_levels(struct verdict *v);

/* v->owed: of the rules that permitted, or of those that denied. */
void duties_of_rules(struct verdict *v, struct scratch *scratch);

/* False if the request lists what can be carried out and something is not there. */
bool duties_supported(const struct verdict *v);

#endif
