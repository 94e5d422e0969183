/* SPDX-License-Identifier: ISC */
#include "cmd/batch/upload.h"

#include "cmd/batch/archive.h"
#include "common/base/base64url.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	PRIVATE = 0700,
	NAME_ROOM = 300,
	SHORT_NAME = 220, /* leaves room for ".999.reason.new" */
	BLOCK = 256 << 10,
	RUN_MOST = 64 << 10,
	SETTLED = 60, /* seconds without a change, where the system cannot say who writes */
	TRIES = 1000,
	LOCK_TRIES = 100,
};

struct upload {
	struct uploads *batch;
	const char *name;
	const char *shown; /* for messages */
	int fd;
	struct stat looks; /* when it was opened */
	char digest[DIGEST_HEX];
	char work[NAME_ROOM];
	int folder;    /* OUT/.NAME.work, then OUT/NAME; locked; -1: none */
	bool in_place; /* it is OUT/NAME */
	struct flow flow;
};

static enum diag_exit
io_fault(struct uploads *b, const char *what, bool *stop)
{
	enum diag_exit status = file_fault_status(errno);

	diag_warn("%s: %s", what, file_read_fault(errno));
	b->left++;
	*stop = true;
	return status;
}

static enum diag_exit
leave(struct uploads *b, const char *shown, const char *why)
{
	diag_warn("%s: %s", shown, why);
	b->left++;
	return EXIT_AGAIN;
}

/* The stages of a run that was killed end a moment later, and hold the lock until then. */
static bool
lock(int folder)
{
	const struct timespec moment = { .tv_nsec = 20000000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(folder, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		(void)nanosleep(&moment, NULL);
	}
	errno = EWOULDBLOCK;
	return false;
}

/*
 * Takes the lock of the upload, which two runs at once do not both get.  The folder may have been renamed by
 * the run that had the lock before: then its name stands for another one.
 */
static bool
claim(struct upload *u)
{
	struct stat named, opened;
	int error;

	for (int i = 0; i < TRIES; i++) {
		if (mkdirat(u->batch->out_fd, u->work, PRIVATE) != 0 && errno != EEXIST)
			return false;
		u->folder = openat(u->batch->out_fd, u->work, FOLDER);
		if (u->folder < 0 && errno == ENOENT)
			continue;
		if (u->folder < 0)
			return false;
		if (lock(u->folder) && fstat(u->folder, &opened) == 0 &&
		    fstatat(u->batch->out_fd, u->work, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    named.st_ino == opened.st_ino)
			return true;
		error = errno;
		(void)close(u->folder);
		u->folder = -1;
		errno = error;
		if (errno == EWOULDBLOCK)
			return false;
	}
	return false;
}

/* Calls DO for each name in FOLDER until it fails. */
static bool
each_file(int folder, bool (*act)(int folder, const char *name))
{
	struct buffer names;
	size_t count = 0;
	bool good;

	buffer_init(&names, BUFFER_UNLIMITED);
	good = file_list_at(folder, ".", &names, &count);
	const char *name = names.at;
	for (size_t i = 0; good && i < count; i++, name += strlen(name) + 1)
		good = act(folder, name);
	buffer_release(&names);
	return good;
}

static bool
remove_file(int folder, const char *name)
{
	return unlinkat(folder, name, 0) == 0;
}

static bool
sync_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	return good;
}

static void
give_up(struct upload *u)
{
	if (u->folder >= 0 && !u->in_place && each_file(u->folder, remove_file))
		(void)unlinkat(u->batch->out_fd, u->work, AT_REMOVEDIR);
}

/* In a child, so that it goes on beside the stages.  It reads by offsets: the file's place is not its own. */
static _Noreturn void
send_digest(int fd, int to)
{
	static char block[BLOCK];
	struct digest *d = digest_new();
	char named[DIGEST_TEXT];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof block, at)) > 0) {
		digest_add(d, (struct bytes){ block, (size_t)n });
		at += n;
	}
	digest_end_text(d, named);
	_exit(n == 0 && file_write_fd(to, bytes_of(named)) ? 0 : EXIT_IO);
}

static pid_t
start_digest(const struct upload *u, int *from)
{
	int both[2];
	pid_t process;

	if (pipe2(both, O_CLOEXEC) != 0)
		return -1;
	process = program_fork();
	if (process == 0)
		send_digest(u->fd, both[1]);
	(void)close(both[1]);
	*from = both[0];
	return process;
}

static bool
take_digest(struct upload *u, pid_t process, int from)
{
	struct buffer text;
	bool good = process > 0;

	buffer_init(&text, DIGEST_TEXT);
	good = good && file_read_fd(from, &text);
	good = program_wait(process) == 0 && good && text.used == DIGEST_TEXT - 1;
	if (good)
		(void)snprintf(u->digest, sizeof u->digest, "%.64s", text.at + 7);
	if (from >= 0)
		(void)close(from);
	buffer_release(&text);
	if (!good && errno == 0)
		errno = EIO;
	return good;
}

static bool
find_digest(struct upload *u)
{
	int from = -1;
	pid_t process = u->digest[0] != '\0' ? 0 : start_digest(u, &from);

	return u->digest[0] != '\0' || take_digest(u, process, from);
}

static bool
is_as_it_was(const struct upload *u)
{
	struct stat now;

	return fstat(u->fd, &now) == 0 && now.st_size == u->looks.st_size &&
	       now.st_mtim.tv_sec == u->looks.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == u->looks.st_mtim.tv_nsec;
}

static void
draw_batch(char name[32])
{
	unsigned char random[16];

	memcpy(name, "b_", 2);
	public_random(random, sizeof random);
	name[2 + base64url_encode(name + 2, (struct bytes){ (const char *)random, sizeof random })] = '\0';
}

/* What replay.sh wants, and by which the upload is known again. */
static bool
write_run(struct upload *u)
{
	const struct flow_plan *plan = u->batch->plan;
	const char *text = arena_format(&u->flow.arena,
	    "now\t%s\ninput\t%s\nlook\t%lld %lld.%09ld\npolicy\t%s\nbatch\t%s\nrecords\t%" PRIu64
	    "\nrefused\t%" PRIu64 "\n",
	    plan->now, u->digest, (long long)u->looks.st_size, (long long)u->looks.st_mtim.tv_sec,
	    u->looks.st_mtim.tv_nsec, plan->policy->digest, u->flow.batch, u->flow.records, u->flow.refused);

	return file_replace_at(u->folder, "run", bytes_of(text), 0600);
}

static bool
keep(struct upload *u)
{
	struct uploads *b = u->batch;

	u->in_place = write_run(u) && each_file(u->folder, sync_file) &&
		      (!b->plan->batch->archive || archive_keep(b->out_fd, u->fd, u->digest)) &&
		      fsync(u->folder) == 0 &&
		      renameat2(b->out_fd, u->work, b->out_fd, u->name, RENAME_NOREPLACE) == 0;
	return u->in_place && fsync(b->out_fd) == 0;
}

static bool
is_there(int folder, const char *name)
{
	struct stat s;

	return fstatat(folder, name, &s, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One command of `then`.  Its output gets its name when it is whole, so that a missing name is work to do. */
static enum diag_exit
do_then(struct upload *u, unsigned i)
{
	const struct batch_command *c = &u->batch->plan->batch->then[i];
	struct arena *a = &u->flow.arena;
	const char *part = arena_format(a, ".%s.part", c->output);
	const char *line = arena_format(a, "then:%s\t%s\n", c->output, u->batch->plan->now);
	int in = openat(u->folder, c->input, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, status = EXIT_IO;
	bool followed = i == 0 && u->flow.followed >= 0; /* its output is there */
	size_t torn;

	if (in >= 0)
		out = openat(u->folder, part,
		    O_WRONLY | (followed ? 0 : O_CREAT | O_TRUNC) | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out >= 0)
		status = followed ? u->flow.followed : flow_then(&u->flow, i, in, out);
	if (status > EXIT_REFUSED || fsync(out) != 0 ||
	    !file_append_at(u->folder, "run", bytes_of(line), 0600, &torn) ||
	    renameat(u->folder, part, u->folder, c->output) != 0 || fsync(u->folder) != 0) {
		diag_warn("%s: %s is in place, but %s ended with %d; the next run does it alone", u->shown,
		    u->batch->plan->batch->output, u->batch->plan->then[i].name,
		    status > EXIT_REFUSED ? status : EXIT_IO);
		status = status > EXIT_REFUSED ? status : EXIT_IO;
		(void)unlinkat(u->folder, part, 0);
	}
	if (in >= 0)
		(void)close(in);
	if (out >= 0)
		(void)close(out);
	return status >= 128 ? EXIT_IO : (enum diag_exit)status;
}

/* All commands of `then` whose output is missing. */
static enum diag_exit
do_thens(struct upload *u)
{
	const struct batch_policy *plan = u->batch->plan->batch;
	enum diag_exit worst = EXIT_DONE;

	for (unsigned i = 0; i < plan->thens; i++) {
		if (is_there(u->folder, plan->then[i].output))
			continue;
		/* What it reads is missing because the command before it failed. */
		if (!is_there(u->folder, plan->then[i].input))
			continue;
		worst = diag_worse(worst, do_then(u, i));
	}
	return worst;
}

/* Moves the upload, if it is still the one under its name, below the folder WHERE of uploads. */
static bool
move(struct upload *u, const char *where, const char *reason)
{
	struct uploads *b = u->batch;
	struct stat named;
	char name[NAME_ROOM];
	bool good = false;
	int folder;

	if (mkdirat(b->in_fd, where, PRIVATE) != 0 && errno != EEXIST)
		return false;
	folder = openat(b->in_fd, where, FOLDER);
	if (folder < 0)
		return false;
	if (fstatat(b->in_fd, u->name, &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != u->looks.st_ino) {
		(void)close(folder);
		return true; /* somebody has put another file there, which the next run takes */
	}
	(void)snprintf(name, sizeof name, "%.*s", reason != NULL ? SHORT_NAME : NAME_MAX, u->name);
	for (int i = 1; i < TRIES; i++) {
		char note[NAME_ROOM + 8];

		(void)snprintf(note, sizeof note, "%s.reason", name);
		errno = EEXIST;
		good = !is_there(folder, name) &&
		       (reason == NULL || file_replace_at(folder, note, bytes_of(reason), 0600)) &&
		       renameat2(b->in_fd, u->name, folder, name, RENAME_NOREPLACE) == 0;
		if (good || errno != EEXIST)
			break;
		(void)snprintf(name, sizeof name, "%.*s.%d", SHORT_NAME, u->name, i);
	}
	good = good && fsync(folder) == 0 && fsync(b->in_fd) == 0;
	(void)close(folder);
	return good;
}

static enum diag_exit
finish(struct upload *u, enum diag_exit status, bool *stop)
{
	struct uploads *b = u->batch;

	if (status > EXIT_REFUSED) {
		b->left++;
		return status;
	}
	if (b->in != NULL && !move(u, "done", NULL))
		return io_fault(b, arena_format(&u->flow.arena, "%s/done", b->in), stop);
	return status;
}

/* For whoever sent it: what was wrong, and what the stages said, which is never a value of a record. */
static const char *
make_reason(struct upload *u, enum diag_exit status, const char *why)
{
	struct arena *a = &u->flow.arena;
	const char *text =
	    arena_format(a, "time\t%s\nstatus\t%d\nreason\t%s\n", u->batch->plan->now, (int)status, why);
	struct bytes said = u->flow.said, line;

	while (bytes_line(&said, &line))
		text = arena_format(a, "%ssaid\t%.*s\n", text, (int)line.size, line.at);
	return text;
}

static enum diag_exit
refuse_upload(struct upload *u, enum diag_exit status, const char *why, bool *stop)
{
	struct uploads *b = u->batch;
	const char *reason = make_reason(u, status, why);

	diag_warn("%s: %s; nothing is kept", u->shown, why);
	if (b->in != NULL && !move(u, "failed", reason))
		return io_fault(b, arena_format(&u->flow.arena, "%s/failed", b->in), stop);
	b->failed++;
	return status;
}

/* The value of a line of the file `run`, in TEXT. */
static struct bytes
noted(struct bytes text, const char *name)
{
	struct bytes line, value = { "", 0 };
	size_t size = strlen(name);

	while (bytes_line(&text, &line))
		if (line.size > size && bytes_begin(line, name) && line.at[size] == '\t')
			value = (struct bytes){ line.at + size + 1, line.size - size - 1 };
	return value;
}

/* The folder of that name is there: goes on with what is left to do, if it was made from this upload. */
static enum diag_exit
go_on(struct upload *u, bool *stop)
{
	struct uploads *b = u->batch;
	struct buffer run;
	bool same;
	int folder = openat(b->out_fd, u->name, FOLDER);

	if (folder < 0) {
		int error = errno;

		give_up(u);
		errno = error;
		return errno == ENOTDIR || errno == ELOOP
			   ? refuse_upload(u, EXIT_IO, "OUT has something else of that name", stop)
			   : io_fault(b, u->shown, stop);
	}
	if (!lock(folder)) {
		(void)close(folder);
		return leave(b, u->shown, "another run is at work on it");
	}
	give_up(u);
	(void)close(u->folder);
	u->folder = folder;
	program_keep(folder);
	if (!find_digest(u))
		return io_fault(b, u->shown, stop);
	buffer_init(&run, RUN_MOST);
	same = file_read_at(folder, "run", &run) && bytes_are(noted(buffer_bytes(&run), "input"), u->digest);
	buffer_release(&run);
	if (!same)
		return refuse_upload(
		    u, EXIT_IO, "another upload of that name was done before; give it another name", stop);
	if (b->verbose)
		diag_warn("%s: it was done before", u->shown);
	b->known++;
	return finish(u, do_thens(u), stop);
}

static enum diag_exit
run(struct upload *u, bool *stop)
{
	struct uploads *b = u->batch;
	char name[32];
	int from = -1;
	pid_t process = u->digest[0] != '\0' ? 0 : start_digest(u, &from);
	bool good;

	draw_batch(name);
	u->flow.batch = name;
	good = flow_run(&u->flow);
	if (u->digest[0] == '\0' && !take_digest(u, process, from))
		return io_fault(b, u->shown, stop);
	if (!is_as_it_was(u)) {
		give_up(u);
		return leave(
		    b, u->shown, "changed while it was read, nothing is kept; the next run takes it");
	}
	if (!good) {
		give_up(u);
		if (u->flow.to_blame)
			return refuse_upload(u, u->flow.status, u->flow.why, stop);
		diag_warn("%s: %s; nothing is kept, and the next run takes it", u->shown, u->flow.why);
		b->left++;
		*stop = true;
		return u->flow.status;
	}
	b->records += u->flow.records;
	b->refused += u->flow.refused;
	b->bytes += (uint64_t)u->looks.st_size;
	if (!keep(u)) {
		enum diag_exit status = io_fault(b, u->shown, stop);

		give_up(u);
		return status;
	}
	b->done++;
	return diag_worse(u->flow.refused > 0 ? EXIT_REFUSED : EXIT_DONE, finish(u, do_thens(u), stop));
}

/* OUT has a folder for what is archived and hidden ones for what is at work. */
static const char *
name_fault(const char *name)
{
	if (strlen(name) + sizeof ".work" > NAME_MAX)
		return "its name is too long";
	if (name[0] == '.')
		return "its name has a dot in front, as what ehr-batch is at work on: give it another name";
	return strcmp(name, ARCHIVE_FOLDER) == 0
		   ? "its name is that of the folder of archived uploads: give it another name"
		   : NULL;
}

/* DIGEST is its SHA-256 in hex if that is known, else NULL. */
static enum diag_exit
take(struct uploads *b, const char *name, int fd, const char *digest, bool *stop)
{
	struct upload u = { .batch = b, .name = name, .fd = fd, .folder = -1 };
	enum diag_exit status;

	u.shown = b->in != NULL ? arena_format(&u.flow.arena, "%s/%s", b->in, name) : name;
	(void)snprintf(u.digest, sizeof u.digest, "%s", digest != NULL ? digest : "");
	const char *fault = name_fault(name);

	(void)snprintf(u.work, sizeof u.work, ".%s.work", name);
	if (fault != NULL) {
		if (fstat(fd, &u.looks) != 0)
			return io_fault(b, u.shown, stop);
		status = refuse_upload(&u, EXIT_IO, fault, stop);
	} else if (!claim(&u)) {
		status = errno == EWOULDBLOCK ? leave(b, u.shown, "another run is at work on it")
					      : io_fault(b, b->out, stop);
	} else if (fstat(fd, &u.looks) != 0 || !each_file(u.folder, remove_file)) {
		status = io_fault(b, u.shown, stop);
	} else {
		program_keep(u.folder);
		u.flow.plan = b->plan;
		u.flow.followed = -1;
		u.flow.source = u.shown;
		u.flow.input = fd;
		u.flow.folder = u.folder;
		u.flow.shows_progress = b->shows_progress;
		u.flow.path = arena_format(&u.flow.arena, "%s/%s", b->out, u.work);
		u.flow.placed = arena_format(&u.flow.arena, "%s/%s", b->out, name);
		status = is_there(b->out_fd, name) ? go_on(&u, stop) : run(&u, stop);
	}
	program_keep(-1);
	if (u.folder >= 0)
		(void)close(u.folder);
	arena_release(&u.flow.arena);
	return status;
}

/* What the system says of a file: it gives a lease for reading only if nobody has it open for writing. */
enum writers { WRITERS_NONE, WRITERS_SOME, WRITERS_UNKNOWN };

static enum writers
writers_of(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return WRITERS_NONE;
	}
	return errno == EAGAIN || errno == EBUSY ? WRITERS_SOME : WRITERS_UNKNOWN;
}

static const char still_written[] = "is still being written; the next run takes it";

enum diag_exit
upload_take_one(struct uploads *b, const char *name, int fd, bool *stop)
{
	return writers_of(fd) == WRITERS_SOME ? leave(b, name, still_written) : take(b, name, fd, NULL, stop);
}

/*
 * Where the system cannot say who writes (another owner, a network), a file that changed within a minute
 * counts as open.
 */
static const char *
why_not_yet(int fd)
{
	enum writers w = writers_of(fd);
	struct stat s;

	if (w == WRITERS_UNKNOWN && (fstat(fd, &s) != 0 || clock_now().seconds - s.st_mtim.tv_sec < SETTLED))
		return "changed within a minute, and the system does not say who writes it; the next run "
		       "takes it";
	return w == WRITERS_SOME ? still_written : NULL;
}

/* A file of the folder of uploads; the others go on. */
static enum diag_exit
leave_file(struct uploads *b, const char *name, enum diag_exit status, const char *why)
{
	diag_warn("%s/%s: %s", b->in, name, why);
	b->left++;
	return status;
}

static enum diag_exit
pass_over(const struct uploads *b, const char *name)
{
	diag_warn("%s/%s: no upload but a link, a pipe or a device, and passed over", b->in, name);
	return EXIT_DONE;
}

enum diag_exit
upload_take_file(struct uploads *b, const char *name, bool *stop)
{
	int fd = openat(b->in_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat opened, named;
	enum diag_exit status;

	/* Another run may have moved it. */
	if (fd < 0 && errno == ENOENT)
		return EXIT_DONE;
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return pass_over(b, name);
	if (fd < 0 && errno == EACCES)
		return leave_file(b, name, EXIT_IO,
		    "Permission denied: who runs ehr-batch must be able to read it; the others go on");
	if (fd < 0)
		return io_fault(b, name, stop);
	if (fstat(fd, &opened) != 0 || !S_ISREG(opened.st_mode)) {
		(void)close(fd);
		return S_ISDIR(opened.st_mode) ? EXIT_DONE : pass_over(b, name);
	}
	const char *why = why_not_yet(fd);

	if (why != NULL) {
		(void)close(fd);
		return leave_file(b, name, EXIT_AGAIN, why);
	}
	status = fstatat(b->in_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == opened.st_ino
		     ? take(b, name, fd, NULL, stop)
		     : EXIT_DONE;
	(void)close(fd);
	return status;
}

/* What FD has to its end, in a file without a name, and its digest.  -1 with errno. */
static int
spool(struct uploads *b, int fd, char hex[DIGEST_HEX])
{
	static char block[BLOCK];
	struct digest *d = digest_new();
	char name[64], named[DIGEST_TEXT];
	uint64_t all = 0;
	ssize_t n = 0;
	int to;

	(void)snprintf(name, sizeof name, ".stream.%ld.part", (long)getpid());
	to = openat(b->out_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to >= 0)
		(void)unlinkat(b->out_fd, name, 0);
	while (to >= 0) {
		n = file_read_some(fd, block, sizeof block);
		if (n <= 0)
			break;
		all += (uint64_t)n;
		errno = EFBIG;
		if (all > b->plan->batch->size || !file_write_fd(to, (struct bytes){ block, (size_t)n })) {
			n = -1;
			break;
		}
		digest_add(d, (struct bytes){ block, (size_t)n });
	}
	digest_end_text(d, named);
	digest_free(d);
	(void)snprintf(hex, DIGEST_HEX, "%s", named + 7);
	return n < 0 ? -1 : to;
}

enum diag_exit
upload_take_stream(struct uploads *b, int fd, bool *stop)
{
	char hex[DIGEST_HEX], name[64];
	int file = spool(b, fd, hex);
	enum diag_exit status;

	if (file < 0)
		return io_fault(b, "<stdin>", stop);
	(void)snprintf(name, sizeof name, "stdin-%.16s", hex);
	status = take(b, name, file, hex, stop);
	(void)close(file);
	return status;
}
