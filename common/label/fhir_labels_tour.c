/* SPDX-License-Identifier: ISC */
#include "common/label/fhir_labels_parts.h"

#include "common/label/shape.h"

/* A container that the walk is in. */
struct frame {
	uint32_t node, end;
	uint32_t key;    /* under which it stands, or its array does; 0: none */
	uint32_t holder; /* takes labels of what cannot hold them; FHIR_LABELS_NONE: the root's sum does */
	uint32_t elements;
	bool is_extension; /* an Extension, or a list of them */
	int level;         /* of an array: the label for each element */
	uint64_t sensitivity;
};

static void
add_part(struct fhir_labels *l, uint32_t node, uint32_t index, const struct fhir_labels_part *label)
{
	struct fhir_labels_place *p;

	if (node == FHIR_LABELS_NONE)
		return;
	p = buffer_more(&l->parts, sizeof *p);
	*p = (struct fhir_labels_place){ node, index, label->level, label->sensitivity };
}

static bool
key_is(const struct fhir_labels *l, uint32_t key, const char *name)
{
	return key != 0 && json_is(l->json, key, bytes_of(name));
}

static bool
is_extension_key(const struct fhir_labels *l, uint32_t key)
{
	return key_is(l, key, "extension") || key_is(l, key, "modifierExtension");
}

/* The member `_x` beside the member KEY of an object; 0: none. */
static uint32_t
sibling_of(struct fhir_labels *l, uint32_t object, uint32_t key)
{
	struct bytes name = json_inside(l->json, key);

	l->room.used = 0;
	buffer_add(&l->room, "_", 1);
	buffer_add(&l->room, name.at, name.size);
	return json_member(l->json, object, buffer_bytes(&l->room));
}

/* True if FHIR lets `_x` stand beside the member KEY of F. */
static bool
may_have_sibling(const struct fhir_labels *l, const struct frame *f, uint32_t key)
{
	static const char *const without[] = { "id", "resourceType", "div" };

	if ((l->json->nodes[key].flags & JSON_ESCAPED) != 0 || bytes_begin(json_inside(l->json, key), "_"))
		return false;
	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
		if (key_is(l, key, without[i]))
			return false;
	return !(f->is_extension && key_is(l, key, "url"));
}

/* Element INDEX of a list of primitives, beside which the list SIBLING stands. */
static void
label_element(struct fhir_labels *l, const struct frame *object, uint32_t sibling, uint32_t index,
    const struct fhir_labels_part *label)
{
	uint32_t i = sibling + 1;
	uint32_t end = l->json->nodes[sibling].next;

	for (uint32_t before = index; i < end && before > 0; before--)
		i = l->json->nodes[i].next;
	if (i >= end || json_kind(l->json, i) == JSON_NULL)
		add_part(l, sibling, index, label);
	else
		add_part(
		    l, json_kind(l->json, i) == JSON_OBJECT ? i : object->holder, FHIR_LABELS_NONE, label);
}

/* A primitive of the object at OBJECT, under KEY or, with an INDEX, in a list under it. */
static void
label_primitive(struct fhir_labels *l, const struct frame *object, uint32_t key, uint32_t index,
    const struct fhir_labels_part *label)
{
	uint32_t sibling = sibling_of(l, object->node, key);
	bool may = may_have_sibling(l, object, key);

	if (may && sibling == 0)
		add_part(l, key, index, label);
	else if (may && index == FHIR_LABELS_NONE && json_kind(l->json, sibling) == JSON_OBJECT)
		add_part(l, sibling, FHIR_LABELS_NONE, label);
	else if (may && index != FHIR_LABELS_NONE && json_kind(l->json, sibling) == JSON_ARRAY)
		label_element(l, object, sibling, index, label);
	else
		add_part(l, object->holder, FHIR_LABELS_NONE, label);
}

/* The label of NODE, which stands in F: its own, and that of a list for its elements. */
static struct fhir_labels_part
label_of(struct fhir_labels_tour *t, const struct frame *f, uint32_t node)
{
	struct fhir_labels_part sum = { node, f->level, f->sensitivity };

	while (t->part < t->parts_end && t->part->node < node)
		t->part++;
	for (; t->part < t->parts_end && t->part->node == node; t->part++) {
		sum.level = t->part->level > sum.level ? t->part->level : sum.level;
		sum.sensitivity |= t->part->sensitivity;
	}
	return sum;
}

static struct frame *
frames(const struct fhir_labels *l)
{
	return (struct frame *)(void *)l->frames.at;
}

static size_t
depth(const struct fhir_labels *l)
{
	return l->frames.used / sizeof(struct frame);
}

static void
see_root(const struct fhir_labels *l, struct fhir_labels_tour *t, uint32_t key, uint32_t node)
{
	t->at_root = t->next_root < t->roots->count && t->roots->at[t->next_root].node == node;
	t->at_contained = t->at_root && key_is(l, key, "contained");
	if (t->at_root)
		t->is_contained[t->next_root++] = t->at_contained;
}

/* Where the label of NODE goes, which stands in F. */
static void
place_label(struct fhir_labels *l, const struct fhir_labels_tour *t, const struct frame *f, uint32_t key,
    uint32_t node, const struct fhir_labels_part *label)
{
	enum json_kind kind = json_kind(l->json, node);

	if (kind == JSON_ARRAY)
		return; /* each element gets it */
	if (kind == JSON_OBJECT && t->at_root && !t->at_contained)
		return; /* the sum of the root says it */
	if (kind == JSON_OBJECT)
		add_part(l, is_extension_key(l, key) ? f->holder : node, FHIR_LABELS_NONE, label);
	else if (json_kind(l->json, f->node) == JSON_OBJECT)
		label_primitive(l, f, key, FHIR_LABELS_NONE, label);
	else if (json_kind(l->json, f[-1].node) == JSON_OBJECT && kind != JSON_NULL)
		label_primitive(l, f - 1, key, f->elements - 1, label);
	else
		add_part(l, f->holder, FHIR_LABELS_NONE, label);
}

static void
push(struct fhir_labels *l, const struct fhir_labels_tour *t, uint32_t key, uint32_t node,
    const struct fhir_labels_part *label)
{
	size_t above = depth(l);
	struct frame *f = buffer_more(&l->frames, sizeof *f);
	uint32_t around = above > 0 ? f[-1].holder : FHIR_LABELS_NONE;
	bool is_array = json_kind(l->json, node) == JSON_ARRAY;

	*f = (struct frame){ .node = node, .end = l->json->nodes[node].next, .key = key, .holder = node };
	f->is_extension = is_extension_key(l, key);
	f->level = is_array ? label->level : -1;
	f->sensitivity = is_array ? label->sensitivity : 0;
	if (t->at_root && !t->at_contained)
		f->holder = FHIR_LABELS_NONE;
	else if (is_array || f->is_extension)
		f->holder = around;
}

/* True if NODE, in F under KEY, is the meta of a root, or an inline label. */
static bool
is_of_labels(struct fhir_labels *l, const struct fhir_labels_tour *t, const struct frame *f, uint32_t key,
    uint32_t node)
{
	uint32_t url = is_extension_key(l, key) ? fhir_labels_member(l, node, "url") : 0;

	if (url != 0 && json_kind(l->json, url) == JSON_STRING &&
	    shape_is_inline_label(json_string(l->json, url, &l->room)))
		return true;
	return key_is(l, key, "meta") && t->next_root > 0 && t->roots->at[t->next_root - 1].node == f->node;
}

void
fhir_labels_tour(struct fhir_labels *l, struct fhir_labels_tour *t)
{
	const struct json_node *n = l->json->nodes;
	uint32_t record = t->roots->at[0].node;
	struct fhir_labels_part label = { record, -1, 0 };

	l->frames.used = 0;
	see_root(l, t, 0, record);
	push(l, t, 0, record, &label);
	for (uint32_t i = record + 1; i < n[record].next; i++) {
		struct frame *f;
		uint32_t key;

		if (n[i].kind == JSON_KEY)
			continue;
		while (i >= frames(l)[depth(l) - 1].end)
			l->frames.used -= sizeof *f;
		f = &frames(l)[depth(l) - 1];
		key = n[i - 1].kind == JSON_KEY ? i - 1 : f->key;
		f->elements++;
		if (is_of_labels(l, t, f, key, i)) {
			i = n[i].next - 1;
			continue;
		}
		see_root(l, t, key, i);
		label = label_of(t, f, i);
		if (label.level >= 0 || label.sensitivity != 0)
			place_label(l, t, f, key, i, &label);
		if (n[i].kind == JSON_OBJECT || n[i].kind == JSON_ARRAY)
			push(l, t, key, i, &label);
	}
}
