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
 * A label with a criticality raises nothing.
 */
enum { NOTE_NO_BASE = 0xff };

struct note {
	uint64_t out;  /* bits of the versions that leave its category out */
	uint64_t drop; /* bits of the versions that leave this node out whatever its level */
	uint8_t base;  /* level, NOTE_NO_BASE */
	uint8_t raise; /* level, 0 for none: it is the lowest */
	bool half;     /* `_x` beside x */
	bool inside;   /* a note below this node does not stand in `node` */
};

/* A label with a criticality: who may know of it. */
struct urgency {
	uint32_t node;
	unsigned level;
	unsigned criticality;
};

struct notes {
	struct note *of; /* by node of the line */
	uint32_t *node;  /* those with labels, ascending */
	uint32_t count;
	struct urgency *urgent;
	uint32_t urgencies;
	unsigned highest; /* level of any label that counts */
	uint64_t out;     /* all `out` together */
	enum reason reason;
	size_t byte;
	/* private */
	uint32_t room, node_room, urgent_room;
	uint32_t *touched;
	uint32_t touches, touched_room;
	struct pointer_cursor *cursor;
	struct buffer text;
};

void notes_init(struct notes *n);
void notes_release(struct notes *n);

/* Reads the labels of a line.  False: reason and byte. */
bool notes_read(struct notes *n, const struct scheme *s, const struct json *j, const struct envelope *e);

/* The note of a node, to be changed: it is cleared again before the next line. */
struct note *notes_touch(struct notes *n, uint32_t node);

#endif
