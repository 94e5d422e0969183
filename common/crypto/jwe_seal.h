/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWE_SEAL_H
#define EHR_CRYPTO_JWE_SEAL_H

#include "common/crypto/jwk.h"
#include "common/crypto/keyref.h"
#include "common/line/sink.h"

#include <stdbool.h>

/*
 * jwe_seal: writes sealed lines: JWE in flattened JSON serialization (RFC 7516 section 7.2.2), encrypted with
 * A256GCM under a content key that is wrapped with A256KW or ECDH-ES+A256KW (RFC 7518).  A new content key is
 * drawn after every REKEY_LINES lines.  The text that does not change under a content key (the header, the
 * wrapped key) is made once.  sealed_line.h says what authenticates the tags.  Nothing here decrypts.
 */
struct jwe_seal;

/* Values that tests give in place of random ones; NULL: random. */
struct jwe_seal_fixed {
	const unsigned char *cek;      /* 32 bytes */
	const unsigned char *iv;       /* 12 bytes */
	struct private_key *ephemeral; /* owned by the seal from now on */
};

enum jwe_seal_kind { JWE_LINE, JWE_SIGNED, JWE_MESSAGE }; /* a record, one with a signature, a message */

/*
 * KEY is borrowed for the life of the seal.  FIXED is NULL outside of tests; a seal with FIXED seals one
 * line.
 */
struct jwe_seal *jwe_seal_for_level(
    const struct level_key *key, unsigned rekey_lines, const struct jwe_seal_fixed *fixed);

/* DOMAIN, which becomes apu, is copied.  NULL if TO is not a point of the curve. */
struct jwe_seal *jwe_seal_for_recipient(const struct point *to, struct bytes domain, enum jwe_seal_kind kind,
    unsigned rekey_lines, const struct jwe_seal_fixed *fixed);

void jwe_seal_free(struct jwe_seal *s);

/*
 * Writes one line with its LF.  EHR is the JSON object of the tags (at most 2,048 bytes).  RECORD is the
 * plaintext; if PADDED is above its size, an LF and spaces are added up to PADDED bytes.  False if the sink
 * has failed.
 */
bool jwe_seal_line(
    struct jwe_seal *s, struct bytes ehr, struct bytes record, size_t padded, struct sink *out);

/* The same into a buffer, without padding and LF; false if OUT is full. */
bool jwe_seal_message(struct jwe_seal *s, struct bytes ehr, struct bytes text, struct buffer *out);

/*
 * The size to which a record of SIZE bytes is padded: the next multiple of BLOCK, or by Padme, which clears
 * low bits of the size (rounding up) and adds less than 12 %.
 */
size_t jwe_seal_pad_block(size_t size, size_t block);
size_t jwe_seal_pad_padme(size_t size);

#endif
