/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_SINK_H
#define EHR_LINE_SINK_H

#include "common/base/buffer.h"

#include <stdbool.h>

/*
 * sink: records out.  Bytes gather in a block, which is written when it is full, before the reader waits for
 * input (lines.h) and at sink_close.  After the first failure every call returns false, and error holds its
 * errno.  A reader of standard output that leaves ends the program by SIGPIPE; one of another
 * output is a failure, EPIPE.
 */
struct sink {
	const char *name; /* for messages; borrowed */
	int error;
	/* private */
	int fd;
	struct buffer block;
};

/* The sink owns FD from here on. */
void sink_init_take(struct sink *s, int fd, const char *name);

/*
 * A sink in memory: sink_held is what was put since the last sink_drop, with JSON_SLACK readable bytes behind
 * it, borrowed until the next call.  It never fails, and is neither flushed nor closed.
 */
void sink_init_memory(struct sink *s);
struct bytes sink_held(struct sink *s);
void sink_drop(struct sink *s);

/* One record and its newline. */
bool sink_line(struct sink *s, struct bytes record);

/* TEXT as it is, and a write of all that was put.  False if the sink has failed. */
bool sink_put(struct sink *s, struct bytes text);
bool sink_flush(struct sink *s);

/*
 * Room for SIZE bytes (at most SINK_ROOM) at the end of the block, so that an encoder writes there without a
 * copy; it then says with sink_took how many it wrote.  NULL if the sink has failed.
 */
enum { SINK_ROOM = 128 * 1024 };
char *sink_room(struct sink *s, size_t size);
void sink_took(struct sink *s, size_t size);

/* Flushes, closes and releases.  False if anything since sink_init_take was lost. */
bool sink_close(struct sink *s);

#endif
