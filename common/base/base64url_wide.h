/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BASE64URL_WIDE_H
#define EHR_BASE_BASE64URL_WIDE_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * base64url_wide: for base64url alone, where the processor has AVX-512 with VBMI: 64 characters in a handful
 * of instructions, and a text's rest by masks instead of one by one.
 */
bool base64url_is_wide(void);

/* For the tests, which compare all ways on one processor. */
void base64url_allow_wide(bool allowed);

/* All of DATA: returns BASE64URL_SIZE of it. */
size_t base64url_encode_wide(char *to, struct bytes data);

/* Whether all characters are of the alphabet, and if so the BASE64URL_BYTES of them; what is left of the last
 * one is not looked at, nor is the length. */
bool base64url_decode_wide(unsigned char *to, struct bytes text);
bool base64url_known_wide(struct bytes text);

#endif
