/* SPDX-License-Identifier: ISC */
#include "common/base/frozen.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux 6.3 has them, glibc 2.36 does not name them. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

static bool
freeze(int fd)
{
	static const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) == 0 ||
	       (errno == EINVAL && fcntl(fd, F_ADD_SEALS, seals) == 0);
}

int
frozen_copy(const char *name, struct bytes text, int least)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC), copy;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, least);
	if (copy >= 0 && !(file_write_fd(copy, text) && freeze(copy))) {
		(void)close(copy);
		copy = -1;
	}
	(void)close(fd);
	return copy;
}
