/* SPDX-License-Identifier: ISC */
#include "cmd/keys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool
lock_wait(int fd, const char *name, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	*status = EXIT_DONE;
	if (file_lock(fd, name, "another ehr-keys", wait))
		return true;
	if (errno != EWOULDBLOCK) {
		*status = EXIT_IO;
		return verb_io_fault(a, name);
	}
	*status = verb_fault(
	    a, EXIT_AGAIN, "%s: another ehr-keys still holds it after %" PRId64 " s; try again", name, wait);
	return false;
}

static bool
is_key_directory(const char *path)
{
	char self[4200];
	struct stat about;

	return (size_t)snprintf(self, sizeof self, "%s/self.json", path) < sizeof self &&
	       lstat(path, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid() &&
	       (about.st_mode & 077) == 0 && access(self, F_OK) == 0;
}

bool
lock_take(const char *path, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	char name[4200];
	int fd;

	*status = EXIT_DONE;
	if (!is_key_directory(path))
		return true;
	(void)snprintf(name, sizeof name, "%s/lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0) {
		*status = EXIT_IO;
		return verb_io_fault(a, name);
	}
	/* On success the descriptor stays open, and with it the lock. */
	if (lock_wait(fd, name, wait, a, status))
		return true;
	(void)close(fd);
	return false;
}
