/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_DIGEST_H
#define EHR_CRYPTO_DIGEST_H

#include "common/base/bytes.h"

#include <stddef.h>

/*
 * digest: SHA-256 (FIPS 180-4) and HMAC-SHA-256 (FIPS 198-1) by OpenSSL.  A failure inside OpenSSL ends the
 * program with EXIT_KEYS.
 */
enum { DIGEST_SIZE = 32, DIGEST_HEX = 2 * DIGEST_SIZE + 1, DIGEST_TEXT = 7 + DIGEST_HEX };

void digest_sha256(struct bytes text, unsigned char digest[DIGEST_SIZE]);

/* In lower-case hex with a NUL. */
void digest_hex(struct bytes text, char hex[DIGEST_HEX]);

/* The same after "sha256:". */
void digest_text(struct bytes text, char named[DIGEST_TEXT]);

/* The digest of a text in pieces; digest_end also begins the next text. */
struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *d, struct bytes piece);
void digest_end(struct digest *d, unsigned char digest[DIGEST_SIZE]);
void digest_end_text(struct digest *d, char named[DIGEST_TEXT]);
void digest_free(struct digest *d);

/*
 * A keyed digest of a text in pieces; mac_end also begins the next text with the same key.  The key is
 * prepared once and not kept.
 */
struct mac;
struct mac *mac_new(struct bytes key);
void mac_add(struct mac *m, struct bytes piece);
void mac_end(struct mac *m, unsigned char digest[DIGEST_SIZE]);
void mac_free(struct mac *m);

#endif
