/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_ORACLE_DECIDE_H
#define EHR_TESTS_ORACLE_DECIDE_H

#include "tests/lib/oracle_consent.h"

#include <stddef.h>

/* oracle_decide: from layers, limits and levels to a verdict, see oracle.h. */
struct oracle_verdict {
	struct oracle_layer layer[ORACLE_LAYERS];
	struct oracle_consent consent;
	bool denied[7]; /* jurisdiction, organization, consent, outbound, clearance, obligations */
	bool permitted;
	const char *decided_by, *reason, *why_not;
	int assessed, al, level;
	bool level_owed;
	const char *step_up;
	int valid_until;
	int redacts, keeps, owes;
	struct oracle_item redact[ORACLE_LIMITS];
	struct oracle_list keep[ORACLE_LIMITS];
	const struct rule *owed[3 * RULES_MOST];
};

static inline void
oracle_withhold(struct oracle_verdict *v, const struct oracle_item *item)
{
	struct oracle_list *l;

	if (!oracle_empty(&item->scope)) {
		v->redact[v->redacts++] = *item;
		return;
	}
	l = &v->keep[v->keeps++];
	memset(l, 0, sizeof *l);
	for (int i = 0; i < item->excepts; i++)
		l->at[l->count++].scope = item->except[i];
}

static inline void
oracle_limit_consent(struct oracle_verdict *v)
{
	const struct oracle_consent *c = &v->consent;
	const struct oracle_layer *house = &v->layer[ORACLE_HOUSE];
	struct oracle_list used = { 0 };
	int first = v->redacts;

	for (int i = 0; i < c->overrides; i++)
		oracle_put(&used, &house->state[c->override[i]].item);
	if (used.all)
		return;
	if (used.count > 0 && c->result != ORACLE_PERMIT) {
		v->keep[v->keeps++] = used;
		return;
	}
	for (int i = 0; i < c->opinions; i++) {
		const struct oracle_opinion *o = &c->opinion[i];
		struct oracle_list *l;

		if (o->result != ORACLE_PERMIT || o->keep.all || (oracle_wrong(27) && i > 0))
			continue;
		l = &v->keep[v->keeps++];
		*l = used;
		for (int k = 0; k < o->keep.count; k++)
			oracle_put(l, &o->keep.at[k]);
	}
	for (int i = 0; i < c->opinions; i++)
		for (int k = 0; k < c->opinion[i].redact.count && c->opinion[i].result == ORACLE_PERMIT;
		     k++) {
			struct oracle_item item = c->opinion[i].redact.at[k];

			for (int n = 0; n < used.count; n++)
				item.except[item.excepts++] = used.at[n].scope;
			oracle_withhold(v, &item);
		}
	for (int i = first; i < v->redacts; i++)
		for (int k = i; k > first && strcmp(v->redact[k - 1].rule, v->redact[k].rule) > 0; k--) {
			struct oracle_item swap = v->redact[k];

			v->redact[k] = v->redact[k - 1];
			v->redact[k - 1] = swap;
		}
}

static inline void
oracle_limit(struct oracle_verdict *v)
{
	for (int i = 0; i < ORACLE_LAYERS; i++) {
		const struct oracle_layer *l = &v->layer[i];

		if (!l->applies || l->result == ORACLE_DENY || l->result == ORACLE_OPEN)
			continue;
		if (!l->keep.all)
			v->keep[v->keeps++] = l->keep;
		for (int k = 0; k < l->redact.count; k++)
			oracle_withhold(v, &l->redact.at[k]);
	}
	if (v->consent.applies)
		oracle_limit_consent(v);
}

/* The lowest and the highest level of an item that is about levels alone. */
static inline bool
oracle_levels(const struct oracle_item *item, int *low, int *high)
{
	const struct crit *c = item->scope.first[1];

	if (!c || c->mode != '=' || item->excepts > 0 || oracle_wrong(34))
		return false;
	for (int i = 0; oracle_data[i]; i++)
		if (i != 1 && item->scope.first[i])
			return false;
	*low = 9;
	*high = -1;
	for (int i = 0; i < c->values; i++) {
		int rank = oracle_rank(c->value[i]);

		if (rank < 0)
			return false;
		*low = rank < *low ? rank : *low;
		*high = rank > *high ? rank : *high;
	}
	return true;
}

static inline void
oracle_spend(struct oracle_verdict *v)
{
	int redacts = 0, keeps = 0, low, high;

	for (int i = 0; i < v->redacts; i++)
		if (oracle_levels(&v->redact[i], &low, &high))
			v->level = low <= v->level ? low - 1 : v->level;
		else
			v->redact[redacts++] = v->redact[i];
	for (int i = 0; i < v->keeps; i++) {
		int highest = -1;
		bool spent = true;

		for (int k = 0; k < v->keep[i].count; k++) {
			spent = spent && oracle_levels(&v->keep[i].at[k], &low, &high);
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
oracle_clear(struct oracle_verdict *v, const struct oracle_request *r)
{
	struct oracle_missing m = { 0 };
	struct oracle_scope scope;
	bool any = false, shows = !oracle_same(oracle_one(r, "action.name"), "create");

	for (int i = 0; i < r->w->rows; i++)
		if (oracle_set(&r->w->row[i].set, r, true, &m, &scope) == ORACLE_T) {
			if (!any || (oracle_wrong(32) ? r->w->row[i].al < v->assessed
						      : r->w->row[i].al > v->assessed))
				v->assessed = r->w->row[i].al;
			any = true;
		}
	for (int i = 0; any && i < r->w->caps; i++) {
		enum oracle_truth t = oracle_set(&r->w->cap[i].set, r, false, &m, &scope);

		if ((t == ORACLE_T || (t == ORACLE_U && !oracle_wrong(31))) && r->w->cap[i].al < v->assessed)
			v->assessed = r->w->cap[i].al;
	}
	v->why_not = any ? NULL : "no-clearance";
	v->al = v->assessed;
	if (any && r->q->claimed > v->al && !oracle_wrong(33))
		v->why_not = "claimed-al";
	else if (any && r->q->claimed >= 0 && r->q->claimed < v->al)
		v->al = r->q->claimed;
	v->level = v->why_not ? -1 : v->al;
	oracle_spend(v);
	if (v->level >= 0) {
		v->al = v->al < v->level ? v->al : v->level;
		v->level_owed = v->level < 5 && shows;
	}
	if (!v->why_not &&
	    (v->level < 0 || (shows && oracle_highest(oracle_asked(r, "resource.label")) > v->level)))
		v->why_not = "clearance";
}

static inline bool
oracle_refuses(enum oracle_result r)
{
	return r == ORACLE_DENY || r == ORACLE_OPEN;
}

static inline void
oracle_outbound(struct oracle_verdict *v, const struct oracle_request *r)
{
	struct oracle_layer *l = &v->layer[ORACLE_OUT];
	struct oracle_request own = *r;
	const char *subject = oracle_one(r, "subject.domain"), *resource = oracle_one(r, "resource.domain");

	own.custodian = false;
	l->domain = subject;
	if (!subject[0] || !resource[0]) {
		if (!r->w->outbound)
			return;
		*l = oracle_settled(ORACLE_OPEN, "missing-attribute");
		if (!subject[0])
			oracle_miss(&l->missing, "subject.domain");
		if (!resource[0])
			oracle_miss(&l->missing, "resource.domain");
	} else if (oracle_same(subject, resource) ||
		   (oracle_same(subject, "A") && oracle_same(resource, "B") && r->w->elsewhere &&
		       !oracle_wrong(37))) {
		return;
	} else if (!r->w->outbound || !oracle_same(subject, "A")) {
		*l = oracle_settled(ORACLE_DENY, "no-outbound-policy");
	} else {
		l->rules = &r->w->of_a;
		oracle_judge(l, &own, r->w->outbound_permits ? ORACLE_PERMIT : ORACLE_DENY);
	}
	l->domain = subject;
}

/* False: there is no policy for the domain. */
static inline bool
oracle_house(struct oracle_verdict *v, const struct oracle_request *r)
{
	struct oracle_layer *l = &v->layer[ORACLE_HOUSE];
	const char *subject = oracle_one(r, "subject.domain"), *resource = oracle_one(r, "resource.domain");
	bool there = !r->w->domains || oracle_same(resource, "B");

	if (r->w->domains && resource[0] && !there) {
		*l = oracle_settled(ORACLE_DENY, "no-policy");
	} else if (r->w->domains && (!subject[0] || !resource[0])) {
		*l = oracle_settled(ORACLE_OPEN, "missing-attribute");
		if (!subject[0])
			oracle_miss(&l->missing, "subject.domain");
		if (!resource[0])
			oracle_miss(&l->missing, "resource.domain");
	} else if (r->w->domains && !oracle_same(subject, "A") && !oracle_same(subject, "B")) {
		*l = oracle_settled(ORACLE_DENY, "untrusted-domain");
	} else {
		l->rules = &r->w->of_house;
		oracle_judge(l, r, r->w->house_permits ? ORACLE_PERMIT : ORACLE_DENY);
	}
	l->domain = resource;
	return there;
}

static inline void
oracle_owe(struct oracle_verdict *v, const struct oracle_request *r)
{
	const struct ask *purpose = oracle_asked(r, "context.purpose");
	bool btg = false;

	for (int i = 0; purpose && i < purpose->values; i++)
		btg = btg || oracle_same(purpose->value[i], "BTG");
	v->owes = 0;
	for (int i = 0; i < ORACLE_LAYERS; i++)
		for (int k = 0; v->layer[i].rules && k < v->layer[i].rules->count; k++) {
			const struct rule *rule = &v->layer[i].rules->at[k];
			bool counts = v->layer[i].state[k].holds == 'h';

			if (counts && !v->permitted)
				counts = !rule->permit && oracle_rule_spoke(&v->layer[i], k);
			else if (counts && rule->override && !oracle_wrong(40)) {
				counts = btg && world_names(&rule->set, "BTG", "BTG");
				for (int n = 0; n < v->consent.overrides; n++)
					counts = counts || v->consent.override[n] == k;
			}
			if (counts && (rule->audits || rule->expires))
				v->owed[v->owes++] = rule;
		}
}

static inline void
oracle_conclude(struct oracle_verdict *v)
{
	static const char *const names[] = { "jurisdiction", "organization", "consent", "outbound",
		"clearance", "obligations" };
	const char *const reasons[] = { v->layer[ORACLE_LAW].reason, v->layer[ORACLE_HOUSE].reason,
		v->consent.reason, v->layer[ORACLE_OUT].reason, v->why_not, "unsupported-obligation" };

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
oracle_can(const struct oracle_verdict *v, const struct oracle_request *r)
{
	const struct ask *a = oracle_asked(r, "context.supported_actions");

	if (!a)
		return true;
	for (int i = 0; i < v->owes; i++)
		return false; /* none that is drawn can audit or expire */
	return (!v->level_owed || oracle_same(a->value[0], "level")) &&
	       (v->redacts == 0 || oracle_same(a->value[0], "redact")) &&
	       (v->keeps == 0 || oracle_same(a->value[0], "keep-only"));
}

static inline void
oracle_once(struct oracle_verdict *v, const struct oracle_request *r)
{
	memset(v, 0, offsetof(struct oracle_verdict, redact));
	v->level = -1;
	oracle_outbound(v, r);
	if (r->w->law && (!r->w->domains || oracle_same(oracle_one(r, "resource.domain"), "B"))) {
		v->layer[ORACLE_LAW].rules = &r->w->of_law;
		oracle_judge(&v->layer[ORACLE_LAW], r, ORACLE_NONE);
		v->layer[ORACLE_LAW].domain = oracle_one(r, "resource.domain");
	}
	if (oracle_house(v, r)) {
		oracle_consents(&v->consent, r);
		oracle_override(&v->consent, &v->layer[ORACLE_HOUSE], r);
	}
	oracle_limit(v);
	if (r->w->cleared)
		oracle_clear(v, r);
	v->denied[0] = v->layer[ORACLE_LAW].applies && oracle_refuses(v->layer[ORACLE_LAW].result);
	v->denied[1] = v->layer[ORACLE_HOUSE].applies && oracle_refuses(v->layer[ORACLE_HOUSE].result);
	v->denied[2] = v->consent.applies && oracle_refuses(v->consent.result) && v->consent.overrides == 0;
	v->denied[3] =
	    v->layer[ORACLE_OUT].applies && oracle_refuses(v->layer[ORACLE_OUT].result) && !oracle_wrong(36);
	v->denied[4] = v->why_not != NULL;
	oracle_conclude(v);
	oracle_owe(v, r);
	if (v->permitted && !oracle_can(v, r)) {
		v->denied[5] = true;
		oracle_conclude(v);
		oracle_owe(v, r);
	}
}

static inline void
oracle_sooner(int *until, int hour, int time)
{
	if (hour > time && (*until < 0 || hour < *until))
		*until = hour;
}

static inline void
oracle_ends_set(int *until, const struct set *s, int time)
{
	for (int i = 0; i < s->count; i++)
		if (s->at[i].kind == WHEN) {
			oracle_sooner(until, s->at[i].from, time);
			oracle_sooner(until, s->at[i].until, time);
		}
}

static inline void
oracle_ends_rules(int *until, const struct rule *rules, int count, int time)
{
	for (int i = 0; i < count; i++) {
		oracle_ends_set(until, &rules[i].set, time);
		for (int k = 0; k < rules[i].excepts; k++)
			oracle_ends_set(until, &rules[i].except[k], time);
		if (rules[i].nests > 0)
			oracle_ends_rules(until, rules[i].nest, rules[i].nests, time);
	}
}

static inline void
oracle_ends(struct oracle_verdict *v, const struct oracle_request *r)
{
	const struct world *w = r->w;
	int time = r->q->time;

	v->valid_until = -1;
	if (!v->permitted || time < 0)
		return;
	if (w->outbound)
		oracle_ends_rules(&v->valid_until, w->of_a.at, w->of_a.count, time);
	if (w->law)
		oracle_ends_rules(&v->valid_until, w->of_law.at, w->of_law.count, time);
	oracle_ends_rules(&v->valid_until, w->of_house.at, w->of_house.count, time);
	for (int i = 0; w->cleared && i < w->rows; i++)
		oracle_ends_set(&v->valid_until, &w->row[i].set, time);
	for (int i = 0; w->cleared && i < w->caps; i++)
		oracle_ends_set(&v->valid_until, &w->cap[i].set, time);
	for (int i = 0; i < w->facts && !oracle_wrong(38); i++)
		if (oracle_same(w->fact[i].subject, oracle_one(r, "subject.id"))) {
			oracle_sooner(&v->valid_until, w->fact[i].from, time);
			oracle_sooner(&v->valid_until, w->fact[i].until, time);
		}
	for (int i = 0; i < w->consents; i++) {
		const struct consent_form *c = &w->consent[i];

		if (!oracle_same(c->status, "active") ||
		    !oracle_same(c->patient, oracle_one(r, "resource.patient")))
			continue;
		oracle_sooner(&v->valid_until, c->from, time);
		oracle_sooner(&v->valid_until, c->until, time);
		oracle_ends_set(&v->valid_until, &c->root, time);
		oracle_ends_rules(&v->valid_until, c->rules.at, c->rules.count, time);
	}
	for (int i = 0; i < v->owes; i++)
		if (v->owed[i]->expires)
			oracle_sooner(&v->valid_until, time + 4, time);
}

/* The weakest stronger acr that helps. */
static inline void
oracle_step(struct oracle_verdict *v, const struct oracle_request *r)
{
	static const char *const strengths[] = { "loa1", "loa2", "loa3" };
	static struct oracle_verdict other;
	const struct ask *a = oracle_asked(r, "context.acr");

	for (int i = 0; !v->permitted && i < 3 && !v->step_up; i++) {
		struct oracle_request stronger = *r;
		bool above = true;

		for (int k = 0; a && k < a->values; k++)
			above = above && strcmp(strengths[i], a->value[k]) > 0;
		if (!above)
			continue;
		stronger.acr = strengths[i];
		oracle_once(&other, &stronger);
		if (other.permitted)
			v->step_up = strengths[i];
	}
}

static inline void
oracle_decide(struct oracle_verdict *v, const struct world *w, const struct question *q)
{
	struct oracle_request r = { .w = w, .q = q, .custodian = true };

	r.distrusts = w->trusts_roles && oracle_same(oracle_one(&r, "subject.domain"), "A") &&
		      oracle_same(oracle_one(&r, "resource.domain"), "B");
	oracle_once(v, &r);
	oracle_step(v, &r);
	oracle_ends(v, &r);
}

#endif
