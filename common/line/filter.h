/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_FILTER_H
#define EHR_LINE_FILTER_H

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/options.h"
#include "common/line/lines.h"
#include "common/line/refusal.h"
#include "common/line/sink.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * filter: what all filters share: options, the loop over files and lines, refusals, the summary (-v, SIGUSR1,
 * --progress) and the exit status.  A program brings an engine, which handles one line and the end.
 *
 *	static const struct option_entry table[] = { FILTER_OPTIONS, { POLICY, 'P', ... }, ... };
 *	struct filter f; filter_init(&f);
 *	while ((id = options_next(&o)) != OPTIONS_END)
 *		if (!filter_option(&f, &o, id)) switch (id) ...
 *	... load the policy ...
 *	filter_start(&f, &o, digest_hex);
 *	return filter_run(&f, &o, &engine);
 */
enum {
	FILTER_ON_ERROR = 1000,
	FILTER_QUARANTINE,
	FILTER_MAX_REFUSED,
	FILTER_MAX_RECORD,
	FILTER_MAX_DEPTH,
	FILTER_SOURCE,
	FILTER_PROGRESS,
	FILTER_VERBOSE,
};

#define FILTER_OPTIONS                                                                                       \
	{ FILTER_ON_ERROR, 0, false, "on-error", "fail|skip|quarantine",                                     \
		"what to do when a record is refused (fail)" },                                              \
	    { FILTER_QUARANTINE, 0, false, "quarantine", "FILE", "where refused records go" },               \
	    { FILTER_MAX_REFUSED, 0, false, "max-refused", "N", "stop when more than N were refused" },      \
	    { FILTER_MAX_RECORD, 0, false, "max-record", "SIZE", "refuse a record longer than SIZE (64M)" }, \
	    { FILTER_MAX_DEPTH, 0, false, "max-depth", "N", "refuse nesting deeper than N (256)" },          \
	    { FILTER_SOURCE, 0, false, "source", "NAME", "how messages call standard input (<stdin>)" },     \
	    { FILTER_PROGRESS, 0, false, "progress", NULL,                                                   \
		    "show progress if standard error is a terminal" },                                       \
	{                                                                                                    \
		FILTER_VERBOSE, 'v', false, "verbose", NULL, "print a summary at the end"                    \
	}

enum { FILTER_OUTPUTS = 8 };

struct filter {
	size_t max_record;
	unsigned max_depth;
	bool verbose;
	bool progress;
	struct refusals refusals;
	struct sink out;
	uint64_t read;        /* records seen, refused ones included */
	uint64_t written;     /* lines written, which the engine counts */
	const char *standard; /* how messages call standard input; NULL: <stdin> */
	const char *source;
	size_t line;         /* of the record at hand */
	struct bytes record; /* the line at hand, as it came */
	/* set by the engine with FILTER_REFUSE: filter_no() */
	enum reason reason;
	size_t byte; /* in the line, from 1; 0: none to name */
	/* set with FILTER_STOP, after a message: filter_stop(); the worst counts */
	enum diag_exit status;
	/* private */
	enum on_error on_error;
	const char *quarantine;
	uint64_t max_refused;
	double began;
	const struct filter_engine *engine;
	int behind;        /* operands behind the one at hand */
	struct bytes head; /* of a line that was too long */
	bool first;        /* the record at hand is the first of its source */
	struct file_identity output[FILTER_OUTPUTS];
	unsigned outputs;
};

enum filter_outcome {
	FILTER_DONE,   /* what the record gives was put to f->out */
	FILTER_REFUSE, /* the record is refused: filter_no() */
	FILTER_STOP,   /* the run ends: filter_stop() */
};

struct filter_engine {
	void *context;
	/*
	 * One line, with JSON_SLACK readable bytes behind it.  Writes all that the record gives, or nothing.
	 */
	enum filter_outcome (*record)(void *context, struct filter *f, struct bytes line);
	/*
	 * Called for a line that was refused before record(), for programs that answer every line.  May be
	 * NULL.
	 */
	void (*refused)(void *context, struct filter *f, enum reason reason);
	/* After the last line of the last file; also after a stop with a status of 0 or 1.  May be NULL. */
	enum filter_outcome (*end)(void *context, struct filter *f);
	/* More for the summary, after "N read, N written, N refused": ", 3 withheld".  May be NULL. */
	void (*summary)(void *context, struct buffer *text);
	/*
	 * The limit of a line that is an envelope: envelope * max_record + 128 KiB.  0: lines are bare
	 * records.
	 */
	unsigned envelope;
	bool blanks; /* record() also takes lines that are empty or white space alone */
};

/* Engines: return filter_no(f, REASON_X, byte); */
static inline enum filter_outcome
filter_no(struct filter *f, enum reason reason, size_t byte)
{
	f->reason = reason;
	f->byte = byte;
	return FILTER_REFUSE;
}

/* The run ends with STATUS.  The engine has said why, or (after a failed sink) the filter will. */
static inline enum filter_outcome
filter_stop(struct filter *f, enum diag_exit status)
{
	f->status = diag_worse(f->status, status);
	return FILTER_STOP;
}

void filter_init(struct filter *f);

/* True if ID is one of FILTER_OPTIONS.  A bad value ends the program with EXIT_USAGE. */
bool filter_option(struct filter *f, struct options *o, int id);

/*
 * Opens f->out on standard output and f->refusals with DIGEST (see refusals_init).  Ends the program with
 * EXIT_IO if that fails, with EXIT_USAGE if the options contradict each other or an output is an input.
 */
void filter_start(struct filter *f, const struct options *o, void (*digest)(struct bytes text, char hex[65]));

/*
 * After filter_start: opens PATH as another output of the program, emptied, see file_open_output.  Ends the
 * program as filter_start does.
 */
void filter_create(struct filter *f, const struct options *o, const char *path, struct sink *to);

/* After filter_start: checks a file that the program itself writes, as filter_create does. */
void filter_output(struct filter *f, const struct options *o, const char *path);

/*
 * Refuses something other than the line at hand (a line of a group, an entry of a Bundle).  FILTER_STOP: the
 * run must end.
 */
enum filter_outcome filter_refuse(struct filter *f, const struct refused *what);

/*
 * Gives all lines of all operands (standard input if there are none) to the engine.  Returns the exit status.
 */
int filter_run(struct filter *f, const struct options *o, const struct filter_engine *e);

/*
 * The same for a program that finds the ends of its records itself: opens each operand and calls EACH with
 * its descriptor while EACH returns true; then ends as filter_run does.
 */
int filter_run_files(struct filter *f, const struct options *o, const struct filter_engine *e,
    bool (*each)(void *context, struct filter *f, int fd));

/*
 * For EACH: gives the engine all that NEXT returns out of IN, up to LINES_END.  True if the run goes on with
 * the next file.  NEXT has the contract of lines_next, which it may call.
 */
typedef enum lines_outcome filter_next(void *context, struct lines *in, struct bytes *record);
bool filter_frames(struct filter *f, struct lines *in, filter_next *next, void *context);

#endif
