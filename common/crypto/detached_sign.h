/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_DETACHED_SIGN_H
#define EHR_CRYPTO_DETACHED_SIGN_H

#include "common/crypto/detached.h"
#include "common/crypto/keyref.h"

/* Borrowed. */
struct detached_signer {
	struct private_key *key;
	struct bytes certificates; /* in PEM: the signer's, and behind it those that lead to the CA */
	struct instant now;        /* the signing time */
};

/*
 * Signs CONTENT as detached_check() wants it.  Appends the signature in DER.  False: *WHY is a constant text.
 */
bool detached_sign(const struct detached_signer *s, struct bytes content, enum detached_use use,
    struct buffer *signature, const char **why);

#endif
