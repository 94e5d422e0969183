/* SPDX-License-Identifier: ISC */
#ifndef EHR_SEAL_SEAL_KEYS_H
#define EHR_SEAL_SEAL_KEYS_H

#include "common/base/arena.h"
#include "common/seal/seal_engine.h"

/*
 * seal_keys: the keys that a seal_engine seals with, out of a key directory: those of an epoch, or only the
 * pseudonym keys if a recipient is sealed to.
 */
struct seal_keys_demand {
	const char *directory;
	const char *site;    /* whose revocation list counts; NULL: none */
	const char *revoked; /* another list; NULL: none */
	uint32_t epoch;      /* 0: the current one */
	bool to_recipient;   /* an epoch need not have begun */
	bool allow_test_keys;
};

/*
 * Sets `keys`, `revoked`, `epoch` and, where it is empty, `domain` of S, whose `now` and `policy` are set.
 * False with a fault if keys are missing, not as they must be, or of another domain.  Paths live in A.
 * seal_keys_close() closes what was set, after a fault, too.
 */
bool seal_keys_open(
    struct seal_engine_setup *s, const struct seal_keys_demand *d, struct arena *a, struct seal_fault *f);
void seal_keys_close(struct seal_engine_setup *s);

/* False with a fault if the domain of S is that of published examples. */
bool seal_keys_domain(const struct seal_engine_setup *s, bool allow_test_keys, struct seal_fault *f);

#endif
