/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_SPOOL_H
#define EHR_DELIVER_SPOOL_H

#include "common/base/bytes.h"
#include "common/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * spool: the SQLite database DIR/spool.db, in which intents wait until somebody has been told.  SQLite
 * keeps the promise that what is committed survives a crash and a power cut: journal_mode=WAL,
 * synchronous=FULL. spool.c is the only user of SQLite.  The tables are in spool_schema.c, and ehr-
 * spool(5) describes them.
 *
 * After the first failure every call does nothing and returns false or no row; spool_commit() says why.
 * So a caller asks once, at the end of a transaction.
 *
 * Times are in milliseconds since 1970, UTC.
 */
struct spool_fault {
	enum diag_exit status; /* EXIT_IO; EXIT_AGAIN: another process holds it */
	char text[320];        /* for standard error */
};

struct spool;
struct spool_rows; /* a statement at a row */

/*
 * Makes the directory and the spool in it, or what is missing of them.  A database that has tables stays as
 * it is.  False with a fault, as when it lies on a network file system.
 */
bool spool_make(const char *directory, struct spool_fault *f);

/*
 * Opens a spool; one of an older schema is migrated, and its database is kept beside it as
 * spool.db.v<N>.  NULL with a fault: there is none, it is of a newer schema, or it is open to others.
 */
struct spool *spool_open(const char *directory, struct spool_fault *f);
void spool_close(struct spool *s);

/*
 * Whether spool.db is not the file any more that is open here, as after somebody put a copy in its place:
 * what others write then is not seen here.
 */
bool spool_is_replaced(const struct spool *s);

/* The descriptor of the directory. */
int spool_directory(const struct spool *s);

/*
 * One dispatcher at a time: takes spool.lock until the spool is closed; waits up to SECONDS.  False with a
 * fault (EXIT_AGAIN, EXIT_IO).
 */
bool spool_lock(struct spool *s, int seconds, struct spool_fault *f);

/* Whether a dispatcher holds spool.lock. */
bool spool_is_run(const struct spool *s);

/* A number that changes when another process has committed. */
int64_t spool_changes(struct spool *s);

/* A transaction that writes. */
void spool_begin(struct spool *s);
/* The same for one that reads: it sees one state, and holds up nobody. */
void spool_look(struct spool *s);
/*
 * False with a fault (EXIT_IO; EXIT_AGAIN: another held the spool for five seconds), and nothing of it
 * holds.
 */
bool spool_commit(struct spool *s, struct spool_fault *f);
bool spool_failed(const struct spool *s);

/*
 * Runs SQL, a constant text, which is prepared once.  TYPES has a letter for each argument that is bound:
 * i: int64_t; t: struct bytes, a text (at NULL: null).  spool_rows() gives the rows one by one:
 *
 *	struct spool_rows *r = spool_rows(s, "SELECT id FROM intent WHERE seq = ?", "i", seq);
 *	while (spool_next(r)) ... spool_text(r, 0) ...
 *
 * What spool_text() returns is borrowed until the next spool_next().  A statement that is run again
 * before its last row starts anew.
 */
/* In SQL: a column whatever somebody wrote into it; SQLite's JSON functions fail at a BLOB. */
#define SPOOL_TEXT(column) "CAST(" column " AS TEXT)"
#define SPOOL_NUMBER(column) "CAST(" column " AS INTEGER)"

bool spool_do(struct spool *s, const char *sql, const char *types, ...);

/* For a `t`: TEXT, or null if it is NULL or empty. */
static inline struct bytes
spool_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? (struct bytes){ NULL, 0 } : bytes_of(text);
}

struct spool_rows *spool_rows(struct spool *s, const char *sql, const char *types, ...);
bool spool_next(struct spool_rows *r);
int64_t spool_int(const struct spool_rows *r, int column);
struct bytes spool_text(const struct spool_rows *r, int column);
/* Ends before the last row. */
void spool_done(struct spool_rows *r);

/* The first column of the first row; OR_ELSE without a row. */
int64_t spool_number(struct spool *s, int64_t or_else, const char *sql, const char *types, ...);

/* The rows that the last spool_do() changed. */
int64_t spool_changed(const struct spool *s);

/* A row of table meta. */
void spool_meta_set(struct spool *s, const char *name, int64_t value);
int64_t spool_meta(struct spool *s, const char *name, int64_t or_else);

/* A copy of the database while others use it (the online backup of SQLite).  False with a fault. */
bool spool_backup(struct spool *s, const char *path, struct spool_fault *f);

/* Reads the whole database; false with a fault if it is damaged. */
bool spool_check(struct spool *s, struct spool_fault *f);

#endif
