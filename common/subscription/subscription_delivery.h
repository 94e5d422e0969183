/* SPDX-License-Identifier: ISC */
#ifndef EHR_SUBSCRIPTION_SUBSCRIPTION_DELIVERY_H
#define EHR_SUBSCRIPTION_SUBSCRIPTION_DELIVERY_H

#include "common/subscription/fhir_subscription.h"

/*
 * subscription_delivery: `route` and `delivery` of a subscription.  Every reader checks them; only
 * ehr-deliver, which sends, keeps them.
 */

/*
 * Takes both from M; with W, which may be NULL, its address is the route.  False with a fault.  *WHY is set
 * if the policy lacks a channel.
 */
bool subscription_delivery_read(const struct subscription_source *r, struct yaml_map *m,
    const struct fhir_wish *w, struct subscription *sub, const char **why);

/* Part of subscription_keep(). */
void subscription_delivery_keep(const struct subscription_source *r, struct subscription *sub);

#endif
