/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FROZEN_H
#define EHR_BASE_FROZEN_H

#include "common/base/bytes.h"

/*
 * frozen: a copy in memory that nobody can change any more, this program included (memfd_create(2), file
 * seals).  A program that was checked is run from such a copy, so the bytes that run are those that were
 * checked, whatever happens to the file.
 *
 * Its descriptor, which is LEAST or above and closed on exec; -1 with errno.  NAME is what /proc shows.
 */
int frozen_copy(const char *name, struct bytes text, int least);

/* The same of what is left of the regular file FROM, any descriptor; EFBIG: more than MOST bytes. */
int frozen_copy_of(const char *name, int from, size_t most);

#endif
