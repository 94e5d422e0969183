/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYREF_H
#define EHR_CRYPTO_KEYREF_H

#include "common/crypto/jwk.h"

#include <stdbool.h>

/*
 * keyref: private keys, named by URI.  The one file that knows how a private key is opened: a TPM's or an
 * HSM's key differs from a file here and nowhere else.  The private half never leaves the struct.
 */
struct private_key;

/*
 * Opens the key that URI names: PATH or file:PATH, relative to the directory DIRFD, a PEM file (PKCS#8) that
 * is ours and closed to others.  NULL with *WHY (a constant text) if it does not open or is not on P-256.
 */
struct private_key *keyref_open(int dirfd, const char *uri, const char **why);

/* A new key in the file NAME (mode 0600) below DIRFD; NULL with errno set if it cannot be written. */
struct private_key *keyref_make(int dirfd, const char *name);

/* A new key that is kept nowhere: an ephemeral one. */
struct private_key *keyref_draw(void);

void keyref_free(struct private_key *key);

const struct point *keyref_public(const struct private_key *key);

/* ES256: r and s. */
void keyref_sign(struct private_key *key, struct bytes message, unsigned char signature[64]);

/*
 * The key that wraps a content key (ECDH-ES+A256KW, RFC 7518 section 4.6) between this private key and PEER,
 * with apu and apv as bytes.  False if PEER is not a point of the curve.
 */
bool keyref_agree(struct private_key *key, const struct point *peer, struct bytes apu, struct bytes apv,
    unsigned char kek[KEY_SIZE]);

#endif
