/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FILE_H
#define EHR_BASE_FILE_H

#include "common/base/buffer.h"
#include "common/base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * file: whole files, read and replaced.  Links are not followed.  A new file is written beside the old one,
 * synced and renamed, and then its folder is synced: readers see the old file or the new one, also after a
 * power cut.  Functions that fail return false with errno set.
 */

/* Appends all of a regular file to OUT; EFBIG if it passes the limit of OUT. */
bool file_read(const char *path, struct buffer *out);

/* The same with NAME relative to the directory DIRFD. */
bool file_read_at(int dirfd, const char *name, struct buffer *out);

/*
 * The errno of a failure here in words: EINVAL is "not a regular file", EWOULDBLOCK a lock that another kept.
 * The status of a run that ends with it: EXIT_AGAIN for such a lock, else EXIT_IO.
 */
const char *file_read_fault(int error);
enum diag_exit file_fault_status(int error);

/* The same for what is left to read from FD, of any kind; and the other way.  FD stays open. */
bool file_read_fd(int fd, struct buffer *out);
bool file_write_fd(int fd, struct bytes text);

/*
 * After a read (POLLIN) or write (POLLOUT) that failed: true if it is to be done again, because a signal came
 * in between or FD is non-blocking, as a parent may leave it.  Then this waits until FD is ready.
 */
bool file_again(int fd, short events);

/* As read(), as often as file_again() says. */
ssize_t file_read_some(int fd, void *block, size_t size);

/* A descriptor to read a regular file with, for files that are not read as a whole; -1. */
int file_open(const char *path);

/* As file_read_at() for a secret: EPERM unless the file is ours and closed to group and others. */
bool file_read_private_at(int dirfd, const char *name, struct buffer *out);

/*
 * Locks an open file or directory until it is closed, with flock(2).  Once a second has passed this says on
 * standard error that NAME waits for HOLDER; EWOULDBLOCK if that still has it after SECONDS.  The functions
 * below that lock wait for FILE_WAIT.
 */
enum { FILE_WAIT = 30 }; /* seconds */
bool file_lock(int fd, const char *name, const char *holder, int64_t seconds);

/*
 * Replaces the file NAME, relative to DIRFD, by CONTENT with mode MODE.  ENOTSUP: NAME is a device or a pipe.
 */
bool file_replace_at(int dirfd, const char *name, struct bytes content, mode_t mode);

/* The same for a file that does not exist yet; EEXIST if it does. */
bool file_create_at(int dirfd, const char *name, struct bytes content, mode_t mode);

/* Removes the file NAME, relative to DIRFD, and syncs its folder; one that does not exist is no fault. */
bool file_remove_at(int dirfd, const char *name);

/*
 * Appends whole LINES and syncs.  A file that does not exist is made with mode MODE.  If a run was killed
 * while it wrote, the file ends with an unfinished line, which the next line would go on: it is cut off
 * first, and CUT is its size (0: there was none).  If the append fails, the file is cut back to its whole
 * lines.  The file is locked meanwhile.  Readers leave out what bytes_unfinished() finds.
 */
bool file_append_at(int dirfd, const char *name, struct bytes lines, mode_t mode, size_t *cut);

/*
 * Opens PATH for records that are written as a run goes on: a regular file that is ours and closed to group
 * and others, or such a FIFO that somebody reads.  A file that does not exist is made with mode 0600; what is
 * written is appended. -1, and *WHY says in words what is wrong and what to do: a file that others can read,
 * a link, a device, a FIFO without a reader, which would make the program wait for ever.
 */
int file_open_output(const char *path, const char **why);

/* Which file a path or descriptor means. */
struct file_identity {
	dev_t device;
	ino_t inode;
	bool known; /* a regular file; all others are never the same */
};
struct file_identity file_identify(const char *path);
struct file_identity file_identify_fd(int fd);
bool file_is_same(struct file_identity a, struct file_identity b);

/* True if this process has opened the file to read it, by file_read() and the others here. */
bool file_was_read(struct file_identity id);

/* Appends the names in a directory to OUT, each with a NUL, sorted by bytes; without "." and "..". */
bool file_list_at(int dirfd, const char *name, struct buffer *out, size_t *count);

/*
 * Removes from the folder FOLDER what runs that were killed in file_replace_at() or file_create_at() left of
 * files whose names end in ENDING.  Only for folders whose files have new names each time, and under a lock:
 * it would take the file of another run at work.
 */
void file_sweep_at(int dirfd, const char *folder, const char *ending);

#endif
