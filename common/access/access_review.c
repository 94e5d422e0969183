/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"
#include "common/access/difference.h"

/* What is said of policies rather than of one request: conflicts, advice, differences. */

struct conflict_lines {
	struct buffer out;
	struct access_conflicts *to;
};

static bool
put_conflict(void *context, const struct conflict *c)
{
	struct conflict_lines *l = context;
	struct json_write w = json_write_to(&l->out);

	l->out.used = 0;
	json_write_open(&w, '{');
	json_write_member_value(&w, "directive", c->directive);
	json_write_member(&w, "status", bytes_of(c->status));
	json_write_member_value(&w, "with", c->with);
	json_write_member(&w, "kind", bytes_of(c->kind));
	if (c->space) {
		json_write_name(&w, "witness");
		space_write_request(c->space, &w);
		json_write_name(&w, "facts");
		space_write_facts(c->space, &w);
	}
	json_write_close(&w, '}');
	return l->to->line(l->to->context, buffer_bytes(&l->out));
}

bool
access_conflicts(struct access *a, struct access_conflicts *c)
{
	struct conflict_lines lines = { .to = c };
	struct conflicts all = { .limit = c->limit, .found = put_conflict, .context = &lines };
	bool good;

	buffer_init(&lines.out, BUFFER_UNLIMITED);
	good = conflicts_find(&all, access_engine(a));
	buffer_release(&lines.out);
	c->exhaustive = !all.cut;
	return good;
}

void
access_advise(struct access *a, void (*tell)(void *context, const struct fault *f), void *context)
{
	const struct advice advice = { tell, context };

	advice_give(&advice, access_engine(a));
}

bool
access_hides(struct access *a, struct bytes patient, struct bytes directive)
{
	return advice_hides(access_engine(a), patient, directive);
}

bool
access_explain(struct access *a, struct bytes request, struct buffer *text)
{
	struct access_decision d;
	const struct verdict *v = access_verdict(a);
	size_t before;

	access_decide(a, request, &d);
	/* A search decides nothing by itself. */
	if (d.ill_formed || d.decided_by == NULL || access_batch(a))
		return false;
	account_verdict(text, access_engine(a), v);
	before = text->used;
	if (!v->permitted)
		buffer_add(text, "\n", 1);
	if (!v->permitted)
		remedy_write(text, access_engine(a), v);
	if (text->used == before + 1)
		text->used = before;
	account_rules(text, access_engine(a), v);
	return true;
}

struct difference_texts {
	struct access *old, *new;
	struct access_differences *to;
	struct buffer request, facts, was, is;
};

static struct bytes
decided(struct access *a, struct bytes request, struct buffer *text)
{
	struct access_decision d;

	access_decide(a, request, &d);
	text->used = 0;
	account_verdict(text, access_engine(a), access_verdict(a));
	return buffer_bytes(text);
}

/* The request is decided as it is written, so what is told holds of it. */
static bool
put_difference(void *context, const struct difference *d)
{
	static const char *const words[] = { [DIFFERENCE_PERMITTED] = "denied before, permitted now",
		[DIFFERENCE_DENIED] = "permitted before, denied now",
		[DIFFERENCE_LEVEL] = "permitted to another level",
		[DIFFERENCE_TERMS] = "other obligations" };
	struct difference_texts *t = context;
	struct access_difference found = { .what = words[d->kind], .directive = d->consent };
	struct json_write w = json_write_to(&t->request);
	size_t size;

	t->request.used = t->facts.used = 0;
	space_write_request(d->new, &w);
	size = t->request.used;
	(void)json_slack(&t->request);
	found.request = (struct bytes){ t->request.at, size };
	w = json_write_to(&t->facts);
	space_write_facts(d->new, &w);
	found.facts = buffer_bytes(&t->facts);
	found.was = decided(t->old, found.request, &t->was);
	found.is = decided(t->new, found.request, &t->is);
	return t->to->found(t->to->context, &found);
}

bool
access_differ(struct access *old, struct access *new, struct access_differences *d, struct fault *f)
{
	struct difference_texts texts = { .old = old, .new = new, .to = d };
	struct differences all = { .limit = d->limit, .found = put_difference, .context = &texts };
	struct buffer *buffers[] = { &texts.request, &texts.facts, &texts.was, &texts.is };
	struct changes changes = { .tell = d->changed, .context = d->context };
	struct arena arena = { 0 };
	bool good = changes_find(&changes, access_engine(old), access_engine(new), &arena, f);

	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_init(buffers[i], BUFFER_UNLIMITED);
	if (good)
		d->stopped = !differences_find(&all, &changes, access_engine(old), access_engine(new));
	d->tried = all.tried;
	d->exhaustive = all.all;
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_release(buffers[i]);
	arena_release(&arena);
	return good;
}
