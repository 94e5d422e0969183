/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_UNSEAL_H
#define EHR_CRYPTO_UNSEAL_H

#include "common/crypto/jwk.h"
#include "common/crypto/keyref.h"
#include "common/record/sealed.h"

#include <stdbool.h>

/*
 * unseal: the opening half of the envelope: step 14 and 15 of opening.  Whatever is wrong (the key, the wrap,
 * a bit anywhere) is one answer: no.  The plaintext is seen only after it has authenticated.
 *
 * Content keys are kept, 64 of them, under (our key, the sender's ephemeral key, the wrapped key): under the
 * wrapped key alone, a reader of one level could pass a line of hers off as another level's.
 */
struct unseal;

struct unseal *unseal_new(void);
void unseal_free(struct unseal *u);

/*
 * INDEX is a number that the caller gives to that key and to no other.  PLAINTEXT lives until the next call,
 * with JSON_SLACK zero bytes behind it.
 */
bool unseal_by_level(struct unseal *u, const struct sealed *s, unsigned index, const struct level_key *key,
    struct bytes *plaintext);

/* HEADER is the index of the line's header (sealed_header_index). */
bool unseal_by_private(struct unseal *u, const struct sealed *s, const struct json *header, unsigned index,
    struct private_key *key, struct bytes *plaintext);

/* Cuts the padding off: an LF and spaces to the end.  False if anything else stands behind an LF. */
bool unseal_unpad(struct bytes *plaintext);

#endif
