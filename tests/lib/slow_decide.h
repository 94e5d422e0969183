/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_SLOW_DECIDE_H
#define EHR_TESTS_SLOW_DECIDE_H

#include "tests/lib/slow_consent.h"

#include <stddef.h>

/* slow_decide: from layers, limits and levels to a verdict, see slow.h. */
struct slow_verdict {
	struct slow_layer layer[SLOW_LAYERS];
	struct slow_consent consent;
	bool denied[7]; /* jurisdiction, organization, consent, outbound, clearance, obligations */
	bool permitted;
	const char *decided_by, *reason, *why_not;
	int assessed, al, level;
	bool level_owed;
	const char *step_up;
	int valid_until;
	int redacts, keeps, owes;
	struct slow_item redact[SLOW_LIMITS];
	struct slow_list keep[SLOW_LIMITS];
	const struct rule *owed[3 * RULES_MOST];
};

static inline void
slow_withhold(struct slow_verdict *v, const struct slow_item *item)
{
	struct slow_list *l;

	if (!slow_empty(&item->scope)) {
		v->redact[v->redacts++] = *item;
		return;
	}
	l = &v->keep[v->keeps++];
	memset(l, 0, sizeof *l);
	for (int i = 0; i < item->excepts; i++)
		l->at[l->count++].scope = item->except[i];
}

static inline void
slow_limit_consent(struct slow_verdict *v)
{
	const struct slow_consent *c = &v->consent;
	const struct slow_layer *house = &v->layer[SLOW_HOUSE];
	struct slow_list used = { 0 };
	int first = v->redacts;

	for (int i = 0; i < c->overrides; i++)
		slow_put(&used, &house->state[c->override[i]].item);
	if (used.all)
		return;
	if (used.count > 0 && c->result != SLOW_PERMIT) {
		v->keep[v->keeps++] = used;
		return;
	}
	for (int i = 0; i < c->opinions; i++) {
		const struct slow_opinion *o = &c->opinion[i];
		struct slow_list *l;

		if (o->result != SLOW_PERMIT || o->keep.all || (slow_wrong(27) && i > 0))
			continue;
		l = &v->keep[v->keeps++];
		*l = used;
		for (int k = 0; k < o->keep.count; k++)
			slow_put(l, &o->keep.at[k]);
	}
	for (int i = 0; i < c->opinions; i++)
		for (int k = 0; k < c->opinion[i].redact.count && c->opinion[i].result == SLOW_PERMIT; k++) {
			struct slow_item item = c->opinion[i].redact.at[k];

			for (int n = 0; n < used.count; n++)
				item.except[item.excepts++] = used.at[n].scope;
			slow_withhold(v, &item);
		}
	for (int i = first; i < v->redacts; i++)
		for (int k = i; k > first && strcmp(v->redact[k - 1].rule, v->redact[k].rule) > 0; k--) {
			struct slow_item swap = v->redact[k];

			v->redact[k] = v->redact[k - 1];
			v->redact[k - 1] = swap;
		}
}

static inline void
slow_limit(struct slow_verdict *v)
{
	for (int i = 0; i < SLOW_LAYERS; i++) {
		const struct slow_layer *l = &v->layer[i];

		if (!l->applies || l->result == SLOW_DENY || l->result == SLOW_OPEN)
			continue;
		if (!l->keep.all)
			v->keep[v->keeps++] = l->keep;
		for (int k = 0; k < l->redact.count; k++)
			slow_withhold(v, &l->redact.at[k]);
	}
	if (v->consent.applies)
		slow_limit_consent(v);
}

/* The lowest and the highest level of an item that is about levels alone. */
static inline bool
slow_levels(const struct slow_item *item, int *low, int *high)
{
	const struct crit *c = item->scope.first[1];

	if (!c || c->mode != '=' || item->excepts > 0 || slow_wrong(34))
		return false;
	for (int i = 0; slow_data[i]; i++)
		if (i != 1 && item->scope.first[i])
			return false;
	*low = 9;
	*high = -1;
	for (int i = 0; i < c->values; i++) {
		int rank = slow_rank(c->value[i]);

		if (rank < 0)
			return false;
		*low = rank < *low ? rank : *low;
		*high = rank > *high ? rank : *high;
	}
	return true;
}

static inline void
slow_spend(struct slow_verdict *v)
{
	int redacts = 0, keeps = 0, low, high;

	for (int i = 0; i < v->redacts; i++)
		if (slow_levels(&v->redact[i], &low, &high))
			v->level = low <= v->level ? low - 1 : v->level;
		else
			v->redact[redacts++] = v->redact[i];
	for (int i = 0; i < v->keeps; i++) {
		int highest = -1;
		bool spent = true;

		for (int k = 0; k < v->keep[i].count; k++) {
			spent = spent && slow_levels(&v->keep[i].at[k], &low, &high);
			highest = spent && high > highest ? high : highest;
		}
		if (spent)
			v->level = highest < v->level ? highest : v->level;
		else
			v->keep[keeps++] = v->keep[i];
	}
	v->redacts = redacts;
	v->keeps = keeps;
}

static inline void
slow_clear(struct slow_verdict *v, const struct slow_request *r)
{
	struct slow_missing m = { 0 };
	struct slow_scope scope;
	bool any = false, shows = !slow_same(slow_one(r, "action.name"), "create");

	for (int i = 0; i < r->w->rows; i++)
		if (slow_set(&r->w->row[i].set, r, true, &m, &scope) == SLOW_T) {
			if (!any ||
			    (slow_wrong(32) ? r->w->row[i].al < v->assessed : r->w->row[i].al > v->assessed))
				v->assessed = r->w->row[i].al;
			any = true;
		}
	for (int i = 0; any && i < r->w->caps; i++) {
		enum slow_truth t = slow_set(&r->w->cap[i].set, r, false, &m, &scope);

		if ((t == SLOW_T || (t == SLOW_U && !slow_wrong(31))) && r->w->cap[i].al < v->assessed)
			v->assessed = r->w->cap[i].al;
	}
	v->why_not = any ? NULL : "no-clearance";
	v->al = v->assessed;
	if (any && r->q->claimed > v->al && !slow_wrong(33))
		v->why_not = "claimed-al";
	else if (any && r->q->claimed >= 0 && r->q->claimed < v->al)
		v->al = r->q->claimed;
	v->level = v->why_not ? -1 : v->al;
	slow_spend(v);
	if (v->level >= 0) {
		v->al = v->al < v->level ? v->al : v->level;
		v->level_owed = v->level < 5 && shows;
	}
	if (!v->why_not &&
	    (v->level < 0 || (shows && slow_highest(slow_asked(r, "resource.label")) > v->level)))
		v->why_not = "clearance";
}

static inline bool
slow_refuses(enum slow_result r)
{
	return r == SLOW_DENY || r == SLOW_OPEN;
}

static inline void
slow_outbound(struct slow_verdict *v, const struct slow_request *r)
{
	struct slow_layer *l = &v->layer[SLOW_OUT];
	struct slow_request own = *r;
	const char *subject = slow_one(r, "subject.domain"), *resource = slow_one(r, "resource.domain");

	own.custodian = false;
	l->domain = subject;
	if (!subject[0] || !resource[0]) {
		if (!r->w->outbound)
			return;
		*l = slow_settled(SLOW_OPEN, "missing-attribute");
		if (!subject[0])
			slow_miss(&l->missing, "subject.domain");
		if (!resource[0])
			slow_miss(&l->missing, "resource.domain");
	} else if (slow_same(subject, resource) || (slow_same(subject, "A") && slow_same(resource, "B") &&
						       r->w->elsewhere && !slow_wrong(37))) {
		return;
	} else if (!r->w->outbound || !slow_same(subject, "A")) {
		*l = slow_settled(SLOW_DENY, "no-outbound-policy");
	} else {
		l->rules = &r->w->of_a;
		slow_judge(l, &own, r->w->outbound_permits ? SLOW_PERMIT : SLOW_DENY);
	}
	l->domain = subject;
}

/* False: there is no policy for the domain. */
static inline bool
slow_house(struct slow_verdict *v, const struct slow_request *r)
{
	struct slow_layer *l = &v->layer[SLOW_HOUSE];
	const char *subject = slow_one(r, "subject.domain"), *resource = slow_one(r, "resource.domain");
	bool there = !r->w->domains || slow_same(resource, "B");

	if (r->w->domains && resource[0] && !there) {
		*l = slow_settled(SLOW_DENY, "no-policy");
	} else if (r->w->domains && (!subject[0] || !resource[0])) {
		*l = slow_settled(SLOW_OPEN, "missing-attribute");
		if (!subject[0])
			slow_miss(&l->missing, "subject.domain");
		if (!resource[0])
			slow_miss(&l->missing, "resource.domain");
	} else if (r->w->domains && !slow_same(subject, "A") && !slow_same(subject, "B")) {
		*l = slow_settled(SLOW_DENY, "untrusted-domain");
	} else {
		l->rules = &r->w->of_house;
		slow_judge(l, r, r->w->house_permits ? SLOW_PERMIT : SLOW_DENY);
	}
	l->domain = resource;
	return there;
}

static inline void
slow_owe(struct slow_verdict *v, const struct slow_request *r)
{
	const struct ask *purpose = slow_asked(r, "context.purpose");
	bool btg = false;

	for (int i = 0; purpose && i < purpose->values; i++)
		btg = btg || slow_same(purpose->value[i], "BTG");
	v->owes = 0;
	for (int i = 0; i < SLOW_LAYERS; i++)
		for (int k = 0; v->layer[i].rules && k < v->layer[i].rules->count; k++) {
			const struct rule *rule = &v->layer[i].rules->at[k];
			bool counts = v->layer[i].state[k].holds == 'h';

			if (counts && !v->permitted)
				counts = !rule->permit && slow_rule_spoke(&v->layer[i], k);
			else if (counts && rule->override && !slow_wrong(40)) {
				counts = btg && world_names(&rule->set, "BTG", "BTG");
				for (int n = 0; n < v->consent.overrides; n++)
					counts = counts || v->consent.override[n] == k;
			}
			if (counts && (rule->audits || rule->expires))
				v->owed[v->owes++] = rule;
		}
}

static inline void
slow_conclude(struct slow_verdict *v)
{
	static const char *const names[] = { "jurisdiction", "organization", "consent", "outbound",
		"clearance", "obligations" };
	const char *const reasons[] = { v->layer[SLOW_LAW].reason, v->layer[SLOW_HOUSE].reason,
		v->consent.reason, v->layer[SLOW_OUT].reason, v->why_not, "unsupported-obligation" };

	v->permitted = true;
	for (int i = 5; i >= 0; i--)
		if (v->denied[i]) {
			v->permitted = false;
			v->decided_by = names[i];
			v->reason = reasons[i];
		}
	if (!v->permitted)
		return;
	v->decided_by = v->consent.applies && v->consent.overrides == 0 ? "consent" : "organization";
	v->reason = v->consent.overrides > 0 ? "consent-overridden" : "permitted";
}

static inline bool
slow_can(const struct slow_verdict *v, const struct slow_request *r)
{
	const struct ask *a = slow_asked(r, "context.supported_actions");

	if (!a)
		return true;
	for (int i = 0; i < v->owes; i++)
		return false; /* none that is drawn can audit or expire */
	return (!v->level_owed || slow_same(a->value[0], "level")) &&
	       (v->redacts == 0 || slow_same(a->value[0], "redact")) &&
	       (v->keeps == 0 || slow_same(a->value[0], "keep-only"));
}

static inline void
slow_once(struct slow_verdict *v, const struct slow_request *r)
{
	memset(v, 0, offsetof(struct slow_verdict, redact));
	v->level = -1;
	slow_outbound(v, r);
	if (r->w->law && (!r->w->domains || slow_same(slow_one(r, "resource.domain"), "B"))) {
		v->layer[SLOW_LAW].rules = &r->w->of_law;
		slow_judge(&v->layer[SLOW_LAW], r, SLOW_NONE);
		v->layer[SLOW_LAW].domain = slow_one(r, "resource.domain");
	}
	if (slow_house(v, r)) {
		slow_consents(&v->consent, r);
		slow_override(&v->consent, &v->layer[SLOW_HOUSE], r);
	}
	slow_limit(v);
	if (r->w->cleared)
		slow_clear(v, r);
	v->denied[0] = v->layer[SLOW_LAW].applies && slow_refuses(v->layer[SLOW_LAW].result);
	v->denied[1] = v->layer[SLOW_HOUSE].applies && slow_refuses(v->layer[SLOW_HOUSE].result);
	v->denied[2] = v->consent.applies && slow_refuses(v->consent.result) && v->consent.overrides == 0;
	v->denied[3] =
	    v->layer[SLOW_OUT].applies && slow_refuses(v->layer[SLOW_OUT].result) && !slow_wrong(36);
	v->denied[4] = v->why_not != NULL;
	slow_conclude(v);
	slow_owe(v, r);
	if (v->permitted && !slow_can(v, r)) {
		v->denied[5] = true;
		slow_conclude(v);
		slow_owe(v, r);
	}
}

static inline void
slow_sooner(int *until, int hour, int time)
{
	if (hour > time && (*until < 0 || hour < *until))
		*until = hour;
}

static inline void
slow_ends_set(int *until, const struct set *s, int time)
{
	for (int i = 0; i < s->count; i++)
		if (s->at[i].kind == WHEN) {
			slow_sooner(until, s->at[i].from, time);
			slow_sooner(until, s->at[i].until, time);
		}
}

static inline void
slow_ends_rules(int *until, const struct rule *rules, int count, int time)
{
	for (int i = 0; i < count; i++) {
		slow_ends_set(until, &rules[i].set, time);
		for (int k = 0; k < rules[i].excepts; k++)
			slow_ends_set(until, &rules[i].except[k], time);
		if (rules[i].nests > 0)
			slow_ends_rules(until, rules[i].nest, rules[i].nests, time);
	}
}

static inline void
slow_ends(struct slow_verdict *v, const struct slow_request *r)
{
	const struct world *w = r->w;
	int time = r->q->time;

	v->valid_until = -1;
	if (!v->permitted || time < 0)
		return;
	if (w->outbound)
		slow_ends_rules(&v->valid_until, w->of_a.at, w->of_a.count, time);
	if (w->law)
		slow_ends_rules(&v->valid_until, w->of_law.at, w->of_law.count, time);
	slow_ends_rules(&v->valid_until, w->of_house.at, w->of_house.count, time);
	for (int i = 0; w->cleared && i < w->rows; i++)
		slow_ends_set(&v->valid_until, &w->row[i].set, time);
	for (int i = 0; w->cleared && i < w->caps; i++)
		slow_ends_set(&v->valid_until, &w->cap[i].set, time);
	for (int i = 0; i < w->facts && !slow_wrong(38); i++)
		if (slow_same(w->fact[i].subject, slow_one(r, "subject.id"))) {
			slow_sooner(&v->valid_until, w->fact[i].from, time);
			slow_sooner(&v->valid_until, w->fact[i].until, time);
		}
	for (int i = 0; i < w->consents; i++) {
		const struct consent_form *c = &w->consent[i];

		if (!slow_same(c->status, "active") ||
		    !slow_same(c->patient, slow_one(r, "resource.patient")))
			continue;
		slow_sooner(&v->valid_until, c->from, time);
		slow_sooner(&v->valid_until, c->until, time);
		slow_ends_set(&v->valid_until, &c->root, time);
		slow_ends_rules(&v->valid_until, c->rules.at, c->rules.count, time);
	}
	for (int i = 0; i < v->owes; i++)
		if (v->owed[i]->expires)
			slow_sooner(&v->valid_until, time + 4, time);
}

/* The weakest stronger acr that helps. */
static inline void
slow_step(struct slow_verdict *v, const struct slow_request *r)
{
	static const char *const strengths[] = { "loa1", "loa2", "loa3" };
	static struct slow_verdict other;
	const struct ask *a = slow_asked(r, "context.acr");

	for (int i = 0; !v->permitted && i < 3 && !v->step_up; i++) {
		struct slow_request stronger = *r;
		bool above = true;

		for (int k = 0; a && k < a->values; k++)
			above = above && strcmp(strengths[i], a->value[k]) > 0;
		if (!above)
			continue;
		stronger.acr = strengths[i];
		slow_once(&other, &stronger);
		if (other.permitted)
			v->step_up = strengths[i];
	}
}

static inline void
slow_decide(struct slow_verdict *v, const struct world *w, const struct question *q)
{
	struct slow_request r = { .w = w, .q = q, .custodian = true };

	r.distrusts = w->trusts_roles && slow_same(slow_one(&r, "subject.domain"), "A") &&
		      slow_same(slow_one(&r, "resource.domain"), "B");
	slow_once(v, &r);
	slow_step(v, &r);
	slow_ends(v, &r);
}

#endif
