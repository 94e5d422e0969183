/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_ARCHIVE_H
#define EHR_BATCH_ARCHIVE_H

#include <stdbool.h>

/*
 * archive: uploads as they came, by their digest: OUT/archive/sha256/ab/abcd..., mode 0400.  One that is
 * there stays.
 */
#define ARCHIVE_FOLDER "archive"

/* Keeps what FD has, of which HEX is the SHA-256.  False with errno. */
bool archive_keep(int out, int fd, const char *hex);

#endif
