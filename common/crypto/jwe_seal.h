/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWE_SEAL_H
#define EHR_CRYPTO_JWE_SEAL_H

#include "common/crypto/jwk.h"
#include "common/crypto/keyref.h"
#include "common/line/sink.h"

#include <stdbool.h>

/*
 * jwe_seal: the sealing half of the envelope: JWE in flattened JSON serialization, A256GCM under a content
 * key that is wrapped by A256KW or ECDH-ES+A256KW.  A content key is drawn for each seal and again after
 * REKEY_LINES lines; what stays the same under it (the header up to the tags, the wrapped key) is written
 * once.  Nothing here decrypts.
 */
struct jwe_seal;

/* What the worked examples fix and everybody else draws. */
struct jwe_seal_fixed {
	const unsigned char *cek;      /* 32 bytes */
	const unsigned char *iv;       /* 12 bytes */
	struct private_key *ephemeral; /* becomes the seal's */
};

enum jwe_seal_kind { JWE_LINE, JWE_MESSAGE };

/* KEY is borrowed for the life of the seal.  FIXED: NULL but in tests, then for one line only. */
struct jwe_seal *jwe_seal_for_level(
    const struct level_key *key, unsigned rekey_lines, const struct jwe_seal_fixed *fixed);

/* DOMAIN (apu) is copied.  NULL if TO is not a point of the curve. */
struct jwe_seal *jwe_seal_for_recipient(const struct point *to, struct bytes domain, enum jwe_seal_kind kind,
    unsigned rekey_lines, const struct jwe_seal_fixed *fixed);

void jwe_seal_free(struct jwe_seal *s);

/*
 * One line with its LF: EHR is the tag object as it shall stand (at most 2,048 bytes), RECORD the plaintext,
 * which is padded to PADDED bytes by an LF and spaces unless that is its own size.  False if the sink has
 * failed.
 */
bool jwe_seal_line(
    struct jwe_seal *s, struct bytes ehr, struct bytes record, size_t padded, struct sink *out);

/* The same without padding and LF; false if OUT is full. */
bool jwe_seal_message(struct jwe_seal *s, struct bytes ehr, struct bytes text, struct buffer *out);

/* To what size a record is padded.  A size that is its own already needs no LF. */
size_t jwe_seal_pad_block(size_t size, size_t block);
size_t jwe_seal_pad_padme(size_t size);

#endif
