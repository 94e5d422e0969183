/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_UTF8_H
#define EHR_BASE_UTF8_H

#include "common/base/bytes.h"

#include <stdbool.h>

/* utf8: whether TEXT is UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
bool utf8_valid(struct bytes text);

/* Writes the character POINT and returns how many bytes that took. */
size_t utf8_write(unsigned point, char utf8[4]);

#endif
