/* SPDX-License-Identifier: ISC */
#include "common/base/bisect.h"
#include "common/redact/parts.h"

#include <string.h>

enum { NOBODY = UINT32_MAX };

/*
 * A string with #NAME in root FROM, which means root TO.  From a root to itself: it refers to the one around
 * it.  Of roots with one name the last counts; the others count as unreferenced.
 */
struct orphans_link {
	uint32_t node;
	uint32_t from;
	uint32_t to;
	uint32_t next; /* of the same root, from 1 */
};

void
orphans_init(struct orphans *p)
{
	buffer_init(&p->links, BUFFER_UNLIMITED);
	buffer_init(&p->roots, BUFFER_UNLIMITED);
	buffer_init(&p->waiting, BUFFER_UNLIMITED);
}

void
orphans_release(struct orphans *p)
{
	buffer_release(&p->links);
	buffer_release(&p->roots);
	buffer_release(&p->waiting);
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

/* Whether the string at NODE, without `#`, may name a contained root all the same. */
static bool
is_reference(const struct outline *o, uint32_t node)
{
	const struct json_node *key = &o->json->nodes[node - 1];

	return key->kind == JSON_KEY && key->key == o->places.reference;
}

/* The string at NODE in root FROM. */
static void
look(struct orphans *p, struct outline *o, const struct targets *t, uint32_t node, uint32_t from)
{
	struct bytes text = json_inside(o->json, node);
	const char *version;
	bool is_bare;

	if (text.size == 0 ||
	    (text.at[0] != '\\' && memchr(text.at, '#', text.size) == NULL && !is_reference(o, node)))
		return;
	text = bytes_trim(json_string(o->json, node, &o->room));
	is_bare = bytes_begin(text, "#");
	if (!targets_fragment(text, &text))
		return;
	version = memchr(text.at, '|', text.size);
	if (version != NULL)
		text.size = (size_t)(version - text.at);
	*(struct orphans_link *)buffer_more(&p->links, sizeof(struct orphans_link)) =
	    (struct orphans_link){ node, from, text.size == 0 && is_bare ? from : NOBODY, 0 };
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
	struct bisect b = { .high = e->count };

	while (bisect_more(&b))
		bisect_step(&b, e->at[b.middle].to <= n->start);
	if (b.low == e->count || e->at[b.low].from >= n->end)
		return true;
	const struct edit *at = &e->at[b.low];
	return at->from == n->start && at->size == n->end - n->start &&
	       memcmp(d->texts.at + at->text, d->o->json->text.at + n->start, at->size) == 0;
}

/* What is known of a root while it is found out which are reached. */
struct orphans_root {
	uint64_t reached; /* bits in which it is */
	uint64_t news;  /* of these, the bits that its links have not been followed for; then it is waiting */
	uint32_t first; /* its links: the first, from 1 */
};

static struct orphans_root *
root_of(const struct orphans *p, size_t index)
{
	return (struct orphans_root *)(void *)p->roots.at + index;
}

static struct orphans_link *
link_of(const struct orphans *p, uint32_t number)
{
	return (struct orphans_link *)(void *)p->links.at + number - 1;
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

static void
reach(struct orphans *p, uint32_t index, uint64_t bits)
{
	struct orphans_root *root = root_of(p, index);

	if (bits != 0 && root->news == 0)
		buffer_add(&p->waiting, &index, sizeof index);
	root->reached |= bits;
	root->news |= bits;
}

/* Reaches what LINK leads to, in those of BITS that do not reach it yet. */
static void
follow(struct orphans *p, const struct decisions *d, const struct orphans_link *link, uint64_t bits,
    bool as_it_came)
{
	bits &= ~root_of(p, link->to)->reached;
	reach(p, link->to, as_it_came ? bits : staying(d, bits, link->node));
}

/*
 * A contained root is reached if a link leads to it from a root that is.  Each link is followed once for a
 * bit, however long the chains of links are.
 */
static void
find_reach(struct orphans *p, const struct decisions *d, uint64_t bits, bool as_it_came)
{
	uint32_t links = (uint32_t)(p->links.used / sizeof(struct orphans_link));
	uint32_t count = (uint32_t)(p->roots.used / sizeof(struct orphans_root));

	for (uint32_t i = 0; i < count; i++)
		reach(p, i, root_of(p, i)->reached & bits);
	for (uint32_t i = 1; i <= links; i++)
		if (link_of(p, i)->from == link_of(p, i)->to)
			follow(p, d, link_of(p, i), bits, as_it_came);
	while (p->waiting.used > 0) {
		struct orphans_root *root;
		uint64_t news;

		p->waiting.used -= sizeof(uint32_t);
		root = root_of(p, *(const uint32_t *)(const void *)(p->waiting.at + p->waiting.used));
		news = root->news;
		root->news = 0;
		for (uint32_t i = root->first; i != 0; i = link_of(p, i)->next)
			follow(p, d, link_of(p, i), news, as_it_came);
	}
}

/* Roots that are not contained need no reference. */
static void
start_reach(struct orphans *p, const struct decisions *d)
{
	struct outline *o = d->o;
	uint32_t links = (uint32_t)(p->links.used / sizeof(struct orphans_link));

	p->roots.used = 0;
	for (size_t i = 0; i < o->roots.count; i++) {
		struct orphans_root *root = buffer_more(&p->roots, sizeof *root);
		uint32_t node = o->roots.at[i].node;
		uint32_t list =
		    json_member_key(o->json, o->roots.at[o->roots.at[i].parent].node, o->places.contained);

		o->root[i].is_contained =
		    i > 0 && list != 0 && node >= list && node < o->json->nodes[list].next;
		root->reached = o->root[i].is_contained ? 0 : UINT64_MAX;
	}
	for (uint32_t i = 1; i <= links; i++) {
		struct orphans_root *from = root_of(p, link_of(p, i)->from);

		link_of(p, i)->next = from->first;
		from->first = i;
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
			root_of(p, i)->reached = ~root_of(p, i)->reached & shown;
	find_reach(p, d, active, false);
	for (size_t i = 0; i < o->roots.count; i++) {
		uint64_t more = active & ~root_of(p, i)->reached & ~o->root[i].orphan & ~o->root[i].gone_now;

		o->root[i].orphan |= more;
		again |= more != 0;
	}
	return again;
}
