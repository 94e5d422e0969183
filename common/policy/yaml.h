/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_YAML_H
#define EHR_POLICY_YAML_H

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * yaml: the strict subset that policies are written in, as a tree with positions.  No anchors, aliases, tags,
 * merge keys, directives, several documents, duplicate keys, or keys that are no scalars.  The only user of
 * libyaml.
 *
 * A scalar has a type only when it is plain: `true` and `false` are booleans, `null`, `~` and nothing are
 * null, numbers look like JSON's; everything else, and all that is quoted, is a string.  (`yes`, `0x1f`,
 * `1_000`, `22:30` are strings.)
 */
enum yaml_kind { YAML_NULL, YAML_BOOLEAN, YAML_NUMBER, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;     /* from 1 */
	unsigned column;   /* from 1 */
	struct bytes text; /* of a scalar, as written (a string: its value) */
	bool truth;
	size_t count;            /* of a list or map */
	struct yaml_node **item; /* of a list: items; of a map: values */
	struct yaml_node **key;  /* of a map: strings, in the file's order */
};

/* What is wrong, and where.  The first fault found stays; later ones are not written over it. */
struct fault {
	const char *file; /* borrowed; as it stands in messages */
	unsigned line;
	unsigned column;
	int error;      /* errno, if what is wrong is not the policy but the reading of it; else 0 */
	char text[480]; /* "" as long as there is none */
};

/* How a program ends of it: EXIT_POLICY, or EXIT_IO with an error. */
enum diag_exit fault_status(const struct fault *f);

/* FILE:LINE:COLUMN: TEXT on standard error, as diag writes it. */
void fault_print(const struct fault *f);

/* For main(): prints it and ends the program with its status. */
_Noreturn void fault_exit(const struct fault *f);

/* Notes a fault at NODE (NULL: the file as a whole).  Always false, so that a reader can return it. */
bool fault_at(struct fault *f, const char *file, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* NULL after a fault.  The tree lives in the arena; FILE is borrowed. An empty text is YAML_NULL. */
struct yaml_node *yaml_read(struct arena *a, const char *file, struct bytes text, struct fault *f);

/*
 * Readers of maps work by a table, so that no key goes unnoticed:
 *
 *	struct yaml_map m;
 *	if (!yaml_open(&m, file, node, fault)) return false;         not a map
 *	struct yaml_node *say = yaml_need(&m, "say");                NULL after a fault: required
 *	struct yaml_node *type = yaml_take(&m, "type");              NULL: not there
 *	return yaml_close(&m);                                       false: fault, or a key that nobody took
 */
struct yaml_map {
	const char *file;
	const struct yaml_node *node;
	struct fault *fault;
	uint64_t taken[4];     /* at most 256 keys in a map read so; larger maps are walked by hand */
	const char *asked[40]; /* what was taken and needed, for the fault of an unknown key; constants */
	unsigned asks;
};

bool yaml_open(struct yaml_map *m, const char *file, const struct yaml_node *node, struct fault *f);
struct yaml_node *yaml_take(struct yaml_map *m, const char *key);
struct yaml_node *yaml_need(struct yaml_map *m, const char *key);
bool yaml_close(struct yaml_map *m);

/* The value for KEY of a map, or NULL: does not mark it as taken. */
struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

/* Scalars of one type; a fault names what was expected. NODE NULL: true, and the value stays as it is. */
bool yaml_string(const char *file, const struct yaml_node *node, struct bytes *value, struct fault *f);
bool yaml_boolean(const char *file, const struct yaml_node *node, bool *value, struct fault *f);
bool yaml_integer(const char *file, const struct yaml_node *node, uint64_t least, uint64_t most,
    uint64_t *value, struct fault *f);

/* One of WORDS (ends with NULL): its position.  The fault lists them. */
bool yaml_word(const char *file, const struct yaml_node *node, const char *const *words, unsigned *position,
    struct fault *f);

/* A list of strings, or one string: count items through yaml_item_string. */
size_t yaml_strings(const struct yaml_node *node);
bool yaml_item_string(
    const char *file, const struct yaml_node *node, size_t i, struct bytes *value, struct fault *f);

#endif
