/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_STORE_H
#define EHR_KEYS_STORE_H

#include "cmd/keys/verbs.h"

#include <sys/types.h>

/*
 * store: writes key directories.  A new directory is made beside its place and renamed into it when it is
 * whole.  In a directory that exists, files are replaced as a whole or appended to, under a lock (lock.h).
 */

/* The key directory that the settings name: --keys, else keys/ of the site, else NULL. */
const char *store_path(const struct verb_settings *s, struct arena *arena);

enum store_how {
	STORE_AUTHORITY = 1, /* it must be the authority's; KEYS_SIGN is wanted, too */
	STORE_LOCK = 2,      /* to be changed: locked until the process ends, and opened under the lock */
};

/* Opens that directory for WANT (enum keys_want).  HOW is a set.  NULL with a fault and its status. */
struct keys *store_open(const struct verb_settings *s, unsigned want, unsigned how, struct verb_answer *a,
    enum diag_exit *status);

/*
 * Appends LINES to the file NAME (file_append_at), and notes it if an unfinished line was cut off.  False
 * with a fault (EXIT_IO).
 */
bool store_append(int dirfd, const char *name, struct bytes lines, struct verb_answer *a);

/*
 * Reads a file of lines that store_append() writes, for its owner alone; one that does not exist is empty.
 * An unfinished last line is left out and noted.  False with a fault (EXIT_KEYS).
 */
bool store_lines(int dirfd, const char *name, struct buffer *text, struct verb_answer *a);

/* The same for a file that is one text, or is looked at below. */
bool store_whole(int dirfd, const char *name, struct buffer *text, struct verb_answer *a);

/*
 * The size of an unfinished last line of TEXT, a file of JSON lines that is always replaced as a whole: one
 * that is a JSON object counts without an LF, too, and is none.
 */
size_t store_unfinished(struct bytes text);

/*
 * Calls EACH for every line of TEXT, which is the file NAME.  The first line that is no JSON object, or for
 * which EACH returns false, ends it: false with the fault "NAME:LINE: WHAT" (EXIT_KEYS).
 */
bool store_each(struct bytes text, const char *name, const char *what,
    bool (*each)(void *context, const struct json *j), void *context, struct verb_answer *a);

/* Copies LINE to ONE, with JSON_SLACK zeros behind it, and parses it; false if it is no JSON object. */
bool store_object(struct buffer *one, struct json *j, struct bytes line);

/* A directory while it is made. */
struct store {
	char path[4096];
	int fd;         /* PATH.new, locked; -1: there is none */
	bool committed; /* it has its name */
	struct private_key *sig;
	struct private_key *enc;
	char sig_uri[256];
	char enc_uri[256];
	char pin_file[256]; /* empty: none; so are the next two */
	char parent_pin_file[256];
	char tcti[256];
	char domain[129];
	char id[KEYS_ID_SIZE + 1];
	const char *kind;
	struct bytes commands; /* a JSON object; empty: none */
	bool decided;
};

/* Where the private keys of the directory are: "soft" if one of them is in a file. */
const char *store_env(const struct store *n);

/*
 * Makes PATH.new, locked, with the private keys of --sig and --enc, or new ones.  What a run that was killed
 * left there is removed and noted; a directory with other things in it is left alone.  EXIT_DONE, or another
 * status with a fault.
 */
enum diag_exit store_begin(struct store *n, const struct verb_settings *s, const char *path, const char *kind,
    struct bytes domain, struct verb_answer *a);

/* The functions below return false with a fault (EXIT_IO). */

/* Writes the file NAME into it. */
bool store_put(
    const struct store *n, const char *name, struct bytes content, mode_t mode, struct verb_answer *a);

/* Writes self.json, syncs, and renames PATH.new to PATH. */
bool store_commit(struct store *n, struct verb_answer *a);

/* Releases N; removes PATH.new unless it was committed. */
void store_end(struct store *n);

/*
 * Writes one key as releases/NAME.jwe: a release that the authority SIG signs and seals to its own key ENC.
 * A key that is there is never replaced.
 */
bool store_level(int dirfd, struct private_key *sig, const struct point *enc, const struct level_key *key,
    struct instant now, struct verb_answer *a);
bool store_mac(int dirfd, struct private_key *sig, const struct point *enc, const struct mac_key *key,
    struct instant now, struct verb_answer *a);

/*
 * A small file that is one JSON object: begin it, write its members to NOTE.line, and put it in its place in
 * the directory, which releases it.
 */
struct store_note {
	struct json_write line;
	struct buffer text; /* private; a note stays where it was begun */
};

void store_note_begin(struct store_note *note);
bool store_note_put(struct store_note *note, int dirfd, const char *name, mode_t mode, struct verb_answer *a);

/* Writes `current`: {"domain":..,"epoch":..} */
bool store_current(int dirfd, const char *domain, uint32_t epoch, struct verb_answer *a);

/* Appends the text of authority.jwks with this key. */
void store_jwks(struct buffer *out, const struct point *sig, const char *domain);

/* Appends a file or, for "-", standard input to TEXT, with JSON_SLACK zeros behind it. */
bool store_read(const char *path, struct buffer *text, struct verb_answer *a);

#endif
