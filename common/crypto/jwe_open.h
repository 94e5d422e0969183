/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWE_OPEN_H
#define EHR_CRYPTO_JWE_OPEN_H

#include "common/crypto/jwk.h"
#include "common/crypto/keyref.h"
#include "common/line/sealed_line.h"

#include <stdbool.h>

/*
 * jwe_open: the opening half of the envelope: step 14 and 15 of opening.  Whatever is wrong (the key, the
 * wrap, a bit anywhere) is one answer: no.  The plaintext is seen only after it has authenticated.
 *
 * Content keys are kept, 64 of them, under (our key, the sender's ephemeral key, the wrapped key): under the
 * wrapped key alone, a reader of one level could pass a line of hers off as another level's.
 */
struct jwe_open;

struct jwe_open *jwe_open_new(void);
void jwe_open_free(struct jwe_open *o);

/*
 * INDEX is a number that the caller gives to that key and to no other.  PLAINTEXT lives until the next call,
 * with JSON_SLACK zero bytes behind it.
 */
bool jwe_open_by_level(struct jwe_open *o, const struct sealed_line *s, unsigned index,
    const struct level_key *key, struct bytes *plaintext);

/* HEADER is the index of the line's header (sealed_line_header_index). */
bool jwe_open_by_private(struct jwe_open *o, const struct sealed_line *s, const struct json *header,
    unsigned index, struct private_key *key, struct bytes *plaintext);

/* Cuts the padding off: an LF and spaces to the end.  False if anything else stands behind an LF. */
bool jwe_open_unpad(struct bytes *plaintext);

#endif
