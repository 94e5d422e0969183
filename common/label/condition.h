/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CONDITION_H
#define EHR_LABEL_CONDITION_H

#include "common/base/arena.h"
#include "common/base/truth.h"
#include "common/json/path.h"
#include "common/label/quantity.h"
#include "common/label/roots.h"
#include "common/label/shape.h"
#include "common/label/term_hits.h"
#include "common/policy/codes.h"
#include "common/policy/jq.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * condition: what `where:` and `when:` ask of a root, judged in three values.  A test that cannot be judged
 * (an unknown unit, a number written as a string, a date that overlaps, an error of jq) is unknown.  The
 * caller decides what unknown means: a rule that raises a label takes it as true, one that lowers or lets
 * through as false.  condition.c compiles, condition_judge.c judges.
 */

/* What conditions are compiled with; all borrowed for the life of the conditions. */
struct condition_words {
	struct arena *arena;
	struct json_keys *keys;
	struct codes *codes;
	const char *file;       /* as messages show it */
	bool no_system_matches; /* `no_system: match` */
	bool has_now;           /* $now is known */
	bool shapes_vary;       /* see path_vary */
	bool has_terms;         /* the record's terms are found before the conditions are judged */
	bool tells;             /* set if a condition asks whether a text says a code */
	/* private, zeros at first */
	const struct condition_members *members;
	struct buffer programs;
};

/* Sets W->members, for callers that look at Codings before any condition is compiled. */
void condition_words_ready(struct condition_words *w);

/* Frees what libjq made.  No condition compiled with W may be used afterwards. */
void condition_words_release(struct condition_words *w);

/* What conditions are judged on. */
struct coding_hits;
struct coding_memo;
struct condition_record {
	const struct json *json;
	const struct roots *roots;
	struct shape *shape;
	const struct codes *codes;
	size_t root;          /* index of the root that paths are relative to */
	struct jq_context jq; /* for `when:` and jq's paths */
	struct buffer *room;  /* for unescaping */
	/* All Codings of the root, where they are known already; NULL: each test looks them up. */
	const struct coding_hits *hits;
	struct coding_memo *memo; /* NULL: none */
	/* The strings of the root that say a term; NULL: `says` is unknown. */
	const struct term_hits *terms;
};

struct condition;

/* Compiles a `where:` (a map, or a list of maps).  NULL after a fault. */
struct condition *condition_compile(
    struct condition_words *w, const struct yaml_node *where, struct fault *f);

/* Judges it with NODE as ".": the root's node for a rule, an element for a nested `where:`. */
enum truth condition_judge(const struct condition *c, const struct condition_record *r, uint32_t node);

/*
 * Calls FOUND for every node that makes the condition hold or leaves it open: the nodes of each test that is
 * not false.  A test of absence has no nodes.
 */
void condition_matches(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context);

/*
 * Calls FOUND for every term that makes the condition hold: those in the nodes of each test `says` that is
 * not false.  condition_matches leaves these tests out.
 */
void condition_terms(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, const struct term_hit *hit), void *context);

/* Adds the value sets that it names. */
void condition_sets(const struct condition *c, struct code_bits *sets);

/* A `when:`, which libjq evaluates.  Compiling returns NULL after a fault. */
struct jq_program *condition_compile_when(
    struct condition_words *w, const struct yaml_node *when, struct fault *f);
enum truth condition_judge_when(struct jq_program *p, const struct condition_record *r);

/* A place (`at:`): a plain path, or one for libjq.  NULL after a fault. */
struct condition_place;
struct condition_place *condition_compile_place(
    struct condition_words *w, const struct yaml_node *at, struct fault *f);

/*
 * Its nodes in root R->root, those of a plain path in document order; inner roots are left out.  False if jq
 * failed: then the caller takes the root.
 */
bool condition_each_place(const struct condition_place *p, const struct condition_record *r,
    void (*found)(void *context, uint32_t node), void *context);

/*
 * What conditions are compiled to, for the other files of this folder.  A condition is a tree.  Its leaves
 * (CONDITION_SOME) say that some node of a path passes all tests.
 */

/* Keys of the members that tests look at, and what is the same for all conditions of a policy. */
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
	CONDITION_TEST_SAYS,
	CONDITION_TEST_PREFIX,
	CONDITION_TEST_RANGE,
	CONDITION_TEST_DATE,
	CONDITION_TEST_WHERE,
};

struct condition_test {
	enum condition_test_kind kind;
	struct condition_scalar *scalar; /* IS, PREFIX: one of these */
	size_t scalars;
	struct code_bits sets;          /* IN, SAYS */
	struct quantity_bound bound[2]; /* RANGE: all of these */
	unsigned bounds;
	struct period date; /* DATE */
	bool is_after;
	struct condition *where; /* WHERE */
};

enum condition_kind { CONDITION_ALL, CONDITION_ANY, CONDITION_NOT, CONDITION_SOME };

/* Where a leaf looks: anywhere in the root, at a plain path, or at a path of libjq. */
struct condition_place {
	bool anywhere;
	struct path *path;
	struct jq_program *program;
	struct bytes expression; /* of the path, for an automaton */
};

struct condition {
	enum condition_kind kind;
	const struct condition_members *members;
	struct condition **child;
	size_t children;
	struct condition_place place; /* of a leaf */
	struct condition_test *test;  /* of a leaf: the node must pass all */
	size_t tests;
};

/* Whether NODE passes all tests of a leaf. */
enum truth condition_judge_node(
    const struct condition *some, const struct condition_record *r, uint32_t node);

#endif
