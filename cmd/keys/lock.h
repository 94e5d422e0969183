/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_LOCK_H
#define EHR_KEYS_LOCK_H

#include "cmd/keys/verbs.h"
#include "common/base/file.h"

/*
 * lock: one verb at a time changes a key directory.  Verbs that only read take no lock: files are replaced as
 * a whole, and readers leave out an unfinished last line.  A verb reads its input before it takes the lock.
 * Otherwise the verbs at both ends of a pipeline could wait for each other.
 */
enum { LOCK_WAIT = FILE_WAIT }; /* seconds, if --wait says nothing else */

/*
 * Locks the directory PATH until the process ends, with flock(2) on its file `lock`.  Waiting is said on
 * standard error after a second.  A directory that is not ours, open to others or no key directory is left
 * alone: it is not locked, and keys_open() says what is wrong with it.  False with a fault and its status:
 * EXIT_AGAIN if another held the lock until WAIT seconds had passed, else EXIT_IO.
 */
bool lock_take(const char *path, int64_t wait, struct verb_answer *a, enum diag_exit *status);

/* The same for an open file or directory; the lock holds while FD is open.  NAME is for messages. */
bool lock_wait(int fd, const char *name, int64_t wait, struct verb_answer *a, enum diag_exit *status);

#endif
