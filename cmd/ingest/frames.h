/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_FRAMES_H
#define EHR_INGEST_FRAMES_H

#include "common/json/json.h"
#include "common/line/lines.h"

/*
 * frames: where in a stream one JSON text ends and the next begins.  A frame is not judged here: its end is
 *found by quotes and brackets alone, in one pass over bytes that come as they come, and the index says
 *whether it is JSON.
 *
 *	lines  each line is a frame (lines.h)
 *	json   texts one behind the other; an array outside of all is taken apart, so that its elements stream
 *	seq    RFC 7464: each text has a record separator (0x1e) before it
 *	auto   seq if the first byte is a separator; lines if the first line that is not blank is a whole
 *text; json if it is the beginning of one that goes on, or several; else lines with a bad first one
 */
enum framing { FRAMING_AUTO, FRAMING_LINES, FRAMING_JSON, FRAMING_SEQ };

enum frames_place { FRAMES_OUTSIDE, FRAMES_BEGUN, FRAMES_COMMA, FRAMES_VALUE };

struct frames {
	enum framing framing; /* auto until the first call of frames_next */
	bool lost;            /* json: after LINES_REFUSED, where the next text begins is not known */
	/* private */
	struct json *probe;
	size_t pending;          /* what the last call returned, and has now been used */
	size_t passed;           /* LFs before the first byte that waits */
	uint64_t line;           /* where in the source its line begins */
	enum frames_place place; /* json: of an array */
	bool marked;             /* the byte order mark is behind us, and auto is decided */
	bool begun;              /* seq: a separator was seen */
	bool skipping;           /* over a frame that was refused for its length */
	size_t scanned;          /* bytes that wait and were looked at */
	char first;              /* of the value */
	size_t depth;            /* of the scan in it; of a word 1 from its first byte on */
	bool string;
};

/* PROBE, for auto, is borrowed for the life of FR. */
void frames_init(struct frames *fr, enum framing framing, struct json *probe);

/*
 * As lines_next, for the same IN in all calls.  The record has no white space around it.  The line number is
 * that of the frame's first byte.  Refused are frames that are too long, and in json what stands between the
 * elements of an array or is missing there: its place is then given in its line.
 */
enum lines_outcome frames_next(struct frames *fr, struct lines *in, struct bytes *record);

#endif
