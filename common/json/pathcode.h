/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_PATHCODE_H
#define EHR_JSON_PATHCODE_H

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "common/json/path.h"

/*
 * pathcode: the code of plain path expressions, for path.c and paths.c.  A node enters a piece of code at its
 * first instruction; each node that the piece selects leaves at its end.  So p | q is the code of p before
 * that of q.  Jumps go forward alone.
 */
enum path_op {
	PATH_MEMBER,  /* on, with the member of key VALUE */
	PATH_ELEMENT, /* on, with the element of index VALUE */
	PATH_EACH,    /* on, with every member or element */
	PATH_DESCEND, /* on with the node, and here again with everything in it */
	PATH_SPLIT,   /* on, and VALUE instructions further */
	PATH_JUMP,    /* VALUE instructions further */
	PATH_SELECT,  /* on, if select VALUE holds for the node */
	PATH_MATCH,   /* the expression of number VALUE matches the node */
};

struct path_instruction {
	enum path_op op;
	uint32_t value;
};

/* One comparison of a select(): a path of members, elements and [], and a literal. */
struct path_test {
	struct path_instruction *step; /* PATH_MEMBER, PATH_ELEMENT, PATH_EACH */
	size_t steps;
	enum json_kind kind;   /* of the literal */
	struct bytes string;   /* unescaped */
	struct decimal number; /* into the arena */
};

struct path_select {
	struct path_test *test; /* all must hold */
	size_t tests;
};

struct path_code {
	struct arena *arena; /* borrowed */
	struct json_keys *keys;
	struct path_instruction *at;
	size_t count;
	size_t room;
	struct path_select *select;
	size_t selects;
	size_t select_room;
	const char *fault; /* after PATH_FAULT: a constant text */
};

/* Appends the code of EXPRESSION and its PATH_MATCH NUMBER.  Unless PATH_PLAIN, nothing is appended. */
enum path_outcome pathcode_add(
    struct path_code *code, struct bytes expression, uint32_t number, size_t *byte);

/* Whether SELECT holds for NODE, which counts as null if AS_NULL. */
bool pathcode_holds(const struct path_select *select, const struct json *j, uint32_t node, bool as_null,
    const struct path_wall *wall);

#endif
