/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWS_SIGN_H
#define EHR_CRYPTO_JWS_SIGN_H

#include "common/base/buffer.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>

/*
 * jws_sign: signs messages as compact JWS (RFC 7515 section 7.1) with ES256.  It is not part of jws, because
 * programs that verify must not link private keys.
 *
 * Appends the token to OUT.  CLAIMS is a JSON object.  The header is {"alg","typ","kid"}; with EMBED it also
 * has "jwk", the signer's own public key, which only the type ehr-enrol+jwt may have.  False if OUT is full.
 */
bool jws_sign(struct buffer *out, struct private_key *key, const char *typ, bool embed, struct bytes claims);

/*
 * Appends "HEADER..SIGNATURE" with a signature over TEXT, which stays where it is (RFC 7515 appendix F).
 * False if OUT is full.
 */
bool jws_sign_detached(struct buffer *out, struct private_key *key, const char *typ, struct bytes text);

#endif
