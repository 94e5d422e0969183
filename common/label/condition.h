/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CONDITION_H
#define EHR_LABEL_CONDITION_H

#include "common/base/arena.h"
#include "common/base/truth.h"
#include "common/label/roots.h"
#include "common/label/shape.h"
#include "common/policy/codes.h"
#include "common/policy/jq.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * condition: what `where:` and `when:` ask of a root, judged in three values.  A test that cannot be judged
 * (a unit unknown, a number that is a string, a date that overlaps, jq at an error) is unknown; what unknown
 * means is the caller's: a rule that raises takes it as true, one that lowers or lets through as false.
 */

/* What conditions are compiled with; all borrowed for the life of the conditions. */
struct condition_words {
	struct arena *arena;
	struct json_keys *keys;
	struct codes *codes;
	const char *file;       /* as messages show it */
	bool no_system_matches; /* `no_system: match` */
	bool has_now;           /* $now is known */
	/* private, zeros at first */
	const struct condition_members *members;
	struct buffer programs;
};

/* For who looks at Codings without any condition: before the first record, when the members above are set. */
void condition_words_ready(struct condition_words *w);

/* Frees what libjq made, after which no condition compiled with W may be used. */
void condition_words_release(struct condition_words *w);

/* What conditions are judged on. */
struct coding_hits;
struct system_memo;
struct condition_record {
	const struct json *json;
	const struct roots *roots;
	struct shape *shape;
	const struct codes *codes;
	size_t root;          /* index of the root that paths are relative to */
	struct jq_context jq; /* for `when:` and jq's paths */
	struct buffer *room;  /* for unescaping */
	/* What is known of the root's codings already; NULL: they are looked up. */
	const struct coding_hits *hits;
	struct system_memo *memo; /* NULL: none */
};

struct condition;

/* Compiles a `where:` (a map, or a list of maps).  NULL after a fault. */
struct condition *condition_compile(
    struct condition_words *w, const struct yaml_node *where, struct fault *f);

/* Judges it at NODE, which is what "." is (the root's node for a rule). */
enum truth condition_judge(const struct condition *c, const struct condition_record *r, uint32_t node);

/*
 * Calls FOUND for every node that made it hold or leaves it open: those of each test that is not false.
 * What holds because something is absent has none.
 */
void condition_matches(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context);

/* True if it can hold although something is absent (not, none, present: false): `absence-rule`. */
bool condition_asks_absence(const struct condition *c);

/* Adds the value sets that it names. */
void condition_sets(const struct condition *c, struct code_bits *sets);

/* Compiles a `when:`; NULL after a fault. */
struct jq_program *condition_compile_when(
    struct condition_words *w, const struct yaml_node *when, struct fault *f);
enum truth condition_judge_when(struct jq_program *p, const struct condition_record *r);

/* A place (`at:`): a plain path, or one for libjq. */
struct condition_place;
struct condition_place *condition_compile_place(
    struct condition_words *w, const struct yaml_node *at, struct fault *f);

/*
 * Its nodes in root R->root: a plain path's in document order, inner roots left out.  False if jq failed: the
 * caller takes the root.
 */
bool condition_each_place(const struct condition_place *p, const struct condition_record *r,
    void (*found)(void *context, uint32_t node), void *context);

#endif
