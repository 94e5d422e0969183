/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include <string.h>

enum { NOBODY = UINT32_MAX };

/*
 * A string #NAME in root FROM, which means root TO.  From a root to itself: it refers to the one around it.
 * Of roots with one name the last counts; the others count as unreferenced.
 */
struct orphans_link {
	uint32_t node;
	uint32_t from;
	uint32_t to;
};

void
orphans_init(struct orphans *p)
{
	buffer_init(&p->links, BUFFER_UNLIMITED);
	buffer_init(&p->reach, BUFFER_UNLIMITED);
}

void
orphans_release(struct orphans *p)
{
	buffer_release(&p->links);
	buffer_release(&p->reach);
}

static struct orphans_link *
last_link(const struct orphans *p)
{
	return (struct orphans_link *)(void *)(p->links.at + p->links.used) - 1;
}

static void
add_link(void *context, uint32_t to)
{
	struct orphans *p = context;
	struct orphans_link more = *last_link(p);

	if (more.to != NOBODY)
		(void)buffer_more(&p->links, sizeof more);
	more.to = more.from == to ? NOBODY : to;
	*last_link(p) = more;
}

/* The string at NODE in root FROM. */
static void
look(struct orphans *p, struct outline *o, const struct targets *t, uint32_t node, uint32_t from)
{
	struct bytes text = json_inside(o->json, node);
	const char *version;

	if (text.size == 0 || (text.at[0] != '#' && text.at[0] != '\\'))
		return;
	text = json_string(o->json, node, &o->room);
	if (text.size == 0 || text.at[0] != '#')
		return;
	text = (struct bytes){ text.at + 1, text.size - 1 };
	version = memchr(text.at, '|', text.size);
	if (version != NULL)
		text.size = (size_t)(version - text.at);
	*(struct orphans_link *)buffer_more(&p->links, sizeof(struct orphans_link)) =
	    (struct orphans_link){ node, from, text.size == 0 ? from : NOBODY };
	if (text.size > 0)
		targets_local(t, &o->roots, text, from, add_link, p);
	if (last_link(p)->to == NOBODY)
		p->links.used -= sizeof(struct orphans_link);
}

void
orphans_start(struct orphans *p, struct outline *o, const struct targets *t)
{
	const struct json *j = o->json;
	const struct roots *r = &o->roots;
	uint32_t last = 0;

	p->links.used = 0;
	for (uint32_t i = o->record; i < j->nodes[o->record].next; i++) {
		uint32_t from;

		while (last + 1 < r->count && r->at[last + 1].node <= i)
			last++;
		if (json_kind(j, i) != JSON_STRING)
			continue;
		for (from = last; j->nodes[r->at[from].node].next <= i; from = r->at[from].parent)
			;
		look(p, o, t, i, from);
	}
}

/* True if the text of NODE is in the version as it came. */
static bool
stays(const struct decisions *d, const struct edits *e, uint32_t node)
{
	const struct json_node *n = &d->o->json->nodes[node];
	uint32_t low = 0;
	uint32_t high = e->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (e->at[middle].to <= n->start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == e->count || e->at[low].from >= n->end)
		return true;
	return e->at[low].from == n->start && e->at[low].size == n->end - n->start &&
	       memcmp(d->texts.at + e->at[low].text, d->o->json->text.at + n->start, e->at[low].size) == 0;
}

static uint64_t *
reach_of(const struct orphans *p)
{
	return (uint64_t *)(void *)p->reach.at;
}

/* The bits of OPEN in which the string at NODE stays. */
static uint64_t
staying(const struct decisions *d, uint64_t open, uint32_t node)
{
	for (uint64_t left = open; left != 0; left &= left - 1)
		if (!stays(d, &d->edits[__builtin_ctzll(left)], node))
			open &= ~(left & -left);
	return open;
}

/* A contained root is reached if a link leads to it from a root that is. */
static void
find_reach(struct orphans *p, const struct decisions *d, uint64_t bits, bool as_it_came)
{
	const struct orphans_link *link = (const struct orphans_link *)(const void *)p->links.at;
	size_t links = p->links.used / sizeof *link;
	uint64_t *reach = reach_of(p);
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < links; i++) {
			uint64_t open = link[i].from == link[i].to ? bits : reach[link[i].from] & bits;

			open &= ~reach[link[i].to];
			if (!as_it_came)
				open = staying(d, open, link[i].node);
			reach[link[i].to] |= open;
			again |= open != 0;
		}
	}
}

/* Roots that are not contained need no reference. */
static void
start_reach(struct orphans *p, const struct decisions *d)
{
	struct outline *o = d->o;

	p->reach.used = 0;
	for (size_t i = 0; i < o->roots.count; i++) {
		uint64_t *reach = buffer_more(&p->reach, sizeof *reach);
		uint32_t node = o->roots.at[i].node;
		uint32_t list =
		    json_member_key(o->json, o->roots.at[o->roots.at[i].parent].node, o->places.contained);

		o->root[i].is_contained =
		    i > 0 && list != 0 && node > list && node < o->json->nodes[list].next;
		*reach = o->root[i].is_contained ? 0 : UINT64_MAX;
	}
}

bool
orphans_learn(struct orphans *p, const struct decisions *d, uint64_t active)
{
	struct outline *o = d->o;
	uint64_t shown = ~o->s->hidden;
	bool again = false;

	if (!GUARD(orphans))
		return false;
	start_reach(p, d);
	find_reach(p, d, shown, true);
	/* What came unreferenced stays. */
	for (size_t i = 0; i < o->roots.count; i++)
		if (o->root[i].is_contained)
			reach_of(p)[i] = ~reach_of(p)[i] & shown;
	find_reach(p, d, active, false);
	for (size_t i = 0; i < o->roots.count; i++) {
		uint64_t more = active & ~reach_of(p)[i] & ~o->root[i].orphan & ~o->root[i].gone_now;

		o->root[i].orphan |= more;
		again |= more != 0;
	}
	return again;
}
