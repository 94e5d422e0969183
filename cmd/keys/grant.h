/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_GRANT_H
#define EHR_KEYS_GRANT_H

#include "cmd/keys/decision.h"
#include "common/policy/notify_policy.h"

/* grant: makes a grant of decisions; see grant.c. */

/* What another verb adds to the making of a grant.  The key directory K is locked. */
struct grant_order {
	/* The decisions; NULL with a fault and its status. */
	struct decision_file *(*decide)(void *context, struct keys *k, enum diag_exit *status);
	/* Looks at the grant TOKEN before anything is kept.  EXIT_DONE, or a status with a fault. */
	enum diag_exit (*check)(
	    void *context, struct keys *k, const struct notify_policy *plan, struct bytes token);
	void *context;
};

/*
 * The verb `grant`; with an ORDER the decisions are its, else those of --decision.  The grant is on standard
 * output, and in the site if there is one.
 */
enum diag_exit grant_make(
    const struct verb_settings *s, struct verb_answer *a, const struct grant_order *order);

#endif
