/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYLOAD_H
#define EHR_CRYPTO_KEYLOAD_H

#include "common/crypto/keyref.h"

#include <openssl/evp.h>

/*
 * keyload: finds the private key that a URI names, in a file, a TPM 2.0 (provider tpm2) or behind PKCS#11
 * (engine pkcs11; OpenSSL 3.0 has no provider for it).  No other file knows a provider or an engine by name.
 * Only common/crypto includes this.
 */

/* See keyref_open().  NULL with *WHY. */
EVP_PKEY *keyload_open(int dirfd, const char *uri, const struct keyref_access *access, const char **why);

/*
 * By which property query an operation with KEY is fetched: the key's own provider.  NULL: an engine's key.
 */
const char *keyload_query(const EVP_PKEY *key);

/*
 * Whether OpenSSL has just noted that a TPM or token is locked, after wrong PINs.  It forgets what it noted.
 */
bool keyload_locked(void);

/* The PIN of ACCESS in secret memory of KEYLOAD_PIN_ROOM bytes; empty if there is none.  NULL with *WHY. */
enum { KEYLOAD_PIN_ROOM = 256 };
char *keyload_pin(int dirfd, const char *file, const char **why);

#endif
