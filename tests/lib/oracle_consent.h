/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_ORACLE_CONSENT_H
#define EHR_TESTS_ORACLE_CONSENT_H

#include "tests/lib/oracle_rules.h"

/* oracle_consent: the directives of a patient for a request, and what overrides them, see oracle.h. */
struct oracle_note {
	const char *id; /* NULL: the layer itself */
	struct oracle_missing missing;
};

struct oracle_opinion {
	const struct consent_form *form;
	enum oracle_result result;
	const char *reason;
	bool hard, open;
	struct oracle_list keep, redact;
	int notes, ids;
	struct oracle_note note[12];
	const char *id[24];
};

struct oracle_consent {
	bool applies, by_default, fixed;
	enum oracle_result result;
	const char *reason;
	int opinions;
	struct oracle_opinion opinion[3];
	struct oracle_note note; /* of the layer */
	int overrides;
	int override[RULES_MOST]; /* of the house */
};

static inline void
oracle_unsettle(struct oracle_opinion *o, const char *id, const struct oracle_missing *m)
{
	o->note[o->notes++] = (struct oracle_note){ id, *m };
	o->open = true;
}

static inline bool
oracle_apart(const struct crit *a, const struct crit *b)
{
	for (int i = 0; i < a->values; i++)
		for (int k = 0; k < b->values; k++)
			if (oracle_same(a->value[i], b->value[k]))
				return false;
	return true;
}

static inline bool
oracle_join(const struct oracle_item *outer, const struct oracle_item *inner, struct oracle_item *to)
{
	*to = *inner;
	for (int i = 0; oracle_data[i]; i++) {
		const struct crit *a = outer->scope.first[i], *b = inner->scope.first[i];

		if (!a || (i == 1 && !oracle_wrong(30)))
			continue;
		if (!b) {
			to->scope.first[i] = a;
			continue;
		}
		/* An entry has one class and one name of its own, but perhaps several authors. */
		if (a->kind != LIST || a->mode != '=' || b->mode != '=' || (i != 0 && i != 4))
			continue;
		if (oracle_apart(a, b))
			return false;
		to->scope.first[i] = a;
		to->scope.second[i] = b;
	}
	return true;
}

static inline void
oracle_permit(struct oracle_opinion *o, const struct rule *rule, const struct oracle_item *outer,
    const struct oracle_request *r)
{
	oracle_put(&o->keep, outer);
	for (int i = 0; i < rule->nests; i++) {
		const struct rule *inner = &rule->nest[i];
		struct oracle_state s = oracle_rule(inner, r);
		struct oracle_item item;

		if (s.holds == 'u' && !inner->skip && !oracle_wrong(29))
			oracle_unsettle(o, inner->id, &s.missing);
		if (s.holds != 'h')
			continue;
		o->id[o->ids++] = inner->id;
		if (!oracle_join(outer, &s.item, &item))
			continue;
		oracle_put(&o->redact, &item);
		o->hard = o->hard || oracle_is_all(&item);
	}
}

static inline void
oracle_deny(struct oracle_opinion *o, const struct rule *rule, const struct oracle_item *outer,
    const struct oracle_request *r)
{
	struct oracle_item item = *outer;
	bool lifted = false;

	for (int i = 0; i < rule->nests; i++) {
		struct oracle_state s = oracle_rule(&rule->nest[i], r);

		if (s.holds != 'h')
			continue;
		o->id[o->ids++] = rule->nest[i].id;
		if (s.item.excepts > 0 && !oracle_wrong(28))
			continue;
		if (oracle_empty(&s.item.scope))
			lifted = true;
		else
			item.except[item.excepts++] = s.item.scope;
	}
	if (lifted)
		return;
	oracle_put(&o->redact, &item);
	o->hard = o->hard || oracle_is_all(&item);
}

static inline void
oracle_rules_of(struct oracle_opinion *o, const struct oracle_request *r)
{
	for (int i = 0; i < o->form->rules.count; i++) {
		const struct rule *rule = &o->form->rules.at[i];
		struct oracle_state s = oracle_rule(rule, r);
		bool limits = false;

		if (s.holds == 'h')
			o->id[o->ids++] = rule->id;
		for (int k = 0; k < rule->nests; k++)
			limits = limits || oracle_rule(&rule->nest[k], r).holds != 'n';
		if (s.holds == 'u' && (rule->permit ? limits : !rule->skip))
			oracle_unsettle(o, rule->id, &s.missing);
		else if (s.holds == 'h' && rule->permit)
			oracle_permit(o, rule, &s.item, r);
		else if (s.holds == 'h')
			oracle_deny(o, rule, &s.item, r);
	}
}

/* False: the directive does not apply. */
static inline bool
oracle_opine(struct oracle_opinion *o, const struct consent_form *c, const struct oracle_request *r)
{
	struct oracle_missing m = { 0 };
	struct oracle_scope scope;
	enum oracle_truth t;
	bool dated = (c->from >= 0 || c->until >= 0) && !oracle_wrong(22);

	memset(o, 0, sizeof *o);
	o->form = c;
	if (!oracle_same(c->status, "active") && !(oracle_wrong(21) && oracle_same(c->status, "inactive")))
		return false;
	if (dated && r->q->time >= 0 && !oracle_within(c->from, c->until, r->q->time))
		return false;
	t = oracle_set(&c->root, r, c->permit, &m, &scope);
	if (dated && r->q->time < 0) {
		m.count = 0;
		oracle_miss(&m, "context.time");
		t = ORACLE_U;
	}
	if (t == ORACLE_F)
		return false;
	o->id[o->ids++] = c->id;
	if (t == ORACLE_U) {
		oracle_unsettle(o, c->id, &m);
	} else {
		struct oracle_item base = { 0 };

		if (c->permit && oracle_set(&c->what, r, true, &m, &base.scope) == ORACLE_T)
			oracle_put(&o->keep, &base);
		oracle_rules_of(o, r);
	}
	o->result = o->hard || (!o->open && o->keep.count == 0) ? ORACLE_DENY
		    : o->open                                   ? ORACLE_OPEN
								: ORACLE_PERMIT;
	o->reason = o->result == ORACLE_DENY   ? "consent-deny"
		    : o->result == ORACLE_OPEN ? "missing-attribute"
					       : NULL;
	return true;
}

static inline bool
oracle_unlimited(const struct oracle_opinion *o)
{
	return o->result == ORACLE_PERMIT && o->keep.all && o->redact.count == 0;
}

static inline bool
oracle_newest(struct oracle_consent *c)
{
	int newest = 0, same = 0;

	for (int i = 0; i < c->opinions; i++) {
		if (c->opinion[i].form->date == 0)
			return false;
		if (c->opinion[i].form->date > c->opinion[newest].form->date)
			newest = i;
	}
	for (int i = 0; i < c->opinions; i++)
		same += c->opinion[i].form->date == c->opinion[newest].form->date;
	if (same != 1)
		return false;
	if (newest > 0)
		c->opinion[0] = c->opinion[newest];
	c->opinions = 1;
	return true;
}

static inline bool
oracle_agree(struct oracle_consent *c, const char *how)
{
	if (c->opinions < 2 || oracle_same(how, "deny-overrides"))
		return true;
	if (oracle_same(how, "newest"))
		return oracle_newest(c);
	for (int i = 1; i < c->opinions; i++)
		if (c->opinion[i].result != c->opinion[0].result ||
		    (c->opinion[0].result == ORACLE_PERMIT &&
			oracle_unlimited(&c->opinion[i]) != oracle_unlimited(&c->opinion[0])))
			return false;
	return true;
}

static inline void
oracle_without(struct oracle_consent *c, const struct world *w, bool settling)
{
	c->by_default = true;
	if (w->service && settling)
		c->result = ORACLE_DENY, c->reason = "consent-not-settled";
	else if (oracle_same(w->no_consent, "ignore"))
		c->applies = false;
	else if (oracle_same(w->no_consent, "permit"))
		c->result = ORACLE_PERMIT;
	else
		c->result = ORACLE_DENY, c->reason = "no-consent";
}

/* True if a directive has an effect. */
static inline bool
oracle_any(const struct world *w)
{
	for (int i = 0; i < w->consents; i++)
		if (oracle_same(w->consent[i].status, "active") || oracle_same(w->consent[i].status, "draft"))
			return true;
	return false;
}

static inline void
oracle_consents(struct oracle_consent *c, const struct oracle_request *r)
{
	const char *patient = oracle_one(r, "resource.patient");
	bool settling = false;

	c->applies = true;
	if (!patient[0] && !oracle_wrong(41)) {
		c->applies = !oracle_same(r->w->no_consent, "ignore") || oracle_any(r->w);
		c->fixed = true;
		c->result = ORACLE_OPEN;
		c->reason = "missing-attribute";
		oracle_miss(&c->note.missing, "resource.patient");
		return;
	}
	for (int i = 0; i < r->w->consents; i++) {
		const struct consent_form *f = &r->w->consent[i];

		if (!oracle_same(f->patient, patient))
			continue;
		settling = settling || oracle_same(f->status, "draft");
		c->opinions += oracle_opine(&c->opinion[c->opinions], f, r);
	}
	if (c->opinions == 0) {
		oracle_without(c, r->w, settling);
		return;
	}
	if (!oracle_agree(c, r->w->on_several)) {
		c->result = ORACLE_OPEN;
		c->reason = "consent-several";
		return;
	}
	c->result = ORACLE_PERMIT;
	for (int i = 0; i < c->opinions && !(oracle_wrong(23) && c->opinion[0].result == ORACLE_PERMIT); i++)
		if (c->opinion[i].result == ORACLE_DENY ||
		    (c->opinion[i].result == ORACLE_OPEN && c->result != ORACLE_DENY)) {
			if (c->result == c->opinion[i].result)
				continue;
			c->result = c->opinion[i].result;
			c->reason = c->opinion[i].reason;
		}
}

static inline bool
oracle_acknowledged(const struct oracle_consent *c, const char *rule)
{
	bool one = false, every = true;

	if (c->result == ORACLE_OPEN && !oracle_wrong(26))
		return false;
	for (int i = 0; i < c->opinions; i++) {
		const struct oracle_opinion *o = &c->opinion[i];
		bool found = false;

		if (oracle_unlimited(o))
			continue;
		for (int k = 0; k < o->form->acknowledged; k++)
			found = found || oracle_same(o->form->acknowledges[k], rule);
		if ((o->notes > 0 && !oracle_wrong(26)) || !found)
			every = false;
		else
			one = true;
	}
	return one && (every || oracle_wrong(24));
}

static inline bool
oracle_btg_alone(const struct oracle_request *r)
{
	const struct ask *a = oracle_asked(r, "context.purpose");

	if (oracle_wrong(39))
		return a != NULL;
	for (int i = 0; a && i < a->values; i++)
		if (!oracle_same(a->value[i], "BTG"))
			return false;
	return a != NULL;
}

static inline void
oracle_override(struct oracle_consent *c, const struct oracle_layer *house, const struct oracle_request *r)
{
	bool unlimited = c->result == ORACLE_PERMIT, enough = false, glass;

	for (int i = 0; i < c->opinions; i++)
		unlimited = unlimited && oracle_unlimited(&c->opinion[i]);
	if (house->result != ORACLE_PERMIT || !c->applies || c->fixed || unlimited)
		return;
	glass = c->opinions == 0 && oracle_same(r->w->no_consent, "break-glass-only") && oracle_btg_alone(r);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < house->rules->count; i++) {
			const struct rule *rule = &house->rules->at[i];
			const struct oracle_state *s = &house->state[i];
			bool agreed = rule->override == 1 && oracle_acknowledged(c, rule->id);
			bool always = rule->override == 2 ||
				      (glass && world_names(&rule->set, "BTG", "BTG")) ||
				      (oracle_wrong(25) && rule->override == 0);

			if (!rule->permit || s->holds != 'h' || s->item.excepts > 0)
				continue;
			if (pass == 0)
				enough = enough || (agreed && oracle_empty(&s->item.scope));
			else if (agreed || (always && !enough))
				c->override[c->overrides++] = i;
		}
}

#endif
