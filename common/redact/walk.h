/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_WALK_H
#define EHR_REDACT_WALK_H

#include "common/redact/decide.h"
#include "common/redact/view.h"

#include <stdint.h>

/*
 * walk: one walk over a record yields the edits of all versions and marks at once.
 *
 * The walk enters a node only while something in it may end otherwise than the whole: it holds a label, a
 * path of redact.yaml, an inner root, or a place with rules of its own.  A bit that is decided for a node
 * is not looked at again inside it.
 *
 * A Reference is lost with its target, and security labels are lost where anything is.  Both may be known
 * only at the end.  Then the record is walked once more, with what the turn before found out.  Each turn
 * knows more and removes more than the last, so the turns end.
 */
struct walk {
	struct viewer viewer;
	struct decisions decisions;
	uint64_t active; /* bits to find edits for; the others keep the whole record */
	uint64_t stays;  /* active bits that keep something of the record */
	/* private */
	uint64_t lost_before; /* bits that lost something in an earlier turn */
	struct view_frame *frame;
	uint32_t depth, frame_room;
};

void walk_init(struct walk *w, const struct scheme *s, struct json_keys *keys);
void walk_release(struct walk *w);

/* Finds the edits of the record at node RECORD of J with its notes: w->active, w->stays, w->decisions. */
void walk_run(struct walk *w, const struct json *j, struct notes *n, uint32_t record);

#endif
