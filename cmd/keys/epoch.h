/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_EPOCH_H
#define EHR_KEYS_EPOCH_H

#include "cmd/keys/verbs.h"

/*
 * epoch: a new key for every level of a policy, independent of all others, and the announcement of it
 * (ehr-epoch+jwt), which names the keys and holds none.
 */
struct epoch {
	int dirfd;
	struct private_key *sig;
	const struct point *enc;
	const char *domain;
	uint32_t number;
	const struct policy *policy;
	struct instant now;
};

/* Draws, stores, makes it the current one, appends the announcement to epochs.jwts and to the answer. */
bool epoch_begin(const struct epoch *e, struct answer *a);

#endif
