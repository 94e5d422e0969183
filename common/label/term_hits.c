/* SPDX-License-Identifier: ISC */
#include "common/label/term_hits.h"

#include "common/base/bisect.h"

/* The first hit at or after NODE. */
static size_t
first_from(const struct term_hits *hits, uint32_t node)
{
	struct bisect b = { .high = hits->count };

	while (bisect_more(&b))
		bisect_step(&b, hits->at[b.middle].string < node);
	return b.low;
}

enum truth
term_hits_in(const struct term_hits *hits, const struct json *j, uint32_t node, const struct code_bits *sets)
{
	if (hits == NULL)
		return TRUTH_UNKNOWN;
	for (size_t i = first_from(hits, node); i < hits->count; i++) {
		if (hits->at[i].string >= j->nodes[node].next)
			break;
		if (code_bits_meet(sets, &hits->at[i].match.sets))
			return TRUTH_TRUE;
	}
	return TRUTH_FALSE;
}

void
term_hits_each(const struct term_hits *hits, const struct json *j, uint32_t node,
    const struct code_bits *sets, void (*found)(void *context, const struct term_hit *hit), void *context)
{
	if (hits == NULL)
		return;
	for (size_t i = first_from(hits, node); i < hits->count; i++) {
		if (hits->at[i].string >= j->nodes[node].next)
			break;
		if (code_bits_meet(sets, &hits->at[i].match.sets))
			found(context, &hits->at[i]);
	}
}
