/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_SLOW_CONSENT_H
#define EHR_TESTS_SLOW_CONSENT_H

#include "tests/lib/slow_rules.h"

/* slow_consent: the directives of a patient for a request, and what overrides them, see slow.h. */
struct slow_note {
	const char *id; /* NULL: the layer itself */
	struct slow_missing missing;
};

struct slow_opinion {
	const struct consent_form *form;
	enum slow_result result;
	const char *reason;
	bool hard, open;
	struct slow_list keep, redact;
	int notes, ids;
	struct slow_note note[12];
	const char *id[24];
};

struct slow_consent {
	bool applies, by_default, fixed;
	enum slow_result result;
	const char *reason;
	int opinions;
	struct slow_opinion opinion[3];
	struct slow_note note; /* of the layer */
	int overrides;
	int override[RULES_MOST]; /* of the house */
};

static inline void
slow_unsettle(struct slow_opinion *o, const char *id, const struct slow_missing *m)
{
	o->note[o->notes++] = (struct slow_note){ id, *m };
	o->open = true;
}

static inline bool
slow_apart(const struct crit *a, const struct crit *b)
{
	for (int i = 0; i < a->values; i++)
		for (int k = 0; k < b->values; k++)
			if (slow_same(a->value[i], b->value[k]))
				return false;
	return true;
}

static inline bool
slow_join(const struct slow_item *outer, const struct slow_item *inner, struct slow_item *to)
{
	*to = *inner;
	for (int i = 0; slow_data[i]; i++) {
		const struct crit *a = outer->scope.first[i], *b = inner->scope.first[i];

		if (!a || (i == 1 && !slow_wrong(30)))
			continue;
		if (!b) {
			to->scope.first[i] = a;
			continue;
		}
		if (a->kind != LIST || i == 1 || a->mode != '=' || b->mode != '=')
			continue;
		if (slow_apart(a, b))
			return false;
		to->scope.first[i] = a;
		to->scope.second[i] = b;
	}
	return true;
}

static inline void
slow_permit(struct slow_opinion *o, const struct rule *rule, const struct slow_item *outer,
    const struct slow_request *r)
{
	slow_put(&o->keep, outer);
	for (int i = 0; i < rule->nests; i++) {
		const struct rule *inner = &rule->nest[i];
		struct slow_state s = slow_rule(inner, r);
		struct slow_item item;

		if (s.holds == 'u' && !inner->skip && !slow_wrong(29))
			slow_unsettle(o, inner->id, &s.missing);
		if (s.holds != 'h')
			continue;
		o->id[o->ids++] = inner->id;
		if (!slow_join(outer, &s.item, &item))
			continue;
		slow_put(&o->redact, &item);
		o->hard = o->hard || slow_is_all(&item);
	}
}

static inline void
slow_deny(struct slow_opinion *o, const struct rule *rule, const struct slow_item *outer,
    const struct slow_request *r)
{
	struct slow_item item = *outer;
	bool lifted = false;

	for (int i = 0; i < rule->nests; i++) {
		struct slow_state s = slow_rule(&rule->nest[i], r);

		if (s.holds != 'h')
			continue;
		o->id[o->ids++] = rule->nest[i].id;
		if (s.item.excepts > 0 && !slow_wrong(28))
			continue;
		if (slow_empty(&s.item.scope))
			lifted = true;
		else
			item.except[item.excepts++] = s.item.scope;
	}
	if (lifted)
		return;
	slow_put(&o->redact, &item);
	o->hard = o->hard || slow_is_all(&item);
}

static inline void
slow_rules_of(struct slow_opinion *o, const struct slow_request *r)
{
	for (int i = 0; i < o->form->rules.count; i++) {
		const struct rule *rule = &o->form->rules.at[i];
		struct slow_state s = slow_rule(rule, r);
		bool limits = false;

		if (s.holds == 'h')
			o->id[o->ids++] = rule->id;
		for (int k = 0; k < rule->nests; k++)
			limits = limits || slow_rule(&rule->nest[k], r).holds != 'n';
		if (s.holds == 'u' && (rule->permit ? limits : !rule->skip))
			slow_unsettle(o, rule->id, &s.missing);
		else if (s.holds == 'h' && rule->permit)
			slow_permit(o, rule, &s.item, r);
		else if (s.holds == 'h')
			slow_deny(o, rule, &s.item, r);
	}
}

/* False: the directive does not apply. */
static inline bool
slow_opine(struct slow_opinion *o, const struct consent_form *c, const struct slow_request *r)
{
	struct slow_missing m = { 0 };
	struct slow_scope scope;
	enum slow_truth t;
	bool dated = (c->from >= 0 || c->until >= 0) && !slow_wrong(22);

	memset(o, 0, sizeof *o);
	o->form = c;
	if (!slow_same(c->status, "active") && !(slow_wrong(21) && slow_same(c->status, "inactive")))
		return false;
	if (dated && r->q->time >= 0 && !slow_within(c->from, c->until, r->q->time))
		return false;
	t = slow_set(&c->root, r, c->permit, &m, &scope);
	if (dated && r->q->time < 0) {
		m.count = 0;
		slow_miss(&m, "context.time");
		t = SLOW_U;
	}
	if (t == SLOW_F)
		return false;
	o->id[o->ids++] = c->id;
	if (t == SLOW_U) {
		slow_unsettle(o, c->id, &m);
	} else {
		struct slow_item base = { 0 };

		if (c->permit && slow_set(&c->what, r, true, &m, &base.scope) == SLOW_T)
			slow_put(&o->keep, &base);
		slow_rules_of(o, r);
	}
	o->result = o->hard || (!o->open && o->keep.count == 0) ? SLOW_DENY
		    : o->open                                   ? SLOW_OPEN
								: SLOW_PERMIT;
	o->reason = o->result == SLOW_DENY   ? "consent-deny"
		    : o->result == SLOW_OPEN ? "missing-attribute"
					     : NULL;
	return true;
}

static inline bool
slow_unlimited(const struct slow_opinion *o)
{
	return o->result == SLOW_PERMIT && o->keep.all && o->redact.count == 0;
}

static inline bool
slow_newest(struct slow_consent *c)
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
slow_agree(struct slow_consent *c, const char *how)
{
	if (c->opinions < 2 || slow_same(how, "deny-overrides"))
		return true;
	if (slow_same(how, "newest"))
		return slow_newest(c);
	for (int i = 1; i < c->opinions; i++)
		if (c->opinion[i].result != c->opinion[0].result ||
		    (c->opinion[0].result == SLOW_PERMIT &&
			slow_unlimited(&c->opinion[i]) != slow_unlimited(&c->opinion[0])))
			return false;
	return true;
}

static inline void
slow_without(struct slow_consent *c, const struct world *w, bool settling)
{
	c->by_default = true;
	if (w->service && settling)
		c->result = SLOW_DENY, c->reason = "consent-not-settled";
	else if (slow_same(w->no_consent, "ignore"))
		c->applies = false;
	else if (slow_same(w->no_consent, "permit"))
		c->result = SLOW_PERMIT;
	else
		c->result = SLOW_DENY, c->reason = "no-consent";
}

/* True if a directive has an effect. */
static inline bool
slow_any(const struct world *w)
{
	for (int i = 0; i < w->consents; i++)
		if (slow_same(w->consent[i].status, "active") || slow_same(w->consent[i].status, "draft"))
			return true;
	return false;
}

static inline void
slow_consents(struct slow_consent *c, const struct slow_request *r)
{
	const char *patient = slow_one(r, "resource.patient");
	bool settling = false;

	c->applies = true;
	if (!patient[0] && !slow_wrong(41)) {
		c->applies = !slow_same(r->w->no_consent, "ignore") || slow_any(r->w);
		c->fixed = true;
		c->result = SLOW_OPEN;
		c->reason = "missing-attribute";
		slow_miss(&c->note.missing, "resource.patient");
		return;
	}
	for (int i = 0; i < r->w->consents; i++) {
		const struct consent_form *f = &r->w->consent[i];

		if (!slow_same(f->patient, patient))
			continue;
		settling = settling || slow_same(f->status, "draft");
		c->opinions += slow_opine(&c->opinion[c->opinions], f, r);
	}
	if (c->opinions == 0) {
		slow_without(c, r->w, settling);
		return;
	}
	if (!slow_agree(c, r->w->on_several)) {
		c->result = SLOW_OPEN;
		c->reason = "consent-several";
		return;
	}
	c->result = SLOW_PERMIT;
	for (int i = 0; i < c->opinions && !(slow_wrong(23) && c->opinion[0].result == SLOW_PERMIT); i++)
		if (c->opinion[i].result == SLOW_DENY ||
		    (c->opinion[i].result == SLOW_OPEN && c->result != SLOW_DENY)) {
			if (c->result == c->opinion[i].result)
				continue;
			c->result = c->opinion[i].result;
			c->reason = c->opinion[i].reason;
		}
}

static inline bool
slow_acknowledged(const struct slow_consent *c, const char *rule)
{
	bool one = false, every = true;

	if (c->result == SLOW_OPEN && !slow_wrong(26))
		return false;
	for (int i = 0; i < c->opinions; i++) {
		const struct slow_opinion *o = &c->opinion[i];
		bool found = false;

		if (slow_unlimited(o))
			continue;
		for (int k = 0; k < o->form->acknowledged; k++)
			found = found || slow_same(o->form->acknowledges[k], rule);
		if ((o->notes > 0 && !slow_wrong(26)) || !found)
			every = false;
		else
			one = true;
	}
	return one && (every || slow_wrong(24));
}

static inline bool
slow_btg_alone(const struct slow_request *r)
{
	const struct ask *a = slow_asked(r, "context.purpose");

	if (slow_wrong(39))
		return a != NULL;
	for (int i = 0; a && i < a->values; i++)
		if (!slow_same(a->value[i], "BTG"))
			return false;
	return a != NULL;
}

static inline void
slow_override(struct slow_consent *c, const struct slow_layer *house, const struct slow_request *r)
{
	bool unlimited = c->result == SLOW_PERMIT, enough = false, glass;

	for (int i = 0; i < c->opinions; i++)
		unlimited = unlimited && slow_unlimited(&c->opinion[i]);
	if (house->result != SLOW_PERMIT || !c->applies || c->fixed || unlimited)
		return;
	glass = c->opinions == 0 && slow_same(r->w->no_consent, "break-glass-only") && slow_btg_alone(r);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < house->rules->count; i++) {
			const struct rule *rule = &house->rules->at[i];
			const struct slow_state *s = &house->state[i];
			bool agreed = rule->override == 1 && slow_acknowledged(c, rule->id);
			bool always = rule->override == 2 ||
				      (glass && world_names(&rule->set, "BTG", "BTG")) ||
				      (slow_wrong(25) && rule->override == 0);

			if (!rule->permit || s->holds != 'h' || s->item.excepts > 0)
				continue;
			if (pass == 0)
				enough = enough || (agreed && slow_empty(&s->item.scope));
			else if (agreed || (always && !enough))
				c->override[c->overrides++] = i;
		}
}

#endif
