/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_JQ_H
#define EHR_POLICY_JQ_H

#include "common/base/bytes.h"
#include "common/json/path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * jq: conditions and paths that the words of a policy cannot express.  jq.c is the only user of libjq,
 * which evaluates a copy of one root in a process of its own; a record is never written from that copy.
 * Functions that could read, print, loop or vary are refused when a program is compiled.  libjq's messages
 * quote its input, so none of them leaves jq.c.
 */
struct jq_program;

/*
 * What the evaluations for one record may take together: so much processor time, and again as
 * much for each megabyte of the record, and 256 MB of memory and 64 times the record.  A record comes
 * nowhere near that; an expression without end does.  It is stopped, and all further evaluations for the
 * record are JQ_UNKNOWN.
 */
enum jq_limit_passed {
	JQ_LIMIT_KEPT,
	JQ_LIMIT_TIME,
	JQ_LIMIT_MEMORY,
	JQ_LIMIT_CRASH, /* libjq ended its process, for another cause than a limit */
};

struct jq_limit {
	uint64_t milliseconds;       /* 0: 5,000 */
	enum jq_limit_passed passed; /* since jq_limit_start */
	uint64_t task;               /* private */
};

/* Begins a record. */
void jq_limit_start(struct jq_limit *limit);

/* The variables of an expression; .at NULL is null. */
struct jq_context {
	struct bytes type;      /* $type */
	struct bytes id;        /* $id */
	struct bytes subject;   /* $subject */
	struct bytes now;       /* $now, if the program was compiled with it */
	struct jq_limit *limit; /* NULL: the evaluation has a limit of its own */
};

enum jq_use { JQ_CONDITION, JQ_PATH };

/*
 * Compiles TEXT, a whole jq expression.  NULL: *WHY, a constant text, says what is wrong, and *BYTE where
 * (from 1; 0 if jq does not say).  TEXT may use $now if HAS_NOW.
 */
struct jq_program *jq_compile_text(
    struct bytes text, enum jq_use use, bool has_now, size_t *byte, const char **why);
void jq_program_free(struct jq_program *p);

enum jq_outcome { JQ_FALSE, JQ_TRUE, JQ_UNKNOWN };

/* The first output counts: null and false are JQ_FALSE; an error or no output is JQ_UNKNOWN. */
enum jq_outcome jq_test(struct jq_program *p, const struct json *j, uint32_t root,
    const struct path_wall *wall, const struct jq_context *context);

/*
 * Calls FOUND for each output of path(TEXT) that is a node below ROOT, in jq's order.  JQ_UNKNOWN if jq
 * ended with an error, JQ_TRUE if FOUND was called, else JQ_FALSE.
 */
enum jq_outcome jq_paths(struct jq_program *p, const struct json *j, uint32_t root,
    const struct path_wall *wall, const struct jq_context *context,
    void (*found)(void *context, uint32_t node), void *found_context);

#endif
