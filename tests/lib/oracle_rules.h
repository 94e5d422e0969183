/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_ORACLE_RULES_H
#define EHR_TESTS_ORACLE_RULES_H

#include "tests/lib/world.h"

/*
 * oracle_rules: the rules of a layer for a request, see oracle.h.
 *
 * oracle_fault is 0, or the number of a mistake that the oracle then makes, so that a test can show that the
 * comparison finds each.
 */
static int oracle_fault;

enum { ORACLE_FAULTS = 42 };

static inline bool
oracle_wrong(int fault)
{
	return oracle_fault == fault;
}

enum oracle_truth { ORACLE_F, ORACLE_U, ORACLE_T };
enum oracle_result { ORACLE_NONE, ORACLE_PERMIT, ORACLE_DENY, ORACLE_OPEN };
enum {
	ORACLE_LAYERS = 3,
	ORACLE_OUT = 0,
	ORACLE_LAW = 1,
	ORACLE_HOUSE = 2,
	ORACLE_ITEMS = 12,
	ORACLE_LIMITS = 48,
	ORACLE_PLACES = 5,
	ORACLE_NAMES = 16
};

struct oracle_missing {
	int count;
	const char *name[ORACLE_NAMES];
};

struct oracle_scope {
	const struct crit *first[ORACLE_PLACES], *second[ORACLE_PLACES]; /* by place in oracle_data */
};

struct oracle_item {
	const char *rule;
	struct oracle_scope scope;
	int excepts;
	struct oracle_scope except[10];
};

struct oracle_list {
	bool all;
	int count;
	struct oracle_item at[ORACLE_ITEMS];
};

struct oracle_state {
	char holds; /* 'n', 'u', 'h' */
	struct oracle_item item;
	struct oracle_missing missing;
};

/* In the order in which obligations name them. */
static const char *const oracle_data[] = { "resource.class", "resource.label", "resource.date",
	"resource.author", "resource.instance", NULL };

struct oracle_request {
	const struct world *w;
	const struct question *q;
	bool custodian, distrusts;
	const char *acr; /* in place of the request's; NULL: its own */
};

static inline bool
oracle_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline int
oracle_place(const char *attribute)
{
	for (int i = 0; oracle_data[i]; i++)
		if (oracle_same(oracle_data[i], attribute))
			return i;
	return -1;
}

static inline const struct ask *
oracle_asked(const struct oracle_request *r, const char *attribute)
{
	static struct ask acr = { .attribute = "context.acr", .values = 1 };

	if (r->acr && oracle_same(attribute, "context.acr")) {
		acr.value[0] = r->acr;
		return &acr;
	}
	for (int i = 0; i < r->q->count; i++) {
		const struct ask *a = &r->q->at[i];

		if (!oracle_same(a->attribute, attribute))
			continue;
		if (a->values == 0 && oracle_same(attribute, "context.purpose"))
			return NULL;
		if (r->custodian && r->distrusts && oracle_same(attribute, "subject.structural_role") &&
		    !oracle_wrong(35))
			for (int k = 0; k < a->values; k++)
				if (!oracle_same(a->value[k], "physician"))
					return NULL;
		return a;
	}
	return NULL;
}

static inline const char *
oracle_one(const struct oracle_request *r, const char *attribute)
{
	const struct ask *a = oracle_asked(r, attribute);

	return a && a->values == 1 ? a->value[0] : "";
}

static inline void
oracle_miss(struct oracle_missing *m, const char *name)
{
	int i = m->count;

	for (int k = 0; k < m->count; k++)
		if (oracle_same(m->name[k], name))
			return;
	for (m->count++; i > 0 && strcmp(m->name[i - 1], name) > 0; i--)
		m->name[i] = m->name[i - 1];
	m->name[i] = name;
}

/* WORD of a policy reaches VALUE of a request. */
static inline bool
oracle_reaches(const char *attribute, const char *word, const char *value)
{
	static const char *const under[][3] = { { "context.purpose", "TREAT", "ETREAT" },
		{ "context.purpose", "TREAT", "BTG" }, { "context.purpose", "ETREAT", "BTG" },
		{ "resource.label", "SUD", "ETHUD" }, { "subject.structural_role", "clinician", "physician" },
		{ "subject.structural_role", "clinician", "pharmacist" }, { "action.name", "access", "read" },
		{ "action.name", "access", "search" },
		{ "resource.class", "medication", "MedicationRequest" },
		{ "resource.class", "medication", "MedicationStatement" } };

	if (oracle_same(word, value))
		return true;
	for (size_t i = 0; i < sizeof under / sizeof under[0]; i++) {
		if (!oracle_same(under[i][0], attribute))
			continue;
		if ((i < 3 && oracle_wrong(7)) || (i == 3 && oracle_wrong(12)) || (i > 3 && oracle_wrong(13)))
			continue;
		if (i < 3 && oracle_wrong(8) && oracle_same(under[i][2], word) &&
		    oracle_same(under[i][1], value))
			return true;
		if (oracle_same(under[i][1], word) && oracle_same(under[i][2], value))
			return true;
	}
	return false;
}

static inline int
oracle_rank(const char *label)
{
	const char *at = label[0] && !label[1] ? strchr("ULMNRV", label[0]) : NULL;

	return at ? (int)(at - "ULMNRV") : -1;
}

static inline bool
oracle_found(const struct crit *c, int i, const struct ask *a)
{
	for (int k = 0; k < a->values; k++)
		if (oracle_reaches(c->attribute, c->value[i], a->value[k]))
			return true;
	return false;
}

static inline int
oracle_highest(const struct ask *a)
{
	int highest = -1;

	for (int i = 0; a && i < a->values; i++)
		highest = oracle_rank(a->value[i]) > highest ? oracle_rank(a->value[i]) : highest;
	return highest;
}

/* PERMIT: the side on which the list stands; `not` turns it round. */
static inline enum oracle_truth
oracle_label(const struct crit *c, const struct ask *a, bool permit)
{
	enum oracle_truth any = ORACLE_F;
	int highest = oracle_highest(a);

	if (c->mode == '!' && !oracle_wrong(11))
		permit = !permit;
	for (int i = 0; i < c->values; i++) {
		enum oracle_truth one = oracle_found(c, i, a) ? ORACLE_T : ORACLE_F;
		int rank = oracle_rank(c->value[i]);

		if (rank >= 0 && highest < 0)
			one = ORACLE_U;
		else if (rank >= 0 && permit)
			one = (oracle_wrong(9) ? highest == rank : highest <= rank) ? ORACLE_T : ORACLE_F;
		else if (rank >= 0)
			one = (oracle_wrong(10) ? highest == rank : highest >= rank) ? ORACLE_T : ORACLE_F;
		any = one > any ? one : any;
	}
	return c->mode == '!' ? (enum oracle_truth)(ORACLE_T - any) : any;
}

static inline enum oracle_truth
oracle_list_truth(const struct crit *c, const struct ask *a)
{
	bool any = false, all = true;

	for (int i = 0; i < c->values; i++) {
		any = any || oracle_found(c, i, a);
		all = all && oracle_found(c, i, a);
	}
	return (c->mode == '&' && !oracle_wrong(15) ? all
		   : c->mode == '!'                 ? !any
						    : any)
		   ? ORACLE_T
		   : ORACLE_F;
}

static inline bool
oracle_within(int from, int until, int time)
{
	if (from >= 0 && (oracle_wrong(17) ? time <= from : time < from))
		return false;
	return until < 0 || (oracle_wrong(16) ? time <= until : time < until);
}

static inline enum oracle_truth
oracle_relation(const struct crit *c, const struct oracle_request *r, struct oracle_missing *m)
{
	const struct ask *object = oracle_asked(r, c->other);
	bool dated = false;

	if (!object) {
		oracle_miss(m, c->other);
		return ORACLE_U;
	}
	for (int i = 0; i < r->w->facts; i++) {
		const struct fact_line *f = &r->w->fact[i];

		if (!oracle_same(f->relation, c->value[0]) ||
		    !oracle_same(f->subject, oracle_one(r, "subject.id")) ||
		    !oracle_same(f->object, object->value[0]))
			continue;
		if (r->q->time < 0 && (f->from >= 0 || f->until >= 0) && !oracle_wrong(19))
			dated = true;
		else if (oracle_within(f->from, oracle_wrong(18) ? -1 : f->until, r->q->time))
			return ORACLE_T;
	}
	if (dated)
		oracle_miss(m, "context.time");
	return dated ? ORACLE_U : ORACLE_F;
}

static inline enum oracle_truth
oracle_shared(const struct crit *c, const struct oracle_request *r, struct oracle_missing *m)
{
	const struct ask *a = oracle_asked(r, c->attribute), *b = oracle_asked(r, c->other);

	if (!a || !b) {
		oracle_miss(m, a ? c->other : c->attribute);
		return oracle_wrong(20) ? ORACLE_F : ORACLE_U;
	}
	for (int i = 0; i < a->values; i++)
		for (int k = 0; k < b->values; k++)
			if (oracle_same(a->value[i], b->value[k]))
				return ORACLE_T;
	return ORACLE_F;
}

static inline enum oracle_truth
oracle_strength(const struct crit *c, const struct oracle_request *r, struct oracle_missing *m)
{
	const struct ask *a = oracle_asked(r, "context.acr");
	bool found = false;

	for (int i = 0; a && i < a->values; i++)
		found = found || (strcmp(a->value[i], c->value[0]) >= 0) == c->flag;
	if (!a || a->values == 0) {
		oracle_miss(m, "context.acr");
		return ORACLE_U;
	}
	return found ? ORACLE_T : ORACLE_F;
}

/* PERMIT: the side.  *OPEN: the data criterion is left open by the request. */
static inline enum oracle_truth
oracle_crit(
    const struct crit *c, const struct oracle_request *r, bool permit, struct oracle_missing *m, bool *open)
{
	const struct ask *a = oracle_asked(r, c->attribute);
	enum oracle_truth t;

	*open = false;
	if (oracle_place(c->attribute) >= 0) {
		t = !a                                ? ORACLE_U
		    : c->kind == DATE                 ? ORACLE_U
		    : oracle_place(c->attribute) == 1 ? oracle_label(c, a, permit)
						      : oracle_list_truth(c, a);
		*open = t == ORACLE_U;
		return *open ? ORACLE_T : t;
	}
	switch (c->kind) {
	case PRESENT:
		return (a && a->values > 0 && a->value[0][0]) == c->flag ? ORACLE_T : ORACLE_F;
	case SAME:
		return oracle_shared(c, r, m);
	case RELATION:
		return oracle_relation(c, r, m);
	case ACR:
		return oracle_strength(c, r, m);
	case WHEN:
		if (r->q->time < 0)
			oracle_miss(m, "context.time");
		return r->q->time < 0                                 ? ORACLE_U
		       : oracle_within(c->from, c->until, r->q->time) ? ORACLE_T
								      : ORACLE_F;
	case LIST:
	case DATE:
		break;
	}
	if (a)
		return oracle_list_truth(c, a);
	oracle_miss(m, c->attribute);
	return c->mode == '!' && oracle_wrong(14) ? ORACLE_T : ORACLE_U;
}

static inline enum oracle_truth
oracle_set(const struct set *s, const struct oracle_request *r, bool permit, struct oracle_missing *m,
    struct oracle_scope *scope)
{
	enum oracle_truth all = ORACLE_T;
	struct oracle_missing own = { 0 };

	memset(scope, 0, sizeof *scope);
	for (int i = 0; i < s->count; i++) {
		bool open;
		enum oracle_truth one = oracle_crit(&s->at[i], r, permit, &own, &open);

		all = one < all ? one : all;
		if (open)
			scope->first[oracle_place(s->at[i].attribute)] = &s->at[i];
	}
	for (int i = 0; all == ORACLE_U && i < own.count; i++)
		oracle_miss(m, own.name[i]);
	return all;
}

static inline bool
oracle_empty(const struct oracle_scope *s)
{
	for (int i = 0; oracle_data[i]; i++)
		if (s->first[i])
			return false;
	return true;
}

static inline struct oracle_state
oracle_rule(const struct rule *rule, const struct oracle_request *r)
{
	struct oracle_state s = { .holds = 'n' };
	enum oracle_truth t = oracle_set(&rule->set, r, rule->permit, &s.missing, &s.item.scope);
	bool unsure = t == ORACLE_U;

	s.item.rule = rule->id;
	if (t == ORACLE_F)
		return s;
	for (int i = 0; i < rule->excepts && !oracle_wrong(4); i++) {
		struct oracle_missing missing = { 0 };
		struct oracle_scope scope;
		enum oracle_truth e = oracle_set(&rule->except[i], r, !rule->permit, &missing, &scope);

		if ((e == ORACLE_T && oracle_empty(&scope)) ||
		    (e == ORACLE_U && !rule->permit && oracle_wrong(6)))
			return s;
		if (e == ORACLE_T)
			s.item.except[s.item.excepts++] = scope;
		if (e == ORACLE_U && rule->permit && !oracle_wrong(5)) {
			unsure = true;
			for (int k = 0; k < missing.count; k++)
				oracle_miss(&s.missing, missing.name[k]);
		}
	}
	s.holds = unsure ? 'u' : 'h';
	return s;
}

static inline bool
oracle_is_all(const struct oracle_item *i)
{
	return oracle_empty(&i->scope) && i->excepts == 0;
}

struct oracle_layer {
	bool applies, spoke, by_default;
	enum oracle_result result;
	const char *reason, *domain;
	const struct rules *rules; /* NULL: none was looked at */
	struct oracle_state state[RULES_MOST];
	struct oracle_missing missing;
	struct oracle_list redact, keep;
};

static inline struct oracle_layer
oracle_settled(enum oracle_result result, const char *reason)
{
	return (struct oracle_layer){
		.applies = true, .result = result, .reason = reason, .keep = { .all = true }
	};
}

static inline void
oracle_put(struct oracle_list *l, const struct oracle_item *item)
{
	l->at[l->count++] = *item;
	l->all = l->all || oracle_is_all(item);
}

static inline void
oracle_judge(struct oracle_layer *l, const struct oracle_request *r, enum oracle_result fallback)
{
	bool denied = false, unknown = false, permitted = false;

	for (int i = 0; i < l->rules->count; i++) {
		const struct rule *rule = &l->rules->at[i];
		struct oracle_state *s = &l->state[i];

		*s = oracle_rule(rule, r);
		permitted = permitted || (rule->permit && s->holds == 'h');
		if (rule->permit)
			continue;
		denied = denied || (s->holds == 'h' && oracle_is_all(&s->item));
		unknown =
		    unknown || (s->holds == 'u' && (!rule->skip || oracle_wrong(42)) && !oracle_wrong(2));
		l->spoke = l->spoke || s->holds == 'h';
	}
	l->applies = true;
	l->result = fallback;
	if (oracle_wrong(1) && permitted)
		l->result = ORACLE_PERMIT;
	else if (denied)
		l->result = ORACLE_DENY, l->reason = "deny-rule";
	else if (unknown)
		l->result = ORACLE_OPEN, l->reason = "missing-attribute";
	else if (permitted)
		l->result = ORACLE_PERMIT;
	else
		l->by_default = !l->spoke, l->reason = fallback == ORACLE_DENY ? "default-deny" : NULL;
	if (oracle_wrong(3) && l->by_default && fallback == ORACLE_DENY)
		l->result = ORACLE_PERMIT, l->keep.all = true;
	for (int i = 0; i < l->rules->count; i++)
		if (l->state[i].holds == 'h')
			oracle_put(l->rules->at[i].permit ? &l->keep : &l->redact, &l->state[i].item);
	l->keep.all = l->keep.all || l->result != ORACLE_PERMIT || fallback == ORACLE_PERMIT;
}

static inline bool
oracle_rule_spoke(const struct oracle_layer *l, int i)
{
	if (l->state[i].holds != 'h')
		return false;
	return l->rules->at[i].permit ? l->result == ORACLE_PERMIT
				      : l->result == ORACLE_DENY && oracle_is_all(&l->state[i].item);
}

#endif
