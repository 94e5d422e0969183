/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_TRUTH_H
#define EHR_BASE_TRUTH_H

/*
 * truth: Kleene's three values.  The order matters: "and" is the lesser of two, "or" the greater.  What
 * unknown means is the caller's decision: a rule that raises a label takes it as true, one that lowers it as
 * false.
 */
enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

static inline enum truth
truth_and(enum truth a, enum truth b)
{
	return a < b ? a : b;
}

static inline enum truth
truth_or(enum truth a, enum truth b)
{
	return a > b ? a : b;
}

static inline enum truth
truth_not(enum truth a)
{
	return (enum truth)(TRUTH_TRUE - a);
}

#endif
