/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_TALLY_H
#define EHR_ACCESS_TALLY_H

#include "common/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct verdict;

/*
 * tally: which rules of a policy's layers spoke in the requests that were decided, and which of their
 * exceptions were taken.  One tally counts over several engines of the same policy:
 *
 *	struct tally c = { 0 };
 *	struct access_sources s = { .policy = &policy, .tally = &c };
 *	... access_load(), access_decide(), access_free(), as often as wanted ...
 *	tally_release(&c);
 *
 * Rules of directives and rows of clearances are not counted.
 */
struct tally_row {
	const char *file;   /* of the policy */
	unsigned line;      /* of the rule */
	uint32_t exception; /* which of the rule's, from 1; 0: the rule itself */
	struct bytes id;
	uint64_t held; /* the rule held; of an exception: it was taken */
	/* and its layer's result rests on it, or it withholds a part; of an exception: the same as held */
	uint64_t decided;
};

struct tally {
	struct tally_row *row; /* by file and id, each rule before its exceptions */
	size_t rows;
	/* private */
	struct arena arena;
};

/* Lists the rules of E, unless rules are listed. */
void tally_begin(struct tally *c, const struct engine *e);

/* Counts what spoke in V, whose scratch still holds it. */
void tally_note(struct tally *c, const struct engine *e, const struct verdict *v);

void tally_release(struct tally *c);

#endif
