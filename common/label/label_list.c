/* SPDX-License-Identifier: ISC */
#include "common/base/bisect.h"
#include "common/label/parts.h"

void
label_list_init(struct label_list *l, const struct ruleset *set)
{
	*l = (struct label_list){ .set = set };
	buffer_init(&l->labels, BUFFER_UNLIMITED);
	buffer_init(&l->links, BUFFER_UNLIMITED);
}

void
label_list_release(struct label_list *l)
{
	buffer_release(&l->labels);
	buffer_release(&l->links);
}

void
label_list_start(struct label_list *l, const struct json *j)
{
	l->json = j;
	l->labels.used = 0;
}

struct label *
label_list_add(struct label_list *l, uint32_t node, enum label_kind kind, unsigned origin)
{
	struct label *label;

	if (!buffer_reserve(&l->labels, sizeof *label))
		memory_missing(sizeof *label);
	label = (struct label *)(void *)(l->labels.at + l->labels.used);
	l->labels.used += sizeof *label;
	*label = (struct label){
		.node = node,
		.origin = origin,
		.kind = (uint8_t)kind,
		.level = LABEL_NONE,
		.criticality = LABEL_NONE,
	};
	return label;
}

static uint64_t
rank(const struct label_list *l, const struct label *label)
{
	return (uint64_t)label->node << 32 | l->set->origin[label->origin].order;
}

/* By node, then by place in the policy; of one rule's urgencies there the gravest comes first. */
static bool
comes_before(const struct label_list *l, const struct label *a, const struct label *b)
{
	uint64_t x = rank(l, a);
	uint64_t y = rank(l, b);

	if (x != y)
		return x < y;
	return a->criticality != b->criticality ? a->criticality > b->criticality : a->level < b->level;
}

static void
sift_down(const struct label_list *l, struct label *at, size_t root, size_t count)
{
	struct label moved = at[root];

	for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
		if (child + 1 < count && comes_before(l, &at[child], &at[child + 1]))
			child++;
		if (!comes_before(l, &moved, &at[child]))
			break;
		at[root] = at[child];
		root = child;
	}
	at[root] = moved;
}

/* In place and never worse than n log n, since a large Bundle has very many labels. */
static void
heap_sort(const struct label_list *l, struct label *at, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(l, at, i, count);
	for (size_t i = count; i-- > 1;) {
		struct label last = at[i];

		at[i] = at[0];
		at[0] = last;
		sift_down(l, at, 0, i);
	}
}

static void
insertion_sort(const struct label_list *l, struct label *at, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct label moved = at[i];
		size_t to = i;

		for (; to > 0 && comes_before(l, &moved, &at[to - 1]); to--)
			at[to] = at[to - 1];
		at[to] = moved;
	}
}

/*
 * Two labels of one origin on one node become one.  Of two urgencies the lesser one stays too if its level is
 * lower, because more readers may see it.
 */
static bool
merge(struct label *into, const struct label *from)
{
	if (into->node != from->node || into->origin != from->origin || into->kind != from->kind)
		return false;
	if (from->kind == LABEL_URGENCY)
		return from->level >= into->level;
	if (from->level > into->level)
		into->level = from->level;
	into->sensitivity |= from->sensitivity;
	into->basis |= from->basis;
	return true;
}

void
label_list_sort(struct label_list *l)
{
	enum { FEW = 48 };
	struct label *at = label_list_at(l);
	size_t count = label_list_count(l);
	size_t kept = 0;
	size_t i = 1;

	while (i < count && (at[i - 1].node < at[i].node || rank(l, &at[i - 1]) < rank(l, &at[i])))
		i++;
	if (i >= count)
		return;
	if (count <= FEW)
		insertion_sort(l, at, count);
	else
		heap_sort(l, at, count);
	for (i = 1; i < count; i++)
		if (!merge(&at[kept], &at[i]))
			at[++kept] = at[i];
	l->labels.used = (kept + 1) * sizeof *at;
}

static bool
is_base(const struct label *label)
{
	return label->kind == LABEL_BASE || label->kind == LABEL_DEFAULT;
}

/* The last base label around NODE is the nearest one. */
unsigned
label_list_level(const struct json *j, const struct label *labels, size_t count, uint32_t node)
{
	int8_t base = 0, raise = 0;

	for (size_t i = 0; i < count && labels[i].node <= node; i++) {
		const struct label *l = &labels[i];

		if (j->nodes[l->node].next <= node || l->kind == LABEL_URGENCY)
			continue;
		if (is_base(l))
			base = l->level;
		else if (l->level > raise)
			raise = l->level;
	}
	return base > raise ? (uint8_t)base : (uint8_t)raise;
}

/* By label: the nearest label before it that lies around it, NO_NODE if there is none. */
static uint32_t *
links(const struct label_list *l)
{
	return (uint32_t *)(void *)l->links.at;
}

void
label_list_link(struct label_list *l)
{
	const struct json *j = l->json;
	const struct label *labels = label_list_at(l);
	size_t count = label_list_count(l);
	uint32_t around = NO_NODE;

	l->links.used = 0;
	if (count > 0)
		(void)buffer_more(&l->links, count * sizeof(uint32_t));
	for (size_t i = 0; i < count; i++) {
		uint32_t *link = links(l) + i;

		while (around != NO_NODE && j->nodes[labels[around].node].next <= labels[i].node)
			around = links(l)[around];
		*link = around;
		around = (uint32_t)i;
	}
}

/* The index of the first linked label after NODE. */
static size_t
first_after(const struct label_list *l, uint32_t node)
{
	const struct label *labels = label_list_at(l);
	struct bisect b = { .high = l->links.used / sizeof(uint32_t) };

	while (bisect_more(&b))
		bisect_step(&b, labels[b.middle].node <= node);
	return b.low;
}

/* The first base label from NODE outwards is the nearest one. */
struct label_standing
label_list_standing(const struct label_list *l, uint32_t node)
{
	const struct json *j = l->json;
	const struct label *labels = label_list_at(l);
	size_t i = first_after(l, node);
	uint32_t at = i == 0 ? NO_NODE : (uint32_t)i - 1;
	struct label_standing sum = { 0 };
	int8_t base = LABEL_NONE, raise = 0;

	while (at != NO_NODE && j->nodes[labels[at].node].next <= node)
		at = links(l)[at];
	for (; at != NO_NODE; at = links(l)[at]) {
		const struct label *label = &labels[at];

		if (label->kind == LABEL_URGENCY)
			continue;
		if (!is_base(label) && label->level > raise)
			raise = label->level;
		else if (is_base(label) && base == LABEL_NONE)
			base = label->level;
		sum.sensitivity |= label->sensitivity;
		sum.basis |= label->basis;
	}
	sum.level = base > raise ? (uint8_t)base : (uint8_t)raise;
	return sum;
}

struct label_standing
label_list_within(const struct label_list *l, uint32_t node)
{
	const struct label *labels = label_list_at(l);
	size_t count = l->links.used / sizeof(uint32_t);
	uint32_t end = l->json->nodes[node].next;
	struct label_standing all = label_list_standing(l, node);

	for (size_t i = first_after(l, node); i < count && labels[i].node < end; i++) {
		if (labels[i].kind == LABEL_URGENCY)
			continue;
		if (labels[i].level > (int)all.level)
			all.level = (unsigned)labels[i].level;
		all.sensitivity |= labels[i].sensitivity;
		all.basis |= labels[i].basis;
	}
	return all;
}
