/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_STORE_H
#define EHR_KEYS_STORE_H

#include "cmd/keys/verbs.h"

#include <sys/types.h>

/*
 * store: writes key directories.  A new directory is made beside its place and renamed into it when it is
 * whole.  In a directory that exists, files are replaced as a whole or appended to, under a lock.
 */

/* The key directory that the settings name: --keys, else keys/ of the site, else NULL. */
const char *store_path(const struct verb_settings *s, struct arena *arena);

/*
 * Opens that directory for WANT (enum keys_want), and locks it until the process ends.  NULL with a fault and
 * its status.
 */
struct keys *store_open(
    const struct verb_settings *s, unsigned want, struct verb_answer *a, enum diag_exit *status);

/* The same, and it must be the authority's. */
struct keys *store_open_authority(
    const struct verb_settings *s, unsigned want, struct verb_answer *a, enum diag_exit *status);

/* A directory while it is made. */
struct store {
	char path[4096];
	int fd; /* PATH.new; -1 once it has its name */
	struct private_key *sig;
	struct private_key *enc;
	char domain[129];
	char id[32];
	const char *kind;
};

/* The functions below return false with a fault (EXIT_IO; store_counter: EXIT_KEYS too). */

/* Makes PATH.new with new private keys. */
bool store_begin(
    struct store *n, const char *path, const char *kind, struct bytes domain, struct verb_answer *a);

/* Writes the file NAME into it. */
bool store_put(
    const struct store *n, const char *name, struct bytes content, mode_t mode, struct verb_answer *a);

/* Writes self.json, syncs, and renames PATH.new to PATH. */
bool store_commit(struct store *n, struct verb_answer *a);

/* Releases N; removes PATH.new unless it was committed. */
void store_end(struct store *n);

/*
 * Writes one key as releases/NAME.jwe: a release that the authority SIG signs and seals to its own key ENC.
 */
bool store_level(int dirfd, struct private_key *sig, const struct point *enc, const struct level_key *key,
    struct instant now, struct verb_answer *a);
bool store_mac(int dirfd, struct private_key *sig, const struct point *enc, const struct mac_key *key,
    struct instant now, struct verb_answer *a);

/* Writes `current`: {"domain":..,"epoch":..} */
bool store_current(int dirfd, const char *domain, uint32_t epoch, struct verb_answer *a);

/* Appends the text of authority.jwks with this key. */
void store_jwks(struct buffer *out, const struct point *sig, const char *domain);

/* Counters that only rise: reads the one called NAME, 0 if there is none; and replaces it. */
bool store_counter(const struct keys *k, const char *name, uint64_t *value, struct verb_answer *a);
bool store_set_counter(const struct keys *k, const char *name, uint64_t value, struct verb_answer *a);

/* Appends a file or, for "-", standard input to TEXT, with JSON_SLACK zeros behind it. */
bool store_read(const char *path, struct buffer *text, struct verb_answer *a);

#endif
