/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DECIDER_H
#define EHR_KEYS_DECIDER_H

#include "cmd/keys/decision.h"

/*
 * decider: asks the policy here, as ehr-authz would with this policy and site.  For the verbs that
 * are request, decision and its carrying out in one: give, subscribe.  A decision is signed if there is
 * --sign.  With -v the requests and decisions are noted.
 */

/*
 * Decides REQUESTS, one a line.  The decisions are checked like those of a file.  NULL with a fault and its
 * status: EXIT_DENIED if one does not permit.
 */
struct decision_file *decider_ask(
    const struct verb_settings *s, struct bytes requests, struct verb_answer *a, enum diag_exit *status);

/* Whether the settings have what decider_ask() needs; false with a fault (EXIT_USAGE). */
bool decider_ready(const struct verb_settings *s, struct verb_answer *a);

#endif
