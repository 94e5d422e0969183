/* SPDX-License-Identifier: ISC */
#include "common/label/coding.h"
#include "common/label/condition.h"
#include "common/label/quantity.h"

static bool
is_scalar(const struct condition_record *r, uint32_t node, const struct condition_scalar *s)
{
	struct decimal number;

	if (json_kind(r->json, node) != s->kind)
		return false;
	if (s->kind == JSON_STRING)
		return json_is(r->json, node, s->text);
	if (s->kind == JSON_NUMBER)
		return decimal_parse(json_span(r->json, node), &number) &&
		       decimal_compare(&number, &s->number) == 0;
	return true;
}

static enum truth
test_is(const struct condition_test *t, const struct condition_record *r, uint32_t node)
{
	for (size_t i = 0; i < t->scalars; i++)
		if (is_scalar(r, node, &t->scalar[i]))
			return TRUTH_TRUE;
	return TRUTH_FALSE;
}

static enum truth
test_prefix(const struct condition_test *t, const struct condition_record *r, uint32_t node)
{
	struct bytes text;

	if (json_kind(r->json, node) != JSON_STRING)
		return TRUTH_FALSE;
	text = json_string(r->json, node, r->room);
	for (size_t i = 0; i < t->scalars; i++)
		if (text.size >= t->scalar[i].text.size &&
		    memcmp(text.at, t->scalar[i].text.at, t->scalar[i].text.size) == 0)
			return TRUTH_TRUE;
	return TRUTH_FALSE;
}

static enum truth
test_range(const struct condition_members *m, const struct condition_test *t,
    const struct condition_record *r, uint32_t node)
{
	struct quantity reading;
	enum truth truth = TRUTH_TRUE;

	if (quantity_read(m, r, node, t->bound[0].unit, &reading) != QUANTITY_GOOD)
		return TRUTH_UNKNOWN;
	for (unsigned i = 0; i < t->bounds; i++)
		truth = truth_and(truth, quantity_within(&reading, &t->bound[i]));
	return truth;
}

/* A partial date is an interval.  It is true or false only if all of it lies on one side. */
static enum truth
test_date(const struct condition_test *t, const struct condition_record *r, uint32_t node)
{
	enum date_precision precision;
	struct period p;

	if (json_kind(r->json, node) != JSON_STRING ||
	    !clock_parse_date(json_string(r->json, node, r->room), &p, &precision))
		return TRUTH_UNKNOWN;
	if (t->is_after) {
		if (instant_compare(p.from, t->date.until) >= 0)
			return TRUTH_TRUE;
		return instant_compare(p.until, t->date.until) <= 0 ? TRUTH_FALSE : TRUTH_UNKNOWN;
	}
	if (instant_compare(p.until, t->date.from) <= 0)
		return TRUTH_TRUE;
	return instant_compare(p.from, t->date.from) >= 0 ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

static enum truth
judge_test(const struct condition_members *m, const struct condition_test *t,
    const struct condition_record *r, uint32_t node)
{
	switch (t->kind) {
	case CONDITION_TEST_IS:
		return test_is(t, r, node);
	case CONDITION_TEST_PRESENT:
		return json_kind(r->json, node) == JSON_NULL ? TRUTH_FALSE : TRUTH_TRUE;
	case CONDITION_TEST_IN:
		return coding_in(m, r, node, &t->sets);
	case CONDITION_TEST_SAYS:
		return term_hits_in(r->terms, r->json, node, &t->sets);
	case CONDITION_TEST_PREFIX:
		return test_prefix(t, r, node);
	case CONDITION_TEST_RANGE:
		return test_range(m, t, r, node);
	case CONDITION_TEST_DATE:
		return test_date(t, r, node);
	case CONDITION_TEST_WHERE:
		return condition_judge(t->where, r, node);
	}
	return TRUTH_UNKNOWN;
}

enum truth
condition_judge_node(const struct condition *some, const struct condition_record *r, uint32_t node)
{
	enum truth truth = TRUTH_TRUE;

	for (size_t i = 0; i < some->tests && truth != TRUTH_FALSE; i++)
		truth = truth_and(truth, judge_test(some->members, &some->test[i], r, node));
	return truth;
}

struct visit {
	const struct condition *some;
	const struct condition_record *record;
	enum truth truth;
	void (*found)(void *context, uint32_t node);
	void *context;
};

static bool
is_inner(void *context, uint32_t node)
{
	const struct roots *const *roots = context;

	return roots_inner(*roots, node) != 0;
}

static bool
pass_on(void *context, uint32_t node)
{
	const struct visit *v = context;

	/* Other roots count as null, so they have no node. */
	if (node == v->record->roots->at[v->record->root].node || roots_inner(v->record->roots, node) == 0)
		v->found(v->context, node);
	return true;
}

static void
pass_on_jq(void *context, uint32_t node)
{
	(void)pass_on(context, node);
}

static void
each_below(const struct condition_record *r, uint32_t node, void (*found)(void *context, uint32_t node),
    void *context)
{
	const struct json *j = r->json;
	uint32_t end = j->nodes[node].next;

	for (uint32_t i = node; i < end; i++) {
		if (i != node && roots_inner(r->roots, i) != 0) {
			i = j->nodes[i].next - 1;
			continue;
		}
		if (json_kind(j, i) != JSON_KEY)
			found(context, i);
	}
}

static bool
each_node(const struct condition_place *place, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context)
{
	struct visit v = { .record = r, .found = found, .context = context };
	const struct roots *roots = r->roots;

	if (place->anywhere) {
		each_below(r, node, found, context);
		return true;
	}
	if (place->path != NULL) {
		struct path_wall wall = { is_inner, &roots };

		(void)path_each(place->path, r->json, node, &wall, pass_on, &v);
		return true;
	}
	struct path_wall wall = { is_inner, &roots };

	return jq_paths(place->program, r->json, node, &wall, &r->jq, pass_on_jq, &v) != JQ_UNKNOWN;
}

static void
judge(void *context, uint32_t node)
{
	struct visit *v = context;

	if (v->truth != TRUTH_TRUE)
		v->truth = truth_or(v->truth, condition_judge_node(v->some, v->record, node));
}

/* `anywhere: {says: ..}`: every string of NODE, which the node itself stands for. */
static bool
asks_terms(const struct condition *some)
{
	return some->place.anywhere && some->tests == 1 && some->test[0].kind == CONDITION_TEST_SAYS;
}

/* The test `says` of a leaf, NULL if it has none. */
static const struct condition_test *
says_of(const struct condition *some)
{
	for (size_t i = 0; i < some->tests; i++)
		if (some->test[i].kind == CONDITION_TEST_SAYS)
			return &some->test[i];
	return NULL;
}

/* `anywhere: {in: ..}` on the whole root: the known Codings answer it without a search. */
static bool
asks_hits(const struct condition *some, const struct condition_record *r, uint32_t node)
{
	return some->place.anywhere && r->hits != NULL && some->tests == 1 &&
	       some->test[0].kind == CONDITION_TEST_IN && node == r->roots->at[r->root].node;
}

static enum truth
test_hit(const struct condition_test *t, const struct coding_hit *hit)
{
	if (hit->is_unreadable)
		return TRUTH_UNKNOWN;
	return code_bits_meet(&t->sets, &hit->match.sets) ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
test_some(const struct condition *c, const struct condition_record *r, uint32_t node)
{
	struct visit v = { .some = c, .record = r, .truth = TRUTH_FALSE };

	if (asks_hits(c, r, node)) {
		for (size_t i = 0; i < r->hits->count; i++)
			v.truth = truth_or(v.truth, test_hit(&c->test[0], &r->hits->at[i]));
		return v.truth;
	}
	if (asks_terms(c))
		return condition_judge_node(c, r, node);
	if (!each_node(&c->place, r, node, judge, &v))
		v.truth = truth_or(v.truth, TRUTH_UNKNOWN);
	return v.truth;
}

enum truth
condition_judge(const struct condition *c, const struct condition_record *r, uint32_t node)
{
	enum truth truth = c->kind == CONDITION_ANY ? TRUTH_FALSE : TRUTH_TRUE;

	switch (c->kind) {
	case CONDITION_SOME:
		return test_some(c, r, node);
	case CONDITION_NOT:
		return truth_not(condition_judge(c->child[0], r, node));
	case CONDITION_ALL:
		for (size_t i = 0; i < c->children && truth != TRUTH_FALSE; i++)
			truth = truth_and(truth, condition_judge(c->child[i], r, node));
		return truth;
	case CONDITION_ANY:
		for (size_t i = 0; i < c->children && truth != TRUTH_TRUE; i++)
			truth = truth_or(truth, condition_judge(c->child[i], r, node));
		return truth;
	}
	return TRUTH_UNKNOWN;
}

static void
pass_if_held(void *context, uint32_t node)
{
	const struct visit *v = context;

	if (condition_judge_node(v->some, v->record, node) != TRUTH_FALSE)
		v->found(v->context, node);
}

static void
matches_of_some(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context)
{
	struct visit v = { .some = c, .record = r, .found = found, .context = context };

	if (says_of(c) != NULL)
		return;
	if (!asks_hits(c, r, node)) {
		(void)each_node(&c->place, r, node, pass_if_held, &v);
		return;
	}
	for (size_t i = 0; i < r->hits->count; i++)
		if (test_hit(&c->test[0], &r->hits->at[i]) != TRUTH_FALSE)
			found(context, coding_holder(&r->hits->at[i]));
}

struct saying {
	const struct condition *some;
	const struct condition_record *record;
	void (*found)(void *context, const struct term_hit *hit);
	void *context;
};

static void
terms_of_node(void *context, uint32_t node)
{
	const struct saying *s = context;

	if (condition_judge_node(s->some, s->record, node) != TRUTH_FALSE)
		term_hits_each(
		    s->record->terms, s->record->json, node, &says_of(s->some)->sets, s->found, s->context);
}

void
condition_terms(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, const struct term_hit *hit), void *context)
{
	struct saying s = { .some = c, .record = r, .found = found, .context = context };

	if (c->kind == CONDITION_SOME && asks_terms(c))
		terms_of_node(&s, node);
	else if (c->kind == CONDITION_SOME && says_of(c) != NULL)
		(void)each_node(&c->place, r, node, terms_of_node, &s);
	for (size_t i = 0; c->kind != CONDITION_NOT && i < c->children; i++)
		if (c->kind == CONDITION_ALL || condition_judge(c->child[i], r, node) != TRUTH_FALSE)
			condition_terms(c->child[i], r, node, found, context);
}

void
condition_matches(const struct condition *c, const struct condition_record *r, uint32_t node,
    void (*found)(void *context, uint32_t node), void *context)
{
	switch (c->kind) {
	case CONDITION_SOME:
		matches_of_some(c, r, node, found, context);
		break;
	case CONDITION_NOT:
		break;
	case CONDITION_ALL:
		for (size_t i = 0; i < c->children; i++)
			condition_matches(c->child[i], r, node, found, context);
		break;
	case CONDITION_ANY:
		for (size_t i = 0; i < c->children; i++)
			if (condition_judge(c->child[i], r, node) != TRUTH_FALSE)
				condition_matches(c->child[i], r, node, found, context);
		break;
	}
}

enum truth
condition_judge_when(struct jq_program *p, const struct condition_record *r)
{
	const struct roots *roots = r->roots;
	struct path_wall wall = { is_inner, &roots };

	switch (jq_test(p, r->json, r->roots->at[r->root].node, &wall, &r->jq)) {
	case JQ_FALSE:
		return TRUTH_FALSE;
	case JQ_TRUE:
		return TRUTH_TRUE;
	case JQ_UNKNOWN:
		break;
	}
	return TRUTH_UNKNOWN;
}

bool
condition_each_place(const struct condition_place *p, const struct condition_record *r,
    void (*found)(void *context, uint32_t node), void *context)
{
	return each_node(p, r, r->roots->at[r->root].node, found, context);
}
