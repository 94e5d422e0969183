/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_PATH_H
#define EHR_JSON_PATH_H

#include "common/base/arena.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * path: plain jq path expressions.  Many are compiled into one automaton over known keys, so that one walk of
 * a record finds what all of them match.
 *
 *	.  .a  ."odd key"  .["a"]  .a?  .a.b[].c  .[3]  .[]  ..  p | q  p, q  (p)
 *	p | select(.q == LITERAL and ...)
 *
 * An expression e matches the nodes that exist among the outputs of jq's path(e), with ? after every step, in
 * document order.  [] goes to every array element and object member.  In a select() an absent member is null,
 * as in jq; numbers are compared exactly, where jq compares doubles.  Negative indexes and slices are
 * faults.  Any other expression is "not plain": the caller gives it to libjq.
 *
 * The caller walks the index depth first and carries a state, which says what the expressions have matched so
 * far.  States are made when they are first needed and kept.  In state 0 nothing below can match: the walk
 * may skip the subtree.
 */
struct paths;

/* For a message where only plain ones can stand. */
#define PATH_PLAIN_FORM "expected a path of .a \"b\" [] [3] .. | and select(.a == 1) alone"

enum { PATHS_DEAD = 0 };

enum path_outcome {
	PATH_PLAIN,     /* compiled */
	PATH_NOT_PLAIN, /* for libjq, which may understand it */
	PATH_FAULT,     /* refused: negative index, slice, too long or too deep */
};

/* Nodes that count as null and are not entered: inner roots.  The root of a walk is no wall for that walk. */
struct path_wall {
	bool (*is_wall)(void *context, uint32_t node);
	void *context;
};

/* False without a WALL. */
static inline bool
path_walled(const struct path_wall *wall, uint32_t node)
{
	return wall != NULL && wall->is_wall != NULL && wall->is_wall(wall->context, node);
}

/* KEYS gains the keys of all expressions; both are borrowed for the life of the set. */
struct paths *paths_new(struct json_keys *keys);
void paths_free(struct paths *p);

/* True for a name such as note, which is no expression: letters, digits and _. */
bool path_is_name(struct bytes text);

/*
 * Before the first walk: records may have one value where an expression has a list, and the reverse.  `[]`
 * also stays at a value that is no array, and a member of an array is that of each of its elements.
 */
void paths_vary(struct paths *p);

/*
 * Adds EXPRESSION under NUMBER, which the caller chooses; expressions of one number are a union.  Unless
 * PATH_PLAIN, *BYTE (from 1) is the place in the expression that is not plain, and after PATH_FAULT
 * paths_fault says why.
 */
enum path_outcome paths_add(struct paths *p, struct bytes expression, uint32_t number, size_t *byte);
const char *paths_fault(const struct paths *p);

/*
 * The state of a root node ("."), once all expressions are added.  DEPTH is its depth in the record (0: the
 * record).  A state and what it matched are good until the walk leaves its node.  The walk of an inner root
 * may run inside that of an outer one.
 */
uint32_t paths_root(struct paths *p, const struct json *j, uint32_t node, unsigned depth);

/*
 * A number below PATHS_UNKEPT if STATE is kept: the caller may use it in a table, as what STATE matches does
 * not change for the life of the set.
 */
enum { PATHS_UNKEPT = 0xffff };
static inline uint32_t
paths_kept(uint32_t state)
{
	return state & PATHS_UNKEPT;
}

/* Private, for the steps below, which are the innermost loop of each walk. */
enum {
	PATHS_INDEX_BITS = 16,
	PATHS_MAX_DEPTH = 0xffff,
	PATHS_OPEN = 0x8000, /* in a row: the state has a select to settle */
};
struct paths_steps {
	const uint16_t *class_of; /* symbols by key number */
	size_t classes_of;
	uint16_t **row;  /* of each kept state, by symbol: a kept state + 1, and PATHS_OPEN; 0: unknown */
	uint32_t single; /* if shapes vary: added for a value that is no array */
	uint32_t other_element; /* the symbol of an index that is not named */
	uint32_t indexes;       /* how many are named */
};
uint32_t paths_step(struct paths *p, uint32_t state, uint32_t symbol, const struct json *j, uint32_t node);
uint32_t paths_symbol_of_index(const struct paths *p, uint32_t index);

/* One step down. */
static inline uint32_t
paths_below(struct paths *p, uint32_t state, uint32_t symbol, const struct json *j, uint32_t node)
{
	const struct paths_steps *steps = (const struct paths_steps *)(const void *)p;
	uint32_t index = state & PATHS_UNKEPT;
	uint32_t to = index != PATHS_UNKEPT ? steps->row[index][symbol] : 0;

	if (to == PATHS_DEAD + 1)
		return PATHS_DEAD;
	if (to == 0 || (to & PATHS_OPEN) != 0 || state >> PATHS_INDEX_BITS == PATHS_MAX_DEPTH)
		return paths_step(p, state, symbol, j, node);
	return (state & ~(uint32_t)PATHS_UNKEPT) + (1U << PATHS_INDEX_BITS) + (to - 1);
}

/* The state of the value behind the key node KEY of an object in STATE, as if the key had that NUMBER. */
static inline uint32_t
paths_member_as(struct paths *p, uint32_t state, const struct json *j, uint32_t key, uint16_t number)
{
	const struct paths_steps *steps = (const struct paths_steps *)(const void *)p;
	uint32_t symbol;

	if (state == PATHS_DEAD)
		return PATHS_DEAD;
	symbol = number < steps->classes_of ? steps->class_of[number] : 0;
	if (symbol != 0 && json_kind(j, key + 1) != JSON_ARRAY)
		symbol += steps->single;
	return paths_below(p, state, symbol, j, key + 1);
}

static inline uint32_t
paths_member(struct paths *p, uint32_t state, const struct json *j, uint32_t key)
{
	return paths_member_as(p, state, j, key, j->nodes[key].key);
}

/* The state of element INDEX (node NODE) of an array in STATE. */
static inline uint32_t
paths_element(struct paths *p, uint32_t state, const struct json *j, uint32_t node, uint32_t index)
{
	const struct paths_steps *steps = (const struct paths_steps *)(const void *)p;

	if (state == PATHS_DEAD)
		return PATHS_DEAD;
	return paths_below(
	    p, state, steps->indexes == 0 ? steps->other_element : paths_symbol_of_index(p, index), j, node);
}

/* The numbers of the expressions that match the node in STATE, ascending. */
const uint32_t *paths_matched(const struct paths *p, uint32_t state, size_t *count);

/*
 * One compiled expression without the automaton, for places that are looked up now and then (record.id,
 * record.subject, where: inside a node).  It lives in the arena.  Evaluation allocates nothing.  More than 63
 * steps are a fault.
 */
struct path;
enum path_outcome path_compile(struct arena *a, struct json_keys *keys, struct bytes expression,
    struct path **path, size_t *byte, const char **fault);

/* As paths_vary. */
void path_vary(struct path *path);

/*
 * Calls FOUND for ROOT and each node below it that matches, in document order, until it returns false; false
 * then.
 */
bool path_each(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    bool (*found)(void *context, uint32_t node), void *context);

/* The first match in document order; false if there is none. */
bool path_first(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    uint32_t *node);

#endif
