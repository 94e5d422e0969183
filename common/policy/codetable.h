/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODETABLE_H
#define EHR_POLICY_CODETABLE_H

#include "common/policy/codes.h"
#include "common/policy/codesystem.h"
#include "common/policy/valueset.h"
#include "common/policy/vocabulary.h"

/*
 * codetable: the rows of all value sets under one open-addressed table, keyed by (system, folded code, prefix
 * or not).  For codes.c, which searches it, and codes_load.c, which fills it, alone.
 *
 * A row is 48 bytes and points into its file; rows of one key are a chain.  What a row counts for stands in
 * its group: the rows of one file and one category, which are in the same value sets.
 */
#define NO_ROW UINT32_MAX

enum {
	NO_CATEGORY = 0xffff,
	MAX_FOLDED = 255,
	MAX_PREFIX = 63,
	SECONDS_A_DAY = 86400,
};

struct code_row {
	const char *code;
	const char *display;
	uint32_t display_size;
	uint32_t next;
	int32_t from; /* days since 1970, both included */
	int32_t until;
	uint16_t code_size;
	uint16_t system;
	uint16_t group;
	bool is_prefix;
};

struct code_group {
	struct code_bits sets;
	const struct policy_file *file; /* NULL: codes written out in a rule */
	const char *first;              /* where its first row stands */
	unsigned category;              /* NO_CATEGORY in a rule */
	size_t rows;
	bool is_partial; /* one of its sets says complete: false */
};

struct code_set {
	struct bytes name; /* empty: written out in a rule */
	size_t rows;
	bool complete;
	const struct policy_file *file;
	const struct yaml_node *node; /* for faults */
};

/* What is known of a system besides its name, by number. */
struct code_facts {
	uint64_t prefix_lengths; /* bit n: some prefix has n bytes, folded */
	size_t rows;             /* of value sets */
	bool in_table;           /* rules' own codes count here too */
	bool is_partial;
};

struct codes {
	struct arena arena;
	const struct policy *policy;
	const struct yaml_node *aliases;
	struct codesystems systems;
	struct code_facts *facts;
	unsigned facts_room;
	uint16_t *used_system; /* those in the table */
	unsigned used_systems;
	struct code_row *row;
	uint32_t rows;
	uint32_t row_room;
	uint32_t *slot; /* the first row of each key + 1; 0: free */
	uint32_t *slot_hash;
	uint32_t slots; /* a power of two */
	uint32_t slots_used;
	struct code_set set[CODE_BITS];
	unsigned sets;
	struct code_group group[CODE_BITS];
	unsigned groups;
	struct bytes category[CODE_BITS];
	unsigned categories;
};

/* A key while it is being made: what is hashed so far, and the folded bytes to compare with. */
struct code_key {
	uint64_t hash;
	size_t size;
	unsigned system;
	unsigned char folded[MAX_FOLDED];
};

static inline void
code_key_start(struct code_key *key, unsigned system)
{
	key->hash = (system + 1) * UINT64_C(0x9e3779b97f4a7c15);
	key->size = 0;
	key->system = system;
}

/* Room for one more is the caller's matter. */
static inline void
code_key_add(struct code_key *key, unsigned char c)
{
	key->folded[key->size++] = c;
	key->hash = (key->hash ^ c) * UINT64_C(0x100000001b3);
}

/* All of CODE; false if it is longer than any row's. */
bool code_key_fold(struct code_key *key, enum fold fold, struct bytes code);

/* The first row of the key, NO_ROW if there is none. */
uint32_t codetable_find(const struct codes *c, const struct code_key *key, bool is_prefix);

/* Facts for every system there is: after each one that is added. */
void codetable_note_systems(struct codes *c);

/* Room for so many rows more. */
void codetable_reserve(struct codes *c, size_t rows);

/* Adds ROW (its next is set here); false if the same row is there already. */
bool codetable_add(struct codes *c, const struct code_row *row);

/* How much of TEXT a message shows, for %.*s. */
static inline int
code_shown(struct bytes text)
{
	return text.size < 80 ? (int)text.size : 80;
}

#endif
