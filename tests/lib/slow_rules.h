/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_SLOW_RULES_H
#define EHR_TESTS_SLOW_RULES_H

#include "tests/lib/world.h"

/*
 * slow_rules: the rules of a layer for a request, see slow.h.
 *
 * slow_fault is 0, or the number of a mistake that the evaluator then makes, so that a test can show that the
 * comparison finds each.
 */
static int slow_fault;

enum { SLOW_FAULTS = 42 };

static inline bool
slow_wrong(int fault)
{
	return slow_fault == fault;
}

enum slow_truth { SLOW_F, SLOW_U, SLOW_T };
enum slow_result { SLOW_NONE, SLOW_PERMIT, SLOW_DENY, SLOW_OPEN };
enum {
	SLOW_LAYERS = 3,
	SLOW_OUT = 0,
	SLOW_LAW = 1,
	SLOW_HOUSE = 2,
	SLOW_ITEMS = 12,
	SLOW_LIMITS = 48,
	SLOW_PLACES = 5,
	SLOW_NAMES = 16
};

struct slow_missing {
	int count;
	const char *name[SLOW_NAMES];
};

struct slow_scope {
	const struct crit *first[SLOW_PLACES], *second[SLOW_PLACES]; /* by place in slow_data */
};

struct slow_item {
	const char *rule;
	struct slow_scope scope;
	int excepts;
	struct slow_scope except[10];
};

struct slow_list {
	bool all;
	int count;
	struct slow_item at[SLOW_ITEMS];
};

struct slow_state {
	char holds; /* 'n', 'u', 'h' */
	struct slow_item item;
	struct slow_missing missing;
};

/* In the order in which obligations name them. */
static const char *const slow_data[] = { "resource.class", "resource.label", "resource.date",
	"resource.author", "resource.instance", NULL };

struct slow_request {
	const struct world *w;
	const struct question *q;
	bool custodian, distrusts;
	const char *acr; /* in place of the request's; NULL: its own */
};

static inline bool
slow_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline int
slow_place(const char *attribute)
{
	for (int i = 0; slow_data[i]; i++)
		if (slow_same(slow_data[i], attribute))
			return i;
	return -1;
}

static inline const struct ask *
slow_asked(const struct slow_request *r, const char *attribute)
{
	static struct ask acr = { .attribute = "context.acr", .values = 1 };

	if (r->acr && slow_same(attribute, "context.acr")) {
		acr.value[0] = r->acr;
		return &acr;
	}
	for (int i = 0; i < r->q->count; i++) {
		const struct ask *a = &r->q->at[i];

		if (!slow_same(a->attribute, attribute))
			continue;
		if (a->values == 0 && slow_same(attribute, "context.purpose"))
			return NULL;
		if (r->custodian && r->distrusts && slow_same(attribute, "subject.structural_role") &&
		    !slow_wrong(35))
			for (int k = 0; k < a->values; k++)
				if (!slow_same(a->value[k], "physician"))
					return NULL;
		return a;
	}
	return NULL;
}

static inline const char *
slow_one(const struct slow_request *r, const char *attribute)
{
	const struct ask *a = slow_asked(r, attribute);

	return a && a->values == 1 ? a->value[0] : "";
}

static inline void
slow_miss(struct slow_missing *m, const char *name)
{
	int i = m->count;

	for (int k = 0; k < m->count; k++)
		if (slow_same(m->name[k], name))
			return;
	for (m->count++; i > 0 && strcmp(m->name[i - 1], name) > 0; i--)
		m->name[i] = m->name[i - 1];
	m->name[i] = name;
}

/* WORD of a policy reaches VALUE of a request. */
static inline bool
slow_reaches(const char *attribute, const char *word, const char *value)
{
	static const char *const under[][3] = { { "context.purpose", "TREAT", "ETREAT" },
		{ "context.purpose", "TREAT", "BTG" }, { "context.purpose", "ETREAT", "BTG" },
		{ "resource.label", "SUD", "ETHUD" }, { "subject.structural_role", "clinician", "physician" },
		{ "subject.structural_role", "clinician", "pharmacist" }, { "action.name", "access", "read" },
		{ "action.name", "access", "search" },
		{ "resource.class", "medication", "MedicationRequest" },
		{ "resource.class", "medication", "MedicationStatement" } };

	if (slow_same(word, value))
		return true;
	for (size_t i = 0; i < sizeof under / sizeof under[0]; i++) {
		if (!slow_same(under[i][0], attribute))
			continue;
		if ((i < 3 && slow_wrong(7)) || (i == 3 && slow_wrong(12)) || (i > 3 && slow_wrong(13)))
			continue;
		if (i < 3 && slow_wrong(8) && slow_same(under[i][2], word) && slow_same(under[i][1], value))
			return true;
		if (slow_same(under[i][1], word) && slow_same(under[i][2], value))
			return true;
	}
	return false;
}

static inline int
slow_rank(const char *label)
{
	const char *at = label[0] && !label[1] ? strchr("ULMNRV", label[0]) : NULL;

	return at ? (int)(at - "ULMNRV") : -1;
}

static inline bool
slow_found(const struct crit *c, int i, const struct ask *a)
{
	for (int k = 0; k < a->values; k++)
		if (slow_reaches(c->attribute, c->value[i], a->value[k]))
			return true;
	return false;
}

static inline int
slow_highest(const struct ask *a)
{
	int highest = -1;

	for (int i = 0; a && i < a->values; i++)
		highest = slow_rank(a->value[i]) > highest ? slow_rank(a->value[i]) : highest;
	return highest;
}

/* PERMIT: the side on which the list stands; `not` turns it round. */
static inline enum slow_truth
slow_label(const struct crit *c, const struct ask *a, bool permit)
{
	enum slow_truth any = SLOW_F;
	int highest = slow_highest(a);

	if (c->mode == '!' && !slow_wrong(11))
		permit = !permit;
	for (int i = 0; i < c->values; i++) {
		enum slow_truth one = slow_found(c, i, a) ? SLOW_T : SLOW_F;
		int rank = slow_rank(c->value[i]);

		if (rank >= 0 && highest < 0)
			one = SLOW_U;
		else if (rank >= 0 && permit)
			one = (slow_wrong(9) ? highest == rank : highest <= rank) ? SLOW_T : SLOW_F;
		else if (rank >= 0)
			one = (slow_wrong(10) ? highest == rank : highest >= rank) ? SLOW_T : SLOW_F;
		any = one > any ? one : any;
	}
	return c->mode == '!' ? (enum slow_truth)(SLOW_T - any) : any;
}

static inline enum slow_truth
slow_list_truth(const struct crit *c, const struct ask *a)
{
	bool any = false, all = true;

	for (int i = 0; i < c->values; i++) {
		any = any || slow_found(c, i, a);
		all = all && slow_found(c, i, a);
	}
	return (c->mode == '&' && !slow_wrong(15) ? all : c->mode == '!' ? !any : any) ? SLOW_T : SLOW_F;
}

static inline bool
slow_within(int from, int until, int time)
{
	if (from >= 0 && (slow_wrong(17) ? time <= from : time < from))
		return false;
	return until < 0 || (slow_wrong(16) ? time <= until : time < until);
}

static inline enum slow_truth
slow_relation(const struct crit *c, const struct slow_request *r, struct slow_missing *m)
{
	const struct ask *object = slow_asked(r, c->other);
	bool dated = false;

	if (!object) {
		slow_miss(m, c->other);
		return SLOW_U;
	}
	for (int i = 0; i < r->w->facts; i++) {
		const struct fact_line *f = &r->w->fact[i];

		if (!slow_same(f->relation, c->value[0]) ||
		    !slow_same(f->subject, slow_one(r, "subject.id")) ||
		    !slow_same(f->object, object->value[0]))
			continue;
		if (r->q->time < 0 && (f->from >= 0 || f->until >= 0) && !slow_wrong(19))
			dated = true;
		else if (slow_within(f->from, slow_wrong(18) ? -1 : f->until, r->q->time))
			return SLOW_T;
	}
	if (dated)
		slow_miss(m, "context.time");
	return dated ? SLOW_U : SLOW_F;
}

static inline enum slow_truth
slow_shared(const struct crit *c, const struct slow_request *r, struct slow_missing *m)
{
	const struct ask *a = slow_asked(r, c->attribute), *b = slow_asked(r, c->other);

	if (!a || !b) {
		slow_miss(m, a ? c->other : c->attribute);
		return slow_wrong(20) ? SLOW_F : SLOW_U;
	}
	for (int i = 0; i < a->values; i++)
		for (int k = 0; k < b->values; k++)
			if (slow_same(a->value[i], b->value[k]))
				return SLOW_T;
	return SLOW_F;
}

static inline enum slow_truth
slow_strength(const struct crit *c, const struct slow_request *r, struct slow_missing *m)
{
	const struct ask *a = slow_asked(r, "context.acr");
	bool found = false;

	for (int i = 0; a && i < a->values; i++)
		found = found || (strcmp(a->value[i], c->value[0]) >= 0) == c->flag;
	if (!a || a->values == 0) {
		slow_miss(m, "context.acr");
		return SLOW_U;
	}
	return found ? SLOW_T : SLOW_F;
}

/* PERMIT: the side.  *OPEN: the data criterion is left open by the request. */
static inline enum slow_truth
slow_crit(const struct crit *c, const struct slow_request *r, bool permit, struct slow_missing *m, bool *open)
{
	const struct ask *a = slow_asked(r, c->attribute);
	enum slow_truth t;

	*open = false;
	if (slow_place(c->attribute) >= 0) {
		t = !a                              ? SLOW_U
		    : c->kind == DATE               ? SLOW_U
		    : slow_place(c->attribute) == 1 ? slow_label(c, a, permit)
						    : slow_list_truth(c, a);
		*open = t == SLOW_U;
		return *open ? SLOW_T : t;
	}
	switch (c->kind) {
	case PRESENT:
		return (a && a->values > 0 && a->value[0][0]) == c->flag ? SLOW_T : SLOW_F;
	case SAME:
		return slow_shared(c, r, m);
	case RELATION:
		return slow_relation(c, r, m);
	case ACR:
		return slow_strength(c, r, m);
	case WHEN:
		if (r->q->time < 0)
			slow_miss(m, "context.time");
		return r->q->time < 0 ? SLOW_U : slow_within(c->from, c->until, r->q->time) ? SLOW_T : SLOW_F;
	case LIST:
	case DATE:
		break;
	}
	if (a)
		return slow_list_truth(c, a);
	slow_miss(m, c->attribute);
	return c->mode == '!' && slow_wrong(14) ? SLOW_T : SLOW_U;
}

static inline enum slow_truth
slow_set(const struct set *s, const struct slow_request *r, bool permit, struct slow_missing *m,
    struct slow_scope *scope)
{
	enum slow_truth all = SLOW_T;
	struct slow_missing own = { 0 };

	memset(scope, 0, sizeof *scope);
	for (int i = 0; i < s->count; i++) {
		bool open;
		enum slow_truth one = slow_crit(&s->at[i], r, permit, &own, &open);

		all = one < all ? one : all;
		if (open)
			scope->first[slow_place(s->at[i].attribute)] = &s->at[i];
	}
	for (int i = 0; all == SLOW_U && i < own.count; i++)
		slow_miss(m, own.name[i]);
	return all;
}

static inline bool
slow_empty(const struct slow_scope *s)
{
	for (int i = 0; slow_data[i]; i++)
		if (s->first[i])
			return false;
	return true;
}

static inline struct slow_state
slow_rule(const struct rule *rule, const struct slow_request *r)
{
	struct slow_state s = { .holds = 'n' };
	enum slow_truth t = slow_set(&rule->set, r, rule->permit, &s.missing, &s.item.scope);
	bool unsure = t == SLOW_U;

	s.item.rule = rule->id;
	if (t == SLOW_F)
		return s;
	for (int i = 0; i < rule->excepts && !slow_wrong(4); i++) {
		struct slow_missing missing = { 0 };
		struct slow_scope scope;
		enum slow_truth e = slow_set(&rule->except[i], r, !rule->permit, &missing, &scope);

		if ((e == SLOW_T && slow_empty(&scope)) || (e == SLOW_U && !rule->permit && slow_wrong(6)))
			return s;
		if (e == SLOW_T)
			s.item.except[s.item.excepts++] = scope;
		if (e == SLOW_U && rule->permit && !slow_wrong(5)) {
			unsure = true;
			for (int k = 0; k < missing.count; k++)
				slow_miss(&s.missing, missing.name[k]);
		}
	}
	s.holds = unsure ? 'u' : 'h';
	return s;
}

static inline bool
slow_is_all(const struct slow_item *i)
{
	return slow_empty(&i->scope) && i->excepts == 0;
}

struct slow_layer {
	bool applies, spoke, by_default;
	enum slow_result result;
	const char *reason, *domain;
	const struct rules *rules; /* NULL: none was looked at */
	struct slow_state state[RULES_MOST];
	struct slow_missing missing;
	struct slow_list redact, keep;
};

static inline struct slow_layer
slow_settled(enum slow_result result, const char *reason)
{
	return (struct slow_layer){
		.applies = true, .result = result, .reason = reason, .keep = { .all = true }
	};
}

static inline void
slow_put(struct slow_list *l, const struct slow_item *item)
{
	l->at[l->count++] = *item;
	l->all = l->all || slow_is_all(item);
}

static inline void
slow_judge(struct slow_layer *l, const struct slow_request *r, enum slow_result fallback)
{
	bool denied = false, unknown = false, permitted = false;

	for (int i = 0; i < l->rules->count; i++) {
		const struct rule *rule = &l->rules->at[i];
		struct slow_state *s = &l->state[i];

		*s = slow_rule(rule, r);
		permitted = permitted || (rule->permit && s->holds == 'h');
		if (rule->permit)
			continue;
		denied = denied || (s->holds == 'h' && slow_is_all(&s->item));
		unknown = unknown || (s->holds == 'u' && (!rule->skip || slow_wrong(42)) && !slow_wrong(2));
		l->spoke = l->spoke || s->holds == 'h';
	}
	l->applies = true;
	l->result = fallback;
	if (slow_wrong(1) && permitted)
		l->result = SLOW_PERMIT;
	else if (denied)
		l->result = SLOW_DENY, l->reason = "deny-rule";
	else if (unknown)
		l->result = SLOW_OPEN, l->reason = "missing-attribute";
	else if (permitted)
		l->result = SLOW_PERMIT;
	else
		l->by_default = !l->spoke, l->reason = fallback == SLOW_DENY ? "default-deny" : NULL;
	if (slow_wrong(3) && l->by_default && fallback == SLOW_DENY)
		l->result = SLOW_PERMIT, l->keep.all = true;
	for (int i = 0; i < l->rules->count; i++)
		if (l->state[i].holds == 'h')
			slow_put(l->rules->at[i].permit ? &l->keep : &l->redact, &l->state[i].item);
	l->keep.all = l->keep.all || l->result != SLOW_PERMIT || fallback == SLOW_PERMIT;
}

static inline bool
slow_rule_spoke(const struct slow_layer *l, int i)
{
	if (l->state[i].holds != 'h')
		return false;
	return l->rules->at[i].permit ? l->result == SLOW_PERMIT
				      : l->result == SLOW_DENY && slow_is_all(&l->state[i].item);
}

#endif
