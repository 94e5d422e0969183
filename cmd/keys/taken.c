/* SPDX-License-Identifier: ISC */
#include "cmd/keys/taken.h"

#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/pool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MOST = 1 << 26, SKEW = 60 };

struct taken {
	int dirfd;          /* of its own */
	struct buffer text; /* what is in force, and what is added */
	size_t before;      /* bytes of TEXT that were there */
	struct pool ids;    /* of the decisions in it */
	uint64_t forgotten; /* decisions of this time and before may have been swept; 0: none were */
	uint64_t latest;    /* the latest time in the file */
	struct instant now;
};

static bool
is_number(const struct json *j, uint32_t node, uint64_t *value)
{
	return node != 0 && json_integer(j, node, value);
}

/* A later run may have a longer age or another clock, so the latest time of what is swept is kept. */
static bool
forget(struct taken *t, uint64_t time)
{
	if (time > t->forgotten)
		t->forgotten = time;
	return true;
}

/* Keeps a line of taken.log that is in force.  False if it is none. */
static bool
sweep_line(void *context, const struct json *j)
{
	struct taken *t = context;
	uint32_t decision = json_member(j, 0, (struct bytes)BYTES("decision"));
	struct bytes line = json_span(j, 0);
	uint64_t end, time;

	if (decision == 0)
		return is_number(j, json_member(j, 0, (struct bytes)BYTES("forgotten")), &time) &&
		       forget(t, time);
	if (json_kind(j, decision) != JSON_STRING ||
	    !is_number(j, json_member(j, 0, (struct bytes)BYTES("end")), &end))
		return false;
	if (!is_number(j, json_member(j, 0, (struct bytes)BYTES("time")), &time))
		time = end; /* a line of an older program */
	t->latest = time > t->latest ? time : t->latest;
	if (t->now.seconds > (int64_t)end)
		return forget(t, time);
	(void)pool_once(&t->ids, json_inside(j, decision));
	buffer_add(&t->text, line.at, line.size);
	buffer_add(&t->text, "\n", 1);
	return true;
}

static void
write_forgotten(struct taken *t)
{
	struct json_write w = json_write_to(&t->text);

	if (t->forgotten == 0)
		return;
	json_write_open(&w, '{');
	json_write_member_number(&w, "forgotten", (int64_t)t->forgotten);
	verb_line_end(&w);
}

/* A decision that counted until now is of no later time. */
static uint64_t
latest_now(const struct taken *t)
{
	return (uint64_t)(t->now.seconds + SKEW);
}

static void
time_text(uint64_t time, char text[32])
{
	clock_format((struct instant){ .seconds = (int64_t)time }, text);
}

/*
 * What a line of CUT bytes said was taken is not known any more, so all that it can have been is forgotten.
 * That is on disk before a decision is refused for it: else it would be forgotten anew in each run.
 */
static bool
heal(struct taken *t, size_t cut, struct verb_answer *a)
{
	char until[32];

	(void)forget(t, t->latest > latest_now(t) ? t->latest : latest_now(t));
	write_forgotten(t);
	if (!file_replace_at(t->dirfd, "taken.log", buffer_bytes(&t->text), 0600))
		return verb_io_fault(a, "taken.log");
	time_text(t->forgotten, until);
	verb_note(a,
	    "taken.log: an unfinished last line of %zu bytes is cut off; what was decided up to %s counts as "
	    "taken",
	    cut, until);
	return true;
}

/* Reads the lines of TEXT. */
static bool
read_lines(struct taken *t, struct buffer *text, struct verb_answer *a)
{
	const size_t cut = store_unfinished(buffer_bytes(text));
	char damaged[200], until[32];

	text->used -= cut;
	time_text(latest_now(t), until);
	(void)snprintf(damaged, sizeof damaged,
	    "not a decision that was taken; put {\"forgotten\":%" PRIu64
	    "} in its place, and what was decided up to %s counts as taken",
	    latest_now(t), until);
	if (!store_each(buffer_bytes(text), "taken.log", damaged, sweep_line, t, a))
		return false;
	if (cut > 0)
		return heal(t, cut, a);
	write_forgotten(t);
	return true;
}

struct taken *
taken_begin(const struct keys *k, struct instant now, struct verb_answer *a)
{
	struct taken *t = memory_zeros(1, sizeof *t);
	struct buffer text;
	bool good;

	t->now = now;
	buffer_init(&t->text, TEXT_MOST);
	buffer_init(&text, TEXT_MOST);
	t->dirfd = fcntl(keys_directory(k), F_DUPFD_CLOEXEC, 0);
	good = (t->dirfd >= 0 || verb_io_fault(a, "taken.log")) &&
	       store_whole(keys_directory(k), "taken.log", &text, a) && read_lines(t, &text, a);
	buffer_release(&text);
	t->before = t->text.used;
	if (good)
		return t;
	taken_free(t);
	return NULL;
}

static void
forgotten_fault(const struct taken *t, struct verb_answer *a)
{
	const bool ahead = t->now.seconds <= (int64_t)t->forgotten;
	char until[32];

	time_text(t->forgotten, until);
	(void)verb_fault(a, EXIT_DENIED,
	    "decision-stale: decisions of its time are forgotten, so it may have been taken; ask for another "
	    "one%s%s",
	    ahead ? " after " : "", ahead ? until : "");
}

static bool
is_fresh(const struct taken *t, const struct decision *d, int64_t max_age, struct verb_answer *a)
{
	if (t->now.seconds - d->time.seconds > max_age)
		(void)verb_fault(a, EXIT_DENIED,
		    "decision-stale: it is older than the policy allows; ask for another one");
	else if (d->time.seconds - t->now.seconds > SKEW)
		(void)verb_fault(
		    a, EXIT_DENIED, "decision-stale: it is of a time to come; ask for another one");
	else if (t->forgotten > 0 && d->time.seconds <= (int64_t)t->forgotten)
		forgotten_fault(t, a);
	else
		return true;
	return false;
}

bool
taken_add(struct taken *t, const struct decision *d, int64_t max_age, struct verb_answer *a)
{
	struct json_write w = json_write_to(&t->text);

	if (!is_fresh(t, d, max_age, a))
		return false;
	if (!pool_once(&t->ids, bytes_of(d->id))) {
		(void)verb_fault(
		    a, EXIT_DENIED, "decision-taken: it was carried out before; ask for another one");
		return false;
	}
	json_write_open(&w, '{');
	json_write_member(&w, "decision", bytes_of(d->id));
	json_write_member_number(&w, "time", d->time.seconds);
	json_write_member_number(&w, "end", d->time.seconds + max_age);
	verb_line_end(&w);
	return true;
}

static void
give_back(void *context, bool good)
{
	struct taken *t = context;

	if (!good)
		(void)file_replace_at(t->dirfd, "taken.log", (struct bytes){ t->text.at, t->before }, 0600);
	taken_free(t);
}

bool
taken_commit(struct taken *t, struct verb_answer *a)
{
	if (!file_replace_at(t->dirfd, "taken.log", buffer_bytes(&t->text), 0600)) {
		(void)verb_io_fault(a, "taken.log");
		/* The file may have its name already: then only the folder was not synced. */
		give_back(t, false);
		return false;
	}
	a->undo = give_back;
	a->undo_context = t;
	return true;
}

void
taken_free(struct taken *t)
{
	if (t == NULL)
		return;
	if (t->dirfd >= 0)
		(void)close(t->dirfd);
	buffer_release(&t->text);
	pool_release(&t->ids);
	free(t);
}
