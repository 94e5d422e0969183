/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_TOLD_H
#define EHR_BATCH_TOLD_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * told: what the stages say on standard error.  A child passes it on as it comes and keeps the first and the
 * last lines, for the reason of an upload that failed.  Programs of the toolkit, gzip and zstd never say a
 * value of a record; an executable of the site could, so it keeps the standard error that was there before
 * (program_start()).
 */
struct told {
	int own; /* the standard error of before; -1: nothing is kept */
	int answer;
	pid_t process;
};

enum { TOLD_ROOM = 8 << 10 };

/* From here on what this process and its children say passes the child.  If that cannot be, they say it. */
void told_start(struct told *t);

/* When all children have ended: standard error is as before, and the lines are in TEXT. */
struct bytes told_end(struct told *t, char text[TOLD_ROOM]);

#endif
