/* SPDX-License-Identifier: ISC */
#ifndef EHR_SUBSCRIPTION_CONDITIONS_H
#define EHR_SUBSCRIPTION_CONDITIONS_H

#include "common/base/pool.h"
#include "common/policy/jq.h"

/*
 * conditions: the programs of `when`.  Subscriptions with the same text share one, because a program takes
 * some 100 KB.
 */
struct conditions {
	/* private */
	struct condition_entry *at;
	size_t count;
	size_t room;
};

/*
 * The program of TEXT, which lives as long as C; its text is kept in POOL.  NULL: *WHY, a constant text, says
 * what is wrong, and *BYTE where.
 */
struct jq_program *conditions_get(
    struct conditions *c, struct pool *pool, struct bytes text, size_t *byte, const char **why);

void conditions_release(struct conditions *c);

#endif
