/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_JQ_H
#define EHR_POLICY_JQ_H

#include "common/base/bytes.h"
#include "common/json/path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * jq: conditions and paths that the policy's own words cannot say.  The only user of libjq, which evaluates
 * on a copy of one root and never carries a record.  What could read, loop or vary is refused when a program
 * is compiled.  libjq's own texts quote the input, so none leaves this file.
 */
struct jq_program;

/* What an expression may know besides its input; .at NULL is null. */
struct jq_context {
	struct bytes type;    /* $type */
	struct bytes id;      /* $id */
	struct bytes subject; /* $subject */
	struct bytes now;     /* $now, where the program was compiled with it */
};

enum jq_use { JQ_CONDITION, JQ_PATH };

/*
 * Compiles TEXT alone: it must be a whole jq expression.  NULL: *BYTE (from 1; 0 if jq does not tell) and
 * *WHY (a constant text) say what is wrong.  $now is known if HAS_NOW.
 */
struct jq_program *jq_compile_text(
    struct bytes text, enum jq_use use, bool has_now, size_t *byte, const char **why);
void jq_program_free(struct jq_program *p);

/* The forbidden words alone, without libjq.  False: *BYTE and *WHY are set. */
bool jq_words_allowed(struct bytes text, size_t *byte, const char **why);

enum jq_outcome { JQ_FALSE, JQ_TRUE, JQ_UNKNOWN };

/* The first output decides: null and false are JQ_FALSE; an error or no output is JQ_UNKNOWN. */
enum jq_outcome jq_test(struct jq_program *p, const struct json *j, uint32_t root,
    const struct path_wall *wall, const struct jq_context *context);

/*
 * The nodes below ROOT that exist among the outputs of path(TEXT), in jq's order, one call of FOUND each.
 * JQ_UNKNOWN if jq ended with an error, JQ_TRUE if FOUND was called, else JQ_FALSE.
 */
enum jq_outcome jq_paths(struct jq_program *p, const struct json *j, uint32_t root,
    const struct path_wall *wall, const struct jq_context *context,
    void (*found)(void *context, uint32_t node), void *found_context);

#endif
