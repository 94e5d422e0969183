/* SPDX-License-Identifier: ISC */
#ifndef EHR_RECORD_PATH_H
#define EHR_RECORD_PATH_H

#include "common/base/arena.h"
#include "common/record/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * path: jq path expressions of the plain kind, many of them compiled into one automaton over known keys, so
 *that a record is walked once however many there are.
 *
 *	.  .a  ."odd key"  .["a"]  .a?  .a.b[].c  [3]  []  ..  p | q  p, q  (p)  p | select(.q == LITERAL and
 *...)
 *
 * Meaning: the nodes that exist among the outputs of jq's path(e), e with ? after every step.  [] goes to
 * every array element and object member.  Negative indexes and slices are faults; whatever else jq
 * understands is "not plain" and left to the caller (libjq).
 *
 * The caller walks the index and carries a state: where it is, as far as these expressions care.  States are
 * made on demand and kept.  State 0 is dead: nothing below can match, so the walk may skip the subtree.
 */
struct paths;

enum { PATHS_DEAD = 0 };

enum path_outcome {
	PATH_PLAIN,     /* compiled */
	PATH_NOT_PLAIN, /* perhaps good jq: for libjq */
	PATH_FAULT,     /* refused: negative index, slice, forbidden word, or not jq at all */
};

/* KEYS gains the keys of all expressions; both are borrowed for the life of the set. */
struct paths *paths_new(struct json_keys *keys);
void paths_free(struct paths *p);

/*
 * Adds EXPRESSION under NUMBER (the caller's, any; several expressions may share one: a union).
 * After PATH_FAULT, *BYTE is where in the expression (from 1) and the result of paths_fault says why.
 */
enum path_outcome paths_add(struct paths *p, struct bytes expression, uint32_t number, size_t *byte);
const char *paths_fault(const struct paths *p);

/* The state of a root node ("."), after all expressions were added.  Evaluates select()s that apply to it. */
uint32_t paths_root(struct paths *p, const struct json *j, uint32_t node);

/* The state of the value behind the key node KEY of an object in STATE; of element INDEX (node NODE) of an
 * array. */
uint32_t paths_member(struct paths *p, uint32_t state, const struct json *j, uint32_t key);
uint32_t paths_element(struct paths *p, uint32_t state, const struct json *j, uint32_t node, uint32_t index);

/* The numbers whose expressions the node in STATE matches: ascending, borrowed for the life of the set. */
const uint32_t *paths_matched(const struct paths *p, uint32_t state, size_t *count);

/*
 * All nodes below (and with) ROOT that one expression matches, in document order, without an automaton: for
 * places that are looked up now and then (record.id, record.subject, where: inside a node).
 */
struct path; /* one compiled expression, in an arena */
enum path_outcome path_compile(struct arena *a, struct json_keys *keys, struct bytes expression,
    struct path **path, size_t *byte, const char **fault);

/* Calls FOUND for each node until it returns false; false if it did. */
bool path_each(const struct path *path, const struct json *j, uint32_t root,
    bool (*found)(void *context, uint32_t node), void *context);

/* The first node in document order, 0 if there is none (the root itself is never 0 unless it is node 0: use
 * path_each). */
bool path_first(const struct path *path, const struct json *j, uint32_t root, uint32_t *node);

/* Nodes that the walk must not enter (inner roots) are seen as null from outside. */
void paths_wall(struct paths *p, bool (*is_wall)(void *context, uint32_t node), void *context);

#endif
