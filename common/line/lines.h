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
 * lines: records in, one a line.  A line ends with LF or CR LF; the last may end without.  Lines that are
 * empty or white space alone are counted, and skipped unless `blanks` is set.  A byte order mark at the
 * beginning of the source is dropped.  A line that is too long or holds NUL is refused before any parser
 * sees it.
 *
 * Before each read the sink is flushed, because the read may wait.  So a slow stream passes record by record
 * and a fast one block by block.
 */
struct lines {
	const char *source;  /* for messages; borrowed */
	size_t number;       /* of the line just returned, from 1 */
	uint64_t offset;     /* of the record's first byte in the source */
	enum reason reason;  /* with LINES_REFUSED */
	size_t refused_byte; /* with LINES_REFUSED: where in the line, from 1 */
	int error;           /* with LINES_READ_FAILED: the errno */
	bool ended;          /* the source is read to its end */
	/* May be NULL.  If it is not 0 when a signal interrupts a read, lines_next returns LINES_WOKEN. */
	const volatile sig_atomic_t *wake;
	size_t limit; /* in bytes, of a line */
	bool blanks;  /* lines of white space alone are records, too; false after lines_init() */
	/* private */
	int fd;
	struct sink *flush_first;
	struct buffer text;
	uint64_t base;  /* offset in the source of the first byte in text */
	size_t start;   /* of the current line in text */
	size_t scanned; /* so many bytes of it hold no LF */
	bool skipping;  /* inside a line that was refused before its end was read */
};

enum lines_outcome {
	LINES_RECORD,
	LINES_REFUSED,
	LINES_END,
	LINES_READ_FAILED,
	LINES_FLUSH_FAILED, /* the sink knows why */
	LINES_WOKEN,        /* see wake */
};

/* The caller keeps FD.  FLUSH_FIRST may be NULL.  LIMIT is in bytes, without the line's end. */
void lines_init(struct lines *l, int fd, const char *source, size_t limit, struct sink *flush_first);

/*
 * RECORD is set with LINES_RECORD alone and borrowed until the next call.  JSON_SLACK bytes behind it are
 * readable, as the index needs.
 */
enum lines_outcome lines_next(struct lines *l, struct bytes *record);

/*
 * For a program that finds the ends of its records itself.  lines_waiting: the bytes that are read and not
 * taken, borrowed until the next call.  lines_more reads on while they are no more than the limit:
 * LINES_RECORD if there are more now, or ended is true.  lines_take takes the first SIZE of them; number does
 * not count these.
 */
struct bytes lines_waiting(const struct lines *l);
enum lines_outcome lines_more(struct lines *l);
void lines_take(struct lines *l, size_t size);

/* The place in the source of the first waiting byte. */
uint64_t lines_offset(const struct lines *l);

/* Takes a byte order mark at the beginning of the source. */
void lines_take_mark(struct lines *l);

/* May be called twice. */
void lines_release(struct lines *l);

#endif
