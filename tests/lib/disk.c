/* SPDX-License-Identifier: ISC */
/*
 * disk: what a disk and a clock may do to a program.  Loaded before it with LD_PRELOAD; the files below are
 * looked at on each call, so that a test changes its mind while the program runs.
 *
 *	DISK_FOLDER   the folder whose files are meant
 *	DISK_TRACE    a file that gets what happens to them, for cut.pl, which makes of it what a cut leaves
 *	DISK_NO_SYNC  if it is set, a sync does nothing and says that all is well
 *	DISK_FULL     a file: while it is there, nothing can be written (ENOSPC)
 *	DISK_BROKEN   a file: while it is there, no sync succeeds (EIO)
 *	CLOCK_SHIFT   a file with the seconds by which the time of day is wrong
 *
 * A trace is a sequence of records, a line each, some with bytes behind it:
 *
 *	W INODE OFFSET SIZE   written; SIZE bytes follow
 *	T INODE SIZE          cut, or made longer, to SIZE
 *	S INODE               synced
 *	D                     the folder was synced
 *	N INODE NAME          the folder has the name
 *	U NAME                the name was taken away
 *	R NAME NAME           it was renamed
 *	A SIZE                said on standard output; SIZE bytes follow
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

/* The name of FD in the folder, "" for the folder itself; NULL if it is elsewhere. */
static const char *
name_of(int fd, char path[PATH_ROOM])
{
	const char *folder = getenv("DISK_FOLDER");
	char link[40];
	ssize_t size;

	if (folder == NULL)
		return NULL;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, path, PATH_ROOM - 1);
	if (size <= 0)
		return NULL;
	path[size] = '\0';
	if (strncmp(path, folder, strlen(folder)) != 0)
		return NULL;
	path += strlen(folder);
	if (*path == '\0')
		return path;
	/* The shared memory of SQLite is made anew after a power cut. */
	return *path == '/' && strstr(path, "-shm") == NULL ? path + 1 : NULL;
}

static unsigned long
inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (unsigned long)st.st_ino : 0;
}

/* One write, so that records of several processes do not mix. */
static void
trace(const char *head, const void *data, size_t size)
{
	const char *file = getenv("DISK_TRACE");
	size_t used = strlen(head);
	char *record;
	int fd;

	if (file == NULL)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	record = malloc(used + size + 1);
	if (fd < 0 || record == NULL)
		_exit(99);
	memcpy(record, head, used);
	if (size > 0)
		memcpy(record + used, data, size);
	if (syscall(SYS_write, fd, record, used + size) != (long)(used + size))
		_exit(99);
	free(record);
	(void)syscall(SYS_close, fd);
}

static bool
is_there(const char *variable)
{
	const char *file = getenv(variable);

	return file != NULL && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0;
}

static ssize_t
put(int fd, const void *from, size_t size, off_t at)
{
	char path[PATH_ROOM], head[100];
	int before = errno;
	ssize_t written;

	if (name_of(fd, path) != NULL) {
		if (is_there("DISK_FULL")) {
			errno = ENOSPC;
			return -1;
		}
		(void)snprintf(head, sizeof head, "W %lu %lld %zu\n", inode_of(fd),
		    (long long)(at < 0 ? lseek(fd, 0, SEEK_CUR) : at), size);
		trace(head, from, size);
	} else if (fd == STDOUT_FILENO) {
		(void)snprintf(head, sizeof head, "A %zu\n", size);
		trace(head, from, size);
	}
	errno = before;
	written = at < 0 ? syscall(SYS_write, fd, from, size) : syscall(SYS_pwrite64, fd, from, size, at);
	return written;
}

ssize_t write(int fd, const void *from, size_t size);
ssize_t
write(int fd, const void *from, size_t size)
{
	return put(fd, from, size, -1);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off_t at);
ssize_t
pwrite64(int fd, const void *from, size_t size, off_t at)
{
	return put(fd, from, size, at);
}

static int
cut(int fd, off_t size)
{
	char path[PATH_ROOM], head[60];

	if (name_of(fd, path) != NULL) {
		(void)snprintf(head, sizeof head, "T %lu %lld\n", inode_of(fd), (long long)size);
		trace(head, NULL, 0);
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size);
int
ftruncate(int fd, off_t size)
{
	return cut(fd, size);
}

int ftruncate64(int fd, off_t size);
int
ftruncate64(int fd, off_t size)
{
	return cut(fd, size);
}

/* It is noted when it is done. */
static int
sync_now(int fd, long call)
{
	char path[PATH_ROOM], head[40];
	const char *name = name_of(fd, path);
	int result;

	if (name != NULL && is_there("DISK_BROKEN")) {
		errno = EIO;
		return -1;
	}
	if (getenv("DISK_NO_SYNC") != NULL)
		return 0;
	result = (int)syscall(call, fd);
	if (result != 0 || name == NULL)
		return result;
	(void)snprintf(head, sizeof head, "S %lu\n", inode_of(fd));
	trace(*name == '\0' ? "D\n" : head, NULL, 0);
	return 0;
}

int fsync(int fd);
int
fsync(int fd)
{
	return sync_now(fd, SYS_fsync);
}

int fdatasync(int fd);
int
fdatasync(int fd)
{
	return sync_now(fd, SYS_fdatasync);
}

static int
open_now(int at, const char *path, int flags, mode_t mode)
{
	char own[PATH_ROOM], head[PATH_ROOM + 60];
	int fd = (int)syscall(SYS_openat, at, path, flags, mode);
	const char *name;

	if (fd < 0 || (flags & O_CREAT) == 0 || (name = name_of(fd, own)) == NULL)
		return fd;
	(void)snprintf(head, sizeof head, "N %lu %s\n", inode_of(fd), name);
	trace(head, NULL, 0);
	return fd;
}

static mode_t
mode_from(int flags, va_list list)
{
	return (flags & O_CREAT) != 0 ? (mode_t)va_arg(list, unsigned) : 0;
}

#define OPEN(name, parameters, at)                                                                           \
	int name parameters;                                                                                 \
	int name parameters                                                                                  \
	{                                                                                                    \
		va_list list;                                                                                \
		va_start(list, flags);                                                                       \
		mode_t mode = mode_from(flags, list);                                                        \
		va_end(list);                                                                                \
		return open_now(at, path, flags, mode);                                                      \
	}

OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int at, const char *path, int flags, ...), at)

int unlink(const char *path);
int
unlink(const char *path)
{
	const char *folder = getenv("DISK_FOLDER"), *name = strrchr(path, '/');
	char head[PATH_ROOM], real[PATH_ROOM];
	int result;

	name = name == NULL ? path : name + 1;
	(void)snprintf(head, sizeof head, "U %.1000s\n", name);
	bool ours = folder != NULL && realpath(path, real) != NULL &&
		    strncmp(real, folder, strlen(folder)) == 0 && strstr(name, "-shm") == NULL;
	result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (result == 0 && ours)
		trace(head, NULL, 0);
	return result;
}

/* Within the folder, which FROM_AT is. */
static int
rename_now(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	char path[PATH_ROOM], head[PATH_ROOM];

	if (result == 0 && name_of(from_at, path) != NULL) {
		(void)snprintf(head, sizeof head, "R %.1000s %.1000s\n", from, to);
		trace(head, NULL, 0);
	}
	return result;
}

int renameat(int from_at, const char *from, int to_at, const char *to);
int
renameat(int from_at, const char *from, int to_at, const char *to)
{
	return rename_now(from_at, from, to_at, to, 0);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags);
int
renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return rename_now(from_at, from, to_at, to, flags);
}

int clock_gettime(clockid_t clock, struct timespec *t);
int
clock_gettime(clockid_t clock, struct timespec *t)
{
	const char *file = getenv("CLOCK_SHIFT");
	int result = (int)syscall(SYS_clock_gettime, clock, t), fd;
	char text[32] = "";

	if (result != 0 || clock != CLOCK_REALTIME || file == NULL)
		return result;
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return result;
	if (syscall(SYS_read, fd, text, sizeof text - 1) > 0)
		t->tv_sec += strtol(text, NULL, 10);
	(void)syscall(SYS_close, fd);
	return result;
}
