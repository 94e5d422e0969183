/* SPDX-License-Identifier: ISC */
#include "common/base/file.h"

#include "common/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 * 1024)
#define SAFE (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)

static bool
fail(int fd)
{
	int error = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = error;
	return false;
}

bool
file_again(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };

	if (errno == EAGAIN)
		return poll(&wait, 1, -1) >= 0 || errno == EINTR;
	return errno == EINTR;
}

ssize_t
file_read_some(int fd, void *block, size_t size)
{
	ssize_t n;

	do
		n = read(fd, block, size);
	while (n < 0 && file_again(fd, POLLIN));
	return n;
}

bool
file_read_fd(int fd, struct buffer *out)
{
	for (;;) {
		/* At the limit, a byte that can still be read makes the file too long. */
		size_t more = out->room > out->used ? out->room - out->used : READ_SIZE;

		while (more > 1 && !buffer_reserve(out, more))
			more /= 2;
		if (more == 1 && !buffer_reserve(out, more)) {
			char byte;

			if (read(fd, &byte, 1) == 0)
				return true;
			errno = EFBIG;
			return false;
		}
		ssize_t n = file_read_some(fd, out->at + out->used, more);
		if (n <= 0)
			return n == 0;
		out->used += (size_t)n;
	}
}

static bool
is_regular(int fd, struct stat *s)
{
	if (fd < 0 || fstat(fd, s) != 0)
		return false;
	if (!S_ISREG(s->st_mode))
		errno = S_ISDIR(s->st_mode) ? EISDIR : EINVAL;
	return S_ISREG(s->st_mode);
}

/* What was read: an output must not take its place. */
static struct file_identity *read_files;
static size_t read_count, read_room;

bool
file_was_read(struct file_identity id)
{
	for (size_t i = 0; i < read_count; i++)
		if (file_is_same(id, read_files[i]))
			return true;
	return false;
}

static void
note_read(const struct stat *s)
{
	const struct file_identity id = { s->st_dev, s->st_ino, true };

	if (file_was_read(id))
		return;
	if (read_count == read_room) {
		read_room = read_room == 0 ? 64 : read_room * 2;
		read_files = memory_grow(read_files, read_room, sizeof *read_files);
	}
	read_files[read_count++] = id;
}

const char *
file_read_fault(int error)
{
	if (error == EINVAL)
		return "not a regular file";
	if (error == EWOULDBLOCK)
		return "another program still holds it; try again";
	return error == ELOOP ? "a symbolic link, not a file" : strerror(error);
}

enum diag_exit
file_fault_status(int error)
{
	return error == EWOULDBLOCK ? EXIT_AGAIN : EXIT_IO;
}

static bool
read_fd(int fd, bool private, struct buffer *out)
{
	struct stat s;

	if (!is_regular(fd, &s))
		return fail(fd);
	note_read(&s);
	if (private && (s.st_uid != geteuid() || (s.st_mode & 077) != 0)) {
		errno = EPERM;
		return fail(fd);
	}
	/* One byte more, by which the next read sees the end.  Without room for it the file is too long. */
	(void)buffer_reserve(out, (size_t)s.st_size + 1);
	if (!file_read_fd(fd, out))
		return fail(fd);
	return close(fd) == 0;
}

int
file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | SAFE);
	struct stat s;

	if (is_regular(fd, &s)) {
		note_read(&s);
		return fd;
	}
	(void)fail(fd);
	return -1;
}

bool
file_read(const char *path, struct buffer *out)
{
	return file_read_at(AT_FDCWD, path, out);
}

bool
file_read_at(int dirfd, const char *name, struct buffer *out)
{
	return read_fd(openat(dirfd, name, O_RDONLY | O_NONBLOCK | SAFE), false, out);
}

bool
file_read_private_at(int dirfd, const char *name, struct buffer *out)
{
	return read_fd(openat(dirfd, name, O_RDONLY | O_NONBLOCK | SAFE), true, out);
}

bool
file_write_fd(int fd, struct bytes text)
{
	while (text.size > 0) {
		ssize_t n = write(fd, text.at, text.size);

		if (n < 0 && file_again(fd, POLLOUT))
			continue;
		if (n < 0)
			return false;
		text.at += n;
		text.size -= (size_t)n;
	}
	return true;
}

/* A file is written beside its place under its name and this. */
#define UNFINISHED ".new"

/* Without this a new name may be lost in a power cut. */
static bool
sync_folder(int dirfd, const char *name)
{
	char folder[4096];
	const char *slash = strrchr(name, '/');
	size_t size = slash != NULL ? (size_t)(slash - name) : 0;

	if (size >= sizeof folder) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (slash == name)
		size = 1;
	memcpy(folder, name, size);
	folder[size] = '\0';
	int fd = openat(dirfd, size > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return fail(fd);
	return close(fd) == 0;
}

/* What is under NAME is no file, such as /dev/full: a rename would take it from the system. */
static bool
is_special(int dirfd, const char *name)
{
	struct stat s;

	return fstatat(dirfd, name, &s, 0) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode);
}

/* Gives BESIDE the name NAME.  Without REPLACE that fails with EEXIST if there is a file of that name. */
static bool
rename_over(int dirfd, const char *beside, const char *name, bool replace)
{
	if (replace)
		return renameat(dirfd, beside, dirfd, name) == 0;
	return renameat2(dirfd, beside, dirfd, name, RENAME_NOREPLACE) == 0;
}

static int64_t
milliseconds(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		diag_bug("no monotonic clock");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Asks again and again: flock(2) itself cannot wait for a limited time. */
bool
file_lock(int fd, const char *name, const char *holder, int64_t seconds)
{
	enum { PAUSE = 10, SAID_AFTER = 1000 }; /* milliseconds */
	const struct timespec pause = { .tv_nsec = (long)PAUSE * 1000000 };
	int64_t start = milliseconds(), waited;
	bool said = false;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		waited = milliseconds() - start;
		if (waited >= seconds * 1000) {
			errno = EWOULDBLOCK;
			return false;
		}
		if (waited >= SAID_AFTER && !said) {
			/* Said at once, because the end may be far. */
			diag_warn("%s: waiting for %s", name, holder);
			said = true;
		}
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static bool
lock(int fd, const char *name)
{
	return file_lock(fd, name, "another program", FILE_WAIT);
}

/* True if NAME is still the name of the open file FD. */
static bool
is_named(int dirfd, const char *name, int fd)
{
	struct stat named, open;

	return fstat(fd, &open) == 0 && fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/*
 * Whoever writes BESIDE holds its lock until the file has its last name.  If the lock is free and BESIDE
 * still there, a run was killed, and its file is removed.
 */
static bool
remove_left(int dirfd, const char *beside)
{
	int fd = openat(dirfd, beside, O_RDONLY | O_NONBLOCK | SAFE);
	bool good;

	if (fd < 0)
		return errno == ENOENT ||
		       ((errno == ELOOP || errno == EACCES) && unlinkat(dirfd, beside, 0) == 0);
	good = lock(fd, beside) &&
	       (!is_named(dirfd, beside, fd) || unlinkat(dirfd, beside, 0) == 0 || errno == ENOENT);
	(void)close(fd);
	return good;
}

/*
 * Makes the file BESIDE and locks it; -1 if that fails.  Another run may have it, or remove it before it is
 * locked.
 */
static int
open_beside(int dirfd, const char *beside, mode_t mode)
{
	for (;;) {
		int fd = openat(dirfd, beside, O_WRONLY | O_CREAT | O_EXCL | SAFE, mode);

		if (fd < 0 && (errno != EEXIST || !remove_left(dirfd, beside)))
			return -1;
		if (fd < 0)
			continue;
		if (!lock(fd, beside)) {
			(void)fail(fd);
			return -1;
		}
		if (is_named(dirfd, beside, fd))
			return fd;
		(void)close(fd);
	}
}

static bool
place(int dirfd, const char *name, struct bytes content, mode_t mode, bool replace)
{
	char beside[4096];
	int size = snprintf(beside, sizeof beside, "%s" UNFINISHED, name);

	if (size < 0 || (size_t)size >= sizeof beside) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (is_special(dirfd, name)) {
		errno = ENOTSUP;
		return false;
	}
	int fd = open_beside(dirfd, beside, mode);
	if (fd < 0)
		return false;
	if (!file_write_fd(fd, content) || fchmod(fd, mode) != 0 || fsync(fd) != 0 ||
	    !rename_over(dirfd, beside, name, replace)) {
		int error = errno;

		(void)unlinkat(dirfd, beside, 0);
		errno = error;
		return fail(fd);
	}
	return close(fd) == 0 && sync_folder(dirfd, name);
}

bool
file_replace_at(int dirfd, const char *name, struct bytes content, mode_t mode)
{
	return place(dirfd, name, content, mode, true);
}

bool
file_remove_at(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) != 0)
		return errno == ENOENT;
	return sync_folder(dirfd, name);
}

bool
file_create_at(int dirfd, const char *name, struct bytes content, mode_t mode)
{
	return place(dirfd, name, content, mode, false);
}

/* Where the last whole line of the file ends: behind its last LF, or at 0.  -1 if it cannot be read. */
static off_t
end_of_lines(int fd, off_t size)
{
	char block[4096];

	while (size > 0) {
		size_t wanted = size < (off_t)sizeof block ? (size_t)size : sizeof block;
		ssize_t n = pread(fd, block, wanted, size - (off_t)wanted);
		const char *lf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)wanted) {
			errno = n < 0 ? errno : EIO;
			return -1;
		}
		lf = memrchr(block, '\n', wanted);
		if (lf != NULL)
			return size - (off_t)wanted + (lf - block) + 1;
		size -= (off_t)wanted;
	}
	return 0;
}

/* Cuts an unfinished last line off; END is then the size of the file. */
static bool
heal(int fd, off_t *end, size_t *cut)
{
	struct stat s;

	if (fstat(fd, &s) != 0)
		return false;
	if (!S_ISREG(s.st_mode)) {
		errno = EINVAL;
		return false;
	}
	*end = end_of_lines(fd, s.st_size);
	if (*end < 0)
		return false;
	*cut = (size_t)(s.st_size - *end);
	return *cut == 0 || ftruncate(fd, *end) == 0;
}

/* If the file cannot be cut back either, the next append heals it. */
static void
roll_back(int fd, off_t end)
{
	int error = errno;

	if (ftruncate(fd, end) == 0)
		(void)fsync(fd);
	errno = error;
}

bool
file_append_at(int dirfd, const char *name, struct bytes lines, mode_t mode, size_t *cut)
{
	int fd = openat(dirfd, name, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | SAFE, mode);
	off_t end;

	*cut = 0;
	if (fd < 0 || !lock(fd, name) || !heal(fd, &end, cut))
		return fail(fd);
	if (!file_write_fd(fd, lines) || fsync(fd) != 0 || (end == 0 && !sync_folder(dirfd, name))) {
		roll_back(fd, end);
		return fail(fd);
	}
	return close(fd) == 0;
}

static const char *
output_fault(int error)
{
	static const struct {
		int error;
		const char *why;
	} list[] = {
		{ ELOOP, "a symbolic link: name the file itself" },
		{ ENXIO, "a FIFO that nobody reads: start its reader first" },
		{ EPERM, "open to others, or somebody else's: chmod 600, or name another file" },
		{ EINVAL, "neither a file nor a FIFO: name a file" },
	};

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		if (list[i].error == error)
			return list[i].why;
	return strerror(error);
}

/* O_NONBLOCK is for the opening of a FIFO alone. */
static bool
check_output(int fd)
{
	struct stat s;
	int flags;

	if (fd < 0 || fstat(fd, &s) != 0)
		return false;
	errno = EINVAL;
	if (!S_ISREG(s.st_mode) && !S_ISFIFO(s.st_mode))
		return false;
	errno = EPERM;
	if (s.st_uid != geteuid() || (s.st_mode & 077) != 0)
		return false;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

int
file_open_output(const char *path, const char **why)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | SAFE, 0600);

	if (check_output(fd))
		return fd;
	(void)fail(fd);
	*why = output_fault(errno);
	return -1;
}

static struct file_identity
identity(int failed, const struct stat *s)
{
	struct file_identity id = { 0 };

	if (failed == 0 && S_ISREG(s->st_mode))
		id = (struct file_identity){ s->st_dev, s->st_ino, true };
	return id;
}

struct file_identity
file_identify(const char *path)
{
	struct stat s;

	return identity(stat(path, &s), &s);
}

struct file_identity
file_identify_fd(int fd)
{
	struct stat s;

	return identity(fstat(fd, &s), &s);
}

bool
file_is_same(struct file_identity a, struct file_identity b)
{
	return a.known && b.known && a.device == b.device && a.inode == b.inode;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
sort_names(struct buffer *out, size_t start, size_t count)
{
	const char **name = memory_zeros(count, sizeof *name);
	char *sorted = memory_zeros(out->used - start, 1), *to = sorted;
	const char *p = out->at + start;

	for (size_t i = 0; i < count; i++, p += strlen(p) + 1)
		name[i] = p;
	qsort(name, count, sizeof *name, compare_names);
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(name[i]) + 1;

		memcpy(to, name[i], size);
		to += size;
	}
	if (count > 0)
		memcpy(out->at + start, sorted, (size_t)(to - sorted));
	free(name);
	free(sorted);
}

bool
file_list_at(int dirfd, const char *name, struct buffer *out, size_t *count)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	size_t start = out->used;
	const struct dirent *entry;
	bool whole = true;

	if (dir == NULL)
		return fail(fd);
	*count = 0;
	errno = 0;
	while (whole && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		whole = buffer_append(out, entry->d_name, strlen(entry->d_name) + 1);
		if (!whole)
			errno = EFBIG;
		++*count;
	}
	whole = whole && errno == 0;
	int error = errno;
	(void)closedir(dir);
	errno = error;
	if (whole)
		sort_names(out, start, *count);
	return whole;
}

void
file_sweep_at(int dirfd, const char *folder, const char *ending)
{
	char path[4096], left[64];
	struct buffer names;
	size_t count = 0, tail = (size_t)snprintf(left, sizeof left, "%s" UNFINISHED, ending);
	const char *name;

	buffer_init(&names, BUFFER_UNLIMITED);
	/* What cannot be listed stays: it harms nobody. */
	if (!file_list_at(dirfd, folder, &names, &count))
		count = 0;
	name = names.at;
	for (size_t i = 0; i < count; i++, name += strlen(name) + 1)
		if (strlen(name) > tail && strcmp(name + strlen(name) - tail, left) == 0 &&
		    (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path)
			(void)unlinkat(dirfd, path, 0);
	buffer_release(&names);
}
