/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_REDACT_KEYS_H
#define EHR_REDACT_REDACT_KEYS_H

#include "common/base/arena.h"
#include "common/crypto/keys.h"

/*
 * redact_keys: the keys that redact.yaml names, for redactor_settings.  A policy without keys needs no key
 * directory, so it is opened when the first key is asked for.
 */
struct redact_keys {
	struct arena *arena;
	const char *directory;     /* NULL: none is named */
	const char *revoked;       /* the list of the site; NULL: none */
	const char *options;       /* that name a directory, for the message */
	const struct instant *now; /* NULL: a key with an end is not used */
	struct keys *keys;         /* private, as is the next */
	struct revoked list;
};

/*
 * The key redact.NAME, as redactor_settings.key with a struct redact_keys as context; NULL if there is none.
 * For mains: ends the program with EXIT_KEYS if no directory is named or it cannot be used, or the key is
 * revoked or not valid at NOW, with EXIT_USAGE if a time is needed for that, and as keys_revoked() says if
 * the list cannot be believed.
 */
struct mac *redact_keys_find(void *redact_keys, struct bytes name);

void redact_keys_close(struct redact_keys *k);

#endif
