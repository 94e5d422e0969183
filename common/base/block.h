/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BLOCK_H
#define EHR_BASE_BLOCK_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(BLOCK_PORTABLE)
#include <emmintrin.h>
#endif

/*
 * block: 16 bytes of a text at once.  A question about a block is answered byte by byte: all bits of a byte
 * are set where it holds.  Answers are joined by & and |, and block_bits makes a bit of each byte.
 */
typedef signed char block __attribute__((vector_size(16)));
typedef unsigned char block_octets __attribute__((vector_size(16))); /* whose sums may pass 127 */
enum { BLOCK_SIZE = 16, BLOCK_ALL = 0xffff };

static inline block
block_at(const char *at)
{
	block b;

	memcpy(&b, at, sizeof b);
	return b;
}

static inline block
block_all(char c)
{
	signed char s = (signed char)c;

	return (block){ s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s };
}

/* Letters in lower case; most other bytes change, too. */
static inline block
block_lower(block b)
{
	return b | block_all(' ');
}

static inline block
block_is(block b, char c)
{
	return b == block_all(c);
}

/* The bytes from FIRST to LAST, both of ASCII.  Moved so, they are the greatest: that is one comparison. */
static inline block
block_from(block b, char first, char last)
{
	block_octets moved = (block_octets)b + (block_octets)block_all((char)(127 - last));

	return (block)moved > block_all((char)(126 - last + first));
}

static inline block
block_letters(block b)
{
	return block_from(block_lower(b), 'a', 'z');
}

static inline uint32_t
block_bits(block b)
{
#if defined(__SSE2__) && !defined(BLOCK_PORTABLE)
	return (uint32_t)_mm_movemask_epi8((__m128i)b);
#else
	uint32_t bits = 0;

	for (unsigned i = 0; i < BLOCK_SIZE; i++)
		bits |= (uint32_t)(b[i] < 0) << i;
	return bits;
#endif
}

/* Bits of the first SIZE bytes, of more than a block all. */
static inline uint32_t
block_inside(size_t size)
{
	return size < BLOCK_SIZE ? (UINT32_C(1) << size) - 1 : BLOCK_ALL;
}

#endif
