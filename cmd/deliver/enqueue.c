/* SPDX-License-Identifier: ISC */
/* ehr-deliver init and enqueue: the spool, and what goes into it. */
#include "cmd/deliver/intake.h"
#include "cmd/deliver/key.h"
#include "cmd/deliver/steady.h"
#include "cmd/deliver/verbs.h"
#include "common/crypto/digest.h"
#include "common/json/json_write.h"
#include "common/line/filter.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

struct settings {
	struct verb_files files;
	bool quiet;
	bool again;
};

static const struct option_entry init_table[] = {
	VERB_POLICY,
};

static const struct option_manual init_manual = {
	.program = "ehr-deliver init",
	.operands = "",
	.purpose = "Makes the spool, for the words of criticality that the policy has.",
	.table = init_table,
	.count = sizeof init_table / sizeof init_table[0],
};

int
verb_init(int argc, char *argv[])
{
	static struct verb_policy p;
	struct settings set = { 0 };
	struct spool_fault f = { 0 };
	struct options o;
	struct spool *s;

	verb_read(&o, &init_manual, &set, argc, argv);
	verb_policy_load(&p, &o, &set.files);
	if (!spool_make(verb_spool_path(&o, &set.files.place), &f))
		verb_die(&f);
	s = verb_open(&o, &set.files.place);
	spool_begin(s);
	/* The words come last: without them an earlier init was cut off, and this one ends its work. */
	if (spool_number(s, 0, "SELECT count(*) FROM criticality", "") > 0)
		diag_die(
		    EXIT_IO, "%s: spool.db: there is a spool already", verb_spool_path(&o, &set.files.place));
	if (!key_make(s, &f))
		verb_die(&f);
	intake_words(s, &p.plan);
	verb_channels(s, &p.delivery);
	verb_commit(s);
	spool_close(s);
	policy_release(&p.policy);
	return EXIT_DONE;
}

static const struct option_entry enqueue_table[] = {
	VERB_PLACE(struct verb_files),
	{ OPTION_FLAG(struct settings, quiet), 'q', false, "quiet", NULL,
	    "answer nothing on standard output" },
	{ OPTION_FLAG(struct settings, again), 0, false, "again", NULL, "take back what was given up" },
	FILTER_OPTIONS,
};

static const struct option_manual enqueue_manual = {
	.program = "ehr-deliver enqueue",
	.operands = "[file ...]",
	.purpose = "Takes intents and events of ehr-notify.  A line {\"id\":..,\"durable\":true} says that "
		   "it is on disk.",
	.table = enqueue_table,
	.count = sizeof enqueue_table / sizeof enqueue_table[0],
};

enum { TOGETHER = 4096 }; /* lines in a transaction */

struct enqueue {
	struct settings set;
	struct spool *spool;
	struct intake intake;
	struct buffer answers; /* of the transaction at hand */
	unsigned pending;      /* lines in it */
	bool begun;
	struct filter *filter;
	int fd; /* of the source */
};

static void
begin(struct enqueue *e)
{
	if (e->begun)
		return;
	spool_begin(e->spool);
	e->intake.now = steady_time(e->spool, NULL);
	e->begun = true;
}

/* What is answered is on disk: the answers follow the commit. */
static bool
commit(struct enqueue *e, struct filter *f)
{
	struct spool_fault fault = { 0 };

	if (!e->begun)
		return true;
	e->begun = false;
	if (!spool_commit(e->spool, &fault)) {
		diag_warn("%s", fault.text);
		(void)filter_stop(f, fault.status);
		return false;
	}
	f->written += e->set.quiet ? 0 : e->pending;
	e->pending = 0;
	if (!e->set.quiet && !sink_put(&f->out, buffer_bytes(&e->answers)))
		return false;
	e->answers.used = 0;
	return true;
}

static enum filter_outcome
take_line(void *context, struct filter *f, struct bytes line)
{
	struct enqueue *e = context;
	struct json_write w = json_write_to(&e->answers);
	enum reason reason;
	struct bytes id;
	size_t byte;

	begin(e);
	e->pending++;
	if (!intake_line(&e->intake, line, &id, &reason, &byte)) {
		/* What was taken before it holds, however the run ends. */
		return commit(e, f) ? filter_no(f, reason, byte) : FILTER_STOP;
	}
	json_write_open(&w, '{');
	json_write_member_word(&w, "id", id);
	json_write_member_value(&w, "durable", (struct bytes)BYTES("true"));
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
	if (e->pending >= TOGETHER && !commit(e, f))
		return FILTER_STOP;
	return FILTER_DONE;
}

static bool
is_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Commits before a read that may wait.  What is there already is read into the same transaction. */
static enum lines_outcome
next_line(void *context, struct lines *in, struct bytes *record)
{
	struct enqueue *e = context;
	enum lines_outcome outcome = LINES_RECORD;

	while (outcome == LINES_RECORD && e->pending > 0 && !in->ended) {
		struct bytes waiting = lines_waiting(in);

		if (waiting.size > 0 && memchr(waiting.at, '\n', waiting.size) != NULL)
			break;
		if (waiting.size <= in->limit && is_ready(e->fd))
			outcome = lines_more(in);
		else if (!commit(e, e->filter))
			return LINES_FLUSH_FAILED;
	}
	return outcome == LINES_RECORD ? lines_next(in, record) : outcome;
}

static bool
each_file(void *context, struct filter *f, int fd)
{
	struct enqueue *e = context;
	struct lines in;
	bool going;

	e->fd = fd;
	lines_init(&in, fd, f->source, f->max_record, &f->out);
	going = filter_frames(f, &in, next_line, e);
	lines_release(&in);
	if (going && e->intake.event.used > 0) {
		begin(e);
		intake_whole(&e->intake);
	}
	return going && commit(e, f);
}

static void
summarise(void *context, struct buffer *text)
{
	const struct intake *i = &((const struct enqueue *)context)->intake;
	char more[120];
	int size =
	    snprintf(more, sizeof more, ", %" PRIu64 " taken, %" PRIu64 " known, %" PRIu64 " unchanged",
		i->taken, i->known, i->unchanged);

	(void)buffer_append(text, more, (size_t)size);
}

int
verb_enqueue(int argc, char *argv[])
{
	static struct enqueue e;
	static struct filter f;
	const struct filter_engine engine = { .context = &e, .record = take_line, .summary = summarise };
	struct options o;
	int id, status;

	options_init(&o, &enqueue_manual, argc, argv);
	options_into(&o, &e.set);
	filter_init(&f);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (!filter_option(&f, &o, id))
			diag_bug("an option without a case");
	e.spool = verb_open(&o, &e.set.files.place);
	e.filter = &f;
	filter_start(&f, &o, digest_hex);
	intake_init(&e.intake, e.spool, f.max_depth);
	e.intake.again = e.set.again;
	buffer_init(&e.answers, (size_t)1 << 30);
	status = filter_run_files(&f, &o, &engine, each_file);
	intake_release(&e.intake);
	buffer_release(&e.answers);
	spool_close(e.spool);
	return status;
}
