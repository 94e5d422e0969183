/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BASE64URL_WIDE_H
#define EHR_BASE_BASE64URL_WIDE_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * base64url_wide: base64url on processors that have AVX-512 with VBMI: 64 characters in a few instructions,
 * and the rest of a text by masks.  Only base64url calls it.
 */
bool base64url_is_wide(void);

/* Its only caller is the test that compares all ways on one processor. */
void base64url_allow_wide(bool allowed);

/* All of DATA: returns BASE64URL_SIZE of it. */
size_t base64url_encode_wide(char *to, struct bytes data);

/*
 * False if a character is not in the alphabet.  Neither the length of TEXT nor the unused bits of its last
 * character are checked.  Decoding writes BASE64URL_BYTES(text.size) bytes.
 */
bool base64url_decode_wide(unsigned char *to, struct bytes text);
bool base64url_known_wide(struct bytes text);

#endif
