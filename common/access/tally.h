/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_TALLY_H
#define EHR_ACCESS_TALLY_H

#include "common/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct verdict;

/*
 * tally: which rules of a policy's layers and of directives spoke in the requests that were decided, which of
 * the layers' exceptions were taken, and which rows of clearances held.  One tally counts over several
 * engines of the same policy:
 *	struct tally c = { 0 };
 *	struct access_sources s = { .policy = &policy, .tally = &c };
 *	... access_load(), access_decide(), access_free(), as often as wanted ...
 *	tally_release(&c);
 */
struct tally_row {
	const char *file;   /* of the policy; of a rule of a directive: "directive c-ann" */
	unsigned line;      /* of the rule or row; 0: of a directive */
	uint32_t exception; /* which of the rule's, from 1; 0: the rule itself */
	struct bytes id;    /* of the rule; of a row of clearances "AL 3", of one of caps "at most AL 2" */
	uint64_t held;      /* the rule held; of an exception: it was taken */
	/* and its layer's result rests on it, or it withholds a part; of an exception: the same as held */
	uint64_t decided;
};

struct tally {
	/*
	 * By file and id, each rule before its exceptions; then rows of clearances and caps, then directives.
	 */
	struct tally_row *row;
	size_t rows;
	/* private */
	size_t room, directives; /* where the rules of directives begin */
	struct arena arena;
};

/* Lists the rules of E that are not listed yet. */
void tally_begin(struct tally *c, const struct engine *e);

/* Counts what spoke in V, whose scratch still holds it. */
void tally_note(struct tally *c, const struct engine *e, const struct verdict *v);

void tally_release(struct tally *c);

#endif
