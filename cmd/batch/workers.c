/* SPDX-License-Identifier: ISC */
#include "cmd/batch/workers.h"

#include "cmd/batch/flow.h"
#include "cmd/batch/piece.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PIECE = 128 << 10, /* shorter ones cost more turns and messages: 9 % more time with 32 */
	LARGE = 512 << 10, /* the memory of a longer one is given back */
	SLOTS = 2,         /* so that a worker has its next piece when it is done with one */
	MOST_JOBS = 64,
	KEPT_FDS = 8,
};

struct worker {
	pid_t process;
	int socket; /* pieces go there, and what became of them comes back */
	char *slot[SLOTS];
	bool busy[SLOTS];
};

/* A piece that is handed out: the message to the worker.  Back comes the slot alone, one byte. */
struct order {
	uint32_t slot;
	size_t size;
	uint64_t line; /* of its first record in what ehr-ingest wrote, from 1 */
};

struct workers_plan {
	struct piece_setup setup; /* what is the same for all uploads */
	unsigned behind;
};

struct workers {
	struct flow *flow;
	struct piece_setup setup;
	struct worker worker[MOST_JOBS];
	unsigned count;
	size_t room;            /* of a slot */
	int turn[MOST_JOBS][2]; /* pair i is read by worker i and written by the one before it */
	const char *places;
	/* while pieces are cut */
	uint64_t pieces;
	uint64_t lines;
};

static bool
is_option(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

/* The options of ehr-classify and ehr-redact that a worker has, too.  False: it has another one. */
static bool
take_options(struct piece_setup *s, const struct batch_command *classify, const struct batch_command *redact)
{
	for (unsigned i = 1; i < classify->words; i++) {
		if (!is_option(classify->word[i], "--fhir-labels"))
			return false;
		s->labels_records = true;
	}
	for (unsigned i = 1; i < redact->words; i++) {
		if (is_option(redact->word[i], "--fhir-labels"))
			s->labels_versions = true;
		else if (s->levels == NULL && strncmp(redact->word[i], "--levels=", 9) == 0)
			s->levels = redact->word[i] + 9;
		else
			return false;
	}
	return true;
}

/* The place of the pair, and true; ehr-ingest stands before it, with its own limit of a line's length. */
static bool
find_pair(const struct batch_policy *b, unsigned *at)
{
	for (unsigned i = 0; i + 2 < b->stages; i++) {
		const struct batch_command *c = &b->stage[i];

		if (strcmp(c[0].word[0], "ehr-ingest") != 0 || strcmp(c[1].word[0], "ehr-classify") != 0 ||
		    strcmp(c[2].word[0], "ehr-redact") != 0)
			continue;
		for (unsigned k = 1; k < c->words; k++)
			if (strncmp(c->word[k], "--max-", 6) == 0)
				return false;
		*at = i;
		return true;
	}
	return false;
}

struct workers_plan *
workers_load(const struct flow_plan *plan)
{
	const struct batch_policy *b = plan->batch;
	struct piece_setup s = { .policy = plan->policy,
		.site = plan->site,
		.sets_aside = b->on_error != BATCH_FAIL,
		.manifest = -1 };
	struct workers_plan *w;
	unsigned at;

	if (plan->jobs == 0 || !find_pair(b, &at) || !take_options(&s, &b->stage[at + 1], &b->stage[at + 2]))
		return NULL;
	s.labels = piece_labels_load(plan->policy, s.labels_records);
	s.seals = at + 3 < b->stages && strcmp(b->stage[at + 3].word[0], "ehr-seal") == 0 &&
		  b->stage[at + 3].words == 1;
	w = memory_zeros(1, sizeof *w);
	*w = (struct workers_plan){ s, at };
	return w;
}

struct workers *
workers_for(struct flow *f, unsigned *behind)
{
	const struct workers_plan *plan = f->plan->workers;
	struct workers *w;

	if (plan == NULL)
		return NULL;
	*behind = plan->behind;
	w = memory_zeros(1, sizeof *w);
	w->flow = f;
	w->setup = plan->setup;
	w->setup.now = f->plan->now;
	w->setup.batch = f->batch;
	w->setup.source = f->source;
	w->setup.folder = f->path;
	w->count = f->plan->jobs < MOST_JOBS ? f->plan->jobs : MOST_JOBS;
	w->room = PIECE_MOST_LINE + PIECE + PIECE_SLACK;
	w->places = arena_format(&f->arena, "%s/places", f->path);
	w->setup.places = w->places;
	return w;
}

unsigned
workers_stages(const struct workers *w)
{
	return w->setup.seals ? 3 : 2;
}

const char *
workers_name(const struct workers *w)
{
	return w->setup.seals ? "ehr-classify, ehr-redact and ehr-seal" : "ehr-classify and ehr-redact";
}

const char *
workers_places(const struct workers *w)
{
	return w == NULL ? NULL : w->places;
}

static bool
receive(int socket, void *at, size_t size)
{
	ssize_t n;

	do
		n = recv(socket, at, size, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size;
}

static bool
send_all(int socket, const void *at, size_t size)
{
	return send(socket, at, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Waits until all earlier pieces have numbers, or are written. */
static void
take_turn(int turn)
{
	char byte;
	ssize_t n;

	do
		n = read(turn, &byte, 1);
	while (n < 0 && errno == EINTR);
	/* The worker before it is gone, and it counts who took it away. */
	if (n != 1)
		_exit(128 + SIGPIPE);
}

static _Noreturn void
work(struct workers *w, unsigned me, int socket, int out)
{
	int before = w->turn[me][0], behind = w->turn[(me + 1) % w->count][1];
	struct worker *self = &w->worker[me];
	struct piece_engine *piece;
	struct order order;
	const int kept[] = { socket, out, before, behind, w->setup.manifest };

	program_close_others(kept, sizeof kept / sizeof kept[0]);
	diag_share_end(&w->setup.counts->fault_said);
	piece = piece_open(&w->setup);
	diag_share_end(NULL);
	if (me == 0 && w->setup.seals && !secret_is_locked())
		diag_warn("memory-not-locked: keys may be swapped to disk");
	while (receive(socket, &order, sizeof order)) {
		char slot = (char)order.slot;

		piece_run(piece, (struct bytes){ self->slot[order.slot], order.size }, order.line);
		if (order.size > LARGE)
			(void)madvise(self->slot[order.slot], w->room, MADV_REMOVE);
		if (!send_all(socket, &slot, 1))
			_exit(EXIT_IO);
		if (w->setup.seals) {
			take_turn(before);
			piece_number(piece);
			(void)send_all(behind, "", 1);
			piece_seal(piece);
		}
		take_turn(before);
		enum diag_exit status = piece_write(piece, out);
		if (status > EXIT_REFUSED)
			_exit((int)status);
		/* The worker behind may be done already; the parent sees one that is lost. */
		(void)send_all(behind, "", 1);
	}
	piece_end(piece, socket);
	_exit(EXIT_DONE);
}

static bool
start_worker(struct workers *w, unsigned me, int out)
{
	struct worker *self = &w->worker[me];
	int both[2];

	for (unsigned i = 0; i < SLOTS; i++) {
		self->slot[i] = mmap(
		    NULL, w->room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (self->slot[i] == MAP_FAILED)
			return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) != 0)
		return false;
	self->socket = both[0];
	self->process = program_fork();
	if (self->process == 0)
		work(w, me, both[1], out);
	(void)close(both[1]);
	return self->process > 0;
}

static bool
open_manifest(struct workers *w)
{
	const struct flow *f = w->flow;

	if (!w->setup.seals || f->plan->batch->manifest == NULL)
		return true;
	w->setup.manifest = openat(f->folder, f->plan->batch->manifest,
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return w->setup.manifest >= 0;
}

/* All are done, and GOOD. */
static int
end_manifest(struct workers *w, bool good)
{
	struct buffer end;

	if (w->setup.manifest < 0)
		return EXIT_DONE;
	buffer_init(&end, BUFFER_UNLIMITED);
	manifest_write_end(&end, &w->setup.counts->listed);
	good = !good || file_write_fd(w->setup.manifest, buffer_bytes(&end));
	buffer_release(&end);
	(void)close(w->setup.manifest);
	return good ? EXIT_DONE : EXIT_IO;
}

bool
workers_start(struct workers *w, int out)
{
	bool good = true;
	unsigned jobs = w->count;

	w->setup.counts =
	    mmap(NULL, sizeof *w->setup.counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	good = w->setup.counts != MAP_FAILED && open_manifest(w);
	for (unsigned i = 0; i < jobs; i++)
		w->turn[i][0] = w->turn[i][1] = w->worker[i].socket = -1;
	for (unsigned i = 0; good && i < jobs; i++)
		good = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->turn[i]) == 0;
	for (unsigned i = 0; good && i < jobs; i++)
		good = start_worker(w, i, out);
	good = good && send_all(w->turn[0][1], "..", w->setup.seals ? 2 : 1);
	int error = errno;
	for (unsigned i = 0; i < jobs; i++)
		for (unsigned k = 0; k < 2; k++)
			if (w->turn[i][k] >= 0)
				(void)close(w->turn[i][k]);
	errno = error;
	return good;
}

/* The slot of the next piece, once its worker is done with what was in it.  NULL: the worker has ended. */
static char *
next_slot(struct workers *w, uint64_t piece, struct worker **who, unsigned *slot)
{
	char done;

	*who = &w->worker[piece % w->count];
	*slot = (unsigned)(piece / w->count % SLOTS);
	while ((*who)->busy[*slot]) {
		if (!receive((*who)->socket, &done, 1) || (unsigned)done >= SLOTS)
			return NULL;
		(*who)->busy[(unsigned)done] = false;
	}
	return (*who)->slot[*slot];
}

static bool
hand_out(struct workers *w, struct worker *who, unsigned slot, size_t size)
{
	struct order order = { .slot = slot, .size = size, .line = w->lines + 1 };
	const char *at = who->slot[slot], *end = at + size;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		w->lines++;
		at++;
	}
	who->busy[slot] = true;
	w->pieces++;
	w->flow->records = w->lines;
	w->flow->progress(w->flow, w->lines);
	return send_all(who->socket, &order, sizeof order);
}

/* Reads until the piece is long enough and has a whole line, or the source ends.  -1: it cannot be read. */
static int
fill(struct workers *w, int from, char *slot, size_t *used, const char **cut)
{
	*cut = memrchr(slot, '\n', *used);
	while (*used < PIECE || *cut == NULL) {
		size_t room = w->room - PIECE_SLACK - *used;
		ssize_t n = room == 0 ? 0 : file_read_some(from, slot + *used, room < PIECE ? room : PIECE);

		if (n <= 0)
			return n < 0 || room == 0 ? -1 : 0;
		const char *found = memrchr(slot + *used, '\n', (size_t)n);

		*cut = found != NULL ? found : *cut;
		*used += (size_t)n;
	}
	return 1;
}

bool
workers_run(struct workers *w, int from)
{
	struct worker *who, *next;
	unsigned slot, next_place;
	size_t used = 0, whole;
	const char *cut = NULL;
	char *at = next_slot(w, 0, &who, &slot), *behind;

	for (;;) {
		int more = fill(w, from, at, &used, &cut);

		if (more < 0) {
			w->flow->status = EXIT_IO;
			(void)snprintf(
			    w->flow->why, sizeof w->flow->why, "what ehr-ingest wrote cannot be read");
			return false;
		}
		if (more == 0)
			return used == 0 || hand_out(w, who, slot, used);
		whole = (size_t)(cut - at) + 1;
		behind = next_slot(w, w->pieces + 1, &next, &next_place);
		if (behind == NULL)
			return false;
		memcpy(behind, at + whole, used - whole);
		used -= whole;
		if (!hand_out(w, who, slot, whole))
			return false;
		who = next;
		slot = next_place;
		at = behind;
	}
}

int
workers_end(struct workers *w, bool failed)
{
	struct piece_report *report = piece_report_new(&w->setup);
	int worst = EXIT_DONE;

	for (unsigned i = 0; i < w->count; i++)
		if (w->worker[i].process > 0)
			(void)(failed ? kill(w->worker[i].process, SIGKILL)
				      : shutdown(w->worker[i].socket, SHUT_WR));
	for (unsigned i = 0; i < w->count; i++) {
		struct worker *self = &w->worker[i];

		if (self->process <= 0)
			continue;
		piece_report_add(report, self->socket);
		int status = program_wait(self->process);

		if (worst == EXIT_DONE || worst == 128 + SIGPIPE || worst == 128 + SIGKILL)
			worst = status != EXIT_DONE ? status : worst;
		(void)close(self->socket);
		for (unsigned k = 0; k < SLOTS; k++)
			(void)munmap(self->slot[k], w->room);
	}
	piece_report_end(report, worst == EXIT_DONE && !failed);
	if (end_manifest(w, worst == EXIT_DONE && !failed) != EXIT_DONE)
		worst = EXIT_IO;
	(void)unlink(w->places);
	free(w);
	return worst;
}
