/* SPDX-License-Identifier: ISC */
#include "common/line/filter.h"

#include "common/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_RECORD ((size_t)64 << 20)
#define MOST_RECORD ((size_t)1 << 30)
#define MOST_DEPTH 10000
/* For the tags and labels of a line. */
#define ENVELOPE_ROOM ((size_t)128 << 10)
#define PROGRESS_SECONDS 2

/* Set by SIGUSR1 and by the timer of --progress. */
static volatile sig_atomic_t asked;

static void
ask(int signal)
{
	(void)signal;
	asked = 1;
}

void
filter_init(struct filter *f)
{
	*f = (struct filter){
		.max_record = MAX_RECORD,
		.max_depth = JSON_MAX_DEPTH,
		.source = "",
	};
}

static uint64_t
whole_number(const struct options *o, uint64_t most, const char *what)
{
	uint64_t value;

	if (!options_number(o->value, most, &value) || value == 0)
		options_misuse(o, what, o->value);
	return value;
}

static enum on_error
on_error_word(const struct options *o)
{
	static const char *const words[] = {
		[ON_ERROR_FAIL] = "fail", [ON_ERROR_SKIP] = "skip", [ON_ERROR_QUARANTINE] = "quarantine", NULL
	};

	return (enum on_error)options_word(o, words);
}

bool
filter_option(struct filter *f, struct options *o, int id)
{
	switch (id) {
	case FILTER_ON_ERROR:
		f->on_error = on_error_word(o);
		return true;
	case FILTER_QUARANTINE:
		f->quarantine = o->value;
		return true;
	case FILTER_MAX_REFUSED:
		f->max_refused = whole_number(o, UINT64_MAX,
		    "not a whole number above 0 (--on-error fail stops at the first refused record)");
		return true;
	case FILTER_MAX_RECORD:
		if (!options_size(o->value, &f->max_record))
			options_misuse(o, "not a size above 0, such as 64K or 16M", o->value);
		if (f->max_record > MOST_RECORD)
			options_misuse(o, "more than 1G", o->value);
		return true;
	case FILTER_MAX_DEPTH:
		f->max_depth = (unsigned)whole_number(o, MOST_DEPTH, "not a whole number from 1 to 10000");
		return true;
	case FILTER_SOURCE:
		f->standard = o->value;
		return true;
	case FILTER_PROGRESS:
		f->progress = true;
		return true;
	case FILTER_VERBOSE:
		f->verbose = true;
		return true;
	default:
		return false;
	}
}

/* Without SA_RESTART, so that a signal ends a read and the summary is printed at once. */
static void
listen_for_signals(const struct filter *f)
{
	const struct itimerval every = {
		.it_interval = { .tv_sec = PROGRESS_SECONDS },
		.it_value = { .tv_sec = PROGRESS_SECONDS },
	};
	struct sigaction action = { .sa_handler = ask };

	(void)sigaction(SIGUSR1, &action, NULL);
	if (!f->progress || isatty(STDERR_FILENO) == 0)
		return;
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &every, NULL);
}

static bool
is_standard(const struct options *o, int i)
{
	return i == o->operands || strcmp(o->operand[i], "-") == 0;
}

/* What an operand reads; none at all means standard input. */
static struct file_identity
input(const struct options *o, int i)
{
	return is_standard(o, i) ? file_identify_fd(STDIN_FILENO) : file_identify(o->operand[i]);
}

static _Noreturn void
refuse_input(const struct options *o, int i, const char *name)
{
	static char path[4096];
	ssize_t size = 0;

	if (name == NULL && is_standard(o, i))
		size = readlink("/proc/self/fd/0", path, sizeof path - 1);
	if (name == NULL)
		name = !is_standard(o, i) ? o->operand[i] : size > 0 ? path : "<stdin>";
	options_misuse(o, "input and output are the same file", name);
}

/*
 * A file that is read while it is written has no end, or is lost.  Two outputs in one file overwrite each
 * other.  NAME is NULL for a standard output: then the input is named.
 */
static void
check_output(const struct filter *f, const struct options *o, struct file_identity id, const char *name)
{
	for (int i = 0; i == 0 || i < o->operands; i++) {
		if (!file_is_same(id, input(o, i)))
			continue;
		/* A message would be written into the input. */
		if (file_is_same(id, file_identify_fd(STDERR_FILENO)))
			exit(EXIT_USAGE);
		refuse_input(o, i, name);
	}
	for (unsigned i = 0; i < f->outputs; i++)
		if (file_is_same(id, f->output[i]))
			options_misuse(o, "two outputs are the same file", name);
}

static void
add_output(struct filter *f, const struct options *o, struct file_identity id, const char *name)
{
	check_output(f, o, id, name);
	if (f->outputs == FILTER_OUTPUTS)
		diag_bug("more outputs than there is room for");
	f->output[f->outputs++] = id;
}

void
filter_output(struct filter *f, const struct options *o, const char *path)
{
	add_output(f, o, file_identify(path), path);
}

/*
 * A link is not opened, but one to an input is misuse as the input itself is, and so is a file of the policy,
 * the site or the keys that was read.
 */
static int
open_output(struct filter *f, const struct options *o, const char *path)
{
	const char *why;
	int fd;

	check_output(f, o, file_identify(path), path);
	if (file_was_read(file_identify(path)))
		options_misuse(o, "input and output are the same file", path);
	fd = file_open_output(path, &why);
	if (fd < 0)
		diag_die(EXIT_IO, "%s: %s", path, why);
	add_output(f, o, file_identify_fd(fd), path);
	return fd;
}

void
filter_create(struct filter *f, const struct options *o, const char *path, struct sink *to)
{
	int fd = open_output(f, o, path);

	if (ftruncate(fd, 0) != 0 && errno != EINVAL)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	sink_init_take(to, fd, path);
}

/* Standard error may share a file with standard output: its messages are lines of their own. */
static void
add_standard_outputs(struct filter *f, const struct options *o)
{
	add_output(f, o, file_identify_fd(STDERR_FILENO), NULL);
	f->outputs = 0;
	add_output(f, o, file_identify_fd(STDOUT_FILENO), NULL);
}

void
filter_start(struct filter *f, const struct options *o, void (*digest)(struct bytes text, char hex[65]))
{
	int quarantine = -1;

	if (f->quarantine != NULL && f->on_error != ON_ERROR_QUARANTINE)
		options_misuse(o, "only with --on-error quarantine", "--quarantine");
	if (f->quarantine == NULL && f->on_error == ON_ERROR_QUARANTINE)
		options_needs(o, "--quarantine FILE with --on-error quarantine");
	if (f->max_refused > 0 && f->on_error == ON_ERROR_FAIL)
		options_misuse(o, "only with --on-error skip or quarantine", "--max-refused");
	f->began = clock_running();
	add_standard_outputs(f, o);
	if (f->quarantine != NULL)
		quarantine = open_output(f, o, f->quarantine);
	refusals_init(&f->refusals, f->on_error, quarantine, f->quarantine, digest);
	f->refusals.max_refused = f->max_refused;
	sink_init_take(&f->out, STDOUT_FILENO, "<stdout>");
	listen_for_signals(f);
}

static void
add_refused(const struct filter *f, struct buffer *text)
{
	const struct refusals *r = &f->refusals;
	const char *before = " (";
	char part[96];

	for (size_t i = 0; i < REASON_COUNT; i++) {
		if (r->by_reason[i] == 0)
			continue;
		int size = snprintf(
		    part, sizeof part, "%s%s %" PRIu64, before, reason_code((enum reason)i), r->by_reason[i]);
		(void)buffer_append(text, part, (size_t)size);
		before = ", ";
	}
	if (r->count > 0)
		(void)buffer_append(text, ")", 1);
}

static void
summarise(const struct filter *f)
{
	struct buffer more;

	buffer_init(&more, 1024);
	add_refused(f, &more);
	if (f->engine != NULL && f->engine->summary != NULL)
		f->engine->summary(f->engine->context, &more);
	diag_warn("%" PRIu64 " read, %" PRIu64 " written, %" PRIu64 " refused%.*s, %.1f s", f->read,
	    f->written, f->refusals.count, (int)more.used, more.used > 0 ? more.at : "",
	    clock_running() - f->began);
	buffer_release(&more);
}

/* The summary, if SIGUSR1 or --progress asked for it. */
static void
summarise_if_asked(struct filter *f)
{
	if (asked == 0)
		return;
	asked = 0;
	summarise(f);
}

enum filter_outcome
filter_refuse(struct filter *f, const struct refused *what)
{
	enum diag_exit status = refuse_record(&f->refusals, what);

	f->status = diag_worse(f->status, status);
	return status == EXIT_REFUSED ? FILTER_DONE : FILTER_STOP;
}

static bool
refuse_here(struct filter *f, enum reason reason, size_t byte)
{
	const struct refused what = {
		.source = f->source,
		.line = f->line,
		.reason = reason,
		.byte = byte,
		.record = f->record,
		.head = f->head,
		.first = f->first,
	};

	return filter_refuse(f, &what) == FILTER_DONE;
}

/* False if the run must end. */
static bool
take_record(struct filter *f, struct bytes line)
{
	f->record = line;
	f->read++;
	switch (f->engine->record(f->engine->context, f, line)) {
	case FILTER_DONE:
		return f->out.error == 0;
	case FILTER_REFUSE:
		return refuse_here(f, f->reason, f->byte);
	case FILTER_STOP:
		return false;
	}
	diag_bug("an outcome that is none");
}

static bool
read_failed(struct filter *f, int error)
{
	if (f->behind > 0)
		diag_warn("%s: %s; %d more not read", f->source, strerror(error), f->behind);
	else
		diag_warn("%s: %s", f->source, strerror(error));
	f->status = diag_worse(f->status, EXIT_IO);
	return false;
}

static size_t
line_limit(const struct filter *f)
{
	return f->engine->envelope == 0 ? f->max_record : f->max_record * f->engine->envelope + ENVELOPE_ROOM;
}

/* False if the run must end, or the file has ended (*ENDED). */
static bool
take_outcome(struct filter *f, struct lines *in, enum lines_outcome outcome, struct bytes record, bool *ended)
{
	f->line = in->number;
	switch (outcome) {
	case LINES_RECORD:
		return take_record(f, record);
	case LINES_REFUSED:
		f->read++;
		f->record = in->reason == REASON_TOO_LONG ? (struct bytes){ "", 0 } : record;
		f->head = lines_waiting(in);
		if (f->engine->refused != NULL)
			f->engine->refused(f->engine->context, f, in->reason);
		return refuse_here(f, in->reason, in->refused_byte);
	case LINES_END:
		*ended = true;
		return false;
	case LINES_READ_FAILED:
		return read_failed(f, in->error);
	case LINES_FLUSH_FAILED:
		return false;
	case LINES_WOKEN:
		return true;
	}
	diag_bug("an outcome that is none");
}

bool
filter_frames(struct filter *f, struct lines *in, filter_next *next, void *context)
{
	struct bytes record = { "", 0 };
	bool ended = false;
	bool going = true;

	in->wake = &asked;
	while (going) {
		record = (struct bytes){ "", 0 };
		enum lines_outcome outcome = next(context, in, &record);

		summarise_if_asked(f);
		going = take_outcome(f, in, outcome, record, &ended);
		f->first = f->first && outcome == LINES_WOKEN;
	}
	return ended;
}

static enum lines_outcome
next_line(void *context, struct lines *in, struct bytes *record)
{
	(void)context;
	return lines_next(in, record);
}

static bool
each_line(void *context, struct filter *f, int fd)
{
	struct lines in;

	(void)context;
	lines_init(&in, fd, f->source, line_limit(f), &f->out);
	in.blanks = f->engine->blanks;
	bool ended = filter_frames(f, &in, next_line, NULL);

	lines_release(&in);
	return ended;
}

static bool
one_file(struct filter *f, const char *path, bool (*each)(void *context, struct filter *f, int fd))
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool going;

	f->source = !standard ? path : f->standard != NULL ? f->standard : "<stdin>";
	f->line = 0;
	f->first = true;
	if (fd < 0)
		return read_failed(f, errno);
	going = each(f->engine->context, f, fd);
	if (!standard)
		(void)close(fd);
	return going;
}

/* Flushes in any case, so that the records before a refused one are delivered. */
static int
finish(struct filter *f)
{
	const struct filter_engine *e = f->engine;

	if (f->status <= EXIT_REFUSED && f->out.error == 0 && e->end != NULL &&
	    e->end(e->context, f) == FILTER_REFUSE)
		diag_bug("the end of the input is no record to refuse");
	if (!sink_close(&f->out)) {
		diag_warn("%s: %s", f->out.name, strerror(f->out.error));
		f->status = diag_worse(f->status, EXIT_IO);
	}
	if (!refusals_end(&f->refusals))
		f->status = diag_worse(f->status, EXIT_IO);
	if (f->verbose)
		summarise(f);
	return (int)f->status;
}

int
filter_run_files(struct filter *f, const struct options *o, const struct filter_engine *e,
    bool (*each)(void *context, struct filter *f, int fd))
{
	bool going = true;

	f->engine = e;
	if (o->operands == 0)
		going = one_file(f, "-", each);
	for (int i = 0; going && i < o->operands; i++) {
		f->behind = o->operands - i - 1;
		going = one_file(f, o->operand[i], each);
	}
	return finish(f);
}

int
filter_run(struct filter *f, const struct options *o, const struct filter_engine *e)
{
	return filter_run_files(f, o, e, each_line);
}
