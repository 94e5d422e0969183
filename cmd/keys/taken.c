/* SPDX-License-Identifier: ISC */
#include "cmd/keys/taken.h"

#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MOST = 1 << 26, DEPTH = 4, SKEW = 60 };

struct taken {
	int dirfd;          /* of its own */
	struct buffer text; /* what is in force, and what is added */
	size_t before;      /* bytes of TEXT that were there */
	struct instant now;
};

/* A line of taken.log: false if it is none; KEPT: it is still in force. */
static bool
read_line(struct json *j, struct instant now, bool *kept)
{
	uint32_t decision, end;
	uint64_t seconds;

	decision = json_member(j, 0, (struct bytes)BYTES("decision"));
	end = json_member(j, 0, (struct bytes)BYTES("end"));
	if (decision == 0 || end == 0 || !json_integer(j, end, &seconds))
		return false;
	*kept = now.seconds <= (int64_t)seconds;
	return true;
}

static bool
sweep(struct taken *t, struct bytes text, struct instant now, struct verb_answer *a)
{
	struct buffer one; /* a line with JSON_SLACK bytes behind it */
	struct json j;
	struct bytes line;
	size_t number = 0;
	bool good = true, kept = false;

	json_init(&j, NULL, DEPTH);
	buffer_init(&one, TEXT_MOST);
	while (good && bytes_line(&text, &line)) {
		number++;
		good = store_object(&one, &j, line) && read_line(&j, now, &kept);
		if (good && kept) {
			buffer_add(&t->text, line.at, line.size);
			buffer_add(&t->text, "\n", 1);
		}
	}
	if (!good)
		(void)verb_fault(a, EXIT_KEYS, "taken.log:%zu: not a decision that was taken", number);
	buffer_release(&one);
	json_release(&j);
	return good;
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
	       store_whole(keys_directory(k), "taken.log", &text, a) && sweep(t, buffer_bytes(&text), now, a);
	buffer_release(&text);
	t->before = t->text.used;
	if (good)
		return t;
	taken_free(t);
	return NULL;
}

/* The head of the line of an id; no other id begins like it. */
static bool
has(const struct taken *t, struct bytes head)
{
	struct bytes rest = buffer_bytes(&t->text), line;

	while (bytes_line(&rest, &line))
		if (line.size >= head.size && memcmp(line.at, head.at, head.size) == 0)
			return true;
	return false;
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
	else
		return true;
	return false;
}

bool
taken_add(struct taken *t, const struct decision *d, int64_t max_age, struct verb_answer *a)
{
	struct json_write w = json_write_to(&t->text);
	size_t from = t->text.used, size;
	bool twice;

	if (!is_fresh(t, d, max_age, a))
		return false;
	json_write_open(&w, '{');
	json_write_member(&w, "decision", bytes_of(d->id));
	verb_written(&w);
	size = t->text.used - from;
	t->text.used = from;
	twice = has(t, (struct bytes){ t->text.at + from, size });
	if (twice) {
		(void)verb_fault(
		    a, EXIT_DENIED, "decision-taken: it was carried out before; ask for another one");
		return false;
	}
	t->text.used = from + size;
	json_write_member_number(&w, "end", d->time.seconds + max_age);
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
	verb_written(&w);
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
		taken_free(t);
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
	free(t);
}
