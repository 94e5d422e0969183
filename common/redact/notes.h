/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_NOTES_H
#define EHR_REDACT_NOTES_H

#include "common/base/reason.h"
#include "common/json/pointer.h"
#include "common/line/tags.h"
#include "common/redact/scheme.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * notes: what a line's labels say, on the nodes that they are about.
 *
 *	level(n) = max(base(n), raise(n))    base: of the nearest label `base` or `default` at or above n
 *	                                     raise: the highest other label at or above n
 *
 * A label with a criticality does not raise the level: it is an urgency.
 */
enum { NOTES_NO_BASE = 0xff };

/* The labels of one node. */
struct notes_node {
	uint64_t left_out; /* bits of the versions that leave its category out */
	uint64_t dropped;  /* bits of the versions that leave it out whatever its level */
	uint8_t base;      /* level, NOTES_NO_BASE */
	uint8_t raise;     /* level, 0 for none: it is the lowest */
	bool is_sibling;   /* it is `_x` beside x */
	bool inside;       /* a node below has notes and is not in `labelled` */
};

/* A label with a criticality. */
struct notes_urgency {
	uint32_t node;
	unsigned level; /* who may know of it */
	unsigned criticality;
};

struct notes {
	struct notes_node *of; /* by node of the line */
	uint32_t *labelled;    /* nodes with labels, ascending */
	uint32_t count;
	struct notes_urgency *urgent;
	uint32_t urgencies;
	unsigned highest;  /* level of any label that counts */
	uint64_t left_out; /* of all nodes together */
	enum reason reason;
	size_t byte;
	/* private */
	uint32_t room, labelled_room, urgent_room;
	uint32_t *touched;
	uint32_t touches, touched_room;
	struct pointer_cursor *cursor;
};

void notes_init(struct notes *n);
/* Leaves zeros. */
void notes_release(struct notes *n);

/* Reads the labels of a line.  False: reason and byte. */
bool notes_read(struct notes *n, const struct scheme *s, const struct json *j, const struct envelope *e);

/* The notes of a node, to be changed.  They are cleared before the next line. */
struct notes_node *notes_touch(struct notes *n, uint32_t node);

#endif
