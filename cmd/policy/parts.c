/* SPDX-License-Identifier: ISC */
#include "cmd/policy/parts.h"

#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <string.h>

static bool
is_container(const struct json *j, uint32_t node)
{
	return json_kind(j, node) == JSON_ARRAY || json_kind(j, node) == JSON_OBJECT;
}

static uint32_t
add_part(struct parts *p, uint32_t node, uint32_t key, uint32_t parent, uint32_t index)
{
	struct parts_item part = { .node = node, .key = key, .parent = parent, .index = index };

	buffer_add(&p->room, &part, sizeof(part));
	p->at = (struct parts_item *)(void *)p->room.at;
	return p->count++;
}

static void
find_parts(struct parts *p)
{
	const struct json *j = &p->run->json;
	uint32_t stack[JSON_MAX_DEPTH + 2];
	unsigned depth = 0;
	uint32_t record = p->run->labels.record;
	uint32_t end = j->nodes[record].next;
	uint32_t node = record;
	uint32_t key = 0;

	while (node < end) {
		while (depth > 0 && node >= j->nodes[p->at[stack[depth - 1]].node].next)
			p->at[stack[--depth]].next = p->count;
		if (json_kind(j, node) == JSON_KEY) {
			key = node++;
			continue;
		}
		uint32_t parent = depth > 0 ? stack[depth - 1] : 0;
		uint32_t i = add_part(p, node, key, parent, depth > 0 ? p->at[parent].children : 0);
		if (depth > 0)
			p->at[parent].children++;
		p->at[i].next = i + 1;
		if (is_container(j, node) && depth <= JSON_MAX_DEPTH)
			stack[depth++] = i;
		key = 0;
		node++;
	}
	while (depth > 0)
		p->at[stack[--depth]].next = p->count;
}

/* The labels of what is around a node, in their order.  Nodes come in the order of the document. */
struct around {
	struct buffer labels; /* copies */
	struct buffer from;   /* uint32_t: what they are copies of */
	size_t next;          /* the first label of the record behind the node */
};

static size_t
around_count(const struct around *a)
{
	return a->labels.used / sizeof(struct label);
}

static const struct label *
around_at(const struct around *a, size_t i)
{
	return (const struct label *)(const void *)a->labels.at + i;
}

static void
move_to(struct around *a, const struct dry_run *l, uint32_t node)
{
	for (size_t n = around_count(a); n > 0 && l->json.nodes[around_at(a, n - 1)->node].next <= node;
	     n--) {
		a->labels.used -= sizeof(struct label);
		a->from.used -= sizeof(uint32_t);
	}
	for (; a->next < l->labels.count && l->labels.at[a->next].node <= node; a->next++) {
		const struct label *label = &l->labels.at[a->next];
		uint32_t from = (uint32_t)a->next;

		if (l->json.nodes[label->node].next <= node)
			continue;
		buffer_add(&a->labels, label, sizeof *label);
		buffer_add(&a->from, &from, sizeof from);
	}
}

/* The label behind LEVEL: one that raises it there, else the nearest base or default label. */
static const struct label *
explaining(const struct around *a, const struct labels *labels, unsigned level)
{
	const uint32_t *from = (const uint32_t *)(const void *)a->from.at;
	const struct label *base = NULL;

	for (size_t i = 0; i < around_count(a); i++) {
		const struct label *label = &labels->at[from[i]];

		if (label->kind == LABEL_URGENCY || label->level == LABEL_NONE)
			continue;
		if (label->kind == LABEL_BASE || label->kind == LABEL_DEFAULT)
			base = label; /* the nearest is the last */
		else if ((unsigned)label->level == level)
			return label;
	}
	return base;
}

static void
find_levels(struct parts *p)
{
	const struct dry_run *l = p->run;
	struct around a = { .next = 0 };

	buffer_init(&a.labels, BUFFER_UNLIMITED);
	buffer_init(&a.from, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < p->count; i++) {
		struct parts_item *part = &p->at[i];
		struct labels open = l->labels;

		move_to(&a, l, part->node);
		open.at = around_at(&a, 0);
		open.count = around_count(&a);
		part->level = classifier_level(l->classifier, &l->json, &open, part->node);
		part->label = explaining(&a, &l->labels, part->level);
	}
	buffer_release(&a.labels);
	buffer_release(&a.from);
}

/* Whether a label of a summary or narrative may retell LABEL. */
static bool
may_be_told(const struct parts *p, const struct label *label)
{
	return label->kind == LABEL_RAISE && !classifier_origin(p->run->classifier, label->origin).retells;
}

static const struct label *
told_at(const struct parts *p, size_t i)
{
	return &p->run->labels.at[((const uint32_t *)(const void *)p->told.at)[i]];
}

/* Adds the label NUMBER to those from FIRST on, unless those of its origin say as much: so there are few. */
static void
add_told(struct parts *p, size_t first, uint32_t number)
{
	const struct label *label = &p->run->labels.at[number];
	int level = LABEL_NONE;
	uint64_t sensitivity = 0;

	for (size_t i = first; i < p->told.used / sizeof number; i++) {
		const struct label *before = told_at(p, i);

		if (before->origin != label->origin)
			continue;
		level = before->level > level ? before->level : level;
		sensitivity |= before->sensitivity;
	}
	if (label->level > level || (label->sensitivity & ~sensitivity) != 0)
		buffer_add(&p->told, &number, sizeof number);
}

/* What may be told of each root, and the innermost root around each label. */
static void
find_told(struct parts *p)
{
	const struct json *j = &p->run->json;
	const struct labels *labels = &p->run->labels;
	const struct roots *roots = labels->roots;
	size_t k = 0;

	(void)buffer_more(&p->root_of, labels->count * sizeof(uint32_t));
	for (size_t r = 0; r < roots->count; r++) {
		uint32_t node = roots->at[r].node;
		struct parts_told range = { .first = p->told.used / sizeof(uint32_t) };

		while (k < labels->count && labels->at[k].node < node)
			k++;
		for (size_t i = k; i < labels->count && labels->at[i].node < j->nodes[node].next; i++) {
			((uint32_t *)(void *)p->root_of.at)[i] = (uint32_t)r;
			if (may_be_told(p, &labels->at[i]))
				add_told(p, range.first, (uint32_t)i);
		}
		range.count = p->told.used / sizeof(uint32_t) - range.first;
		buffer_add(&p->ranges, &range, sizeof range);
	}
}

/* Whether LABEL may be why RETELLING has its level or a category. */
static bool
is_behind(const struct parts *p, const struct label *label, const struct label *retelling)
{
	if (!bytes_are(bytes_of(classifier_origin(p->run->classifier, retelling->origin).id), "narrative") &&
	    !classifier_origin(p->run->classifier, label->origin).is_retold)
		return false;
	return label->level >= retelling->level || (label->sensitivity & retelling->sensitivity) != 0;
}

static size_t
behind_in(const struct parts *p, const struct label *retelling, size_t root, const struct label *behind[])
{
	struct parts_told range = ((const struct parts_told *)(const void *)p->ranges.at)[root];
	size_t count = 0;

	for (size_t k = range.first; k < range.first + range.count && count < PARTS_BEHIND; k++) {
		const struct label *label = told_at(p, k);
		bool is_new = is_behind(p, label, retelling);

		for (size_t i = 0; i < count; i++)
			is_new = is_new && behind[i]->origin != label->origin;
		if (is_new)
			behind[count++] = label;
	}
	return count;
}

size_t
parts_behind(const struct parts *p, const struct label *label, const struct label *behind[])
{
	size_t count;

	if (!classifier_origin(p->run->classifier, label->origin).retells)
		return 0;
	count = behind_in(
	    p, label, ((const uint32_t *)(const void *)p->root_of.at)[label - p->run->labels.at], behind);
	return count > 0 ? count : behind_in(p, label, 0, behind);
}

static bool
same_fate(const struct parts *p, uint32_t a, uint32_t b)
{
	for (unsigned v = 0; v < p->versions; v++) {
		struct redactor_fate left = parts_fate(p, v, a);
		struct redactor_fate right = parts_fate(p, v, b);
		if (left.fate != right.fate || (left.fate != FATE_KEPT && left.why != right.why))
			return false;
	}
	return true;
}

/* Goes backwards, so that children come before their parent. */
static void
find_uniform(struct parts *p)
{
	for (uint32_t i = p->count; i-- > 0;) {
		struct parts_item *part = &p->at[i];
		part->uniform = true;
		for (uint32_t child = i + 1; child < part->next; child = p->at[child].next)
			part->uniform = part->uniform && p->at[child].uniform &&
					p->at[child].level == part->level &&
					p->at[child].label == part->label && same_fate(p, child, i);
	}
}

void
parts_init(struct parts *p, const struct dry_run *l)
{
	*p = (struct parts){ .run = l, .versions = redactor_versions(l->redactor) };
	if (p->versions > PARTS_MAX_VERSIONS)
		diag_bug("more versions than levels");
	buffer_init(&p->room, BUFFER_UNLIMITED);
	buffer_init(&p->told, BUFFER_UNLIMITED);
	buffer_init(&p->ranges, BUFFER_UNLIMITED);
	buffer_init(&p->root_of, BUFFER_UNLIMITED);
	find_parts(p);
	find_told(p);
	find_levels(p);
	find_uniform(p);
}

void
parts_release(struct parts *p)
{
	buffer_release(&p->room);
	buffer_release(&p->told);
	buffer_release(&p->ranges);
	buffer_release(&p->root_of);
	*p = (struct parts){ 0 };
}

struct redactor_fate
parts_fate(const struct parts *p, unsigned version, uint32_t i)
{
	return redactor_fate(p->run->redactor, version, dry_run_node(p->run, p->at[i].node));
}

static bool
is_plain(struct bytes name)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.at[i];
		if (!ascii_is_letter(c) && c != '_' && (i == 0 || !ascii_is_digit(c)))
			return false;
	}
	return name.size > 0;
}

bool
parts_name(const struct json *j, uint32_t key, struct buffer *out)
{
	struct bytes name = is_plain(json_inside(j, key)) ? json_inside(j, key) : json_span(j, key);

	return buffer_append(out, ".", 1) && buffer_append(out, name.at, name.size);
}

void
parts_step(const struct parts *p, uint32_t i, struct buffer *out)
{
	const struct json *j = &p->run->json;
	const struct parts_item *part = &p->at[i];
	char index[32];

	if (part->key == 0) {
		int size = snprintf(index, sizeof(index), "[%u]", part->index);
		(void)buffer_append(out, index, (size_t)size);
		return;
	}
	(void)parts_name(j, part->key, out);
}

void
parts_path(const struct parts *p, uint32_t i, struct buffer *out)
{
	uint32_t stack[JSON_MAX_DEPTH + 2];
	unsigned depth = 0;

	for (; i != 0 && depth < JSON_MAX_DEPTH + 2; i = p->at[i].parent)
		stack[depth++] = i;
	if (depth == 0)
		(void)buffer_append(out, ".", 1);
	while (depth > 0)
		parts_step(p, stack[--depth], out);
}

struct bytes
parts_level(const struct parts *p, uint32_t i, char text[PARTS_LEVEL])
{
	const struct parts_item *part = &p->at[i];
	struct bytes name = p->run->policy->level[part->level].name;
	uint64_t categories = part->label != NULL ? part->label->sensitivity : 0;
	int used = snprintf(text, PARTS_LEVEL, "%.*s", (int)name.size, name.at);
	const char *between = " ";

	for (unsigned k = 0; k < 64 && used < PARTS_LEVEL; k++) {
		if ((categories >> k & 1) == 0)
			continue;
		struct bytes code = vocabulary_at(VOCABULARY_SENSITIVITY, k)->code;
		used += snprintf(
		    text + used, (size_t)(PARTS_LEVEL - used), "%s%.*s", between, (int)code.size, code.at);
		between = ",";
	}
	return (struct bytes){ text, (size_t)(used < PARTS_LEVEL ? used : PARTS_LEVEL - 1) };
}

struct bytes
parts_value(const struct json *j, uint32_t node)
{
	return json_kind(j, node) == JSON_STRING ? json_inside(j, node) : json_span(j, node);
}
