/* SPDX-License-Identifier: ISC */
#include "cmd/notify/subscriptions.h"

#include "common/base/file.h"
#include "common/policy/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)256 << 20)
#define ID_MOST 64
#define MAX_DEPTH 16

/* One subject and the subscriptions that name it, by itself or through a panel. */
struct slot {
	struct bytes subject; /* size 0: free */
	uint32_t *at;
	uint32_t count;
	uint32_t room;
};

struct reader {
	struct subscriptions *s;
	const char *file;
	void (*refused)(void *context, const struct subscription *what, const char *why);
	void *context;
	struct fault *fault;
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

static bool
read_id(const struct reader *r, const struct yaml_node *node, struct subscription *sub)
{
	if (node == NULL || !yaml_string(r->file, node, &sub->id, r->fault))
		return false;
	bool good = sub->id.size >= 1 && sub->id.size <= ID_MOST;

	for (size_t i = 0; good && i < sub->id.size; i++)
		good = sub->id.at[i] != '\0' &&
		       strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", sub->id.at[i]) != NULL;
	return good || fault_at(r->fault, r->file, node, "expected an id: 1 to 64 of a-z 0-9 . _ -");
}

static bool
read_words(const struct reader *r, const struct yaml_node *node, struct grant_words *w)
{
	size_t count = yaml_strings(node);

	if (count == 0)
		return fault_at(r->fault, r->file, node, "expected a list of words");
	w->at = arena_array(&r->s->arena, count, sizeof *w->at);
	for (; w->count < count; w->count++)
		if (!yaml_item_string(r->file, node, w->count, &w->at[w->count], r->fault))
			return false;
	return true;
}

static bool
read_subjects(const struct reader *r, const struct yaml_node *node, struct subscription *sub)
{
	if (node == NULL || !read_words(r, node, &sub->subjects))
		return false;
	for (size_t i = 0; i < sub->subjects.count; i++)
		sub->everyone = sub->everyone || bytes_are(sub->subjects.at[i], "*");
	return true;
}

static bool
read_tags(const struct reader *r, const struct yaml_node *node, struct subscription *sub)
{
	struct bytes word;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from tag to words");
	for (size_t i = 0; i < node->count; i++)
		for (size_t k = 0; k < yaml_strings(node->item[i]); k++)
			if (!yaml_item_string(r->file, node->item[i], k, &word, r->fault))
				return false;
	sub->tags = node;
	return true;
}

static bool
read_when(const struct reader *r, const struct yaml_node *node, struct subscription *sub)
{
	struct bytes text;
	const char *why;
	size_t byte;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	sub->when = jq_compile_text(text, JQ_CONDITION, false, &byte, &why);
	return sub->when != NULL || fault_at(r->fault, r->file, node, "bad-jq: %s (byte %zu)", why, byte);
}

static bool
read_select(const struct reader *r, const struct yaml_node *node, struct subscription *sub)
{
	struct yaml_map m;
	struct bytes word = { "", 0 };

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *subjects = yaml_need(&m, "subjects");
	const struct yaml_node *least = yaml_take(&m, "min_criticality");
	const struct yaml_node *tags = yaml_take(&m, "tags");
	const struct yaml_node *when = yaml_take(&m, "when");
	if (!yaml_close(&m) || !read_subjects(r, subjects, sub) ||
	    !yaml_string(r->file, least, &word, r->fault) || !read_tags(r, tags, sub) ||
	    !read_when(r, when, sub))
		return false;
	int criticality = least == NULL ? 0 : notify_policy_word(r->s->plan, word);
	if (criticality < 0)
		return fault_at(r->fault, r->file, least, "unknown criticality");
	sub->min_criticality = (unsigned)criticality;
	return true;
}

static bool
read_claims(const struct reader *r, const struct yaml_node *node, uint64_t *al)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	return yaml_open(&m, r->file, node, r->fault) &&
	       yaml_integer(r->file, yaml_need(&m, "al"), 0, 99, al, r->fault) && yaml_close(&m);
}

/* Ways and manners of delivery are ehr-deliver's: here only that they are well-formed and their channels
 * known. */
static bool
read_route(const struct reader *r, const struct yaml_node *node, const char **why)
{
	struct bytes channel;

	if (node == NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of routes");
	for (size_t i = 0; i < node->count; i++) {
		struct yaml_map m;

		if (!yaml_open(&m, r->file, node->item[i], r->fault) ||
		    !yaml_string(r->file, yaml_need(&m, "channel"), &channel, r->fault) ||
		    yaml_need(&m, "to") == NULL)
			return false;
		(void)yaml_take(&m, "after");
		if (!yaml_close(&m))
			return false;
		const struct yaml_node *channels = r->s->plan->channels;
		bool known = channels == NULL;
		for (size_t k = 0; channels != NULL && k < channels->count; k++)
			known = known || bytes_equal(channels->key[k]->text, channel);
		if (!known)
			*why = "channel";
	}
	return true;
}

static bool
read_delivery(const struct reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "batch", "rate", "dedupe", "latest_only", "keep", "heartbeat",
		"quiet", "on_duty" };
	struct yaml_map m;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		(void)yaml_take(&m, words[i]);
	return yaml_close(&m);
}

/* The role of a person, from the grant, decides which class she may respond in. */
static bool
role_fits(const struct notify_class *class, const struct grant *grant)
{
	for (size_t i = 0; i < yaml_strings(class->roles); i++) {
		const struct yaml_node *role =
		    class->roles->kind == YAML_LIST ? class->roles->item[i] : class->roles;

		if (grant_words_have(&grant->roles, role->text))
			return true;
	}
	return false;
}

/* A panel or "*" is covered only as such; a subject also through a panel. */
static bool
subjects_covered(const struct subscriptions *s, const struct subscription *sub)
{
	for (size_t i = 0; i < sub->subjects.count; i++)
		if (!grants_cover(s->grants, sub->grant, sub->subjects.at[i]))
			return false;
	return true;
}

/* The first gate.  CLAIMED is 100 if no AL was claimed. */
static enum grant_fault
judge(const struct subscriptions *s, struct subscription *sub, struct bytes party, uint64_t claimed)
{
	const struct grant *grant = sub->grant;

	if (grant == NULL)
		return GRANT_MISSING;
	if (grant->fault != GRANT_GOOD || !bytes_equal(grant->sub, party))
		return GRANT_BAD;
	if (claimed < 100 && claimed > grant->al)
		return GRANT_AL;
	sub->al = claimed < grant->al ? (unsigned)claimed : grant->al;
	if (sub->class >= 0 && !role_fits(&s->plan->class[sub->class], grant))
		return GRANT_ROLE;
	if (!grants_purpose(grant, sub->purpose))
		return GRANT_PURPOSE;
	if (!subjects_covered(s, sub))
		return GRANT_SUBJECT;
	return grants_revoked(s->grants, grant);
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
read_class(const struct reader *r, const struct yaml_node *node, const struct yaml_node *at,
    struct subscription *sub)
{
	struct bytes name = { "", 0 };

	if (!yaml_string(r->file, node, &name, r->fault))
		return false;
	sub->class = notify_policy_class(r->s->plan, name);
	if (!r->s->plan->has_tiers && node == NULL)
		return true;
	return sub->class >= 0 ||
	       fault_at(r->fault, r->file, node != NULL ? node : at, "unknown class of responders");
}

/* Requested subscriptions wait for their handshake, and those past their end are over. */
static bool
is_active(const struct reader *r, const struct yaml_node *status, const struct yaml_node *until, bool *active)
{
	static const char *const words[] = { "active", "requested", "off", NULL };
	unsigned word = 0;
	struct bytes text;
	struct instant end;

	if (status != NULL && !yaml_word(r->file, status, words, &word, r->fault))
		return false;
	*active = word == 0;
	if (until == NULL)
		return true;
	if (!yaml_string(r->file, until, &text, r->fault))
		return false;
	if (!clock_parse_instant(text, &end))
		return fault_at(r->fault, r->file, until, "expected a time such as 2026-12-31T23:59:59Z");
	if (r->s->now != NULL && instant_compare(*r->s->now, end) >= 0)
		*active = false;
	return true;
}

static bool
read_subscription(const struct reader *r, const struct yaml_node *node)
{
	static const char *const payloads[] = { "empty", "reference", "sealed", NULL };
	struct subscription sub = { .file = r->file, .line = node->line };
	struct yaml_map m;
	struct bytes party = { "", 0 };
	struct bytes grant = { "", 0 };
	uint64_t claimed = 100;
	unsigned payload = PAYLOAD_REFERENCE;
	const char *why = NULL;
	bool active;

	if (!yaml_open(&m, r->file, node, r->fault) || !read_id(r, yaml_need(&m, "id"), &sub) ||
	    !yaml_string(r->file, yaml_need(&m, "party"), &party, r->fault) ||
	    !yaml_string(r->file, yaml_need(&m, "grant"), &grant, r->fault) ||
	    !read_class(r, yaml_take(&m, "responder"), node, &sub) ||
	    !read_claims(r, yaml_take(&m, "claims"), &claimed) ||
	    !read_select(r, yaml_need(&m, "select"), &sub) ||
	    !yaml_string(r->file, yaml_need(&m, "purpose"), &sub.purpose, r->fault))
		return false;
	const struct yaml_node *shape = yaml_take(&m, "payload");
	if ((shape != NULL && !yaml_word(r->file, shape, payloads, &payload, r->fault)) ||
	    !read_route(r, yaml_take(&m, "route"), &why) || !read_delivery(r, yaml_take(&m, "delivery")) ||
	    !is_active(r, yaml_take(&m, "status"), yaml_take(&m, "until"), &active) || !yaml_close(&m))
		return false;
	sub.payload = (enum notify_payload)payload;
	sub.grant = grants_find(r->s->grants, grant);
	enum grant_fault gate = judge(r->s, &sub, party, claimed);
	if (gate != GRANT_GOOD)
		why = grant_fault_word(gate);
	else if (!r->s->plan->payload[payload])
		why = "payload";
	if (!active || why != NULL)
		jq_program_free(sub.when);
	if (!active)
		return true;
	if (why == NULL) {
		add(r->s, &sub);
		return true;
	}
	r->s->refused++;
	r->refused(r->context, &sub, why);
	return true;
}

static bool
read_yaml(const struct reader *r, struct bytes text)
{
	const struct yaml_node *root = yaml_read(&r->s->arena, r->file, text, r->fault);

	if (root == NULL)
		return false;
	if (root->kind == YAML_MAP)
		return read_subscription(r, root);
	if (root->kind == YAML_NULL)
		return true;
	if (root->kind != YAML_LIST)
		return fault_at(r->fault, r->file, root, "expected a subscription or a list of them");
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
		return fault_at(
		    r->fault, r->file, &at, "%s: %s", reason_code(j->reason), reason_text(j->reason));
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

static bool
ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name);
	size_t e = strlen(ending);

	return n > e && strcmp(name + n - e, ending) == 0;
}

/* The text stays in the arena: the tree points into it. */
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
	r->file = arena_format(&r->s->arena, "%s", path);
	if (ends_with(path, ".yaml") || ends_with(path, ".yml"))
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
		if (ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".ndjson") ||
		    ends_with(name, ".json"))
			good = read_file(r, arena_format(&r->s->arena, "%s/%s", path, name));
	buffer_release(&names);
	return good;
}

bool
subscriptions_read(struct subscriptions *s, const char *path,
    void (*refused)(void *context, const struct subscription *what, const char *why), void *context,
    struct fault *f)
{
	struct reader r = { .s = s, .refused = refused, .context = context, .fault = f };
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

/* FNV-1a: the subjects are pseudonyms, and whoever could choose them could as well stop the program. */
static size_t
hash(struct bytes text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.size; i++)
		h = (h ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static struct slot *
find_slot(const struct subscriptions *s, struct bytes subject)
{
	size_t i = hash(subject) & s->slot_mask;

	while (s->slots[i].subject.size > 0 && !bytes_equal(s->slots[i].subject, subject))
		i = (i + 1) & s->slot_mask;
	return &s->slots[i];
}

static void
note_subject(struct subscriptions *s, struct bytes subject, uint32_t position)
{
	struct slot *slot = find_slot(s, subject);

	/* Two panels, or a panel and the name itself, may lead to the same subject. */
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

/* Calls NOTE for each subject that the subscription means, panels taken apart; counts them if S has no slots
 * yet. */
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
	s->slots = calloc(slots, sizeof *s->slots);
	if (s->slots == NULL)
		diag_die(EXIT_IO, "out of memory");
	s->slot_mask = slots - 1;
	for (size_t i = 0; i < s->count; i++)
		if (!s->at[i].everyone)
			(void)each_subject(s, (uint32_t)i);
	return true;
}

size_t
subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to)
{
	const struct slot *slot = subject.size > 0 ? find_slot(s, subject) : NULL;
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
