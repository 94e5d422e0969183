/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_PSEUDONYM_H
#define EHR_CRYPTO_PSEUDONYM_H

#include "common/crypto/digest.h"

#include <stdint.h>

/*
 * pseudonym: the tags that stand for a record's id and subject once it is sealed: the first 16 bytes of an
 * HMAC-SHA-256 over what they are of, in base64url behind r_ or s_.  Never a bare hash: patient numbers are
 * tried in seconds.
 */
enum pseudonym_kind { PSEUDONYM_ID, PSEUDONYM_SUBJECT };
enum { PSEUDONYM_SIZE = 24 }; /* without NUL, which is written too */

/* The name of the key directory's key for it: "tag.id", "tag.subject". */
const char *pseudonym_key(enum pseudonym_kind kind);

/* EPOCH 0: a pseudonym that stays the same in every epoch. */
void pseudonym_make(struct mac *key, enum pseudonym_kind kind, struct bytes domain, uint32_t epoch,
    struct bytes value, char tag[PSEUDONYM_SIZE + 1]);

#endif
