/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_MEMBERS_H
#define EHR_JSON_JSON_MEMBERS_H

#include "common/json/json.h"

/*
 * json_members: finds a key that an object has twice.  While an object is open its keys stand one behind the
 * other in j->members, those of the objects around it below them.
 *
 * Few members are compared pairwise, by hash first; a bit set of hashes tells most keys at once that nothing
 * before them is alike.  Many go through a hash table when the object ends.  The hash is a fixed function, so
 * somebody could choose keys that all meet in one slot: a search that goes on too long gives up the table and
 * sorts instead, and no input costs more than n log n.
 */
struct json_member {
	uint64_t hash;
	uint32_t node;
};

enum { JSON_MEMBERS_FEW = 32 };

/* The key node of the last of COUNT members if one before it is the same, else 0. */
uint32_t json_members_last(struct json *j, const struct json_member *m, size_t count);

/* The first key node that repeats one before it (a later one if the members had to be sorted), 0 if there is
 * none. */
uint32_t json_members_all(struct json *j, struct json_member *m, size_t count);

#endif
