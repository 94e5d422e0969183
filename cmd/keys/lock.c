/* SPDX-License-Identifier: ISC */
#include "cmd/keys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE = 10, SAID_AFTER = 1000 }; /* milliseconds */

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
lock_wait(int fd, const char *name, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	const struct timespec pause = { .tv_nsec = (long)PAUSE * 1000000 };
	int64_t start = milliseconds();
	bool said = false;

	*status = EXIT_DONE;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int64_t waited = milliseconds() - start;

		if (errno != EWOULDBLOCK && errno != EINTR) {
			*status = EXIT_IO;
			return verb_io_fault(a, name);
		}
		if (waited >= wait * 1000) {
			*status = verb_fault(a, EXIT_AGAIN,
			    "%s: another ehr-keys still holds it after %" PRId64 " s; try again", name, wait);
			return false;
		}
		if (waited >= SAID_AFTER && !said) {
			/* Said at once, not at the end with the notes, because the end may be far. */
			diag_warn("%s: waiting for another ehr-keys", name);
			said = true;
		}
		(void)nanosleep(&pause, NULL);
	}
	return true;
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
