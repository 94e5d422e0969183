/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_CURVE_H
#define EHR_CRYPTO_CURVE_H

#include "common/crypto/jwk.h"

#include <openssl/evp.h>

/*
 * curve: P-256 public keys as OpenSSL objects, and ES256 signatures (RFC 7518 section 3.4) verified with
 * them.  No function needs a private key.  Only common/crypto includes this.
 */
enum { SIGNATURE_SIZE = 64 };

/* NULL if P is not a point of the curve.  The caller frees the key. */
EVP_PKEY *curve_public(const struct point *p);

/* The public half of KEY, with its thumbprint; false if KEY is not on P-256. */
bool curve_point(EVP_PKEY *key, struct point *p);

/* SIGNATURE is r and s, 32 bytes each. */
bool curve_verify(EVP_PKEY *key, struct bytes message, const unsigned char signature[SIGNATURE_SIZE]);

#endif
