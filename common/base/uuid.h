/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_UUID_H
#define EHR_BASE_UUID_H

#include "common/base/block.h"
#include "common/base/bytes.h"

/*
 * uuid: the UUID that an address ends with, as in Encounter/f81d4fae-7dec-11d0-a765-00a0c91e6bf6 and in
 * urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6 (RFC 4122, section 3).
 */
enum { UUID_SIZE = 36 };

/* The digits of a UUID in small letters. */
static inline block
uuid_digits(block b)
{
	return block_from(b, '0', '9') | block_from(b, 'a', 'f');
}

/*
 * Whether TEXT ends with a UUID in small letters behind a slash, colon or bar, and its last twelve digits are
 * no text in hexadecimal: of six bytes of ASCII each begins with a digit from 2 to 7.
 */
static inline bool
uuid_ends(struct bytes text)
{
	enum {
		HYPHENS = 1 << 8 | 1 << 13,
		MORE_HYPHENS = 1 << 2 | 1 << 7, /* in the second block */
		LAST_HYPHEN = 1 << 3,           /* in the last one, which begins at 20 */
		OF_ASCII = 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 14,
	};
	const char *at;
	block last;

	if (text.size <= UUID_SIZE)
		return false;
	at = text.at + text.size - UUID_SIZE;
	if (at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-' ||
	    (at[-1] != '/' && at[-1] != ':' && at[-1] != '|'))
		return false;
	last = block_at(at + UUID_SIZE - BLOCK_SIZE);
	return block_bits(uuid_digits(block_at(at))) == (BLOCK_ALL ^ HYPHENS) &&
	       block_bits(uuid_digits(block_at(at + BLOCK_SIZE))) == (BLOCK_ALL ^ MORE_HYPHENS) &&
	       block_bits(uuid_digits(last)) == (BLOCK_ALL ^ LAST_HYPHEN) &&
	       (block_bits(block_from(last, '2', '7')) & OF_ASCII) != OF_ASCII;
}

#endif
