/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_INTERN_H
#define EHR_ACCESS_INTERN_H

#include "common/base/arena.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * intern: every string that a policy, a directive or a fact compares with, each with a number from 1.  A
 * string of a request is looked up once; what is not in the table equals nothing.
 */
struct intern {
	struct arena *arena; /* where the strings live; borrowed */
	/* private */
	struct word *slot;
	uint32_t room; /* a power of two */
	uint32_t count;
	struct bytes *text; /* by number */
	uint32_t texts;
};

void intern_init(struct intern *w, struct arena *arena);
void intern_release(struct intern *w);

/* The number of TEXT, which is copied if it is new. */
uint32_t intern_add(struct intern *w, struct bytes text);

/* The number of TEXT, 0 if it is not there. */
uint32_t intern_find(const struct intern *w, struct bytes text);

struct bytes intern_text(const struct intern *w, uint32_t word);

/* The hash that this folder's tables share. */
uint64_t intern_hash(struct bytes text);

/* A set of words: sorted, without doubles. */
struct word_set {
	const uint32_t *at;
	uint32_t count;
};

/* Sorts AT in place. */
struct word_set word_set_of(uint32_t *at, uint32_t count);

static inline bool
word_set_has(struct word_set s, uint32_t word)
{
	uint32_t low = 0, high = s.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s.at[middle] < word)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s.count && s.at[low] == word;
}

#endif
