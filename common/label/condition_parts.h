/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CONDITION_PARTS_H
#define EHR_LABEL_CONDITION_PARTS_H

#include "common/base/clock.h"
#include "common/json/path.h"
#include "common/label/condition.h"
#include "common/policy/units.h"

/*
 * condition_parts: what a condition is compiled to, for the files of this folder.  A condition is a tree;
 * its leaves (CONDITION_SOME) say that some node of a path passes all tests.
 */

/* Members that tests look at by number, and what is the same for all conditions of a policy. */
struct condition_members {
	uint16_t code, system, coding, concept, value, unit, comparator;
	bool no_system_matches;
};

struct condition_scalar {
	enum json_kind kind;   /* string, number, true, false, null */
	struct bytes text;     /* unescaped */
	struct decimal number; /* of a number */
};

enum condition_test_kind {
	CONDITION_TEST_IS,
	CONDITION_TEST_PRESENT,
	CONDITION_TEST_IN,
	CONDITION_TEST_PREFIX,
	CONDITION_TEST_RANGE,
	CONDITION_TEST_DATE,
	CONDITION_TEST_WHERE
};

/* One end of a range: the value must lie on this side of it. */
struct quantity_bound {
	struct decimal number;
	const struct unit *unit; /* NULL: a bare number */
	bool is_upper;
	bool is_included;
};

struct condition_test {
	enum condition_test_kind kind;
	struct condition_scalar *scalar; /* CONDITION_TEST_IS, CONDITION_TEST_PREFIX: one of these */
	size_t scalars;
	struct code_bits sets;          /* CONDITION_TEST_IN */
	struct quantity_bound bound[2]; /* CONDITION_TEST_RANGE: all of these */
	unsigned bounds;
	struct period date; /* CONDITION_TEST_DATE */
	bool is_after;
	struct condition *where; /* CONDITION_TEST_WHERE */
};

enum condition_kind { CONDITION_ALL, CONDITION_ANY, CONDITION_NOT, CONDITION_SOME };

struct condition {
	enum condition_kind kind;
	const struct condition_members *members;
	struct condition **child;
	size_t children;
	/* CONDITION_SOME: one of these three says where */
	bool anywhere;
	struct path *path;
	struct jq_program *program;
	struct bytes expression;     /* of the path, for an automaton */
	struct condition_test *test; /* the node must pass all */
	size_t tests;
};

/*
 * Reads one line of a map of tests, and what stands for `is` without a map.  False with a fault; `not` and
 * `present` speak of all nodes of a path and are read elsewhere.
 */
bool test_read(struct condition_words *w, const struct yaml_node *name, const struct yaml_node *value,
    struct condition_test *t, struct fault *f);
bool test_read_is(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f);

/* Whether NODE passes one test, or all of them. */
enum truth judge_test(const struct condition_members *m, const struct condition_test *t,
    const struct condition_record *r, uint32_t node);
enum truth condition_judge_all(const struct condition *some, const struct condition_record *r, uint32_t node);

/* The nodes of a leaf's path below NODE; false if jq failed. */
bool condition_each_node(const struct condition *some, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context);

/*
 * A number read from a record beside a bound: why it cannot be judged.  QUANTITY_COMPARED: ORDER says on which
 * side of the bound it lies, as memcmp.
 */
enum quantity_fault { QUANTITY_GOOD, QUANTITY_NO_VALUE, QUANTITY_NO_UNIT };

struct quantity {
	struct decimal number;
	const struct unit *unit; /* NULL: the record gives none */
	int comparator;          /* 0 none; -1 the true value is below, 1 above; 2 not to be read */
	bool is_touching;        /* with a comparator: the number itself is possible */
};

/* Reads a number, or an object with value and unit, in a unit of BESIDE's dimension (NULL: without unit). */
enum quantity_fault quantity_read(const struct condition_members *m, const struct condition_record *r,
    uint32_t node, const struct unit *beside, struct quantity *reading);

/* Whether it lies on the bound's side of it. */
enum truth quantity_within(const struct quantity *reading, const struct quantity_bound *bound);

/* "92 %", "38.0 Cel", "5": false if it is none, with a constant text that says why. */
bool quantity_parse_bound(struct bytes text, struct quantity_bound *bound, const char **why);

#endif
