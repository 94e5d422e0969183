/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_INTERN_H
#define EHR_ACCESS_INTERN_H

#include "common/access/scratch.h"
#include "common/base/arena.h"
#include "common/base/bisect.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * intern: the strings that policies, directives and facts compare with, each with a number from 1.  Equal
 * strings have equal numbers.  A request's string is looked up once; a string without a number equals none of
 * them.
 */
struct intern {
	struct arena *arena; /* holds the strings; borrowed */
	/* private */
	struct intern_slot *slot;
	uint32_t room; /* of slot, a power of two */
	uint32_t count;
	struct bytes *text; /* by number */
	uint32_t texts;
};

void intern_init(struct intern *w, struct arena *arena);

/* May be called twice. */
void intern_release(struct intern *w);

/* The number of TEXT.  A new text is copied into the arena. */
uint32_t intern_add(struct intern *w, struct bytes text);

/* The number of TEXT, 0 if it has none. */
uint32_t intern_find(const struct intern *w, struct bytes text);

/* WORD is a number that intern_add has given. */
struct bytes intern_text(const struct intern *w, uint32_t word);

/*
 * Two strings as one key, A NUL B, in SCRATCH.  Two pairs have one key only if they are equal: A holds no
 * NUL.
 */
struct bytes intern_pair(struct scratch *scratch, struct bytes a, struct bytes b);

/* A set of numbers: ascending, each once. */
struct intern_set {
	const uint32_t *at;
	uint32_t count;
};

/* Sorts AT in place; the set points into it. */
struct intern_set intern_set_of(uint32_t *at, uint32_t count);

static inline bool
intern_set_has(struct intern_set s, uint32_t word)
{
	struct bisect b = { .high = s.count };

	while (bisect_more(&b))
		bisect_step(&b, s.at[b.middle] < word);
	return b.low < s.count && s.at[b.low] == word;
}

#endif
