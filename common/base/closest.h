/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_CLOSEST_H
#define EHR_BASE_CLOSEST_H

#include "common/base/bytes.h"

/*
 * closest: the "did you mean" of messages.  Of the words offered, the one nearest to a mistyped word: fewest
 * letters inserted, left out, replaced or swapped with a neighbour, without regard to case.  A third of the
 * letters may differ, and of a word of one or two letters none.  The answer is one of the words offered, so
 * offer constants and names out of a policy, never parts of a record.
 *	struct closest c = closest_to(bytes_of("polcy"));
 *	closest_offer(&c, bytes_of("policy"));
 *	char text[CLOSEST_ROOM];
 *	closest_text(&c, "--", text)      ", did you mean '--policy'?", or "" if nothing is near
 */
struct closest {
	struct bytes word;
	struct bytes best; /* the nearest so far; near enough only where closest_text says something */
	/* private */
	size_t distance;
};

enum { CLOSEST_ROOM = 112 };

struct closest closest_to(struct bytes word);
void closest_offer(struct closest *c, struct bytes known);

/* Writes to TEXT, and returns it.  PREFIX stands before the word, inside the quotes. */
const char *closest_text(const struct closest *c, const char *prefix, char text[CLOSEST_ROOM]);

#endif
