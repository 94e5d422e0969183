/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_PROGRAM_H
#define EHR_BATCH_PROGRAM_H

#include "common/base/arena.h"
#include "common/policy/batch_policy.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * program: what ehr-batch may start, and nothing else: programs of the toolkit, from the folder of ehr-batch
 * itself; executables that pipeline.yaml lists with their digest, as copies that nobody can change any more;
 * gzip and zstd of the system.  No shell and no PATH is asked.
 */
struct program {
	const char *name; /* for messages: without folders */
	const char *path;
	int copy; /* of an executable with a digest: a descriptor; -1 */
};

enum { PROGRAM_WHY = 320 };

/* False with a message in WHY.  NAME and path live in the arena. */
bool program_find(struct program *p, const struct batch_command *c, struct arena *a, char why[PROGRAM_WHY]);

/* The same for gzip or zstd. */
bool program_find_system(struct program *p, const char *name, char why[PROGRAM_WHY]);

/* From here on children hold FD, which is locked, too: the lock ends with the last of them. */
void program_keep(int fd);

/* From here on the standard error of an executable with a digest is FD; -1: that of all others. */
void program_speaks(int fd);

/*
 * Starts P with ARGUMENT (which ends with NULL) on descriptors IN and OUT, which stay the caller's.  It is
 * killed when this process ends.  -1 with errno.
 */
pid_t program_start(const struct program *p, const char *const *argument, int in, int out);

/*
 * The same in a child of its own, which ends with EXIT_BAD_RECORD if P ends with 0 and left a part of IN
 * unread: what a program did not read is missing in what it wrote.
 */
pid_t program_start_whole(const struct program *p, const char *const *argument, int in, int out);

/* A child of this program itself, under the same rules.  0 in the child. */
pid_t program_fork(void);

/*
 * In such a child: closes all descriptors from 3 on but these and the lock, so that ends of pipes are seen by
 * those who wait for them.
 */
void program_close_others(const int *fds, size_t count);

/* Waits for it: its exit status, or 128 and the signal that ended it. */
int program_wait(pid_t process);

#endif
