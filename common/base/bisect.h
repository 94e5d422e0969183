/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BISECT_H
#define EHR_BASE_BISECT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * bisect: binary search in a sorted array.  The caller compares; `low` is the answer.
 *
 *	struct bisect b = { .high = count };
 *	while (bisect_more(&b))
 *		bisect_step(&b, array[b.middle].key < key);
 *
 * Then b.low is the index of the first element that is not below KEY; the count if all are below it.
 */
struct bisect {
	size_t low, high; /* the answer is in this range, both ends included */
	size_t middle;    /* the element to compare */
};

/* False when low is the answer. */
static inline bool
bisect_more(struct bisect *b)
{
	b->middle = b->low + (b->high - b->low) / 2;
	return b->low < b->high;
}

/* BELOW: whether the middle element stands before what is sought. */
static inline void
bisect_step(struct bisect *b, bool below)
{
	if (below)
		b->low = b->middle + 1;
	else
		b->high = b->middle;
}

#endif
