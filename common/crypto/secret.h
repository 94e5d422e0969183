/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_SECRET_H
#define EHR_CRYPTO_SECRET_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * secret: where keys, PINs and decrypted messages live: memory that is locked if the system allows it and
 * wiped when it is given back.  What does not fit into the locked part (64 KiB) is ordinary memory, wiped all
 * the same.
 */

/* False if the system did not lock the memory: a program that holds keys says so once (memory-not-locked). */
bool secret_is_locked(void);

/* SIZE zero bytes; out of memory ends the program. */
void *secret_new(size_t size);

/* Wipes and gives back.  NULL is allowed. */
void secret_free(void *secret, size_t size);

/* Wipes memory that is somebody else's. */
void secret_wipe(void *at, size_t size);

/* Takes the same time whatever differs; sizes are no secret. */
bool secret_equal(struct bytes a, struct bytes b);

/* Random bytes: for keys, and for what everybody may see. */
void secret_random(void *key, size_t size);
void public_random(void *at, size_t size);

#endif
