/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_FRAMES_H
#define EHR_INGEST_FRAMES_H

#include "common/json/json.h"
#include "common/line/lines.h"

/*
 * frames: finds where one JSON text of a stream ends and the next begins, by quotes and brackets alone, in
 * one pass over bytes as they are read.  Whether a frame is JSON is found out by the index (json.h).
 *
 *	lines  each line is a frame (lines.h)
 *	json   texts one after another; of an array outside of all texts the elements are frames
 *	seq    RFC 7464: a record separator (0x1e) stands before each text
 *	auto   seq if the first byte is a separator; lines if the first line that is not blank is one whole
 *	       text; json if it has several texts or the beginning of a longer one; else lines, with a bad
 *	       first line
 */
enum framing { FRAMING_AUTO, FRAMING_LINES, FRAMING_JSON, FRAMING_SEQ };

enum frames_place { FRAMES_OUTSIDE, FRAMES_BEGUN, FRAMES_COMMA, FRAMES_VALUE };

struct frames {
	enum framing framing; /* auto until the first call of frames_next */
	bool lost;            /* json, after LINES_REFUSED: the beginning of the next text is not known */
	/* private */
	struct json *probe;
	size_t pending;          /* bytes that the last call returned, to be taken by the next */
	size_t passed;           /* LFs before the first byte that waits */
	uint64_t line;           /* offset of the line of that byte */
	enum frames_place place; /* json: of an array */
	bool marked;             /* a byte order mark has been taken, and auto is decided */
	bool begun;              /* seq: a separator was seen */
	bool skipping;           /* the rest of a frame that was refused as too long */
	size_t scanned;          /* bytes that wait and have been scanned */
	char first;              /* first byte of the value */
	size_t depth;            /* open brackets at SCANNED; 1 in a word */
	bool string;             /* SCANNED is inside a string */
};

/* PROBE, for auto, is borrowed for the life of FR. */
void frames_init(struct frames *fr, enum framing framing, struct json *probe);

/*
 * As lines_next; IN is the same in all calls.  The record has no white space around it, and the line number
 * is that of its first byte.  A frame that is too long is refused.  In json a byte that does not belong
 * between the elements of an array is refused, by its place in its line.
 */
enum lines_outcome frames_next(struct frames *fr, struct lines *in, struct bytes *record);

#endif
