/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BASE32_H
#define EHR_BASE_BASE32_H

#include <stddef.h>

/*
 * base32: RFC 4648 section 6, in lower case and without padding.  Tokens and event ids are written so: 16
 * bytes give 26 characters.
 */
#define BASE32_SIZE(bytes) (((bytes)*8 + 4) / 5)

/* Writes BASE32_SIZE(size) bytes at TO and returns their number. */
size_t base32_encode(char *to, const unsigned char *data, size_t size);

#endif
