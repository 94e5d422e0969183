/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_PSEUDONYM_H
#define EHR_CRYPTO_PSEUDONYM_H

#include "common/crypto/digest.h"

#include <stdint.h>

/*
 * pseudonym: the tags that replace the id and the subject of a sealed record: "r_" or "s_" and in base64url
 * the first 16 bytes of an HMAC-SHA-256.  A hash without a key would not do: all patient numbers can be tried
 * in seconds.
 *
 * The text under the HMAC is "ehr-pseudonym-v1", "id" or "subject", the domain, and the epoch ("-" for none),
 * each followed by a zero byte, and then the value.
 */
enum pseudonym_kind { PSEUDONYM_ID, PSEUDONYM_SUBJECT };
enum { PSEUDONYM_SIZE = 24 }; /* without the NUL, which is written too */

/* The name of its key in a key directory: "tag.id", "tag.subject". */
const char *pseudonym_key(enum pseudonym_kind kind);

/* EPOCH 0: the pseudonym does not change with the epoch. */
void pseudonym_make(struct mac *key, enum pseudonym_kind kind, struct bytes domain, uint32_t epoch,
    struct bytes value, char tag[PSEUDONYM_SIZE + 1]);

#endif
