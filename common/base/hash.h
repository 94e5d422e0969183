/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_HASH_H
#define EHR_BASE_HASH_H

#include "common/base/bytes.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

/*
 * hash: where a text stands in a table.  Each run has another secret key, so nobody can choose texts that
 * collide, in a record or in a policy.  A hash therefore reaches no output, and no output follows the order
 * of a table's slots.
 */

/* Set before main from the random bytes that the kernel gives each process (getauxval(3), AT_RANDOM). */
extern uint64_t hash_key[2];

static inline uint64_t
hash_turn(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void
hash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = hash_turn(v[1], 13) ^ v[0];
	v[0] = hash_turn(v[0], 32);
	v[2] += v[3];
	v[3] = hash_turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = hash_turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = hash_turn(v[1], 17) ^ v[2];
	v[2] = hash_turn(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein 2012): one round a word, three at the end. */
static inline uint64_t
hash_keyed(const uint64_t key[2], struct bytes text)
{
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t word;
	size_t i;

	for (i = 0; text.size - i >= sizeof word; i += sizeof word) {
		memcpy(&word, text.at + i, sizeof word);
		word = le64toh(word);
		v[3] ^= word;
		hash_round(v);
		v[0] ^= word;
	}
	/* clang-tidy 14 takes the shift of an unsigned number for undefined. */
	word = (uint64_t)text.size << 56; // NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult)
	for (unsigned shift = 0; i < text.size; i++, shift += 8)
		word |= (uint64_t)(unsigned char)text.at[i] << shift;
	v[3] ^= word;
	hash_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int round = 0; round < 3; round++)
		hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* All bits of it are equally good. */
static inline uint64_t
hash_bytes(struct bytes text)
{
	return hash_keyed(hash_key, text);
}

#endif
