/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYREF_H
#define EHR_CRYPTO_KEYREF_H

#include "common/crypto/jwk.h"

#include <stdbool.h>

/*
 * keyref: private keys, named by URI.  No other file knows how a private key is opened, so keys in a TPM or
 * HSM would change this file alone.  The private half never leaves the struct.
 */
struct private_key;

/*
 * Opens the key that URI names: PATH or file:PATH, relative to the directory DIRFD.  It is a PEM file
 * (PKCS#8) without a passphrase that is ours and closed to others.  NULL with *WHY, a constant text, if it
 * does not open or the key is not on P-256.  The caller frees the key.
 */
struct private_key *keyref_open(int dirfd, const char *uri, const char **why);

/* Makes a key in the file NAME (mode 0600) relative to DIRFD; NULL with errno set if it cannot be written. */
struct private_key *keyref_make(int dirfd, const char *name);

/* Makes a key that is stored nowhere. */
struct private_key *keyref_draw(void);

void keyref_free(struct private_key *key);

const struct point *keyref_public(const struct private_key *key);

/* Signs with ES256 (RFC 7518 section 3.4); SIGNATURE is r and s, 32 bytes each. */
void keyref_sign(struct private_key *key, struct bytes message, unsigned char signature[64]);

/*
 * Agrees with PEER on KEK, the key that wraps a content key (ECDH-ES+A256KW, RFC 7518 section 4.6).  APU and
 * APV are the decoded bytes.  False if PEER is not a point of the curve.
 */
bool keyref_agree(struct private_key *key, const struct point *peer, struct bytes apu, struct bytes apv,
    unsigned char kek[KEY_SIZE]);

#endif
