/* SPDX-License-Identifier: ISC */
#include "cmd/batch/flow.h"

#include "cmd/batch/workers.h"
#include "common/base/clock.h"
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK = 128 << 10,
	PIPE_SIZE = 1 << 20,
	GROWTH = 5, /* milliseconds between two looks at a file that grows */
	HEAD = 512, /* so much of an upload shows what it is */
	ARGUMENTS = BATCH_MAX_WORDS + 24,
	MEMBERS = BATCH_MAX_STAGES + 2,
	SIGNALLED = 128,
	NAME_SHOWN = 40,
	LEFT_MOST = 5999, /* seconds */
};

/* The processes of one flow, in the order of the pipe. */
struct chain {
	struct flow *flow;
	struct {
		const char *name;
		pid_t process;
		int status;
	} member[MEMBERS];
	unsigned members;
	struct workers *workers; /* NULL: none */
	unsigned sharing;        /* the member that stands for them */
	unsigned pump_behind;    /* the stage behind which this process reads */
	int from, to;            /* what it reads, and where it writes; -1: to workers */
	bool cut;                /* a stage behind it went away before the end */
	pid_t feeder;            /* of a command that follows the output; 0: none */
	pid_t follower;
	int fed; /* the feeder ends when this is shut */
};

bool
flow_open(struct flow_plan *plan, struct arena *a, char why[PROGRAM_WHY])
{
	for (unsigned i = 0; i < plan->batch->stages; i++)
		if (!program_find(&plan->stage[i], &plan->batch->stage[i], a, why))
			return false;
	for (unsigned i = 0; i < plan->batch->thens; i++)
		if (!program_find(&plan->then[i], &plan->batch->then[i], a, why))
			return false;
	plan->workers = workers_load(plan);
	return true;
}

static bool
fail(struct flow *f, enum diag_exit status, bool to_blame, const char *why)
{
	if (f->status == EXIT_DONE) {
		f->status = status;
		f->to_blame = to_blame;
		(void)snprintf(f->why, sizeof f->why, "%s", why);
	}
	return false;
}

static const char *
refused_path(struct flow *f, const struct program *p)
{
	const char *name = strncmp(p->name, "ehr-", 4) == 0 ? p->name + 4 : p->name;

	return arena_format(&f->arena, "%s/refused.%s.ndjson", f->path, name);
}

/* The command with what ehr-batch itself gives its program.  SOURCE is what it reads, for messages. */
static void
make_argument(struct flow *f, const struct batch_command *c, const struct program *p, const char *source,
    const char *places, const char *argument[ARGUMENTS])
{
	const struct flow_plan *plan = f->plan;
	size_t n = 0;

	for (unsigned i = 0; i < c->words; i++)
		argument[n++] = c->word[i];
	if ((c->takes & BATCH_TAKES_POLICY) != 0)
		argument[n++] = "--policy", argument[n++] = plan->policy->directory;
	if ((c->takes & BATCH_TAKES_POLICY) != 0 && plan->ca != NULL)
		argument[n++] = "--trust", argument[n++] = plan->ca;
	if ((c->takes & BATCH_TAKES_POLICY) != 0 && plan->crl != NULL)
		argument[n++] = "--crl", argument[n++] = plan->crl;
	if ((c->takes & BATCH_TAKES_SITE) != 0 && plan->site != NULL)
		argument[n++] = "--site", argument[n++] = plan->site;
	if ((c->takes & BATCH_TAKES_NOW) != 0)
		argument[n++] = "--now", argument[n++] = plan->now;
	if ((c->takes & BATCH_TAKES_BATCH) != 0)
		argument[n++] = "--batch", argument[n++] = f->batch;
	if ((c->takes & BATCH_TAKES_ON_ERROR) != 0 && plan->batch->on_error != BATCH_FAIL) {
		argument[n++] = "--on-error", argument[n++] = "quarantine";
		argument[n++] = "--quarantine", argument[n++] = refused_path(f, p);
	}
	if (plan->batch->manifest != NULL && strcmp(p->name, "ehr-seal") == 0)
		argument[n++] = "--manifest",
		argument[n++] = arena_format(&f->arena, "%s/%s", f->path, plan->batch->manifest);
	if (source != NULL)
		argument[n++] = "--source", argument[n++] = source;
	if (places != NULL)
		argument[n++] = "--places", argument[n++] = places;
	argument[n] = NULL;
}

/*
 * An archive has a name, a number or NUL in front, other formats a header.  Nothing at all is judged
 * later.
 */
static bool
begins_as_json(const unsigned char *head, size_t size)
{
	size_t i = 0;

	if (memchr(head, '\0', size) != NULL)
		return false;
	if (size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < size && strchr(" \t\r\n", head[i]) != NULL)
		i++;
	return i == size || head[i] == '{' || head[i] == '[' || head[i] == 0x1e;
}

static bool
reads_json(const struct flow *f)
{
	return strcmp(f->plan->stage[0].name, "ehr-ingest") == 0;
}

/* In a child: passes on what is unpacked, up to the limit and only if it begins as JSON. */
static _Noreturn void
pass_unpacked(struct flow *f, int from, int to)
{
	static unsigned char block[BLOCK];
	size_t head = 0;
	uint64_t passed = 0;
	ssize_t n;

	while (head < HEAD && (n = file_read_some(from, block + head, sizeof block - head)) > 0)
		head += (size_t)n;
	if (reads_json(f) && !begins_as_json(block, head < HEAD ? head : HEAD)) {
		diag_warn("%s: what is packed in it begins as no JSON text: unpack or translate it before",
		    f->source);
		_exit(EXIT_BAD_RECORD);
	}
	n = (ssize_t)head;
	while (n > 0) {
		passed += (uint64_t)n;
		if (passed > f->plan->batch->size) {
			diag_warn(
			    "%s: longer when it is unpacked than the limit of pipeline.yaml", f->source);
			_exit(EXIT_BAD_RECORD);
		}
		if (!file_write_fd(to, (struct bytes){ (const char *)block, (size_t)n }))
			_exit(EXIT_IO);
		n = file_read_some(from, block, sizeof block);
	}
	_exit(n == 0 ? EXIT_DONE : EXIT_IO);
}

static bool
add_member(struct chain *c, const char *name, pid_t process)
{
	if (process < 0)
		return fail(c->flow, EXIT_IO, false, strerror(errno));
	c->member[c->members].name = name;
	c->member[c->members++].process = process;
	return true;
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/*
 * Starts PROGRAM between upload and stages, and behind it the child that limits its output; *IN is the
 * end.
 */
static bool
start_unpacking(struct chain *c, const char *name, int *in)
{
	static struct program unpacker;
	struct flow *f = c->flow;
	const char *const argument[] = { name, "-dcq", NULL };
	int packed[2] = { -1, -1 }, plain[2] = { -1, -1 };
	char why[PROGRAM_WHY];
	bool good;
	pid_t process;

	if (!program_find_system(&unpacker, name, why))
		return fail(f, EXIT_NOT_LAUNCHED, false, why);
	if (pipe2(packed, O_CLOEXEC) != 0 || pipe2(plain, O_CLOEXEC) != 0)
		return fail(f, EXIT_IO, false, strerror(errno));
	good = add_member(c, unpacker.name, program_start(&unpacker, argument, f->input, packed[1]));
	shut(&packed[1]);
	process = good ? program_fork() : -1;
	if (process == 0) {
		(void)close(plain[0]);
		pass_unpacked(f, packed[0], plain[1]);
	}
	good = good && add_member(c, "unpacked", process);
	shut(&packed[0]);
	shut(&plain[1]);
	*in = plain[0];
	return good;
}

/* What the first stage reads, in *IN: the upload itself or what is unpacked of it. */
static bool
open_source(struct chain *c, int *in)
{
	struct flow *f = c->flow;
	unsigned char head[HEAD];
	struct stat s;
	ssize_t n = pread(f->input, head, sizeof head, 0);

	if (n < 0 || fstat(f->input, &s) != 0 || lseek(f->input, 0, SEEK_SET) != 0)
		return fail(f, EXIT_IO, false, strerror(errno));
	if (n >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
		return start_unpacking(c, "gzip", in);
	if (n >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
		return start_unpacking(c, "zstd", in);
	if ((uint64_t)s.st_size > f->plan->batch->size)
		return fail(f, EXIT_BAD_RECORD, true, "longer than the limit of pipeline.yaml");
	if (reads_json(f) && !begins_as_json(head, (size_t)n))
		return fail(
		    f, EXIT_BAD_RECORD, true, "begins as no JSON text: unpack or translate it before");
	*in = fcntl(f->input, F_DUPFD_CLOEXEC, 3);
	return *in >= 0 || fail(f, EXIT_IO, false, strerror(errno));
}

/* Starts stage I on *IN, which it closes, and OUT. */
static bool
start_stage(struct chain *c, unsigned i, int *in, int out)
{
	struct flow *f = c->flow;
	const struct program *p = &f->plan->stage[i];
	const char *argument[ARGUMENTS];

	make_argument(f, &f->plan->batch->stage[i], p, strcmp(p->name, "ehr-ingest") == 0 ? f->source : NULL,
	    i == c->pump_behind ? workers_places(c->workers) : NULL, argument);
	/* The toolkit's programs read to the end, or end with a fault. */
	bool good = add_member(c, p->name,
	    p->copy < 0 ? program_start(p, argument, *in, out) : program_start_whole(p, argument, *in, out));
	shut(in);
	return good;
}

/* A pipe behind a stage, or the output behind the last one.  *NEXT is where the next stage reads. */
static bool
open_behind(struct chain *c, bool last, int *out, int *next)
{
	struct flow *f = c->flow;
	int both[2];

	*next = -1;
	if (last) {
		*out = openat(f->folder, f->plan->batch->output,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		return *out >= 0 || fail(f, EXIT_IO, false, strerror(errno));
	}
	if (pipe2(both, O_CLOEXEC) != 0)
		return fail(f, EXIT_IO, false, strerror(errno));
	/* A long pipe: its two ends take turns less often.  A short one works as well. */
	(void)fcntl(both[1], F_SETPIPE_SZ, PIPE_SIZE);
	*next = both[0];
	*out = both[1];
	return true;
}

/* Behind the stage that this process reads: workers, or a pipe that it writes itself. */
static bool
start_pump(struct chain *c, unsigned *i, int *in)
{
	struct flow *f = c->flow;
	const struct batch_policy *b = f->plan->batch;
	int out, next;

	c->from = *in;
	*in = -1;
	if (c->workers != NULL)
		*i += workers_stages(c->workers);
	if (!open_behind(c, *i + 1 >= b->stages, &out, &next))
		return false;
	*in = next;
	c->to = out;
	if (c->workers == NULL)
		return true;
	c->to = -1;
	c->sharing = c->members;
	c->member[c->members++].name = workers_name(c->workers);
	bool good = workers_start(c->workers, out) || fail(f, EXIT_IO, false, strerror(errno));
	shut(&out);
	return good;
}

static bool
start_chain(struct chain *c)
{
	const struct batch_policy *b = c->flow->plan->batch;
	int in = -1, out = -1, next = -1;
	bool good = open_source(c, &in);

	for (unsigned i = 0; good && i < b->stages; i++) {
		bool pump = i == c->pump_behind;

		good =
		    open_behind(c, i + 1 == b->stages && !pump, &out, &next) && start_stage(c, i, &in, out);
		shut(&out);
		in = next;
		next = -1;
		if (good && pump)
			good = start_pump(c, &i, &in);
	}
	shut(&in);
	return good;
}

/* In a child: passes on what FILE has, as it grows, until UNTIL is shut and all is passed. */
static _Noreturn void
feed(int file, int to, int until)
{
	const int kept[] = { file, to, until };
	struct pollfd end = { .fd = until, .events = POLLIN };
	bool ended = false;
	loff_t at = 0;
	struct stat s;

	program_close_others(kept, sizeof kept / sizeof kept[0]);
	while (fstat(file, &s) == 0) {
		while (at < s.st_size) {
			ssize_t n = splice(file, &at, to, NULL, (size_t)(s.st_size - at), 0);

			if (n == 0 || (n < 0 && errno != EINTR))
				_exit(EXIT_IO);
		}
		if (ended)
			_exit(EXIT_DONE);
		ended = poll(&end, 1, GROWTH) > 0;
	}
	_exit(EXIT_IO);
}

/*
 * A program of the toolkit that only reads the output of the stages need not wait for its end: it runs beside
 * them, and what it wrote counts only if the stages end well.
 */
static bool
can_follow(const struct flow_plan *plan, unsigned then)
{
	const struct batch_command *c = &plan->batch->then[then];

	return plan->jobs > 0 && c->takes != 0 && (c->takes & BATCH_ACTS) == 0 &&
	       c->input == plan->batch->output;
}

static const char *
part_name(struct flow *f, unsigned then)
{
	return arena_format(&f->arena, ".%s.part", f->plan->batch->then[then].output);
}

/* What the command of `then` reads, as its messages name it; NULL: it is no program of the toolkit. */
static const char *
source_of(struct flow *f, unsigned then)
{
	const struct batch_command *c = &f->plan->batch->then[then];

	return c->takes == 0 ? NULL : arena_format(&f->arena, "%s/%s", f->placed, c->input);
}

/* The first command of `then`, if it can.  If it cannot be started, it runs later as any other does. */
static void
start_follower(struct chain *c)
{
	struct flow *f = c->flow;
	const struct batch_policy *b = f->plan->batch;
	const char *argument[ARGUMENTS];
	int file = openat(f->folder, b->output, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, text[2], until[2];

	out = openat(f->folder, part_name(f, 0), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file >= 0 && out >= 0 && pipe2(text, O_CLOEXEC) == 0) {
		(void)fcntl(text[1], F_SETPIPE_SZ, PIPE_SIZE);
		make_argument(f, &b->then[0], &f->plan->then[0], source_of(f, 0), NULL, argument);
		if (pipe2(until, O_CLOEXEC) == 0) {
			c->fed = until[1];
			c->follower = program_start(&f->plan->then[0], argument, text[0], out);
			(void)close(text[0]);
			c->feeder = program_fork();
			if (c->feeder == 0)
				feed(file, text[1], until[0]);
			(void)close(until[0]);
		} else {
			(void)close(text[0]);
		}
		(void)close(text[1]);
	}
	shut(&file);
	shut(&out);
}

/* GOOD: the stages have ended well.  The status of the follower is in f->followed; -1: there was none. */
static void
end_follower(struct chain *c, bool good)
{
	struct flow *f = c->flow;
	int fed;

	f->followed = -1;
	if (c->feeder <= 0 || c->follower <= 0)
		good = false;
	/* The follower first: without its feeder it would say that its input is cut off. */
	if (!good && c->follower > 0)
		(void)kill(c->follower, SIGKILL);
	if (!good && c->feeder > 0)
		(void)kill(c->feeder, SIGKILL);
	shut(&c->fed);
	fed = c->feeder > 0 ? program_wait(c->feeder) : EXIT_IO;
	if (c->follower > 0)
		f->followed = program_wait(c->follower);
	/* Who did not get all of it is run once more. */
	if (!good || (fed != EXIT_DONE && f->followed <= EXIT_REFUSED))
		f->followed = -1;
}

static size_t
count_lines(const char *at, size_t size)
{
	const char *end = at + size;
	size_t lines = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		lines++;
		at++;
	}
	return lines;
}

/* The name of the upload for a terminal, which it must not command. */
static const char *
name_for_terminal(const struct flow *f, char name[NAME_SHOWN + 1])
{
	size_t i = 0;

	for (; i < NAME_SHOWN && f->source[i] != '\0'; i++)
		name[i] = (char)(f->source[i] >= ' ' && f->source[i] <= '~' ? f->source[i] : '?');
	name[i] = '\0';
	return name;
}

/* How far the first stage has come in the upload, which shares its place in the file with us. */
static void
show_progress(struct flow *f, uint64_t records)
{
	double now = clock_running(), rate, seconds;
	char name[NAME_SHOWN + 1];
	struct stat s;
	off_t at;
	int left;

	if (!f->shows_progress || now - f->shown < 0.5)
		return;
	f->shown = now;
	at = lseek(f->input, 0, SEEK_CUR);
	if (at <= 0 || fstat(f->input, &s) != 0 || s.st_size <= 0)
		return;
	rate = (double)at / (now - f->began);
	seconds = (double)(s.st_size - at) / rate;
	left = seconds < LEFT_MOST ? (int)seconds : LEFT_MOST;
	(void)dprintf(f->told.own, "\r%s: %3d %%, %" PRIu64 " records, %.1f MB/s, %d:%02d left \033[K",
	    name_for_terminal(f, name), (int)(100 * at / s.st_size), records, rate / 1e6, left / 60,
	    left % 60);
}

/* Passes on what comes, and counts the records in it. */
static bool
pump(struct chain *c)
{
	static char block[BLOCK];
	struct flow *f = c->flow;
	ssize_t n;

	while ((n = file_read_some(c->from, block, sizeof block)) > 0) {
		f->records += count_lines(block, (size_t)n);
		if (!file_write_fd(c->to, (struct bytes){ block, (size_t)n }))
			return errno != EPIPE && fail(f, EXIT_IO, false, strerror(errno));
		show_progress(f, f->records);
	}
	return n == 0 || fail(f, EXIT_IO, false, strerror(errno));
}

/*
 * From the best to the worst, as ehr(7) has them.  A stage that failed takes the reader away from those
 * before it, which SIGPIPE ends: that counts only if nothing else failed.
 */
static unsigned
badness(int status)
{
	static const int order[] = { EXIT_DONE, EXIT_REFUSED, SIGNALLED + SIGPIPE, EXIT_DENIED, EXIT_AGAIN,
		EXIT_BAD_RECORD, EXIT_USAGE, EXIT_POLICY, EXIT_KEYS, EXIT_NOT_LAUNCHED, EXIT_IO, EXIT_BUG };
	unsigned i = 0;

	while (i < sizeof order / sizeof order[0] && order[i] != status)
		i++;
	return i;
}

/* What crashed would crash again, so an upload that crashes a stage is to blame as a bad one is. */
static bool
is_crash(int status)
{
	return status == EXIT_BUG || status == SIGNALLED + SIGSEGV || status == SIGNALLED + SIGABRT ||
	       status == SIGNALLED + SIGBUS || status == SIGNALLED + SIGFPE || status == SIGNALLED + SIGILL;
}

/* The same as a status of ehr-batch. */
static enum diag_exit
own_status(int status)
{
	if (is_crash(status))
		return EXIT_BUG;
	return badness(status) > badness(EXIT_BUG) || status == SIGNALLED + SIGPIPE ? EXIT_IO
										    : (enum diag_exit)status;
}

static bool
is_unpacker(const char *name)
{
	return strcmp(name, "gzip") == 0 || strcmp(name, "zstd") == 0;
}

/* A packed file that its program does not take is a bad one. */
static int
unpacker_status(const char *name, int status)
{
	return is_unpacker(name) && status > 0 && status < SIGNALLED ? EXIT_BAD_RECORD : status;
}

/* The unpacker itself found the fault; it is the first of the chain, and behind it stands what limits it. */
static bool
is_damaged(const struct chain *c, int worst)
{
	return worst == EXIT_BAD_RECORD && c->members > 1 && is_unpacker(c->member[0].name) &&
	       c->member[0].status == worst && c->member[1].status == EXIT_DONE;
}

static void
judge(struct chain *c)
{
	struct flow *f = c->flow;
	int worst = EXIT_DONE;
	char text[sizeof f->why];
	int used = 0;

	for (unsigned i = 0; i < c->members; i++)
		worst = badness(c->member[i].status) > badness(worst) ? c->member[i].status : worst;
	if (worst <= EXIT_REFUSED && !c->cut)
		return;
	if (worst <= EXIT_REFUSED)
		worst = EXIT_IO;
	used = is_damaged(c, worst)
		   ? snprintf(text, sizeof text, "%s cannot unpack it to its end", c->member[0].name)
		   : snprintf(text, sizeof text, "ended with %d", own_status(worst));
	for (unsigned i = 0; i < c->members && used < (int)sizeof text - 80; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, "%s%.40s %d", i == 0 ? " (" : ", ",
		    c->member[i].name, c->member[i].status);
	(void)snprintf(text + used, sizeof text - (size_t)used, ")");
	(void)fail(
	    f, own_status(worst), worst == EXIT_BAD_RECORD || worst == EXIT_DENIED || is_crash(worst), text);
}

static void
wait_all(struct chain *c, bool kill_them)
{
	for (unsigned i = 0; kill_them && i < c->members; i++)
		if (c->member[i].process > 0)
			(void)kill(c->member[i].process, SIGKILL);
	for (unsigned i = 0; i < c->members; i++)
		if (c->member[i].process > 0)
			c->member[i].status =
			    unpacker_status(c->member[i].name, program_wait(c->member[i].process));
}

/* Lines of the files of refused records of the stages from FROM to TO; an empty file goes. */
static uint64_t
count_refused(struct flow *f, unsigned from, unsigned to)
{
	static char block[BLOCK];
	uint64_t lines = 0, all = 0;
	ssize_t n;

	for (unsigned i = from; i < to; i++) {
		const char *path = refused_path(f, &f->plan->stage[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		lines = 0;
		while (fd >= 0 && (n = file_read_some(fd, block, sizeof block)) > 0)
			lines += count_lines(block, (size_t)n);
		if (fd >= 0 && (lines == 0 || f->plan->batch->on_error == BATCH_SKIP))
			(void)unlink(path);
		if (fd >= 0)
			(void)close(fd);
		all += lines;
	}
	return all;
}

static bool
check_limits(struct flow *f, unsigned pump_behind)
{
	uint64_t before = count_refused(f, 0, pump_behind + 1);
	char why[160];

	f->records += before;
	f->refused = before + count_refused(f, pump_behind + 1, f->plan->batch->stages);
	if (f->records == 0)
		return fail(f, EXIT_BAD_RECORD, true, "holds no record");
	if (f->refused * 100 <= f->records * f->plan->batch->refused)
		return true;
	(void)snprintf(why, sizeof why, "%" PRIu64 " of %" PRIu64 " records refused, limit %u %%", f->refused,
	    f->records, f->plan->batch->refused);
	return fail(f, EXIT_BAD_RECORD, true, why);
}

bool
flow_run(struct flow *f)
{
	struct chain c = { .flow = f, .from = -1, .to = -1, .fed = -1 };

	f->began = clock_running();
	f->progress = show_progress;
	told_start(&f->told);
	c.workers = workers_for(f, &c.pump_behind);
	bool good = start_chain(&c);
	if (good && f->plan->batch->thens > 0 && can_follow(f->plan, 0))
		start_follower(&c);
	if (good && !(c.workers != NULL ? workers_run(c.workers, c.from) : pump(&c)))
		good = c.cut = f->status == EXIT_DONE;
	shut(&c.from);
	shut(&c.to);
	if (c.workers != NULL)
		c.member[c.sharing].status = workers_end(c.workers, !good);
	wait_all(&c, !good);
	if (f->shows_progress)
		(void)dprintf(f->told.own, "\r\033[K");
	judge(&c);
	good = f->status == EXIT_DONE && check_limits(f, c.pump_behind);
	end_follower(&c, good);
	f->said = told_end(&f->told, f->said_text);
	return good;
}

int
flow_then(struct flow *f, unsigned then, int in, int out)
{
	const char *argument[ARGUMENTS];
	const struct program *p = &f->plan->then[then];
	pid_t process;

	make_argument(f, &f->plan->batch->then[then], p, source_of(f, then), NULL, argument);
	process = program_start(p, argument, in, out);
	return process < 0 ? EXIT_IO : program_wait(process);
}
