/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEY_RELEASE_H
#define EHR_CRYPTO_KEY_RELEASE_H

#include "common/crypto/jws.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>

/*
 * key_release: the message that carries keys to a device: a JWS of type ehr-release+jwt, signed by the
 * authority and sealed to the device.  The files of a key directory are such messages too, sealed to the
 * directory's own key.
 */
struct key_release_reader;
struct key_release_reader *key_release_reader_new(void);
void key_release_reader_free(struct key_release_reader *r);

/* Who must be the receiver and the signer. */
struct key_release_to {
	struct private_key *enc;         /* opens the message */
	const struct signers *authority; /* has signed it */
	const char *domain;
	const char *sig_jkt; /* thumbprint of the device's signing key: must be the claim cnf.jkt */
};

struct key_release {
	struct jws jws;
	uint64_t al;
	uint32_t keys; /* node of the array of keys in jws.claims; its elements are not checked */
};

/*
 * LINE needs no slack after it and may end with LF or CR LF.  What OUT points at is valid until the next
 * call.  False with *WHY, a constant text, if the message does not open, is not signed by the authority, is
 * for another device or domain, or lacks a claim.
 */
bool key_release_open(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    struct key_release *out, const char **why);

/*
 * What a message of that STAGE holds in *TOKEN, before anything says who signed it: of TO, enc and domain
 * count.  For a proof, which a device seals to its authority.
 */
bool key_release_unseal(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    const char *stage, struct bytes *token, const char **why);

struct key_release_kind {
	const char *stage, *typ; /* of the line, and of its JWS */
};

/* The same for another message to a device.  The claim device is the caller's to check. */
bool key_release_open_other(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    struct key_release_kind kind, struct jws *out, const char **why);

#endif
