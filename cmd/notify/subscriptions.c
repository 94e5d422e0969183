/* SPDX-License-Identifier: ISC */
#include "cmd/notify/subscriptions.h"

#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/policy/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)256 << 20)
#define MAX_DEPTH 16

/* A subject and the subscriptions that name it, itself or by a panel. */
struct subject_slot {
	struct bytes subject; /* size 0: free */
	uint32_t *at;
	uint32_t count;
	uint32_t room;
};

struct reader {
	struct subscriptions *s;
	struct subscription_source from;
	void (*refused)(void *context, const struct subscription *what, const char *why);
	void *context;
};

void
subscriptions_init(struct subscriptions *s, const struct notify_policy *plan, const struct grants *grants,
    const struct instant *now)
{
	*s = (struct subscriptions){ .plan = plan, .grants = grants, .now = now };
}

void
subscriptions_release(struct subscriptions *s)
{
	for (size_t i = 0; i < s->count; i++)
		jq_program_free(s->at[i].when);
	free(s->slots);
	arena_release(&s->arena);
	*s = (struct subscriptions){ 0 };
}

static void
add(struct subscriptions *s, const struct subscription *sub)
{
	if (s->count == s->room) {
		struct subscription *old = s->at;

		s->room = s->room == 0 ? 64 : s->room * 2;
		s->at = arena_array(&s->arena, s->room, sizeof *s->at);
		if (old != NULL)
			memcpy(s->at, old, s->count * sizeof *s->at);
	}
	s->at[s->count++] = *sub;
	s->wants_sealed = s->wants_sealed || sub->payload == PAYLOAD_SEALED;
}

static bool
read_subscription(const struct reader *r, const struct yaml_node *node)
{
	struct subscription sub;
	const char *why = NULL;

	switch (subscription_read(&r->from, node, &sub, &why)) {
	case SUBSCRIPTION_GOOD:
		add(r->s, &sub);
		return true;
	case SUBSCRIPTION_IDLE:
		return true;
	case SUBSCRIPTION_REFUSED:
		r->s->refused++;
		r->refused(r->context, &sub, why);
		return true;
	case SUBSCRIPTION_FAULT:
		break;
	}
	return false;
}

static bool
read_yaml(const struct reader *r, struct bytes text)
{
	const struct yaml_node *root = yaml_read(&r->s->arena, r->from.file, text, r->from.fault);

	if (root == NULL)
		return false;
	if (root->kind == YAML_MAP)
		return read_subscription(r, root);
	if (root->kind == YAML_NULL)
		return true;
	if (root->kind != YAML_LIST)
		return fault_at(
		    r->from.fault, r->from.file, root, "expected a subscription or a list of them");
	for (size_t i = 0; i < root->count; i++)
		if (!read_subscription(r, root->item[i]))
			return false;
	return true;
}

static bool
read_json_line(const struct reader *r, struct json *j, struct bytes line, unsigned number)
{
	struct yaml_node at = { .line = number, .column = 1 };

	if (json_blank(line))
		return true;
	if (!json_parse(j, line)) {
		at.column = (unsigned)j->byte;
		return fault_at(r->from.fault, r->from.file, &at, "%s: %s", reason_code(j->reason),
		    reason_text(j->reason));
	}
	return read_subscription(r, yaml_of_json(&r->s->arena, j, 0, number));
}

static bool
read_ndjson(const struct reader *r, struct bytes text)
{
	struct json j;
	bool good = true;

	json_init(&j, NULL, MAX_DEPTH);
	for (unsigned number = 1; good && text.size > 0; number++) {
		const char *end = memchr(text.at, '\n', text.size);
		struct bytes line = { text.at, end != NULL ? (size_t)(end - text.at) : text.size };
		size_t whole = line.size + (end != NULL);

		good = read_json_line(r, &j, line, number);
		text.at += whole;
		text.size -= whole;
	}
	json_release(&j);
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

/* The text is copied to the arena, because the tree points into it. */
static bool
read_file(struct reader *r, const char *path)
{
	struct buffer b;

	buffer_init(&b, FILE_LIMIT);
	if (!file_read(path, &b)) {
		buffer_release(&b);
		return false;
	}
	char *at = arena_take(&r->s->arena, b.used + JSON_SLACK);
	if (b.used > 0)
		memcpy(at, b.at, b.used);
	struct bytes text = { at, b.used };
	buffer_release(&b);
	r->from.file = arena_format(&r->s->arena, "%s", path);
	if (is_yaml(path))
		return read_yaml(r, text);
	return read_ndjson(r, text);
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
	for (size_t i = 0; good && i < count; i++, name += strlen(name) + 1)
		if (is_yaml(name) || has_ending(name, ".ndjson") || has_ending(name, ".json"))
			good = read_file(r, arena_format(&r->s->arena, "%s/%s", path, name));
	buffer_release(&names);
	return good;
}

bool
subscriptions_read(struct subscriptions *s, const char *path,
    void (*refused)(void *context, const struct subscription *what, const char *why), void *context,
    struct fault *f)
{
	struct reader r = {
		.s = s,
		.from = { s->plan, s->grants, s->now, &s->arena, NULL, f },
		.refused = refused,
		.context = context,
	};
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	return S_ISDIR(st.st_mode) ? read_directory(&r, path) : read_file(&r, path);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct subscription *x = a;
	const struct subscription *y = b;

	return bytes_compare(x->id, y->id);
}

static struct subject_slot *
find_slot(const struct subscriptions *s, struct bytes subject)
{
	size_t i = (size_t)hash_bytes(subject) & s->slot_mask;

	while (s->slots[i].subject.size > 0 && !bytes_equal(s->slots[i].subject, subject))
		i = (i + 1) & s->slot_mask;
	return &s->slots[i];
}

static void
note_subject(struct subscriptions *s, struct bytes subject, uint32_t position)
{
	struct subject_slot *slot = find_slot(s, subject);

	/* a subscription may name a subject several times, by panels and by itself */
	if (slot->count > 0 && slot->at[slot->count - 1] == position)
		return;
	if (slot->count == slot->room) {
		const uint32_t *old = slot->at;

		slot->room = slot->room == 0 ? 4 : slot->room * 2;
		slot->at = arena_array(&s->arena, slot->room, sizeof *slot->at);
		if (old != NULL)
			memcpy(slot->at, old, slot->count * sizeof *slot->at);
	}
	slot->subject = subject;
	slot->at[slot->count++] = position;
}

/* Notes each subject of the subscription, panels taken apart; without slots it only counts them. */
static size_t
each_subject(struct subscriptions *s, uint32_t position)
{
	const struct subscription *sub = &s->at[position];
	size_t count = 0;

	for (size_t i = 0; i < sub->subjects.count; i++) {
		struct bytes subject = sub->subjects.at[i];
		const struct panel *panel = subject.at[0] == '@' ? grants_panel(s->grants, subject) : NULL;
		struct grant_words one = { &subject, subject.size > 0 && subject.at[0] != '@' };
		const struct grant_words *all = panel != NULL ? &panel->subjects : &one;

		for (size_t k = 0; k < all->count; k++, count++)
			if (s->slots != NULL && all->at[k].size > 0)
				note_subject(s, all->at[k], position);
	}
	return count;
}

bool
subscriptions_ready(struct subscriptions *s, struct fault *f)
{
	size_t subjects = 0;
	size_t slots = 64;

	if (s->count > 0)
		qsort(s->at, s->count, sizeof *s->at, compare_ids);
	s->everyone = arena_array(&s->arena, SUBSCRIPTIONS_MAX_EVERYONE, sizeof *s->everyone);
	for (size_t i = 0; i < s->count; i++) {
		const struct yaml_node at = { .line = s->at[i].line, .column = 1 };

		if (i > 0 && bytes_equal(s->at[i].id, s->at[i - 1].id))
			return fault_at(f, s->at[i].file, &at,
			    "duplicate-id: a subscription of this id stands elsewhere too");
		if (!s->at[i].everyone)
			subjects += each_subject(s, (uint32_t)i);
		else if (s->everyone_count == SUBSCRIPTIONS_MAX_EVERYONE)
			return fault_at(f, s->at[i].file, &at, "more than %d subscriptions to everyone",
			    SUBSCRIPTIONS_MAX_EVERYONE);
		else
			s->everyone[s->everyone_count++] = (uint32_t)i;
	}
	while (slots < subjects * 2)
		slots *= 2;
	s->slots = memory_zeros(slots, sizeof *s->slots);
	s->slot_mask = slots - 1;
	for (size_t i = 0; i < s->count; i++)
		if (!s->at[i].everyone)
			(void)each_subject(s, (uint32_t)i);
	return true;
}

size_t
subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to)
{
	const struct subject_slot *slot = subject.size > 0 ? find_slot(s, subject) : NULL;
	size_t own = slot != NULL ? slot->count : 0;
	size_t count = 0;
	size_t a = 0;
	size_t b = 0;

	while (a < own || b < s->everyone_count) {
		bool first = b == s->everyone_count || (a < own && slot->at[a] < s->everyone[b]);

		to[count++] = first ? slot->at[a++] : s->everyone[b++];
	}
	return count;
}
