/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWE_OPEN_H
#define EHR_CRYPTO_JWE_OPEN_H

#include "common/crypto/jwk.h"
#include "common/crypto/keyref.h"
#include "common/line/sealed_line.h"

#include <stdbool.h>

/*
 * jwe_open: unwraps the content key of a sealed line and decrypts its record (RFC 7516 section 5.2).  The
 * answer does not tell what was wrong: the key, the wrapping or any bit of the line.  The plaintext is
 * returned only after it has authenticated.
 *
 * The last 64 content keys are kept, by our key, the sender's ephemeral key, apu and the wrapped key.  The
 * wrapped key alone is not enough: a reader of one level could copy it into a line of another level, and the
 * line would open with a key that never wrapped it.
 */
struct jwe_open;

/* It holds content keys, which jwe_open_free() wipes.  Never NULL. */
struct jwe_open *jwe_open_new(void);
void jwe_open_free(struct jwe_open *o);

/*
 * INDEX is a number that the caller gives to KEY and to no other key.  PLAINTEXT is valid until the next call
 * and is followed by JSON_SLACK zero bytes.
 */
bool jwe_open_by_level(struct jwe_open *o, const struct sealed_line *s, unsigned index,
    const struct level_key *key, struct bytes *plaintext);

/* The same with a private key.  HEADER is the index of the header of the line (sealed_line_header_index). */
bool jwe_open_by_private(struct jwe_open *o, const struct sealed_line *s, const struct json *header,
    unsigned index, struct private_key *key, struct bytes *plaintext);

/* Removes the padding: an LF, then spaces to the end.  False if anything else follows an LF. */
bool jwe_open_unpad(struct bytes *plaintext);

#endif
