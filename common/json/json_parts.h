/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_PARTS_H
#define EHR_JSON_JSON_PARTS_H

#include "common/base/hash.h"
#include "common/json/json.h"

#include <endian.h>

/* json_parts: what the files of the index share. */

/*
 * Faster than hash_bytes, and weaker: a few keys that collide under any hash_key can be made.  The table of
 * known keys has those of a policy alone, and that of a record's members bounds its searches.
 */
uint64_t json_hash_long(struct bytes text);

static inline uint64_t
json_hash_mix(uint64_t a, uint64_t b)
{
	a = (a ^ hash_key[0]) * 0xff51afd7ed558ccdu;
	b = (b ^ hash_key[1]) * 0x9fb21c651e98df25u;
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
 * Decodes the escape at P (its backslash) of a string that json_parse accepted: SIZE bytes in UTF8.  Returns
 * the place behind it.  A surrogate pair is one escape.
 */
const char *json_escape(const char *p, char utf8[4], size_t *size);

/* Writes the byte C as it stands in a JSON string, and returns how many bytes that are. */
size_t json_escaped(unsigned char c, char out[6]);

/*
 * Duplicate keys (json_members.c).  The keys of an open object stand in a row in j->members, above those of
 * the objects around it.
 *
 * An object of few members is compared pairwise, by hash first; a bit set of hashes tells for most keys that
 * no earlier one is alike.  An object of many goes through a hash table when it ends.  Keys that were chosen
 * to collide make its searches long: after a long one the members are sorted instead, so no input costs more
 * than n log n.
 */
struct json_member {
	uint64_t hash;
	uint32_t node;
};

enum { JSON_MEMBERS_FEW = 32 };

/* The key node of the last of COUNT members if an earlier one is the same, else 0. */
uint32_t json_members_last(struct json *j, const struct json_member *m, size_t count);

/* The first key node that repeats an earlier one (after sorting: any that does), 0 if none does. */
uint32_t json_members_all(struct json *j, struct json_member *m, size_t count);

#endif
