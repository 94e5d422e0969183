/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_ANNOUNCED_H
#define EHR_KEYS_ANNOUNCED_H

#include "cmd/keys/verbs.h"

/*
 * announced: the announcements of epochs (ehr-epoch+jwt) in epochs.jwts of the authority.
 *
 * Calls FOUND for each, in order.  An unfinished last line is left out and noted.  False with a fault
 * (EXIT_KEYS): a line is there that the authority did not sign, and what it announced is not known.
 */
bool announced_each(const struct keys *k, void (*found)(void *context, const struct jws *epoch),
    void *context, struct verb_answer *a);

#endif
