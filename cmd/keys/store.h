/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_STORE_H
#define EHR_KEYS_STORE_H

#include "cmd/keys/verbs.h"

#include <sys/types.h>

/*
 * store: key directories, written.  A new one is made beside its place and renamed into it when it is whole;
 * in one that is there each file is replaced as a whole or appended to, under a lock.
 */

/* The key directory of the settings: --keys, else keys/ of the site; NULL if neither is given. */
const char *store_path(const struct settings *s, struct arena *arena);

/* Opens and locks it for WANT (enum keys_want).  NULL with *STATUS and the answer's fault set. */
struct keys *store_open(const struct settings *s, unsigned want, struct answer *a, enum diag_exit *status);

/* As store_open, for what only the authority may do. */
struct keys *store_open_authority(
    const struct settings *s, unsigned want, struct answer *a, enum diag_exit *status);

/* What a directory is before it can be opened: its own keys and where they are. */
struct store {
	char path[4096];
	int fd; /* of the directory beside its place */
	struct private_key *sig;
	struct private_key *enc;
	char domain[129];
	char id[32];
	const char *kind;
};

/* New keys in PATH.new; false with the answer's fault (EXIT_IO). */
bool store_begin(struct store *n, const char *path, const char *kind, struct bytes domain, struct answer *a);

/* The file NAME of it; false with the answer's fault. */
bool store_put(const struct store *n, const char *name, struct bytes content, mode_t mode, struct answer *a);

/* Writes self.json, syncs, and gives it its name.  False with the answer's fault. */
bool store_commit(struct store *n, struct answer *a);

/* Releases, and removes what was not committed. */
void store_end(struct store *n);

/* One key, sealed to the directory itself and signed by its authority (which it is), as releases/NAME.jwe. */
bool store_level(int dirfd, struct private_key *sig, const struct point *enc, const struct level_key *key,
    struct instant now, struct answer *a);
bool store_mac(int dirfd, struct private_key *sig, const struct point *enc, const struct mac_key *key,
    struct instant now, struct answer *a);

/* {"domain":..,"epoch":..} */
bool store_current(int dirfd, const char *domain, uint32_t epoch, struct answer *a);

/* authority.jwks with this key. */
void store_jwks(struct buffer *out, const struct point *sig, const char *domain);

/* Counters that only rise: the number kept under NAME, 0 if there is none; and one put in its place. */
bool store_counter(const struct keys *k, const char *name, uint64_t *value, struct answer *a);
bool store_set_counter(const struct keys *k, const char *name, uint64_t value, struct answer *a);

/* What a file or, for "-", standard input holds; false with the answer's fault. */
bool store_read(const char *path, struct buffer *text, struct answer *a);

#endif
