/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_OVERRIDE_H
#define EHR_ACCESS_OVERRIDE_H

#include "common/access/consent.h"

/*
 * override: which rules of the organization go over the patient's consent (authorization page, section 8):
 * rules that the patient acknowledged, and those that always do (law, break-glass).
 */

/* Fills c->overriding if the organization permits and consent is not a permit without limits. */
void override_consent(struct consent *c, const struct outcome *organization, const struct situation *s,
    struct scratch *scratch);

/* True if an overriding rule covers everything: consent's limits vanish. */
bool override_is_total(const struct consent *c, const struct outcome *organization);

/* The item for which an organization's rule holds; NULL if it does not hold. */
const struct item *override_item(const struct outcome *organization, const struct rule *rule);

#endif
