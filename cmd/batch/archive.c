/* SPDX-License-Identifier: ISC */
#include "cmd/batch/archive.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	BLOCK = 256 << 10,
};

/* Opens the folder NAME in PARENT, made if it is not there, and closes PARENT. */
static int
enter(int parent, const char *name)
{
	int folder = -1;

	if (parent >= 0 && (mkdirat(parent, name, 0700) == 0 || errno == EEXIST))
		folder = openat(parent, name, FOLDER);
	if (parent >= 0 && fsync(parent) != 0 && folder >= 0) {
		(void)close(folder);
		folder = -1;
	}
	if (parent >= 0)
		(void)close(parent);
	return folder;
}

static bool
copy_file(int from, int to)
{
	static char block[BLOCK];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, block, sizeof block, at)) > 0) {
		if (!file_write_fd(to, (struct bytes){ block, (size_t)n }))
			return false;
		at += n;
	}
	return n == 0 && fsync(to) == 0;
}

bool
archive_keep(int out, int fd, const char *hex)
{
	char two[3] = { hex[0], hex[1], '\0' }, part[80];
	int folder = enter(enter(enter(fcntl(out, F_DUPFD_CLOEXEC, 3), ARCHIVE_FOLDER), "sha256"), two), to;
	struct stat s;
	bool good;

	if (folder < 0)
		return false;
	/* Two runs at once may have the same upload under two names. */
	if (!file_lock(folder, ARCHIVE_FOLDER, "another ehr-batch", FILE_WAIT)) {
		(void)close(folder);
		return false;
	}
	if (fstatat(folder, hex, &s, AT_SYMLINK_NOFOLLOW) == 0) {
		(void)close(folder);
		return true;
	}
	(void)snprintf(part, sizeof part, ".%.60s.part", hex);
	(void)unlinkat(folder, part, 0);
	to = openat(folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	good = to >= 0 && copy_file(fd, to) && renameat(folder, part, folder, hex) == 0 && fsync(folder) == 0;
	if (to >= 0)
		(void)close(to);
	(void)close(folder);
	return good;
}
