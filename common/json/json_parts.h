/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_PARTS_H
#define EHR_JSON_JSON_PARTS_H

#include "common/json/json.h"

#include <endian.h>

/* json_parts: what the files of the index share among themselves. */

/* A fixed function of the bytes: whoever builds on it verifies, and bounds what chosen keys can cost. */
uint64_t json_hash_long(struct bytes text);

static inline uint64_t
json_hash_mix(uint64_t a, uint64_t b)
{
	a = (a ^ 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	b = (b ^ 0xc2b2ae3d27d4eb4fu) * 0x9fb21c651e98df25u;
	a ^= (b >> 29) ^ (b << 35);
	a *= 0xd6e8feb86659fd93u;
	return a ^ (a >> 32);
}

static inline uint64_t
json_load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* Eight bytes behind TEXT must be readable. */
static inline uint64_t
json_hash(struct bytes text)
{
	if (text.size > 16)
		return json_hash_long(text);
	if (text.size > 8)
		return json_hash_mix(json_load(text.at), json_load(text.at + text.size - 8) + text.size);
	if (text.size == 0)
		return json_hash_mix(0, 0);
	return json_hash_mix(json_load(text.at) << (8 * (8 - text.size)), text.size);
}

/* The number of the key NAME, whose hash is HASH; 0 if it is not there, or K is NULL. */
uint16_t json_keys_look_up(const struct json_keys *k, struct bytes name, uint64_t hash);

/*
 * What a good string's escape at P (its backslash) stands for: SIZE bytes in UTF8.  Returns where it ends;
 * both halves of a surrogate pair are one escape.
 */
const char *json_escape(const char *p, char utf8[4], size_t *size);

/* How the byte C stands in a JSON string: the size of OUT. */
size_t json_escaped(unsigned char c, char out[6]);

#endif
