/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_LINES_H
#define EHR_LINE_LINES_H

#include "common/base/buffer.h"
#include "common/base/reason.h"
#include "common/line/sink.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * lines: records in, one a line.  A line ends with LF or CR LF, the last one also
 * without; empty lines are counted and passed over; lines of white space alone too; a byte order mark
 * before all else is dropped.  What no record may be is refused here, before any parser sees it.
 *
 * Whenever the next read could make the program wait, the sink that it writes to is
 * flushed first.  So a slow stream passes record by record and a fast one block by
 * block, and no option is needed to choose.
 */
struct lines {
	const char *source;  /* for messages; borrowed */
	size_t number;       /* of the line just returned, from 1 */
	uint64_t offset;     /* of the record's first byte in the source */
	enum reason reason;  /* with LINES_REFUSED */
	size_t refused_byte; /* with LINES_REFUSED: where in the line, from 1 */
	int error;           /* with LINES_READ_FAILED: the errno */
	bool ended;          /* the source has no more bytes than those that wait */
	/* If set and not 0 when a signal interrupts a read, lines_next returns; may be called again. */
	const volatile sig_atomic_t *wake;
	size_t limit; /* in bytes, of a line */
	/* private */
	int fd;
	struct sink *flush_first;
	struct buffer text;
	uint64_t base;  /* offset in the source of the first byte in text */
	size_t start;   /* of the current line in text */
	size_t scanned; /* bytes of it that hold no LF */
	bool skipping;  /* inside a line that was refused before its end was seen */
};

enum lines_outcome {
	LINES_RECORD,
	LINES_REFUSED,
	LINES_END,
	LINES_READ_FAILED,
	LINES_FLUSH_FAILED, /* the sink knows why */
	LINES_WOKEN,        /* see wake */
};

/* FD stays the caller's.  FLUSH_FIRST may be NULL.  LIMIT is in bytes, without the line's end. */
void lines_init(struct lines *l, int fd, const char *source, size_t limit, struct sink *flush_first);

/*
 * RECORD means something with LINES_RECORD alone, and is borrowed until the next call.  JSON_SLACK bytes
 * behind it may be read, as the index does.
 */
enum lines_outcome lines_next(struct lines *l, struct bytes *record);

/*
 * For a program that frames its input in its own way: the bytes that were read and not returned yet, borrowed
 * until the next call.  As long as they are no more than the limit, lines_more reads on: LINES_RECORD if
 * there are more now, or ended is true.  lines_take is done with the first SIZE of them; number does not
 * count what is taken so.
 */
struct bytes lines_waiting(const struct lines *l);
enum lines_outcome lines_more(struct lines *l);
void lines_take(struct lines *l, size_t size);

/* Where in the source the first of them stands. */
uint64_t lines_offset(const struct lines *l);

/* Takes a byte order mark, if what waits is the beginning of the source and has one. */
void lines_take_mark(struct lines *l);

/* May be called twice. */
void lines_release(struct lines *l);

#endif
