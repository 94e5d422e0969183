/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_DECIDE_H
#define EHR_REDACT_DECIDE_H

#include "common/redact/edits.h"
#include "common/redact/view.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * decide: carries out what a view says of a node: removes it, replaces it, or puts a sign in its place, as
 * edits of each bit.  It notes why if the caller asks (fates).
 *
 * A sign is what `above: absent` and `above: mask` leave in the place of a node that is above the level.
 */
struct decisions {
	struct outline *o;                           /* borrowed */
	struct edits edits[2 * SCHEME_MAX_VERSIONS]; /* by bit */
	struct buffer texts;                         /* their replacements */
	uint64_t lost;                               /* bits that lost something */
	uint64_t failed; /* values that an operation could not be carried out on, and removed */
	/* of the run */
	struct bytes subject;
	struct bytes batch;
	const struct instant *now;
	struct redactor_fate *fates; /* node * versions + version; NULL: not asked for */
	/* private: the record's time, looked up with the first transform */
	bool asked_time, has_time;
	struct period time;
};

void decide_init(struct decisions *d, struct outline *o);
void decide_release(struct decisions *d);

/* decide_start comes before each record, decide_turn before each turn; ACTIVE is the bits of the turn. */
void decide_start(struct decisions *d);
void decide_turn(struct decisions *d, uint64_t active);

/*
 * The child V of F: STAYS of its bits keep it, SIGNS keep a sign of it, all other bits lose it.  Those of
 * EMPTIED lose it because nothing in it stays.
 */
void decide_child(struct decisions *d, struct view_frame *f, const struct view *v, uint64_t stays,
    uint64_t signs, uint64_t emptied);

/* The bits in which a sign may stand: only the level or the category speaks against the node. */
uint64_t decide_may_sign(const struct view *v);

/* Puts the sign of BITS in place of the node.  Returns those that have one. */
uint64_t decide_sign(struct decisions *d, const struct view *v, uint64_t bits);

/*
 * A transform with `level:` releases its result to that level.  Takes its bits from v->above_level, unless
 * the node is above the level by a label and not by its place alone.
 */
void decide_release_level(const struct decisions *d, const struct matches *m, struct view *v);

/*
 * Applies a transform for BITS.  Returns those that are replaced; those that keep a sign only join SIGNS.
 */
uint64_t decide_transform(
    struct decisions *d, struct view *v, const struct matches_pick *pick, uint64_t bits, uint64_t *signs);

/*
 * An element of an array `_x` whose content is gone, or never was, becomes null, so that the elements
 * behind it still belong to the same elements of x.  Returns the bits of BITS for which it did.
 */
uint64_t decide_null(struct decisions *d, const struct view *v, uint64_t bits);

/* Removes trailing nulls of the array `_x` that C walked through. */
void decide_trim(struct decisions *d, const struct view_frame *c);

#endif
