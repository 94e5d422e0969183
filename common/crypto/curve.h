/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_CURVE_H
#define EHR_CRYPTO_CURVE_H

#include "common/crypto/jwk.h"

#include <openssl/evp.h>

/*
 * curve: P-256 public keys as OpenSSL has them, and the one signature of this suite, ES256 (RFC 7518
 * section 3.4). Nothing here needs a private key.  For common/crypto alone.
 */
enum { SIGNATURE_SIZE = 64 };

/* NULL if P is not a point of the curve.  The caller frees it. */
EVP_PKEY *curve_public(const struct point *p);

/* The public half of any key on P-256, named; false for a key of another kind. */
bool curve_point(EVP_PKEY *key, struct point *p);

/* r and s, 32 bytes each. */
bool curve_verify(EVP_PKEY *key, struct bytes message, const unsigned char signature[SIGNATURE_SIZE]);

#endif
