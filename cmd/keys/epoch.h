/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_EPOCH_H
#define EHR_KEYS_EPOCH_H

#include "cmd/keys/verbs.h"

/*
 * epoch: a new key for each level of a policy, and the announcement (ehr-epoch+jwt), which names the keys and
 * holds none.  Level keys are drawn at random, so no key follows from another.  They are valid from NOW on
 * and have no end, because the next epoch ends this one.
 */
struct epoch {
	int dirfd;
	struct private_key *sig;
	const struct point *enc;
	const char *domain;
	uint32_t number;
	const struct policy *policy;
	struct instant now;
	const struct keys
	    *keys; /* keys of this epoch that are there already stay as they are; NULL: none are */
};

/*
 * Stores the keys in DIRFD, appends the announcement to epochs.jwts and to the answer, and makes the epoch
 * the current one.  False with a fault (EXIT_IO).
 */
bool epoch_begin(const struct epoch *e, struct verb_answer *a);

/*
 * Calls FOUND for each announcement in epochs.jwts of the authority, in order.  An unfinished last line is
 * left out and noted.  False with a fault (EXIT_KEYS): a line is there that the authority did not sign, and
 * what it announced is not known.
 */
bool epoch_announced(const struct keys *k, void (*found)(void *context, const struct jws *announcement),
    void *context, struct verb_answer *a);

#endif
