/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_PROOF_H
#define EHR_KEYS_PROOF_H

#include "cmd/keys/device.h"

/*
 * proof: the authority gives a challenge; a device answers with a proof, signed with its enrolled key and
 * sealed to the authority's, that holds the token of its user.  A proof counts once, and only for a challenge
 * that was given here and has not ended.  Challenges stand in nonces.log until they end.
 */
enum { PROOF_NONCE = 43 };

struct proof {
	struct device device;
	char user[129]; /* who the token says it is; empty: a host that seals asks for itself */
	char nonce[PROOF_NONCE + 1];
	struct buffer token; /* the user's; empty: none */
};

/*
 * What the proofs of a run have in common: the devices, the revocation list, the issuers of tokens, and the
 * challenges.  LONGEST: how many seconds after its iat a token may end.  NULL with a fault and its status.
 */
struct proof_reader;

struct proof_reader *proof_reader_new(struct keys *k, int64_t longest, const struct verb_settings *s,
    struct verb_answer *a, enum diag_exit *status);
void proof_reader_free(struct proof_reader *r);

/*
 * Checks the proof in TEXT (a line) and the token of the user in it, whose issuer must be one of
 * --assertions; a host that seals needs no user.  False with a fault and its status (EXIT_DENIED:
 * device-unknown, device-revoked, proof-invalid, nonce-unknown, nonce-spent, challenge-expired, user-invalid,
 * user-not-bound, party-revoked).  The caller releases P->token in either case.
 */
bool proof_read(struct proof_reader *r, struct proof *p, struct bytes text, enum diag_exit *status);

/*
 * From proof_commit() on the challenges of these proofs are spent; in R at once.  proof_commit() is false
 * with a fault (EXIT_IO).
 */
void proof_spend(struct proof_reader *r, const struct proof *p);
bool proof_commit(const struct proof_reader *r);

#endif
