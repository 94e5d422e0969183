/* SPDX-License-Identifier: ISC */
#include "cmd/policy/parts.h"

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
	const struct json *j = &p->pipeline->json;
	uint32_t stack[JSON_MAX_DEPTH + 2];
	unsigned depth = 0;
	uint32_t record = p->pipeline->labels.record;
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

/* The label behind the level of part I: one that raises it there, else the nearest base or default label. */
static const struct label *
explaining(const struct parts *p, uint32_t i)
{
	const struct json *j = &p->pipeline->json;
	const struct labels *labels = &p->pipeline->labels;
	const struct label *base = NULL;
	uint32_t node = p->at[i].node;

	for (size_t k = 0; k < labels->count; k++) {
		const struct label *label = &labels->at[k];
		if (label->kind == LABEL_URGENCY || label->level == LABEL_NONE || node < label->node ||
		    node >= j->nodes[label->node].next)
			continue;
		if (label->kind == LABEL_BASE || label->kind == LABEL_DEFAULT)
			base = label; /* labels stand in document order: the nearest is the last */
		else if ((unsigned)label->level == p->at[i].level)
			return label;
	}
	return base;
}

/* The innermost root around NODE. */
static uint32_t
root_around(const struct parts *p, uint32_t node)
{
	const struct json *j = &p->pipeline->json;
	const struct roots *r = p->pipeline->labels.roots;
	uint32_t found = p->pipeline->labels.record;

	for (size_t i = 0; i < r->count && r->at[i].node <= node; i++)
		if (node < j->nodes[r->at[i].node].next)
			found = r->at[i].node;
	return found;
}

/* Whether LABEL, in the part ROOT, may be why RETELLING has its level or a category. */
static bool
is_behind(const struct parts *p, const struct label *label, const struct label *retelling, uint32_t root)
{
	struct label_origin by = classifier_origin(p->pipeline->classifier, label->origin);

	if (label->kind != LABEL_RAISE || by.retells || label->node < root ||
	    label->node >= p->pipeline->json.nodes[root].next)
		return false;
	if (!bytes_are(
		bytes_of(classifier_origin(p->pipeline->classifier, retelling->origin).id), "narrative") &&
	    !by.is_retold)
		return false;
	return label->level >= retelling->level || (label->sensitivity & retelling->sensitivity) != 0;
}

static size_t
behind_in(const struct parts *p, const struct label *retelling, uint32_t root, const struct label *behind[])
{
	const struct labels *labels = &p->pipeline->labels;
	size_t count = 0;

	for (size_t k = 0; k < labels->count && count < PARTS_BEHIND; k++) {
		bool is_new = is_behind(p, &labels->at[k], retelling, root);

		for (size_t i = 0; i < count; i++)
			is_new = is_new && behind[i]->origin != labels->at[k].origin;
		if (is_new)
			behind[count++] = &labels->at[k];
	}
	return count;
}

size_t
parts_behind(const struct parts *p, const struct label *label, const struct label *behind[])
{
	size_t count;

	if (!classifier_origin(p->pipeline->classifier, label->origin).retells)
		return 0;
	count = behind_in(p, label, root_around(p, label->node), behind);
	return count > 0 ? count : behind_in(p, label, p->pipeline->labels.record, behind);
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
parts_init(struct parts *p, const struct pipeline *l)
{
	*p = (struct parts){ .pipeline = l, .versions = redactor_versions(l->redactor) };
	if (p->versions > PARTS_MAX_VERSIONS)
		diag_bug("more versions than levels");
	buffer_init(&p->room, BUFFER_UNLIMITED);
	find_parts(p);
	for (uint32_t i = 0; i < p->count; i++) {
		p->at[i].level = classifier_level(l->classifier, &l->json, &l->labels, p->at[i].node);
		p->at[i].label = explaining(p, i);
	}
	find_uniform(p);
}

void
parts_release(struct parts *p)
{
	buffer_release(&p->room);
	*p = (struct parts){ 0 };
}

struct redactor_fate
parts_fate(const struct parts *p, unsigned version, uint32_t i)
{
	return redactor_fate(p->pipeline->redactor, version, pipeline_node(p->pipeline, p->at[i].node));
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
	const struct json *j = &p->pipeline->json;
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
parts_value(const struct json *j, uint32_t node)
{
	return json_kind(j, node) == JSON_STRING ? json_inside(j, node) : json_span(j, node);
}
