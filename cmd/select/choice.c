/* SPDX-License-Identifier: ISC */
#include "cmd/select/choice.h"

#include "common/base/diag.h"

#include <stdlib.h>

void
choice_init(struct choice *c, const struct permission *p, const struct policy *policy)
{
	*c = (struct choice){ .permission = p, .policy = policy, .al = p->al, .source = "" };
	buffer_init(&c->text, SIZE_MAX / 2);
	buffer_init(&c->id, SIZE_MAX / 2);
	buffer_init(&c->batch, SIZE_MAX / 2);
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

static struct held **
find_slot(const struct choice *c, struct bytes id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t at;

	for (size_t i = 0; i < id.size; i++)
		hash = (hash ^ (unsigned char)id.at[i]) * UINT64_C(0x100000001b3);
	at = (size_t)(hash ^ hash >> 29) & (c->room - 1);
	while (c->held[at] && !bytes_equal(c->held[at]->id, id))
		at = (at + 1) & (c->room - 1);
	return &c->held[at];
}

static void
grow(struct choice *c)
{
	struct held **old = c->held;
	size_t olds = c->room;

	c->room = olds ? 2 * olds : 64;
	c->held = calloc(c->room, sizeof(struct held *));
	if (!c->held)
		diag_die(EXIT_IO, "out of memory");
	for (size_t i = 0; i < olds; i++)
		if (old[i])
			*find_slot(c, old[i]->id) = old[i];
	free(old);
}

/* The place of the record at hand; NULL if it has none and MAKE is false. */
static struct held *
place(struct choice *c, bool make)
{
	struct bytes id = buffer_bytes(&c->id);
	struct held **slot;

	if (c->room > 0 && *find_slot(c, id))
		return *find_slot(c, id);
	if (!make)
		return NULL;
	if (2 * (c->records + 1) > c->room)
		grow(c);
	slot = find_slot(c, id);
	*slot = arena_take(&c->arena, sizeof **slot);
	(*slot)->id = arena_copy(&c->arena, id);
	buffer_init(&(*slot)->text, SIZE_MAX / 2);
	c->records++;
	return *slot;
}

/* The newest group of a record that has nothing for this reader takes away what an older one had. */
static void
supersede(struct choice *c, bool gives)
{
	struct held *h = place(c, gives);

	if (!h)
		return;
	h->order = c->order++;
	buffer_release(&h->text);
	if (gives)
		buffer_init(&h->text, SIZE_MAX / 2);
}

static void
hold(struct choice *c)
{
	struct held *h;
	int highest = -1;

	for (unsigned i = 0; c->ours && !c->deleted && i < c->count; i++)
		if (c->line[i].al <= c->al)
			highest = (int)i;
	supersede(c, highest >= 0);
	if (highest < 0)
		return;
	h = place(c, false);
	for (unsigned i = c->all ? 0 : (unsigned)highest; i <= (unsigned)highest; i++) {
		struct bytes line = choice_line(c, i);

		(void)buffer_append(&h->text, line.at, line.size);
		(void)buffer_append(&h->text, "\n", 1);
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
	(void)buffer_append(b, word.at, word.size);
}

/* What the line must be as the next one of the group at hand. */
static enum reason
judge_next(const struct choice *c, const struct tags *t, unsigned al)
{
	if (!bytes_equal(t->id, buffer_bytes(&c->id)) || !bytes_equal(t->batch, buffer_bytes(&c->batch)))
		return REASON_VERSIONS_ORDER;
	if (t->of != c->of || t->n != c->count + 1)
		return REASON_VERSIONS_INCOMPLETE;
	return al > c->line[c->count - 1].al ? REASON_NONE : REASON_VERSIONS_ORDER;
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
		/* The record that this line names has changed, however it came to be alone. */
		if (c->count == 0) {
			keep_word(&c->id, t->id);
			supersede(c, false);
		}
		return CHOICE_REFUSED;
	}
	if (c->count == 0)
		begin(c, t, source);
	c->ours = c->ours && ours;
	c->others += !ours;
	c->deleted = c->deleted || t->deleted;
	c->line[c->count++] =
	    (struct group_line){ .start = c->text.used, .size = text.size, .number = number, .al = al };
	(void)buffer_append(&c->text, text.at, text.size);
	if (c->count == c->of) {
		hold(c);
		c->count = 0;
	}
	return CHOICE_TAKEN;
}

static int
by_order(const void *a, const void *b)
{
	const struct held *left = *(struct held *const *)a, *right = *(struct held *const *)b;

	return (left->order > right->order) - (left->order < right->order);
}

bool
choice_write(struct choice *c, struct sink *out, uint64_t *written)
{
	size_t count = 0;
	bool good = true;

	/* The table is not asked any more: what it holds moves to its front. */
	for (size_t i = 0; i < c->room; i++)
		if (c->held[i]) {
			struct held *h = c->held[i];

			c->held[i] = NULL;
			c->held[count++] = h;
		}
	if (count > 1)
		qsort(c->held, count, sizeof(struct held *), by_order);
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
