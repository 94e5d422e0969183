/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEY_RELEASE_H
#define EHR_CRYPTO_KEY_RELEASE_H

#include "common/crypto/jws.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>

/*
 * key_release: the message that carries keys to a device: a JWS of type ehr-release+jwt by the authority, sealed
 * to the device.  Keys at rest are the same message to oneself: one parser for all.
 */
struct key_release_reader;
struct key_release_reader *key_release_reader_new(void);
void key_release_reader_free(struct key_release_reader *r);

/* Whom the message must be for, and whose signature counts. */
struct key_release_to {
	struct private_key *enc;         /* opens it */
	const struct signers *authority; /* signed it */
	const char *domain;
	const char *sig_jkt; /* the device's signing key, which cnf must name */
};

struct key_release {
	struct jws jws;
	uint64_t al;
	uint32_t keys; /* node of the array in jws.claims */
};

/*
 * LINE needs no slack.  What OUT points at lives until the next call.  False with *WHY, a constant text: it
 * does not open, is not signed by the authority, is for another device or domain, or brings a level above its
 * AL.
 */
bool key_release_open(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    struct key_release *out, const char **why);

#endif
