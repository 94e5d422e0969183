/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWS_SIGN_H
#define EHR_CRYPTO_JWS_SIGN_H

#include "common/base/buffer.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>

/*
 * jws_sign: signed messages, made: compact JWS, ES256, header {"alg","typ","kid"}; with EMBED also "jwk", the
 * signer's own public key (ehr-enrol+jwt and nothing else).  CLAIMS is a JSON object.  True unless OUT is
 * full.
 */
bool jws_sign(struct buffer *out, struct private_key *key, const char *typ, bool embed, struct bytes claims);

#endif
