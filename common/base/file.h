/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FILE_H
#define EHR_BASE_FILE_H

#include "common/base/buffer.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * file: whole files in and out, safely.  Opened O_CLOEXEC | O_NOFOLLOW; written beside the
 * target, synced, renamed, and the folder synced, so that a reader sees the old file or the new.
 * Each function returns false with errno set.
 */

/* All of a regular file into OUT (appended); EFBIG past OUT's limit. */
bool file_read(const char *path, struct buffer *out);

/* Below the directory DIRFD; the same rules. */
bool file_read_at(int dirfd, const char *name, struct buffer *out);

/* As file_read_at for a secret: EPERM unless the file is ours and closed to group and others. */
bool file_read_private_at(int dirfd, const char *name, struct buffer *out);

/* Replaces NAME below DIRFD by CONTENT with MODE. */
bool file_replace_at(int dirfd, const char *name, struct bytes content, mode_t mode);

/* Appends CONTENT (made with MODE if it was not there) and syncs. */
bool file_append_at(int dirfd, const char *name, struct bytes content, mode_t mode);

/* The names in a directory, sorted by bytes, "." and ".." left out, one after another with a NUL behind each.
 */
bool file_list_at(int dirfd, const char *name, struct buffer *out, size_t *count);

#endif
