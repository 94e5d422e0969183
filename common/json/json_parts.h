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

/* Secret odd factors: the upper half of a sum of products is universal, and is folded into the lower. */
static inline uint64_t
json_hash_mix(uint64_t a, uint64_t b)
{
	uint64_t h = a * (hash_key[0] | 1) + b * (hash_key[1] | 1);

	return h ^ (h >> 32);
}

static inline uint64_t
json_load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* A name from this size on is long.  Two words hold all of any other. */
enum { JSON_NAME_LONG = 17 };

/* Two short names are equal if word and size are; of long ones the first word is the hash. */
struct json_name {
	uint64_t word[2];
	uint64_t hash;
	uint16_t size; /* at most JSON_NAME_LONG */
};

/* Eight bytes behind TEXT must be readable. */
static inline struct json_name
json_name(struct bytes text)
{
	struct json_name n = { .size = (uint16_t)text.size };

	if (text.size >= JSON_NAME_LONG) {
		n.size = JSON_NAME_LONG;
		n.hash = json_hash_long(text);
		n.word[0] = n.hash;
		return n;
	}
	if (text.size > 8) {
		n.word[0] = json_load(text.at);
		n.word[1] = json_load(text.at + text.size - 8);
	} else if (text.size > 0) {
		n.word[0] = json_load(text.at) << (8 * (8 - text.size));
	}
	n.hash = json_hash_mix(n.word[0], n.word[1] + text.size);
	return n;
}

/* A slot of the table of known keys, which has open addressing; number 0: free. */
struct json_key_slot {
	uint64_t word[2];
	uint16_t size;
	uint16_t number;
};

struct json_keys {
	struct buffer names; /* struct bytes each, from number 1 on */
	uint16_t count;
	struct json_key_slot *slots;
	size_t mask;
};

static inline struct bytes
json_keys_name(const struct json_keys *k, uint16_t number)
{
	struct bytes name;

	memcpy(&name, k->names.at + (number - 1) * sizeof name, sizeof name);
	return name;
}

/* The number of the key TEXT; 0 if it is not there, or K is NULL. */
static inline uint16_t
json_keys_look_up(const struct json_keys *k, struct bytes text, const struct json_name *n)
{
	if (k == NULL)
		return 0;
	for (size_t i = n->hash & k->mask; k->slots[i].number != 0; i = (i + 1) & k->mask) {
		const struct json_key_slot *s = &k->slots[i];

		if (s->word[0] == n->word[0] && s->word[1] == n->word[1] && s->size == n->size &&
		    (n->size < JSON_NAME_LONG || bytes_equal(json_keys_name(k, s->number), text)))
			return s->number;
	}
	return 0;
}

/*
 * Decodes the escape at P (its backslash) of a string that json_parse accepted: SIZE bytes in UTF8.  Returns
 * the place behind it.  A surrogate pair is one escape.
 */
const char *json_escape(const char *p, char utf8[4], size_t *size);

/* Writes the byte C as it stands in a JSON string, and returns how many bytes that are. */
size_t json_escaped(unsigned char c, char out[6]);

/*
 * Duplicate keys (json_members.c).
 *
 * A bit set of hashes tells for most keys of an object that no earlier one is alike.  Where it does not, an
 * object of few members is compared pairwise.  An object of many goes through a hash table when it ends.
 * Keys that were chosen to collide make its searches long: after a long one the members are sorted instead,
 * so no input costs more than n log n.
 */
enum { JSON_MEMBERS_FEW = 32 };

/* The name of the escaped KEY, which json_name can read.  Valid until the next call. */
struct bytes json_unescaped(struct json *j, uint32_t key);

/* Whether the open OBJECT has the key KEY, its last, before.  All keys before it know where the next is. */
bool json_members_repeat(struct json *j, uint32_t object, uint32_t key);

/*
 * The first key node of the closed OBJECT with COUNT members that repeats an earlier one (after sorting: any
 * that does), 0 if none does.
 */
uint32_t json_members_all(struct json *j, uint32_t object, size_t count);

#endif
