/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_PATH_H
#define EHR_JSON_PATH_H

#include "common/base/arena.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * path: jq path expressions of the plain kind, many of them compiled into one automaton over known keys, so
 * that a record is walked once however many there are.
 *
 *	.  .a  ."odd key"  .["a"]  .a?  .a.b[].c  .[3]  .[]  ..  p | q  p, q  (p)
 *	p | select(.q == LITERAL and ...)
 *
 * Meaning: the nodes that exist among the outputs of jq's path(e), e with ? after every step, in document
 * order.  [] goes to every array element and object member.  Inside a select() a member that is absent is
 * null, as in jq, and numbers are compared exactly, where jq compares doubles.  Negative indexes and slices
 * are faults; whatever else jq might understand is "not plain" and left to the caller (libjq).
 *
 * The caller walks the index depth first and carries a state: where it is, as far as these expressions care.
 * States are made on demand and kept.  State 0 is dead: nothing below can match, so the walk may skip the
 * subtree.
 */
struct paths;

enum { PATHS_DEAD = 0 };

enum path_outcome {
	PATH_PLAIN,     /* compiled */
	PATH_NOT_PLAIN, /* perhaps good jq: for libjq */
	PATH_FAULT,     /* refused: negative index, slice, too long or too deep */
};

/* Nodes that are seen as null and not entered: inner roots.  The root of a walk is none for that walk. */
struct path_wall {
	bool (*is_wall)(void *context, uint32_t node);
	void *context;
};

/* False where there is no WALL. */
static inline bool
path_walled(const struct path_wall *wall, uint32_t node)
{
	return wall != NULL && wall->is_wall != NULL && wall->is_wall(wall->context, node);
}

/* KEYS gains the keys of all expressions; both are borrowed for the life of the set. */
struct paths *paths_new(struct json_keys *keys);
void paths_free(struct paths *p);

/*
 * Adds EXPRESSION under NUMBER (the caller's, any; several expressions may share one: a union).  Unless
 * PATH_PLAIN, *BYTE is where in the expression (from 1) the first thing stands that is not plain, and after
 * PATH_FAULT paths_fault says why.
 */
enum path_outcome paths_add(struct paths *p, struct bytes expression, uint32_t number, size_t *byte);
const char *paths_fault(const struct paths *p);

/*
 * The state of a root node ("."), after all expressions were added.  DEPTH is how deep it stands in the
 * record (0: the record itself).  A state, and what it matched, stay good until the walk has left its node;
 * a walk of an inner root may go on inside that of an outer one.
 */
uint32_t paths_root(struct paths *p, const struct json *j, uint32_t node, unsigned depth);

/* The state of the value behind the key node KEY of an object in STATE. */
uint32_t paths_member(struct paths *p, uint32_t state, const struct json *j, uint32_t key);

/* The state of element INDEX (node NODE) of an array in STATE. */
uint32_t paths_element(struct paths *p, uint32_t state, const struct json *j, uint32_t node, uint32_t index);

/*
 * A number below PATHS_UNKEPT for a table of one's own, if STATE is kept: then what it matches stays as it is
 * for the life of the set.
 */
enum { PATHS_UNKEPT = 0xffff };
static inline uint32_t
paths_kept(uint32_t state)
{
	return state & PATHS_UNKEPT;
}

/* The numbers whose expressions the node in STATE matches: ascending. */
const uint32_t *paths_matched(const struct paths *p, uint32_t state, size_t *count);

/*
 * One compiled expression without an automaton: for places that are looked up now and then (record.id,
 * record.subject, where: inside a node).  It lives in the arena and nothing is allocated to evaluate it.  An
 * expression of more than 63 steps is a fault here.
 */
struct path;
enum path_outcome path_compile(struct arena *a, struct json_keys *keys, struct bytes expression,
    struct path **path, size_t *byte, const char **fault);

/* Calls FOUND for each node below and with ROOT, in document order, until it returns false; false if it did.
 */
bool path_each(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    bool (*found)(void *context, uint32_t node), void *context);

/* The first node in document order; false if there is none. */
bool path_first(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    uint32_t *node);

#endif
