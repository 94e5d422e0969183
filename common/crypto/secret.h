/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_SECRET_H
#define EHR_CRYPTO_SECRET_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * secret: memory for keys and decrypted messages.  It is locked, that is, never swapped to disk, up to the
 * limit that the system sets (RLIMIT_MEMLOCK), at most 4 MiB; the rest is ordinary memory.  All of it is
 * wiped when it is freed.
 */

/*
 * False if the system did not lock the memory.  A program that holds keys then warns once
 * (memory-not-locked).
 */
bool secret_is_locked(void);

/*
 * True as soon as a secret did not fit into the locked memory.  A program that opens messages then warns
 * once (memory-not-locked).
 */
bool secret_fell_short(void);

/* SIZE zero bytes; out of memory ends the program with EXIT_IO. */
void *secret_new(size_t size);

/* Wipes and frees.  NULL is allowed. */
void secret_free(void *secret, size_t size);

/* Wipes memory of any kind. */
void secret_wipe(void *at, size_t size);

/* Compares in constant time.  The sizes are not secret. */
bool secret_equal(struct bytes a, struct bytes b);

/* Random bytes for keys; and for values that are published, such as nonces. */
void secret_random(void *key, size_t size);
void public_random(void *at, size_t size);

#endif
