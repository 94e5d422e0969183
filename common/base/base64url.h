/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BASE64URL_H
#define EHR_BASE_BASE64URL_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * base64url: RFC 4648 section 5 without padding, as JOSE uses it (RFC 7515 section 2).  Decoding is strict:
 * it refuses '=', blanks, line ends, '+' and '/', a length of 1 modulo 4, and unused bits that are set.  So
 * two different texts never decode to the same bytes.
 */
#define BASE64URL_SIZE(bytes) (((bytes) / 3) * 4 + ((bytes) % 3 == 0 ? 0 : (bytes) % 3 + 1))

/* How many bytes a text of CHARS characters decodes to.  Decoding writes no more than that. */
#define BASE64URL_BYTES(chars) ((chars) / 4 * 3 + ((chars) % 4 == 0 ? 0 : (chars) % 4 - 1))

/* Writes BASE64URL_SIZE(data.size) bytes at TO and returns their number. */
size_t base64url_encode(char *to, struct bytes data);

/*
 * Needs BASE64URL_BYTES(text.size) bytes at TO.  False if the text is not
 * strict base64url; what stands at TO then means nothing.
 */
bool base64url_decode(void *to, size_t *size, struct bytes text);

/* Whether base64url_decode would accept it. */
bool base64url_valid(struct bytes text);

/*
 * The same without vector instructions: on processors that have none, and for the tests that compare both
 * ways on one processor.
 */
size_t base64url_encode_plain(char *to, struct bytes data);
bool base64url_decode_plain(void *to, size_t *size, struct bytes text);
bool base64url_valid_plain(struct bytes text);

#endif
