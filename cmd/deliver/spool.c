/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/spool.h"

#include "cmd/deliver/spool_schema.h"
#include "common/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MILLISECONDS = 5000, STATEMENTS = 128, PATH_ROOM = PATH_MAX };

struct spool_rows {
	struct spool *spool;
	const char *sql; /* a constant: equal pointers are the same statement */
	sqlite3_stmt *statement;
};

struct spool {
	sqlite3 *db;
	int dirfd;
	int lock;
	ino_t inode;               /* of spool.db */
	int error;                 /* SQLite's, of the first failure */
	char directory[PATH_ROOM]; /* as it was named, for messages */
	char path[PATH_ROOM];      /* without symbolic links: SQLITE_OPEN_NOFOLLOW refuses each of them */
	struct spool_rows rows[STATEMENTS];
	unsigned count;
};

static bool
say(struct spool_fault *f, enum diag_exit status, const char *directory, const char *what)
{
	f->status = status;
	(void)snprintf(f->text, sizeof f->text, "%.150s: %.160s", directory, what);
	return false;
}

/* SQLite's words name no value. */
static bool
say_error(const struct spool *s, struct spool_fault *f)
{
	int code = s->error & 0xff;
	char text[160];

	(void)snprintf(text, sizeof text, "spool.db: %s", sqlite3_errstr(s->error));
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return say(f, EXIT_AGAIN, s->directory, "spool.db: another process holds it; try again");
	return say(f, EXIT_IO, s->directory, text);
}

/* Remembers the first failure. */
static bool
good(struct spool *s, int result)
{
	if (s->error == SQLITE_OK && result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE)
		s->error = result;
	return s->error == SQLITE_OK;
}

static bool
execute(struct spool *s, const char *sql)
{
	return s->error == SQLITE_OK && good(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static bool
is_network(int fd)
{
	static const uint32_t magic[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */, AFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, V9FS_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++)
		if ((uint32_t)fs.f_type == magic[i])
			return true;
	return false;
}

/* Only its owner may look into the spool: who is told of whom stands in it. */
static bool
open_directory(struct spool *s, const char *directory, struct spool_fault *f)
{
	struct stat st;

	if (strlen(directory) >= sizeof s->directory)
		return say(f, EXIT_IO, "spool", strerror(ENAMETOOLONG));
	(void)snprintf(s->directory, sizeof s->directory, "%s", directory);
	if (realpath(directory, s->path) == NULL)
		return say(f, EXIT_IO, directory,
		    errno == ENOENT ? "no spool is there yet: ehr-deliver init makes it" : strerror(errno));
	s->dirfd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0 || fstat(s->dirfd, &st) != 0)
		return say(f, EXIT_IO, directory, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return say(f, EXIT_IO, directory, "open to others, or somebody else's: chmod 700");
	if (is_network(s->dirfd))
		return say(f, EXIT_IO, directory,
		    "a network file system, where locks do not hold: put the spool on a local disk");
	return true;
}

static bool
open_database(struct spool *s, int flags)
{
	char path[PATH_ROOM + 16];
	struct stat st;

	/* One thread uses SQLite and nobody asks it for its memory: no locks and no counts. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)snprintf(path, sizeof path, "%s/spool.db", s->path);
	if (!good(s, sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL)))
		return false;
	if (stat(path, &st) == 0)
		s->inode = st.st_ino;
	return good(s, sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS)) &&
	       execute(s, "PRAGMA journal_mode = WAL") && execute(s, "PRAGMA synchronous = FULL") &&
	       execute(s, "PRAGMA cache_size = -16000") && execute(s, "PRAGMA wal_autocheckpoint = 4000") &&
	       execute(s, "PRAGMA foreign_keys = ON") && execute(s, "PRAGMA trusted_schema = OFF");
}

static int64_t
pragma(struct spool *s, const char *sql)
{
	return spool_number(s, 0, sql, "");
}

/* From version FROM to the newest, inside a transaction. */
static bool
migrate(struct spool *s, int64_t from)
{
	char text[80];

	for (int64_t i = from; i < SPOOL_VERSION; i++)
		if (!execute(s, spool_schema[i]))
			return false;
	(void)snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    SPOOL_APPLICATION, SPOOL_VERSION);
	return execute(s, text);
}

/* The database as it is, under the name of its version; what an earlier try left is made anew. */
static bool
keep_old(struct spool *s, int64_t version, struct spool_fault *f)
{
	char name[32], beside[48], path[PATH_ROOM + 64];

	(void)snprintf(name, sizeof name, "spool.db.v%d", (int)version);
	(void)snprintf(beside, sizeof beside, "%s.new", name);
	(void)snprintf(path, sizeof path, "%s/%s", s->path, beside);
	if (unlinkat(s->dirfd, beside, 0) != 0 && errno != ENOENT)
		return say(f, EXIT_IO, path, strerror(errno));
	/* A connection that writes cannot be the source of a backup. */
	struct spool reader = { .dirfd = -1, .lock = -1 };
	bool kept;

	(void)snprintf(reader.directory, sizeof reader.directory, "%s", s->directory);
	(void)snprintf(reader.path, sizeof reader.path, "%s", s->path);
	kept = open_database(&reader, SQLITE_OPEN_READWRITE) ? spool_backup(&reader, path, f)
							     : say_error(&reader, f);
	(void)sqlite3_close(reader.db);
	return kept && ((renameat(s->dirfd, beside, s->dirfd, name) == 0 && fsync(s->dirfd) == 0) ||
			   say(f, EXIT_IO, path, strerror(errno)));
}

/* One process migrates, and others that come in between wait for it. */
static bool
bring_up(struct spool *s, struct spool_fault *f)
{
	int64_t version;
	bool done = execute(s, "BEGIN IMMEDIATE");

	version = pragma(s, "PRAGMA user_version");
	if (done && version < SPOOL_VERSION && !keep_old(s, version, f)) {
		(void)execute(s, "ROLLBACK");
		return false;
	}
	return (done && migrate(s, version) && execute(s, "COMMIT")) || say_error(s, f);
}

static bool
is_newest(struct spool *s, struct spool_fault *f)
{
	int64_t version = pragma(s, "PRAGMA user_version");

	if (s->error != SQLITE_OK)
		return say_error(s, f);
	if (pragma(s, "PRAGMA application_id") != SPOOL_APPLICATION)
		return say(f, EXIT_IO, s->directory, "spool.db: not a spool of ehr-deliver");
	if (version > SPOOL_VERSION)
		return say(f, EXIT_IO, s->directory, "spool.db: of a newer ehr-deliver: install that one");
	return version == SPOOL_VERSION || bring_up(s, f);
}

static struct spool *
new_spool(void)
{
	struct spool *s = memory_zeros(1, sizeof *s);

	s->dirfd = s->lock = -1;
	return s;
}

/* Without it a power cut could take the folder itself, with all that is synced in it. */
static bool
sync_names(const struct spool *s, struct spool_fault *f)
{
	int above = openat(s->dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = above >= 0 && fsync(s->dirfd) == 0 && fsync(above) == 0;

	if (!synced)
		(void)say(f, EXIT_IO, s->directory, strerror(errno));
	if (above >= 0)
		(void)close(above);
	return synced;
}

bool
spool_make(const char *directory, struct spool_fault *f)
{
	struct spool *s = new_spool();
	bool made;

	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		spool_close(s);
		return say(f, EXIT_IO, directory, strerror(errno));
	}
	made =
	    open_directory(s, directory, f) && sync_names(s, f) &&
	    ((open_database(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) && execute(s, "BEGIN IMMEDIATE") &&
		 (pragma(s, "SELECT count(*) FROM sqlite_schema") > 0 || migrate(s, 0)) &&
		 execute(s, "COMMIT")) ||
		say_error(s, f));
	spool_close(s);
	return made;
}

struct spool *
spool_open(const char *directory, struct spool_fault *f)
{
	struct spool *s = new_spool();

	if (open_directory(s, directory, f)) {
		if (faccessat(s->dirfd, "spool.db", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			(void)say(f, EXIT_IO, directory, "no spool here: make one with ehr-deliver init");
		else if (!open_database(s, SQLITE_OPEN_READWRITE))
			(void)say_error(s, f);
		else if (is_newest(s, f))
			return s;
	}
	spool_close(s);
	return NULL;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->count; i++)
		(void)sqlite3_finalize(s->rows[i].statement);
	(void)sqlite3_close(s->db);
	if (s->lock >= 0)
		(void)close(s->lock);
	if (s->dirfd >= 0)
		(void)close(s->dirfd);
	free(s);
}

bool
spool_is_replaced(const struct spool *s)
{
	struct stat st;

	return fstatat(s->dirfd, "spool.db", &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_ino != s->inode;
}

int
spool_directory(const struct spool *s)
{
	return s->dirfd;
}

bool
spool_lock(struct spool *s, int seconds, struct spool_fault *f)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	s->lock = openat(s->dirfd, "spool.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return say(f, EXIT_IO, s->directory, strerror(errno));
	for (int i = 0; flock(s->lock, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return say(f, EXIT_IO, s->directory, strerror(errno));
		if (i >= 10 * seconds)
			return say(f, EXIT_AGAIN, s->directory, "another ehr-deliver run is at work here");
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

bool
spool_is_run(const struct spool *s)
{
	int fd = openat(s->dirfd, "spool.lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		(void)close(fd);
	return held;
}

int64_t
spool_changes(struct spool *s)
{
	return pragma(s, "PRAGMA data_version");
}

void
spool_begin(struct spool *s)
{
	(void)execute(s, "BEGIN IMMEDIATE");
}

void
spool_look(struct spool *s)
{
	(void)execute(s, "BEGIN");
}

bool
spool_commit(struct spool *s, struct spool_fault *f)
{
	if (execute(s, "COMMIT"))
		return true;
	(void)say_error(s, f);
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->error = SQLITE_OK;
	return false;
}

bool
spool_failed(const struct spool *s)
{
	return s->error != SQLITE_OK;
}

/* The statement of SQL, prepared once. */
static struct spool_rows *
prepare(struct spool *s, const char *sql)
{
	struct spool_rows *r;

	for (unsigned i = 0; i < s->count; i++)
		if (s->rows[i].sql == sql)
			return &s->rows[i];
	if (s->count == STATEMENTS)
		diag_bug("more statements than the spool has room for");
	r = &s->rows[s->count++];
	*r = (struct spool_rows){ .spool = s, .sql = sql };
	if (!good(s, sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &r->statement, NULL)))
		s->count--;
	return r;
}

static bool
bind(struct spool *s, sqlite3_stmt *statement, const char *types, va_list list)
{
	bool bound = true;

	for (int i = 0; bound && types[i] != '\0'; i++) {
		if (types[i] == 'i') {
			bound = good(s, sqlite3_bind_int64(statement, i + 1, va_arg(list, int64_t)));
			continue;
		}
		struct bytes text = va_arg(list, struct bytes);
		bound = good(s, text.at == NULL ? sqlite3_bind_null(statement, i + 1)
						: sqlite3_bind_text64(statement, i + 1, text.at, text.size,
						      SQLITE_TRANSIENT, SQLITE_UTF8));
	}
	return bound;
}

static struct spool_rows *
start(struct spool *s, const char *sql, const char *types, va_list list)
{
	struct spool_rows *r = prepare(s, sql);

	if (s->error != SQLITE_OK)
		return r;
	(void)sqlite3_reset(r->statement);
	(void)bind(s, r->statement, types, list);
	return r;
}

struct spool_rows *
spool_rows(struct spool *s, const char *sql, const char *types, ...)
{
	va_list list;

	va_start(list, types);
	struct spool_rows *r = start(s, sql, types, list);
	va_end(list);
	return r;
}

bool
spool_next(struct spool_rows *r)
{
	int result;

	if (r->spool->error != SQLITE_OK)
		return false;
	result = sqlite3_step(r->statement);
	if (good(r->spool, result) && result == SQLITE_ROW)
		return true;
	(void)sqlite3_reset(r->statement);
	return false;
}

void
spool_done(struct spool_rows *r)
{
	(void)sqlite3_reset(r->statement);
}

bool
spool_do(struct spool *s, const char *sql, const char *types, ...)
{
	va_list list;

	va_start(list, types);
	struct spool_rows *r = start(s, sql, types, list);
	va_end(list);
	while (spool_next(r))
		;
	return s->error == SQLITE_OK;
}

int64_t
spool_number(struct spool *s, int64_t or_else, const char *sql, const char *types, ...)
{
	va_list list;

	va_start(list, types);
	struct spool_rows *r = start(s, sql, types, list);
	va_end(list);
	if (!spool_next(r))
		return or_else;
	if (sqlite3_column_type(r->statement, 0) != SQLITE_NULL)
		or_else = spool_int(r, 0);
	spool_done(r);
	return or_else;
}

int64_t
spool_int(const struct spool_rows *r, int column)
{
	return sqlite3_column_int64(r->statement, column);
}

struct bytes
spool_text(const struct spool_rows *r, int column)
{
	const char *text = (const char *)sqlite3_column_text(r->statement, column);

	return text == NULL ? (struct bytes){ "", 0 }
			    : (struct bytes){ text, (size_t)sqlite3_column_bytes(r->statement, column) };
}

int64_t
spool_changed(const struct spool *s)
{
	return s->error == SQLITE_OK ? sqlite3_changes64(s->db) : 0;
}

void
spool_meta_set(struct spool *s, const char *name, int64_t value)
{
	(void)spool_do(
	    s, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", "ti", bytes_of(name), value);
}

int64_t
spool_meta(struct spool *s, const char *name, int64_t or_else)
{
	return spool_number(s, or_else, "SELECT value FROM meta WHERE name = ?", "t", bytes_of(name));
}

bool
spool_backup(struct spool *s, const char *path, struct spool_fault *f)
{
	struct spool to = { .dirfd = -1, .lock = -1 };
	sqlite3_backup *copy;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return say(f, EXIT_IO, path, strerror(errno));
	(void)close(fd);
	(void)snprintf(to.directory, sizeof to.directory, "%s", path);
	if (realpath(path, to.path) == NULL)
		return say(f, EXIT_IO, path, strerror(errno));
	if (good(&to, sqlite3_open_v2(to.path, &to.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL))) {
		copy = sqlite3_backup_init(to.db, "main", s->db, "main");
		if (copy == NULL) {
			to.error = sqlite3_errcode(to.db);
		} else {
			(void)good(&to, sqlite3_backup_step(copy, -1));
			(void)good(&to, sqlite3_backup_finish(copy));
		}
	}
	(void)sqlite3_close(to.db);
	return to.error == SQLITE_OK || say_error(&to, f);
}

bool
spool_check(struct spool *s, struct spool_fault *f)
{
	struct spool_rows *r = spool_rows(s, "PRAGMA integrity_check(1)", "");
	bool whole = spool_next(r) && bytes_are(spool_text(r, 0), "ok");

	spool_done(r);
	if (s->error != SQLITE_OK)
		return say_error(s, f);
	return whole || say(f, EXIT_IO, s->directory, "spool.db: damaged: restore it from a backup");
}
