/* SPDX-License-Identifier: ISC */
#include "common/subscription/subscriptions.h"

#include "common/base/bisect.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/leftover.h"
#include "common/base/memory.h"
#include "common/line/lines.h"
#include "common/policy/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)256 << 20)
#define LINE_LIMIT ((size_t)16 << 20)
#define MAX_DEPTH 16

/* A subject, named by the subscription itself or by a panel. */
struct subject_entry {
	const char *subject;
	uint32_t size;
	uint32_t position;
};

struct reader {
	struct subscriptions *s;
	struct subscription_source from;
	struct arena arena; /* for the file or line at hand */
	struct fault fault;
	subscription_refused *refused;
	void *context;
};

void
subscriptions_init(struct subscriptions *s, const struct notify_policy *plan, const struct grants *grants,
    const struct instant *now)
{
	*s = (struct subscriptions){ .plan = plan, .grants = grants, .now = now, .until = INT64_MAX };
}

void
subscriptions_release(struct subscriptions *s)
{
	conditions_release(&s->conditions);
	free(s->at);
	free(s->entry);
	free(s->bucket);
	free(s->everyone);
	pool_release(&s->pool);
	arena_release(&s->arena);
	*s = (struct subscriptions){ 0 };
}

static void
add(struct subscriptions *s, const struct subscription *sub)
{
	if (s->count == s->room) {
		s->room = s->room == 0 ? 64 : s->room + s->room / 2;
		s->at = memory_grow(s->at, s->room, sizeof *s->at);
	}
	s->at[s->count++] = *sub;
	if (sub->idle == SUBSCRIPTION_RUNS && sub->payload == PAYLOAD_SEALED)
		s->wants_sealed = true;
	if (sub->idle == SUBSCRIPTION_RUNS && sub->until < s->until)
		s->until = sub->until;
}

static void
refuse(struct reader *r, const struct subscription_refusal *what)
{
	r->s->refused++;
	r->refused(r->context, what);
}

/* Refuses what the fault is about; the next fault can be noted. */
static void
refuse_fault(struct reader *r, const struct subscription *sub, const char *code)
{
	const struct subscription_refusal what = {
		.file = r->from.file,
		.line = r->fault.line,
		.column = r->fault.column,
		.id = sub != NULL ? sub->id : (struct bytes){ "", 0 },
		.why = r->fault.text,
		.code = code,
	};

	refuse(r, &what);
	r->fault = (struct fault){ 0 };
}

static void
read_subscription(struct reader *r, const struct yaml_node *node)
{
	struct subscription sub;
	const char *why = NULL;

	switch (subscription_read(&r->from, node, &sub, &why)) {
	case SUBSCRIPTION_GOOD:
		sub.order = r->s->read++;
		subscription_keep(&r->from, &sub);
		add(r->s, &sub);
		return;
	case SUBSCRIPTION_DROPPED:
		return;
	case SUBSCRIPTION_REFUSED:
		refuse(r, &(struct subscription_refusal){
			      .file = sub.file, .line = sub.line, .id = sub.id, .why = why });
		return;
	case SUBSCRIPTION_FAULT:
		refuse_fault(r, &sub, "malformed");
		return;
	}
}

static void
read_yaml(struct reader *r, struct bytes text)
{
	const struct yaml_node *root = yaml_read(&r->arena, r->from.file, text, &r->fault);

	if (root == NULL) {
		refuse_fault(r, NULL, "malformed");
		return;
	}
	if (root->kind == YAML_NULL)
		return;
	if (root->kind != YAML_LIST) {
		read_subscription(r, root);
		return;
	}
	for (size_t i = 0; i < root->count; i++)
		read_subscription(r, root->item[i]);
}

static void
read_json(struct reader *r, struct json *j, struct bytes line, unsigned number)
{
	if (json_parse(j, line)) {
		read_subscription(r, yaml_of_json(&r->arena, j, 0, number));
	} else {
		(void)fault_line(&r->fault, r->from.file, number, (unsigned)j->byte, "%s: %s",
		    reason_code(j->reason), reason_text(j->reason));
		refuse_fault(r, NULL, "malformed");
	}
	arena_release(&r->arena);
}

static void
read_lines(struct reader *r, struct lines *in)
{
	enum lines_outcome outcome;
	struct bytes line;
	struct json j;

	json_init(&j, NULL, MAX_DEPTH);
	while ((outcome = lines_next(in, &line)) == LINES_RECORD || outcome == LINES_REFUSED) {
		if (outcome == LINES_RECORD) {
			read_json(r, &j, line, (unsigned)in->number);
			continue;
		}
		(void)fault_line(&r->fault, r->from.file, (unsigned)in->number, (unsigned)in->refused_byte,
		    "%s: %s", reason_code(in->reason), reason_text(in->reason));
		refuse_fault(r, NULL, "malformed");
	}
	json_release(&j);
	if (outcome == LINES_END)
		return;
	(void)fault_at(&r->fault, r->from.file, NULL, "%s", strerror(in->error));
	refuse_fault(r, NULL, "unreadable");
}

static bool
read_ndjson_file(struct reader *r, const char *path)
{
	int fd = file_open(path);
	struct lines in;

	if (fd < 0)
		return false;
	lines_init(&in, fd, r->from.file, LINE_LIMIT, NULL);
	read_lines(r, &in);
	lines_release(&in);
	(void)close(fd);
	return true;
}

static bool
read_yaml_file(struct reader *r, const char *path)
{
	struct buffer text;
	bool good;

	buffer_init(&text, FILE_LIMIT);
	good = file_read(path, &text);
	if (good)
		read_yaml(r, buffer_bytes(&text));
	buffer_release(&text);
	arena_release(&r->arena);
	return good;
}

/* A name that is an ending alone, as ".yaml", has none. */
static bool
has_ending(const char *name, const char *ending)
{
	return strlen(name) > strlen(ending) && bytes_end(bytes_of(name), ending);
}

static bool
is_yaml(const char *name)
{
	return has_ending(name, ".yaml") || has_ending(name, ".yml");
}

static bool
read_file(struct reader *r, const char *path)
{
	r->from.file = arena_format(&r->s->arena, "%s", path);
	return is_yaml(path) ? read_yaml_file(r, path) : read_ndjson_file(r, path);
}

static bool
read_directory(struct reader *r, const char *path)
{
	struct buffer names;
	size_t count;
	bool good;

	buffer_init(&names, (size_t)16 << 20);
	good = file_list_at(AT_FDCWD, path, &names, &count);
	const char *name = names.at;
	for (size_t i = 0; good && i < count; i++, name += strlen(name) + 1) {
		if (leftover_of(name) != NULL ||
		    (!is_yaml(name) && !has_ending(name, ".ndjson") && !has_ending(name, ".json")))
			continue;
		if (read_file(r, arena_format(&r->s->arena, "%s/%s", path, name)))
			continue;
		(void)fault_at(&r->fault, r->from.file, NULL, "%s", file_read_fault(errno));
		refuse_fault(r, NULL, "unreadable");
	}
	buffer_release(&names);
	return good;
}

bool
subscriptions_read(struct subscriptions *s, const char *path, subscription_refused *refused, void *context)
{
	struct reader r = { .s = s, .refused = refused, .context = context };
	struct stat st;

	r.from = (struct subscription_source){ s->plan, s->grants, s->now, &r.arena, &s->pool, &s->conditions,
		NULL, &r.fault, s->keeps_delivery };
	if (stat(path, &st) != 0)
		return false;
	return S_ISDIR(st.st_mode) ? read_directory(&r, path) : read_file(&r, path);
}

/* By id, those that run before those that are idle, then as they were read. */
static int
compare_ids(const void *a, const void *b)
{
	const struct subscription *x = a;
	const struct subscription *y = b;
	int order = bytes_compare(x->id, y->id);

	if (order == 0)
		order = (x->idle != SUBSCRIPTION_RUNS) - (y->idle != SUBSCRIPTION_RUNS);
	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/*
 * Whether the subscription is too much, and why: BEFORE it stands one of its id, or it is to everyone and
 * there are enough of those.
 */
static bool
is_surplus(struct subscriptions *s, const struct subscription *sub, const struct subscription *before,
    struct subscription_refusal *what)
{
	size_t *everyone = sub->idle == SUBSCRIPTION_RUNS ? &s->everyone_running : &s->everyone_idle;

	if (before != NULL && bytes_equal(sub->id, before->id)) {
		what->code = "duplicate-id";
		what->why = "duplicate-id: a subscription of this id stands elsewhere too";
	} else if (sub->everyone && *everyone == SUBSCRIPTIONS_MAX_EVERYONE) {
		what->code = "too-many";
		what->why = "more than 1000 subscriptions to everyone";
	} else if (sub->everyone) {
		(*everyone)++;
	}
	return what->code != NULL;
}

/*
 * Drops the subscriptions whose id is used before, and those to everyone that are too many.  An idle one
 * is dropped without a word, because it tells nobody either way.
 */
static void
drop_surplus(struct subscriptions *s, subscription_refused *refused, void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct subscription *sub = &s->at[i];
		struct subscription_refusal what = { .file = sub->file, .line = sub->line, .id = sub->id };

		if (!is_surplus(s, sub, kept > 0 ? &s->at[kept - 1] : NULL, &what)) {
			if (sub->everyone)
				s->everyone[s->everyone_count++] = (uint32_t)kept;
			s->at[kept++] = *sub;
		} else if (sub->idle == SUBSCRIPTION_RUNS) {
			s->refused++;
			refused(context, &what);
		}
	}
	s->count = kept;
}

static size_t
bucket_of(const struct subscriptions *s, struct bytes subject)
{
	return (size_t)hash_bytes(subject) & s->bucket_mask;
}

/* The end of the bucket before the entry is added is its beginning after all are: see make_index(). */
static void
note_subject(struct subscriptions *s, struct bytes subject, uint32_t position)
{
	uint32_t *end = &s->bucket[bucket_of(s, subject)];

	if (s->entry == NULL)
		(*end)++;
	else
		s->entry[--*end] = (struct subject_entry){ subject.at, (uint32_t)subject.size, position };
}

/* Notes each subject of the subscription, panels taken apart; without buckets it only counts them. */
static size_t
each_subject(struct subscriptions *s, uint32_t position)
{
	const struct subscription *sub = &s->at[position];
	size_t count = 0;

	for (size_t i = 0; i < sub->subjects.count; i++) {
		struct bytes subject = sub->subjects.at[i];
		bool is_panel = subject.size > 0 && subject.at[0] == '@';
		const struct panel *panel = is_panel ? grants_panel(s->grants, subject) : NULL;
		struct grant_words one = { &subject, subject.size > 0 && !is_panel };
		const struct grant_words *all = panel != NULL ? &panel->subjects : &one;

		for (size_t k = 0; k < all->count; k++, count++)
			if (s->bucket != NULL && all->at[k].size > 0)
				note_subject(s, all->at[k], position);
	}
	return count;
}

/* All, the last first, because the buckets are filled from their ends. */
static size_t
each_subscription(struct subscriptions *s)
{
	size_t subjects = 0;

	for (size_t i = s->count; i-- > 0;)
		if (!s->at[i].everyone)
			subjects += each_subject(s, (uint32_t)i);
	return subjects;
}

/* A counting sort: sizes of the buckets, then their ends, then the entries. */
static void
make_index(struct subscriptions *s)
{
	size_t subjects = each_subscription(s);
	size_t buckets = 64;

	if (subjects > UINT32_MAX - 1)
		memory_missing(0);
	while (buckets < subjects)
		buckets *= 2;
	s->bucket_mask = buckets - 1;
	s->bucket = memory_zeros(buckets + 1, sizeof *s->bucket);
	(void)each_subscription(s);
	for (size_t i = 1; i <= buckets; i++)
		s->bucket[i] += s->bucket[i - 1];
	s->entry = memory_zeros(subjects + 1, sizeof *s->entry);
	(void)each_subscription(s);
}

void
subscriptions_ready(struct subscriptions *s, subscription_refused *refused, void *context)
{
	pool_close(&s->pool);
	if (s->count > 0)
		qsort(s->at, s->count, sizeof *s->at, compare_ids);
	s->everyone = memory_zeros((size_t)2 * SUBSCRIPTIONS_MAX_EVERYONE, sizeof *s->everyone);
	drop_surplus(s, refused, context);
	make_index(s);
}

const struct subscription *
subscriptions_find(const struct subscriptions *s, struct bytes id)
{
	struct bisect b = { .high = s->count };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(s->at[b.middle].id, id) < 0);
	return b.low < s->count && bytes_equal(s->at[b.low].id, id) ? &s->at[b.low] : NULL;
}

/* The next entry of SUBJECT from *I on, as a position; UINT32_MAX if there is none before END. */
static uint32_t
next_of(const struct subscriptions *s, struct bytes subject, uint32_t *i, uint32_t end)
{
	while (*i < end) {
		const struct subject_entry *e = &s->entry[(*i)++];

		if (bytes_equal((struct bytes){ e->subject, e->size }, subject))
			return e->position;
	}
	return UINT32_MAX;
}

size_t
subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to)
{
	size_t bucket = subject.size > 0 ? bucket_of(s, subject) : 0;
	uint32_t i = s->bucket[bucket];
	uint32_t end = subject.size > 0 ? s->bucket[bucket + 1] : i;
	uint32_t own = next_of(s, subject, &i, end);
	size_t count = 0;

	for (size_t e = 0; e < s->everyone_count || own != UINT32_MAX;) {
		uint32_t next = own;

		if (e < s->everyone_count && s->everyone[e] < own)
			next = s->everyone[e++];
		else
			own = next_of(s, subject, &i, end);
		/* a subscription may name a subject several times, by panels and by itself */
		if (count == 0 || to[count - 1] != next)
			to[count++] = next;
	}
	return count;
}
