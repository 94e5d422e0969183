/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_TERM_HITS_H
#define EHR_LABEL_TERM_HITS_H

#include "common/base/truth.h"
#include "common/json/json.h"
#include "common/policy/codes.h"

/*
 * term_hits: the strings of one root that say a term of a value set, in document order.  The label of a term
 * goes to its place: the string or what holds it.  root_terms.c finds both.
 */
struct term_hit {
	uint32_t string;
	uint32_t place;
	struct codes_match match;
};

struct term_hits {
	const struct term_hit *at;
	size_t count;
};

/* Whether NODE, or a string in it, says a term of SETS.  Without HITS that is unknown. */
enum truth term_hits_in(
    const struct term_hits *hits, const struct json *j, uint32_t node, const struct code_bits *sets);

/* Calls FOUND for each hit in NODE of a term of SETS. */
void term_hits_each(const struct term_hits *hits, const struct json *j, uint32_t node,
    const struct code_bits *sets, void (*found)(void *context, const struct term_hit *hit), void *context);

#endif
