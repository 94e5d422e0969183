/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

#include <string.h>

/* levels: labels in order, and what holds at a node because of all that lie on it and around it. */

static uint64_t
rank(const struct run *run, const struct label *label)
{
	return (uint64_t)label->node << 32 | run->set.origin[label->origin].order;
}

/* Node, place in the policy, and, of one rule's urgencies there, the gravest first. */
static bool
comes_before(const struct run *run, const struct label *a, const struct label *b)
{
	uint64_t x = rank(run, a);
	uint64_t y = rank(run, b);

	if (x != y)
		return x < y;
	return a->criticality != b->criticality ? a->criticality > b->criticality : a->level < b->level;
}

static void
sift_down(const struct run *run, struct label *at, size_t root, size_t count)
{
	struct label moved = at[root];

	for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
		if (child + 1 < count && comes_before(run, &at[child], &at[child + 1]))
			child++;
		if (!comes_before(run, &moved, &at[child]))
			break;
		at[root] = at[child];
		root = child;
	}
	at[root] = moved;
}

/* In place, and never worse than n log n: a Bundle may bring very many. */
static void
heap_sort(const struct run *run, struct label *at, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(run, at, i, count);
	for (size_t i = count; i-- > 1;) {
		struct label last = at[i];

		at[i] = at[0];
		at[0] = last;
		sift_down(run, at, 0, i);
	}
}

static void
insertion_sort(const struct run *run, struct label *at, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct label moved = at[i];
		size_t to = i;

		for (; to > 0 && comes_before(run, &moved, &at[to - 1]); to--)
			at[to] = at[to - 1];
		at[to] = moved;
	}
}

/* Two labels of one origin on one node are one; a lesser urgency stays if more readers may know of it. */
static bool
merge(struct label *into, const struct label *from)
{
	if (into->node != from->node || into->origin != from->origin || into->kind != from->kind)
		return false;
	if (from->kind == LABEL_URGENCY)
		return from->level >= into->level;
	into->level = from->level > into->level ? from->level : into->level;
	into->sensitivity |= from->sensitivity;
	into->basis |= from->basis;
	return true;
}

void
levels_sort(struct run *run)
{
	enum { FEW = 48 };
	struct label *at = run_labels(run);
	size_t count = run_label_count(run);
	size_t kept = 0;
	size_t i = 1;

	while (i < count && rank(run, &at[i - 1]) < rank(run, &at[i]))
		i++;
	if (i >= count)
		return;
	if (count <= FEW)
		insertion_sort(run, at, count);
	else
		heap_sort(run, at, count);
	for (i = 1; i < count; i++)
		if (!merge(&at[kept], &at[i]))
			at[++kept] = at[i];
	run->labels.used = (kept + 1) * sizeof *at;
}

static bool
is_base(const struct label *label)
{
	return label->kind == LABEL_BASE || label->kind == LABEL_DEFAULT;
}

/* LABELS are sorted, so of the base labels around NODE the last one is the nearest. */
struct label_standing
levels_at(const struct json *j, const struct label *labels, size_t count, uint32_t node)
{
	struct label_standing s = { 0 };
	int base = 0;
	int raise = 0;

	for (size_t i = 0; i < count && labels[i].node <= node; i++) {
		const struct label *l = &labels[i];

		if (j->nodes[l->node].next <= node || l->kind == LABEL_URGENCY)
			continue;
		if (is_base(l))
			base = l->level;
		else if (l->level > raise)
			raise = l->level;
		s.sensitivity |= l->sensitivity;
		s.basis |= l->basis;
	}
	s.level = (unsigned)(base > raise ? base : raise);
	return s;
}

/* ---- the same for many nodes ------------------------------------------------------------------------- */

/* What holds at a label's node, and the nearest label before it that lies around it. */
struct link {
	struct label_standing standing;
	int base;
	int raise;
	uint32_t around; /* NO_NODE: none */
};

static struct link *
links(const struct run *run)
{
	return (struct link *)(void *)run->links.at;
}

static void
add_to(struct link *link, const struct label *label)
{
	if (label->kind == LABEL_URGENCY)
		return;
	if (is_base(label))
		link->base = label->level;
	else if (label->level > link->raise)
		link->raise = label->level;
	link->standing.sensitivity |= label->sensitivity;
	link->standing.basis |= label->basis;
	link->standing.level = (unsigned)(link->base > link->raise ? link->base : link->raise);
}

void
levels_link(struct run *run)
{
	const struct json *j = run_json(run);
	const struct label *labels = run_labels(run);
	size_t count = run_label_count(run);
	uint32_t around = NO_NODE;

	run->links.used = 0;
	for (size_t i = 0; i < count; i++) {
		struct link *link = buffer_more(&run->links, sizeof *link);

		while (around != NO_NODE && j->nodes[labels[around].node].next <= labels[i].node)
			around = links(run)[around].around;
		if (around != NO_NODE)
			*link = links(run)[around];
		link->around = around;
		add_to(link, &labels[i]);
		around = (uint32_t)i;
	}
}

/* The first label behind NODE among those that are linked. */
static size_t
behind(const struct run *run, uint32_t node)
{
	const struct label *labels = run_labels(run);
	size_t low = 0;
	size_t high = run->links.used / sizeof(struct link);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (labels[middle].node <= node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct label_standing
levels_standing(const struct run *run, uint32_t node)
{
	const struct json *j = run_json(run);
	size_t i = behind(run, node);
	uint32_t at = i == 0 ? NO_NODE : (uint32_t)i - 1;

	while (at != NO_NODE && j->nodes[run_labels(run)[at].node].next <= node)
		at = links(run)[at].around;
	if (at == NO_NODE)
		return (struct label_standing){ 0 };
	return links(run)[at].standing;
}

unsigned
levels_within(const struct run *run, uint32_t node)
{
	const struct label *labels = run_labels(run);
	size_t count = run->links.used / sizeof(struct link);
	uint32_t end = run_json(run)->nodes[node].next;
	unsigned level = levels_standing(run, node).level;

	for (size_t i = behind(run, node); i < count && labels[i].node < end; i++)
		if (labels[i].kind != LABEL_URGENCY && labels[i].level > (int)level)
			level = (unsigned)labels[i].level;
	return level;
}

/*
 * A root's narrative has the level of all that its root and the roots in it hold.  Labels are sorted, and are
 * again afterwards.
 */
void
levels_narratives(struct run *run)
{
	size_t count = run_label_count(run);
	bool is_linked = false;

	for (size_t i = 0; i < run->roots.count; i++) {
		uint32_t node = ((const struct root_facts *)(const void *)run->facts.at)[i].narrative;
		unsigned most;

		if (node == 0)
			continue;
		if (!is_linked)
			levels_link(run);
		is_linked = true;
		most = levels_within(run, run->roots.at[i].node);
		if (most > levels_standing(run, node).level)
			run_add(run, node, LABEL_RAISE, ORIGIN_NARRATIVE)->level = (int)most;
	}
	if (run_label_count(run) > count)
		levels_sort(run);
}
