/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_YAML_H
#define EHR_POLICY_YAML_H

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/policy/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * yaml: the strict subset of YAML that policies are written in, as a tree with positions.  Refused are
 * anchors, aliases, tags, merge keys, directives, several documents, duplicate keys, and keys that are not
 * scalars.  yaml.c is the only user of libyaml.
 *
 * Only a plain scalar has a type: `true` and `false` are booleans; `null`, `~` and nothing are null; numbers
 * look like JSON's.  Every other scalar, and every quoted one, is a string: `yes`, `0x1f`, `1_000`, `22:30`
 * too.
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
	/* Of yaml_read_list: */
	struct yaml_node *again; /* of a map: a key that stands in it twice */
	const char *refused;     /* what it has that is no part of a policy's YAML */
};

/* NULL after a fault.  The tree lives in the arena; FILE is borrowed.  An empty text is YAML_NULL. */
struct yaml_node *yaml_read(struct arena *a, const char *file, struct bytes text, struct fault *f);

/*
 * The same for a file of many things, of which a key that stands twice, an anchor, an alias, a tag, a merge
 * key or a NUL in a string shall spoil one alone: yaml_sound() is false, with the fault, for a tree with one.
 */
struct yaml_node *yaml_read_list(struct arena *a, const char *file, struct bytes text, struct fault *f);
bool yaml_sound(const char *file, const struct yaml_node *node, struct fault *f);

/*
 * The JSON value NODE as such a tree, so that one reader serves both forms of a file.  LINE is the caller's
 * (of an NDJSON file); the column is the byte in the text.  Strings are copied, unescaped, into the arena.
 */
struct json;
struct yaml_node *yaml_of_json(struct arena *a, const struct json *j, uint32_t node, unsigned line);

/* Appends a tree as JSON on one line, numbers as written.  True unless OUT is full. */
struct buffer;
bool yaml_to_json(const struct yaml_node *node, struct buffer *out);

/*
 * A reader of a map takes each key that it knows.  yaml_close refuses the keys that are left, so that no
 * mistyped key is ignored:
 *	struct yaml_map m;
 *	if (!yaml_open(&m, file, node, fault)) return false;         not a map
 *	struct yaml_node *say = yaml_need(&m, "say");                NULL after a fault: the key is missing
 *	struct yaml_node *type = yaml_take(&m, "type");              NULL: not there
 *	return yaml_close(&m);                                       false: fault, or an unknown key
 */
struct yaml_map {
	const char *file;
	const struct yaml_node *node;
	struct fault *fault;
	uint64_t taken[4]; /* a bit a key: such a map has at most 256 keys */
	const char
	    *asked[40]; /* constants: the keys that the reader asked for, for the fault of an unknown key */
	unsigned asks;
};

bool yaml_open(struct yaml_map *m, const char *file, const struct yaml_node *node, struct fault *f);
struct yaml_node *yaml_take(struct yaml_map *m, const char *key);
struct yaml_node *yaml_need(struct yaml_map *m, const char *key);
bool yaml_close(struct yaml_map *m);

/* The value for KEY of a map, or NULL; for readers without a struct yaml_map. */
struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

/* True if both say the same; the order of a map's keys does not matter.  NULL is the same as NULL alone. */
bool yaml_same(const struct yaml_node *a, const struct yaml_node *b);

/* Scalars of one type; the fault names what was expected.  NODE NULL: true, and the value stays as it is. */
bool yaml_string(const char *file, const struct yaml_node *node, struct bytes *value, struct fault *f);
bool yaml_boolean(const char *file, const struct yaml_node *node, bool *value, struct fault *f);
bool yaml_integer(const char *file, const struct yaml_node *node, uint64_t least, uint64_t most,
    uint64_t *value, struct fault *f);

/* "60s", "5m", "4h" or "30d", in seconds. */
bool yaml_duration(const char *file, const struct yaml_node *node, int64_t *seconds, struct fault *f);

/* The position of NODE among WORDS (which end with NULL).  The fault lists them.  NODE NULL: as above. */
bool yaml_word(const char *file, const struct yaml_node *node, const char *const *words, unsigned *position,
    struct fault *f);

/* A list of strings, or one string as a list of one: its length, and the string at I. */
size_t yaml_strings(const struct yaml_node *node);
bool yaml_item_string(
    const char *file, const struct yaml_node *node, size_t i, struct bytes *value, struct fault *f);

#endif
