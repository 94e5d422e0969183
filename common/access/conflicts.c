/* SPDX-License-Identifier: ISC */
#include "common/access/space.h"

#include <stdlib.h>

/*
 * What directives say against the house.  Each directive is judged alone and as if it were active, so that
 * one which is only proposed is found, too.
 */
struct comparing {
	struct conflicts *c;
	struct engine *e; /* with this directive alone */
	const struct layer_file *house, *law;
	const struct directive *directive;
	struct directive *judged; /* its copy in the engine, with all its rules or one */
};

/* Which rules of the directive are judged: RULE alone, NULL: all. */
static void
judge_alone(const struct comparing *x, struct access_rule *rule)
{
	x->judged->rule = rule ? rule : x->directive->rule;
	x->judged->rules = rule ? 1 : x->directive->rules;
}

static bool
acknowledged(const struct directive *d, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < d->acknowledged; i++)
		if (bytes_equal(d->acknowledges[i], rule->id))
			return true;
	return false;
}

/* The directive denies, or withholds a part. */
static bool
stands_against(const struct consent *c)
{
	if (!c->applies || c->opinions == 0)
		return false;
	return c->result == RESULT_DENY ||
	       (c->result == RESULT_PERMIT && (c->opinion[0].redact || !c->opinion[0].keep.everything));
}

static bool
tell(const struct comparing *x, const struct space *s, struct bytes with, const char *kind)
{
	struct conflict found = { .directive = x->directive->id_text,
		.status = x->directive->status_word ? x->directive->status_word : "",
		.with = with,
		.kind = kind,
		.space = s };

	return x->c->found(x->c->context, &found);
}

static bool
holds(const struct verdict *v, const struct layer_file *f, const struct access_rule *rule)
{
	const struct layer_outcome *o = &v->outcome[f->layer];

	return o->file == f && o->state && o->state[rule - f->rule].holding == RULE_HOLDS;
}

/* RULE of the house permits the request at hand, and the directive denies or cuts it. */
static bool
is_clash(const struct comparing *x, struct space *s, const struct access_rule *rule)
{
	struct verdict v;

	decide_trial(x->e, &s->request, &v);
	return v.outcome[LAYER_ORGANIZATION].result == RESULT_PERMIT && holds(&v, x->house, rule) &&
	       !v.denied[LAYER_REQUEST] && stands_against(&v.consent);
}

/* True once a request is found that RULE of the house permits and the directive denies or cuts. */
static bool
find_clash(const struct comparing *x, struct space *s, const struct access_rule *rule)
{
	while (s->tried < x->c->limit && space_next(s))
		if (is_clash(x, s, rule))
			return true;
	x->c->cut |= !s->exhausted;
	return false;
}

enum clash { CLASH_NO, CLASH_UNSURE, CLASH_FOUND };

/*
 * The same for what INNER, a rule of the directive, withholds: it is judged alone, and what it clashes with
 * once more with all rules.  CLASH_UNSURE: the other rules leave each of these undecided, or the limit was
 * met.
 */
static enum clash
find_clash_of(
    const struct comparing *x, struct space *s, const struct access_rule *rule, struct access_rule *inner)
{
	enum clash clash = CLASH_NO;

	while (clash != CLASH_FOUND && s->tried < x->c->limit && space_next(s)) {
		judge_alone(x, inner);
		if (!is_clash(x, s, rule))
			continue;
		judge_alone(x, NULL);
		space_take(s);
		clash = is_clash(x, s, rule) ? CLASH_FOUND : CLASH_UNSURE;
	}
	judge_alone(x, NULL);
	return clash == CLASH_NO && !s->exhausted ? CLASH_UNSURE : clash;
}

/*
 * A directive that permits all withholds what one of its rules withholds, so these are tried one by one: all
 * at once the requests and the rules that judge each would multiply.  SPACE is at the witness of a clash.
 */
static enum clash
find_clash_one_by_one(const struct comparing *x, struct space *s, const struct access_rule *rule)
{
	enum clash all = CLASH_NO;

	for (uint32_t i = 0; i < x->directive->rules; i++) {
		struct access_rule *inner = &x->directive->rule[i];
		enum clash clash;

		if (inner->effect == EFFECT_PERMIT && inner->nests == 0)
			continue;
		space_begin(s, x->e, x->house, x->directive->patient);
		space_add_rule(s, rule);
		space_add_rule(s, inner);
		space_add_criteria(s, x->directive->root);
		clash = find_clash_of(x, s, rule, inner);
		if (clash == CLASH_FOUND)
			return clash;
		space_end(s);
		all = clash == CLASH_UNSURE ? clash : all;
	}
	return all;
}

static bool
compare_override(const struct comparing *x, const struct access_rule *rule)
{
	const char *kind = rule->override == OVERRIDE_ALWAYS  ? "overridable"
			   : acknowledged(x->directive, rule) ? "settled"
							      : "conflict";
	enum clash clash = CLASH_UNSURE;
	struct space s;
	bool good = true;

	if (x->directive->base_permit && !x->directive->has_what && !interval_dated(&x->directive->period))
		clash = find_clash_one_by_one(x, &s, rule);
	if (clash == CLASH_NO)
		return true;
	if (clash == CLASH_UNSURE) {
		space_begin(&s, x->e, x->house, x->directive->patient);
		space_add_rule(&s, rule);
		space_add_directive(&s, x->directive);
	}
	if (clash == CLASH_FOUND || find_clash(x, &s, rule))
		good = tell(x, &s, rule->id_text, kind);
	space_end(&s);
	return good;
}

/* What becomes of a permit of the directive beside the house's rule PERMIT. */
struct promise {
	bool held; /* some request meets it */
	bool kept; /* and the house permits that request */
};

static bool
spoke(const struct consent *c, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < c->opinions; i++)
		for (const struct consent_spoken *p = c->opinion[i].spoken; p; p = p->next)
			if (p->rule == rule)
				return true;
	return false;
}

static void
try_promise(const struct comparing *x, struct space *s, const struct access_rule *rule, struct promise *p)
{
	struct verdict v;

	while (!p->kept && s->tried < x->c->limit && space_next(s)) {
		decide_trial(x->e, &s->request, &v);
		if (v.denied[LAYER_REQUEST] || !spoke(&v.consent, rule))
			continue;
		p->held = true;
		p->kept = !v.denied[LAYER_JURISDICTION] && !v.denied[LAYER_ORGANIZATION];
	}
}

/*
 * A permit that no rule of the house goes along with is a promise that cannot be kept; a rule that no request
 * meets is dead.
 */
static bool
compare_rule(const struct comparing *x, struct access_rule *rule)
{
	struct promise p = { .held = false };
	bool permits = x->house->fallback == RESULT_PERMIT, cut = false;
	struct space s;

	judge_alone(x, rule);
	for (uint32_t i = 0; i <= x->house->rules && !(p.held && (p.kept || rule->effect == EFFECT_DENY));
	     i++) {
		const struct access_rule *with = i < x->house->rules ? &x->house->rule[i] : NULL;

		if (with ? with->effect == EFFECT_DENY : !permits && p.held)
			continue;
		space_begin(&s, x->e, x->house, x->directive->patient);
		space_add_rule(&s, rule);
		space_add_criteria(&s, x->directive->root);
		if (with)
			space_add_rule(&s, with);
		try_promise(x, &s, rule, &p);
		cut = cut || !s.exhausted;
		space_end(&s);
	}
	judge_alone(x, NULL);
	if (p.held && (p.kept || rule->effect == EFFECT_DENY))
		return true;
	x->c->cut |= cut;
	return cut || tell(x, NULL, rule->id_text, p.held ? "shadowed" : "dead");
}

static bool
compare_directive(const struct comparing *x)
{
	bool good = true;

	for (uint32_t i = 0; i < x->house->rules && good; i++)
		if (x->house->rule[i].override != OVERRIDE_NO)
			good = compare_override(x, &x->house->rule[i]);
	for (uint32_t i = 0; i < x->directive->rules && good; i++)
		good = compare_rule(x, &x->directive->rule[i]);
	return good;
}

static bool
compare_alone(struct conflicts *c, struct engine *e, const struct directive *d)
{
	struct directive alone = *d;
	struct directives all = e->directives;
	struct comparing x = { .c = c, .e = e, .directive = d, .judged = &alone };
	bool good = true;

	alone.status = DIRECTIVE_ACTIVE;
	alone.next = NULL;
	e->directives = (struct directives){ .room = 0 };
	directives_alone(&e->directives, &alone);
	for (uint32_t i = 0; i < e->layers.files && good; i++) {
		x.house = &e->layers.file[i];
		if (x.house->layer == LAYER_ORGANIZATION)
			good = compare_directive(&x);
	}
	free(e->directives.slot);
	e->directives = all;
	return good;
}

struct compared {
	const struct directive *directive;
};

static int
by_id(const void *a, const void *b)
{
	const struct directive *left = ((const struct compared *)a)->directive;
	const struct directive *right = ((const struct compared *)b)->directive;
	int order = bytes_compare(left->id, right->id);

	return order != 0 ? order : bytes_compare(left->patient, right->patient);
}

bool
conflicts_find(struct conflicts *c, struct engine *e)
{
	struct compared *list;
	struct arena arena = { 0 };
	size_t count = 0, n = 0;
	bool good = true;

	for (uint32_t i = 0; i < e->directives.room; i++)
		for (const struct directive *d = e->directives.slot[i].first; d; d = d->next)
			count += !d->unreadable;
	list = arena_array(&arena, count + 1, sizeof *list);
	for (uint32_t i = 0; i < e->directives.room; i++)
		for (const struct directive *d = e->directives.slot[i].first; d; d = d->next)
			if (!d->unreadable)
				list[n++].directive = d;
	if (n > 1)
		qsort(list, n, sizeof *list, by_id);
	for (size_t i = 0; i < n && good; i++)
		good = compare_alone(c, e, list[i].directive);
	arena_release(&arena);
	return good;
}
