/* SPDX-License-Identifier: ISC */
#include "common/base/frozen.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
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

static int
begin(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/* FD, or -1 with errno if it is not FILLED. */
static int
end(int fd, bool filled)
{
	if (filled && freeze(fd))
		return fd;
	int error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

int
frozen_copy(const char *name, struct bytes text, int least)
{
	int fd = begin(name), copy;

	if (fd < 0)
		return -1;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, least);
	(void)close(fd);
	return copy < 0 ? -1 : end(copy, file_write_fd(copy, text));
}

/* A block by way of this process, where the file system cannot splice. */
static ssize_t
move_block(int fd, int from, size_t most)
{
	char block[16384];
	ssize_t n = file_read_some(from, block, most < sizeof block ? most : sizeof block);

	return n > 0 && !file_write_fd(fd, (struct bytes){ block, (size_t)n }) ? -1 : n;
}

/* From the page cache into the copy. */
static ssize_t
move(int fd, int from, size_t most)
{
	ssize_t n;

	do
		n = sendfile(fd, from, NULL, most);
	while (n < 0 && errno == EINTR);
	return n < 0 && (errno == EINVAL || errno == ENOSYS) ? move_block(fd, from, most) : n;
}

static bool
fill(int fd, int from, size_t most)
{
	ssize_t n;

	for (size_t size = 0; size <= most; size += (size_t)n) {
		n = move(fd, from, most + 1 - size);
		if (n <= 0)
			return n == 0;
	}
	errno = EFBIG;
	return false;
}

int
frozen_copy_of(const char *name, int from, size_t most)
{
	int fd = begin(name);

	return fd < 0 ? -1 : end(fd, fill(fd, from, most));
}
