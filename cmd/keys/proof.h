/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_PROOF_H
#define EHR_KEYS_PROOF_H

#include "cmd/keys/device.h"

/*
 * proof: the authority gives a challenge; a device answers with a proof, signed with its enrolled key, that
 * holds the token of its user.  A proof counts once, and only for a challenge that was given here and has not
 * ended.  Challenges stand in nonces.log until they end.
 */
enum { PROOF_NONCE = 43 };

struct proof {
	struct device device;
	char user[129]; /* who the token says it is; empty: a host that seals asks for itself */
	char nonce[PROOF_NONCE + 1];
	struct buffer token; /* the user's; empty: none */
};

/*
 * Checks the proof in TEXT (a line) and the token of the user in it, whose issuer must be one of
 * --assertions; a host that seals needs no user.  False with a fault and its status (EXIT_DENIED:
 * device-unknown, device-revoked, proof-invalid, nonce-unknown, nonce-spent, challenge-expired, user-invalid,
 * user-not-bound, party-revoked).  The caller releases P->token in either case.
 */
bool proof_read(struct proof *p, const struct keys *k, const struct verb_settings *s, struct bytes text,
    struct verb_answer *a, enum diag_exit *status);

/* From here on the challenge is spent.  False with a fault and its status. */
bool proof_spend(const struct proof *p, const struct keys *k, const struct verb_settings *s,
    struct verb_answer *a, enum diag_exit *status);

#endif
