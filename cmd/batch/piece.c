/* SPDX-License-Identifier: ISC */
#include "cmd/batch/piece.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/label/classify_line.h"
#include "common/line/refusal.h"
#include "common/policy/site.h"
#include "common/redact/redact_keys.h"
#include "common/redact/redactor.h"
#include "common/seal/seal_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CLASSIFY, REDACT, SEAL = PIECE_PROGRAMS, NAME_ROOM = 216, NOT_UNDERSTOOD = INT_MAX };

#define MAX_RECORD ((size_t)PIECE_MOST_LINE)

static const char *const programs[PIECE_PROGRAMS + 1] = { "ehr-classify", "ehr-redact", "ehr-seal" };

/* A refused record until it is this worker's turn to say so.  The record stands behind it in the buffer. */
struct noted {
	uint64_t line;
	size_t byte, size;
	enum reason reason;
	unsigned program;
};

/* "OUT IN STEP" of the file of places, and the one behind it. */
struct place {
	uint64_t out, in, step;
};

struct sealing {
	struct seal_policy policy;
	struct seal_engine_setup setup;
	struct seal_engine *engine; /* NULL: nothing is sealed here */
	struct filter filter;       /* its output is in memory */
	struct sink listed;         /* for the manifest */
	struct buffer head;         /* of the manifest */
};

struct piece_engine {
	struct piece_setup setup;
	struct arena arena;
	struct classifier *classifier;
	struct classify_line line;
	struct redactor *redactor;
	struct redact_keys keys;
	struct instant now;
	struct sink labelled, versions; /* in memory */
	size_t lines;                   /* of versions */
	struct sealing seal;
	struct buffer noted; /* struct noted and records */
	struct refusals refusals[PIECE_PROGRAMS];
	FILE *places;
	struct place here, next;
};

struct piece_labels *
piece_labels_load(struct policy *policy, bool labels_records)
{
	/* Conditions may ask for the time, which each upload sets anew. */
	static const char any_time[] = "1970-01-01T00:00:00Z";
	struct piece_labels *l = memory_zeros(1, sizeof *l);
	struct fault fault = { 0 };

	diag_program(programs[CLASSIFY]);
	l->names = json_keys_new();
	l->classifier = classifier_load(policy, l->names, any_time, &fault);
	if (l->classifier == NULL)
		fault_exit(&fault);
	if (labels_records && !classifier_fhir_labels(l->classifier))
		diag_die(EXIT_USAGE, "--fhir-labels: the policy has no `roots: fhir` with `code_system`");
	diag_program("ehr-batch");
	return l;
}

static void
open_classifier(struct piece_engine *p)
{
	const struct piece_labels *l = p->setup.labels;

	p->classifier = l->classifier;
	if (!classifier_set_time(p->classifier, p->setup.now))
		diag_bug("a time that was read before");
	classify_line_init(&p->line, p->classifier, l->names, JSON_MAX_DEPTH, MAX_RECORD);
}

static void
open_redactor(struct piece_engine *p)
{
	struct redactor_problem problem = { .text = "" };
	const struct redactor_settings settings = {
		.levels = p->setup.levels,
		.now = &p->now,
		.batch = bytes_of(p->setup.batch),
		.fhir_labels = p->setup.labels_versions,
		.max_depth = JSON_MAX_DEPTH,
		.max_record = MAX_RECORD,
		.key = redact_keys_find,
		.context = &p->keys,
	};

	diag_program(programs[REDACT]);
	p->keys = (struct redact_keys){ .arena = &p->arena,
		.directory = site_path(&p->arena, p->setup.site, SITE_KEYS, NULL),
		.revoked = site_path(&p->arena, p->setup.site, SITE_REVOKED, NULL),
		.options = "--site DIR",
		.now = &p->now };
	if (!clock_parse_instant(bytes_of(p->setup.now), &p->now))
		diag_bug("a time that was read before");
	switch (redactor_load(&p->redactor, p->setup.policy, &settings, &problem)) {
	case REDACTOR_READY:
		return;
	case REDACTOR_FAULT:
		fault_exit(&problem.fault);
	case REDACTOR_NO_KEY:
		diag_die(EXIT_KEYS, "key-missing: no key redact.%s in the key directory", problem.text);
	case REDACTOR_NO_FHIR:
		diag_die(EXIT_USAGE, "--fhir-labels: the policy has no `roots: fhir` with `code_system`");
	case REDACTOR_UNKNOWN_LEVEL:
		diag_die(EXIT_USAGE, "--levels: redact.yaml has no version of level %s", problem.text);
	case REDACTOR_NEEDS_NOW:
	case REDACTOR_NEEDS_BATCH:
	case REDACTOR_NO_VERSION:
		break;
	}
	diag_bug("a start without a case");
}

/* ehr-seal with the options that ehr-batch gives it. */
static void
open_seal(struct piece_engine *p)
{
	struct sealing *s = &p->seal;
	struct seal_keys_demand demand = { .site = p->setup.site };
	struct fault fault = { 0 };
	struct seal_fault wrong;

	diag_program(programs[SEAL]);
	demand.directory = site_path(&p->arena, p->setup.site, SITE_KEYS, NULL);
	if (demand.directory == NULL)
		diag_die(EXIT_USAGE, "needs --site DIR");
	if (!seal_policy_load(&s->policy, p->setup.policy, &fault))
		fault_exit(&fault);
	s->setup = (struct seal_engine_setup){ .policy = p->setup.policy,
		.sealing = &s->policy,
		.domain = s->policy.domain,
		.now = &p->now,
		.max_depth = JSON_MAX_DEPTH };
	(void)snprintf(s->setup.batch, sizeof s->setup.batch, "%s", p->setup.batch);
	filter_init(&s->filter);
	s->filter.max_record = MAX_RECORD;
	sink_init_memory(&s->filter.out);
	sink_init_memory(&s->listed);
	buffer_init(&s->head, BUFFER_UNLIMITED);
	if (p->setup.manifest >= 0)
		s->setup.manifest = &s->listed;
	if (!seal_keys_open(&s->setup, &demand, &p->arena, &wrong) ||
	    !seal_keys_domain(&s->setup, false, &wrong) ||
	    (s->engine = seal_engine_begin(&s->setup, &wrong)) == NULL)
		diag_die(wrong.status, "%s", wrong.text);
	buffer_add(&s->head, sink_held(&s->listed).at, sink_held(&s->listed).size);
	sink_drop(&s->listed);
}

static void
open_refusals(struct piece_engine *p, unsigned program)
{
	const char *name = NULL, *why;
	int fd = -1;

	diag_program(programs[program]);
	if (p->setup.sets_aside) {
		name =
		    arena_format(&p->arena, "%s/refused.%s.ndjson", p->setup.folder, programs[program] + 4);
		fd = file_open_output(name, &why);
		if (fd < 0)
			diag_die(EXIT_IO, "%s: %s", name, why);
	}
	refusals_init(&p->refusals[program], p->setup.sets_aside ? ON_ERROR_QUARANTINE : ON_ERROR_FAIL, fd,
	    name, digest_hex);
	refusals_policy(&p->refusals[program], p->setup.policy->digest);
}

struct piece_engine *
piece_open(const struct piece_setup *setup)
{
	struct piece_engine *p = memory_zeros(1, sizeof *p);

	p->setup = *setup;
	open_classifier(p);
	open_redactor(p);
	if (p->setup.seals)
		open_seal(p);
	for (unsigned i = 0; i < PIECE_PROGRAMS; i++)
		open_refusals(p, i);
	p->refusals[CLASSIFY].names = p->setup.labels->names;
	sink_init_memory(&p->labelled);
	sink_init_memory(&p->versions);
	buffer_init(&p->noted, BUFFER_UNLIMITED);
	return p;
}

static void
note(struct piece_engine *p, unsigned program, uint64_t line, enum reason reason, size_t byte,
    struct bytes record)
{
	const struct noted n = {
		.line = line, .byte = byte, .size = record.size, .reason = reason, .program = program
	};

	buffer_add(&p->noted, &n, sizeof n);
	buffer_add(&p->noted, record.at, record.size);
}

/* The labelled line is in p->labelled.  False: the record was refused. */
static bool
classify(struct piece_engine *p, struct bytes line, uint64_t number)
{
	sink_drop(&p->labelled);
	if (classify_line_run(&p->line, line, &p->labelled))
		return true;
	note(p, CLASSIFY, number, p->line.reason, p->line.byte, line);
	return false;
}

static void
redact(struct piece_engine *p, uint64_t number)
{
	struct bytes line = sink_held(&p->labelled);
	struct redaction result;

	line.size--; /* the newline */
	if (!redactor_run(p->redactor, line, &result)) {
		note(p, REDACT, number, result.reason, result.byte, line);
		return;
	}
	(void)redactor_write(p->redactor, &p->versions);
	p->lines += result.written;
}

void
piece_run(struct piece_engine *p, struct bytes lines, uint64_t first)
{
	struct bytes line;

	for (; bytes_line(&lines, &line); first++)
		if (classify(p, line, first))
			redact(p, first);
}

void
piece_number(struct piece_engine *p)
{
	struct piece_counts *all = p->setup.counts;

	seal_engine_part(p->seal.engine, all->versions);
	all->versions += p->lines;
	p->lines = 0;
}

void
piece_seal(struct piece_engine *p)
{
	struct sealing *s = &p->seal;
	struct bytes rest = sink_held(&p->versions), line;

	diag_program(programs[SEAL]);
	while (bytes_line(&rest, &line))
		if (seal_engine_line(s->engine, &s->filter, line) != FILTER_DONE)
			diag_die(EXIT_BAD_RECORD, "%s: a version is refused: %s", p->setup.source,
			    reason_code(s->filter.reason));
}

static bool
read_place(struct piece_engine *p, struct place *to)
{
	char line[96], *at = line;

	if (fgets(line, sizeof line, p->places) == NULL)
		return false;
	to->out = strtoull(at, &at, 10);
	to->in = strtoull(at, &at, 10);
	to->step = strtoull(at, &at, 10);
	return *at == '\n';
}

/* The line of the upload from which LINE of ehr-ingest came.  Asked for in rising order. */
static uint64_t
upload_line(struct piece_engine *p, uint64_t line)
{
	if (p->places == NULL) {
		p->places = fopen(p->setup.places, "re");
		p->here = (struct place){ 1, 1, 1 };
		p->next = (struct place){ UINT64_MAX, 0, 0 };
		if (p->places != NULL && !read_place(p, &p->next))
			p->next.out = UINT64_MAX;
	}
	while (p->next.out <= line) {
		p->here = p->next;
		if (!read_place(p, &p->next))
			p->next.out = UINT64_MAX;
	}
	return p->here.in + p->here.step * (line - p->here.out);
}

static enum diag_exit
refuse(struct piece_engine *p, const struct noted *n, struct bytes record)
{
	struct refusals *r = &p->refusals[n->program];
	struct piece_counts *all = p->setup.counts;
	const struct refused what = { .source = p->setup.source,
		.line = (size_t)upload_line(p, n->line),
		.reason = n->reason,
		.byte = n->byte,
		.record = record,
		.first = n->line == 1 };
	enum diag_exit status;

	r->count = all->count[n->program];
	memcpy(r->by_reason, all->by_reason[n->program], sizeof r->by_reason);
	diag_program(programs[n->program]);
	status = refuse_record(r, &what);
	all->count[n->program] = r->count;
	memcpy(all->by_reason[n->program], r->by_reason, sizeof r->by_reason);
	return status;
}

/* The list of what was sealed, behind that of the pieces before. */
static bool
write_listed(struct piece_engine *p)
{
	struct piece_counts *all = p->setup.counts;
	struct sealing *s = &p->seal;
	int to = p->setup.manifest;
	bool good;

	if (s->setup.manifest == NULL)
		return true;
	good = (all->is_listing || file_write_fd(to, buffer_bytes(&s->head))) &&
	       file_write_fd(to, sink_held(&s->listed));
	all->is_listing = true;
	manifest_add(&all->listed, seal_engine_listed(s->engine));
	sink_drop(&s->listed);
	return good;
}

enum diag_exit
piece_write(struct piece_engine *p, int out)
{
	struct sink *made = p->setup.seals ? &p->seal.filter.out : &p->versions;
	enum diag_exit status = EXIT_DONE;
	struct noted n;
	struct bytes record;

	for (size_t at = 0; at < p->noted.used; at += sizeof n + n.size) {
		memcpy(&n, p->noted.at + at, sizeof n);
		record = (struct bytes){ p->noted.at + at + sizeof n, n.size };
		status = refuse(p, &n, record);
		if (status > EXIT_REFUSED)
			return status;
	}
	p->noted.used = 0;
	diag_program(programs[p->setup.seals ? SEAL : REDACT]);
	if (!file_write_fd(out, sink_held(made)) || !write_listed(p)) {
		diag_warn("%s: what was made of it cannot be written: %s", p->setup.source, strerror(errno));
		status = EXIT_IO;
	}
	sink_drop(made);
	sink_drop(&p->versions);
	return status;
}

/* What one worker says at its end: a fact of coverage, or how many values were not understood. */
struct fact {
	int kind;
	unsigned place;
	uint64_t records, rows;
	char name[NAME_ROOM];
};

static void
send_fact(int socket, int kind, const struct coverage *c)
{
	struct fact fact;

	memset(&fact, 0, sizeof fact);
	fact.kind = kind;
	fact.place = c->place;
	fact.records = c->records;
	fact.rows = c->rows;
	(void)snprintf(fact.name, sizeof fact.name, "%.*s", (int)c->name.size, c->name.at);
	(void)send(socket, &fact, sizeof fact, MSG_NOSIGNAL);
}

void
piece_end(struct piece_engine *p, int socket)
{
	const struct coverage failed = {
		.name = BYTES(""), .records = redactor_failed(p->redactor), .place = UINT_MAX
	};
	struct coverage c;

	for (size_t i = 0; classifier_coverage(p->classifier, i, &c); i++)
		send_fact(socket, (int)c.kind, &c);
	if (failed.records > 0)
		send_fact(socket, NOT_UNDERSTOOD, &failed);
}

struct piece_report {
	struct piece_setup setup;
	struct buffer facts;
};

struct piece_report *
piece_report_new(const struct piece_setup *setup)
{
	struct piece_report *r = memory_zeros(1, sizeof *r);

	r->setup = *setup;
	buffer_init(&r->facts, BUFFER_UNLIMITED);
	return r;
}

void
piece_report_add(struct piece_report *r, int socket)
{
	struct fact fact, *known;
	ssize_t n;
	size_t i;

	while ((n = recv(socket, &fact, sizeof fact, 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n != (ssize_t)sizeof fact)
			continue; /* a slot is free */
		known = (struct fact *)(void *)r->facts.at;
		for (i = 0; i < r->facts.used / sizeof fact; i++)
			if (known[i].place == fact.place)
				break;
		if (i == r->facts.used / sizeof fact)
			buffer_add(&r->facts, &fact, sizeof fact);
		else
			known[i].records += fact.records;
	}
}

/* Whichever worker was first. */
static int
compare_facts(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static void
say(const char *text)
{
	diag_warn("%s", text);
}

/* What the end of PROGRAM says of the notes. */
static void
say_facts(unsigned program, const struct fact *facts, size_t count)
{
	struct coverage_notes notes = { .say = say };

	for (size_t i = 0; i < count; i++) {
		const struct fact *f = &facts[i];
		const struct coverage c = { (enum coverage_kind)f->kind, bytes_of(f->name), f->records,
			f->rows, f->place };

		if (program == REDACT && f->kind == NOT_UNDERSTOOD)
			diag_warn(REDACTOR_NOT_UNDERSTOOD, f->records);
		else if (program == CLASSIFY && f->kind != NOT_UNDERSTOOD)
			coverage_notes_add(&notes, &c);
	}
	coverage_notes_end(&notes);
}

void
piece_report_end(struct piece_report *r, bool said)
{
	struct fact *facts = (struct fact *)(void *)r->facts.at;

	if (r->facts.used > 0)
		qsort(facts, r->facts.used / sizeof facts[0], sizeof facts[0], compare_facts);
	for (unsigned i = 0; said && i < PIECE_PROGRAMS; i++) {
		struct refusals end;

		diag_program(programs[i]);
		say_facts(i, facts, r->facts.used / sizeof facts[0]);
		refusals_init(
		    &end, r->setup.sets_aside ? ON_ERROR_QUARANTINE : ON_ERROR_FAIL, -1, NULL, NULL);
		memcpy(end.by_reason, r->setup.counts->by_reason[i], sizeof end.by_reason);
		(void)refusals_end(&end);
	}
	diag_program("ehr-batch");
	buffer_release(&r->facts);
	free(r);
}
