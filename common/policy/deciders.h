/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_DECIDERS_H
#define EHR_POLICY_DECIDERS_H

#include "common/base/arena.h"
#include "common/crypto/jws.h"
#include "common/policy/fault.h"

/*
 * deciders: whose decisions count.  Without them a decision is the word of its file.  With them it must have
 * a signature of one of their keys (signed_line.h).
 */
struct deciders {
	struct signers *signers; /* NULL: any decision counts */
	struct jws_reader *reader;
};

/*
 * Reads the JWK set OVERRIDE, or without one deciders.jwks of the SITE; if there is none, any decision
 * counts.  EXIT_DONE, or the exit status of the program with a fault:
 * EXIT_IO if it cannot be read, EXIT_KEYS if it has no keys.
 */
enum diag_exit deciders_load(
    struct deciders *d, struct arena *a, const char *site, const char *override, struct fault *f);

/* May be called twice, and for zeros. */
void deciders_release(struct deciders *d);

/*
 * Whether the decision LINE, which has no newline, counts.  EXIT_DONE; EXIT_DENIED if it has no signature;
 * EXIT_KEYS if its signature does not hold.  *WHY is a constant.
 */
enum diag_exit deciders_check(const struct deciders *d, struct bytes line, const char **why);

#endif
