/* SPDX-License-Identifier: ISC */
#include "cmd/select/choice.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

void
choice_init(struct choice *c, const struct permission *p, const struct policy *policy)
{
	*c = (struct choice){ .permission = p, .policy = policy, .al = p->al, .source = "" };
	buffer_init(&c->text, BUFFER_UNLIMITED);
	buffer_init(&c->id, BUFFER_UNLIMITED);
	buffer_init(&c->batch, BUFFER_UNLIMITED);
}

void
choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->room; i++)
		if (c->held[i])
			buffer_release(&c->held[i]->text);
	free(c->held);
	buffer_release(&c->text);
	buffer_release(&c->id);
	buffer_release(&c->batch);
	arena_release(&c->arena);
	*c = (struct choice){ 0 };
}

static struct choice_held **
find_slot(const struct choice *c, struct bytes id)
{
	size_t at = (size_t)hash_bytes(id) & (c->room - 1);

	while (c->held[at] && !bytes_equal(c->held[at]->id, id))
		at = (at + 1) & (c->room - 1);
	return &c->held[at];
}

static void
grow(struct choice *c)
{
	struct choice_held **old = c->held;
	size_t olds = c->room;

	c->room = olds ? 2 * olds : 64;
	c->held = memory_zeros(c->room, sizeof(struct choice_held *));
	for (size_t i = 0; i < olds; i++)
		if (old[i])
			*find_slot(c, old[i]->id) = old[i];
	free(old);
}

/* The entry of the record at hand; NULL if it has none and MAKE is false. */
static struct choice_held *
place(struct choice *c, bool make)
{
	struct bytes id = buffer_bytes(&c->id);
	struct choice_held **slot;

	if (c->room > 0 && *find_slot(c, id))
		return *find_slot(c, id);
	if (!make)
		return NULL;
	if (2 * (c->records + 1) > c->room)
		grow(c);
	slot = find_slot(c, id);
	*slot = arena_take(&c->arena, sizeof **slot);
	(*slot)->id = arena_copy(&c->arena, id);
	buffer_init(&(*slot)->text, BUFFER_UNLIMITED);
	c->records++;
	return *slot;
}

/*
 * Forgets what older groups of the record gave.  GIVES: the newest group gives lines, which the caller adds.
 */
static void
supersede(struct choice *c, bool gives)
{
	struct choice_held *h = place(c, gives);

	if (!h)
		return;
	h->order = c->order++;
	buffer_release(&h->text);
	if (gives)
		buffer_init(&h->text, BUFFER_UNLIMITED);
}

static void
hold(struct choice *c)
{
	struct choice_held *h;
	int highest = -1;

	for (unsigned i = 0; c->ours && !c->deleted && i < c->count; i++)
		if (c->line[i].fits)
			highest = (int)i;
	supersede(c, highest >= 0);
	if (highest < 0)
		return;
	h = place(c, false);
	for (unsigned i = c->all ? 0 : (unsigned)highest; i <= (unsigned)highest; i++) {
		struct bytes line = choice_line(c, i);

		if (!c->line[i].fits)
			continue;
		buffer_add(&h->text, line.at, line.size);
		buffer_add(&h->text, "\n", 1);
	}
}

void
choice_break(struct choice *c)
{
	if (c->count > 0)
		supersede(c, false);
	c->count = 0;
}

struct bytes
choice_line(const struct choice *c, unsigned i)
{
	return (struct bytes){ c->text.at + c->line[i].start, c->line[i].size };
}

static void
keep_word(struct buffer *b, struct bytes word)
{
	b->used = 0;
	buffer_add(b, word.at, word.size);
}

/* Checks a line as the next version of the group at hand. */
static enum reason
judge_next(const struct choice *c, const struct tags *t, unsigned al)
{
	if (!bytes_equal(t->id, buffer_bytes(&c->id)) || !bytes_equal(t->batch, buffer_bytes(&c->batch)))
		return REASON_VERSIONS_ORDER;
	if (t->of != c->of || t->n != c->count + 1)
		return REASON_VERSIONS_INCOMPLETE;
	return al > c->line[c->count - 1].al ? REASON_NONE : REASON_VERSIONS_ORDER;
}

/* A view is a word of its level. */
static bool
has_view(const struct choice *c, const struct tags *t, unsigned level)
{
	for (unsigned i = 0; c->views && i < c->views->count; i++)
		if ((c->viewed >> i & 1) != 0 && c->views->at[i].level == level &&
		    bytes_equal(c->views->at[i].word, t->view))
			return true;
	return !c->views;
}

static void
begin(struct choice *c, const struct tags *t, const char *source)
{
	c->source = source;
	c->text.used = 0;
	c->of = t->of;
	c->deleted = false;
	c->ours = permission_covers(c->permission, t->subject);
	keep_word(&c->id, t->id);
	keep_word(&c->batch, t->batch);
}

enum choice_outcome
choice_add(struct choice *c, const struct sealed_line *s, struct bytes text, const char *source,
    size_t number, enum reason *reason)
{
	const struct tags *t = &s->tags;
	int level = policy_level(c->policy, t->rl);
	unsigned al = t->al;
	bool ours = permission_covers(c->permission, t->subject);

	*reason = t->to.size > 0 ? REASON_WRONG_STAGE : level < 0 ? REASON_UNKNOWN_LEVEL : REASON_NONE;
	if (*reason != REASON_NONE)
		return CHOICE_REFUSED;
	if (c->policy->level[level].al > al)
		al = c->policy->level[level].al;
	if (c->count > 0 && t->n == 1)
		return CHOICE_BROKEN;
	if (c->count == 0)
		*reason = t->n == 1 ? REASON_NONE : REASON_VERSIONS_INCOMPLETE;
	else
		*reason = judge_next(c, t, al);
	if (*reason != REASON_NONE) {
		/* a version that stands alone still says that its record has changed */
		if (c->count == 0) {
			keep_word(&c->id, t->id);
			supersede(c, false);
		}
		return CHOICE_REFUSED;
	}
	if (c->count == 0)
		begin(c, t, source);
	c->ours = c->ours && ours;
	c->matched += ours;
	c->others += !ours;
	c->deleted = c->deleted || t->deleted;
	c->line[c->count++] = (struct choice_place){ .start = c->text.used,
		.size = text.size,
		.number = number,
		.al = al,
		.fits = al <= c->al && has_view(c, t, (unsigned)level) };
	buffer_add(&c->text, text.at, text.size);
	if (c->count == c->of) {
		hold(c);
		c->count = 0;
	}
	return CHOICE_TAKEN;
}

static int
by_order(const void *a, const void *b)
{
	const struct choice_held *left = *(struct choice_held *const *)a,
				 *right = *(struct choice_held *const *)b;

	return (left->order > right->order) - (left->order < right->order);
}

bool
choice_write(struct choice *c, struct sink *out, uint64_t *written)
{
	size_t count = 0;
	bool good = true;

	/* no look-up comes after this, so the entries may move to the front */
	for (size_t i = 0; i < c->room; i++)
		if (c->held[i]) {
			struct choice_held *h = c->held[i];

			c->held[i] = NULL;
			c->held[count++] = h;
		}
	if (count > 1)
		qsort(c->held, count, sizeof(struct choice_held *), by_order);
	for (size_t i = 0; i < count && good; i++) {
		const struct buffer *text = &c->held[i]->text;

		if (text->used == 0)
			continue;
		for (size_t k = 0; k < text->used; k++)
			*written += text->at[k] == '\n';
		good = sink_put(out, buffer_bytes(text));
	}
	return good;
}
