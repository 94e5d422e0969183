/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/access/known.h"

/*
 * The layers are judged first.  Then what they limit is collected: items to redact and lists to keep to.
 * Limits by level alone lower the level instead.  Last come the obligations of the rules that decided.
 */

static bool
overrides(const struct consent *c, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < c->overrides; i++)
		if (c->overriding[i] == rule)
			return true;
	return false;
}

static bool
breaks_glass(const struct verdict *v, const struct access_rule *rule)
{
	const struct values *purpose = situation_values(&v->situation, ATTRIBUTE_PURPOSE);

	return rule->names_btg && values_have(purpose, bytes_of("BTG"));
}

/*
 * The obligations of a rule that overrides consent count where it overrides.  Those of breaking the
 * glass count wherever it permits: the patient who had consented is to be told as well.  A deny that
 * withholds a part of the narrowed data counts, too.
 */
static bool
rule_counts(const struct verdict *v, const struct layer_outcome *o, uint32_t i)
{
	const struct access_rule *rule = &o->file->rule[i];
	const struct rule_state *narrowed = v->narrowed[o->layer];

	if (v->permitted && narrowed && rule->effect == EFFECT_DENY && narrowed[i].holding == RULE_HOLDS)
		return true;
	if (o->state[i].holding != RULE_HOLDS)
		return false;
	if (!v->permitted)
		return rule->effect == EFFECT_DENY && layer_rule_spoke(o, i);
	return rule->override == OVERRIDE_NO || overrides(&v->consent, rule) || breaks_glass(v, rule);
}

static void
owe(struct verdict *v, const struct access_rule *rule)
{
	const struct request *q = v->request;

	for (uint32_t i = 0; i < rule->duties; i++) {
		struct owed *owed = &v->owed[v->owes++];

		*owed = (struct owed){ .rule = rule, .duty = &rule->duty[i] };
		if (rule->duty[i].expires && q->timed) {
			owed->timed = true;
			owed->at = instant_add(q->time, rule->duty[i].after);
		}
	}
}

static void
rule_duties(struct verdict *v, struct scratch *scratch)
{
	uint32_t count = 0;

	v->owes = 0;
	for (int i = 0; i < LAYER_CONSENT; i++)
		for (uint32_t k = 0; v->outcome[i].state && k < v->outcome[i].file->rules; k++)
			count += v->outcome[i].file->rule[k].duties;
	if (!v->owed)
		v->owed = scratch_array(scratch, count, sizeof *v->owed);
	for (int i = 0; i < LAYER_CONSENT; i++)
		for (uint32_t k = 0; v->outcome[i].state && k < v->outcome[i].file->rules; k++)
			if (rule_counts(v, &v->outcome[i], k))
				owe(v, &v->outcome[i].file->rule[k]);
}

const enum layer decide_order[LAYER_COUNT] = { LAYER_REQUEST, LAYER_JURISDICTION, LAYER_ORGANIZATION,
	LAYER_CONSENT, LAYER_OUTBOUND, LAYER_CLEARANCE, LAYER_COMMAND, LAYER_OBLIGATIONS };

/* A list of several domains is as unknown as none. */
struct domain {
	struct bytes name;
	uint32_t word;
	bool known;
};

static struct domain
domain_of(const struct request *q, unsigned attribute)
{
	struct domain d = { .name = request_string(q, attribute) };

	d.known = d.name.size > 0;
	d.word = d.known ? q->at[attribute].at[0].word : 0;
	return d;
}

static bool
same_domain(const struct domain *a, const struct domain *b)
{
	return a->known && b->known && bytes_equal(a->name, b->name);
}

static struct layer_outcome
settled(enum layer layer, enum result result, const char *reason)
{
	return (struct layer_outcome){ .layer = layer,
		.applies = true,
		.result = result,
		.reason = reason,
		.keep = { .everything = true } };
}

static struct layer_outcome
without_domain(enum layer layer, const struct domain *subject, const struct domain *resource)
{
	struct layer_outcome o = settled(layer, RESULT_INDETERMINATE, "missing-attribute");

	if (!subject->known)
		attribute_set_add(&o.missing, ATTRIBUTE_SUBJECT_DOMAIN);
	if (!resource->known)
		attribute_set_add(&o.missing, ATTRIBUTE_RESOURCE_DOMAIN);
	return o;
}

/* The policy of the requester's own domain for what its staff asks of another one. */
static struct layer_outcome
decide_outbound(struct engine *e, struct verdict *v, const struct trust *trust)
{
	struct domain subject = domain_of(v->request, ATTRIBUTE_SUBJECT_DOMAIN);
	struct domain resource = domain_of(v->request, ATTRIBUTE_RESOURCE_DOMAIN);
	struct situation whole = v->situation;
	const struct layer_file *file;
	struct layer_outcome none = { .layer = LAYER_OUTBOUND }, o;

	if (!subject.known || !resource.known)
		return e->layers.any[LAYER_OUTBOUND] ? without_domain(LAYER_OUTBOUND, &subject, &resource)
						     : none;
	if (same_domain(&subject, &resource) || (trust && trust->enforces_outbound))
		return none;
	file = layers_find(&e->layers, LAYER_OUTBOUND, subject.word);
	if (!file)
		return settled(LAYER_OUTBOUND, RESULT_DENY, "no-outbound-policy");
	whole.custodian = false;
	o = layer_decide(file, &whole, &e->scratch);
	v->situation.stronger_might_help = whole.stronger_might_help;
	return o;
}

/* Marks the values that pass the limits of the trust in the requester's domain. */
static void
distrust(struct request *q, const struct trust *trust)
{
	for (uint32_t i = 0; i < trust->limits; i++) {
		struct values *v = &q->at[trust->limit[i].attribute];

		v->distrusted = !criteria_covers(&trust->limit[i], v);
	}
}

static struct layer_outcome
decide_organization(struct engine *e, struct request *q, struct verdict *v, const struct layer_file *file)
{
	struct domain subject = domain_of(q, ATTRIBUTE_SUBJECT_DOMAIN);
	struct domain resource = domain_of(q, ATTRIBUTE_RESOURCE_DOMAIN);
	const struct trust *trust;
	struct layer_outcome o;

	if (!file)
		return resource.known ? settled(LAYER_ORGANIZATION, RESULT_DENY, "no-policy")
				      : without_domain(LAYER_ORGANIZATION, &subject, &resource);
	if (file->domain == 0)
		return layer_decide(file, &v->situation, &e->scratch);
	if (!subject.known || !resource.known) {
		o = without_domain(LAYER_ORGANIZATION, &subject, &resource);
		o.file = file;
		return o;
	}
	trust = layer_trust(file, subject.word);
	if (!same_domain(&subject, &resource) && !trust) {
		o = settled(LAYER_ORGANIZATION, RESULT_DENY, "untrusted-domain");
		o.file = file;
		return o;
	}
	return layer_decide(file, &v->situation, &e->scratch);
}

static bool
refuses(enum result result)
{
	return result == RESULT_DENY || result == RESULT_INDETERMINATE;
}

/* The requester's own gateway asks for its outbound policy alone. */
static void
decide_gateway(struct engine *e, struct verdict *v)
{
	struct layer_outcome *o = &v->outcome[LAYER_OUTBOUND];

	*o = decide_outbound(e, v, NULL);
	if (!o->applies)
		*o = settled(LAYER_OUTBOUND, RESULT_DENY, "not-outbound");
	v->denied[LAYER_OUTBOUND] = refuses(o->result);
}

static void
decide_layers(struct engine *e, struct request *q, struct verdict *v)
{
	struct domain subject = domain_of(q, ATTRIBUTE_SUBJECT_DOMAIN);
	struct domain resource = domain_of(q, ATTRIBUTE_RESOURCE_DOMAIN);
	const struct layer_file *house = layers_find(&e->layers, LAYER_ORGANIZATION, resource.word);
	const struct layer_file *law = layers_find(&e->layers, LAYER_JURISDICTION, resource.word);
	const struct trust *trust = house ? layer_trust(house, subject.word) : NULL;

	if (e->outbound_only) {
		decide_gateway(e, v);
		return;
	}
	directives_fetch(&e->directives, request_string(q, ATTRIBUTE_RESOURCE_PATIENT));
	if (trust && !same_domain(&subject, &resource))
		distrust(q, trust);
	v->outcome[LAYER_OUTBOUND] = decide_outbound(e, v, trust);
	if (law)
		v->outcome[LAYER_JURISDICTION] = layer_decide(law, &v->situation, &e->scratch);
	v->outcome[LAYER_ORGANIZATION] = decide_organization(e, q, v, house);
	if (house) {
		v->consent = consent_decide(house, &e->directives, &v->situation, &e->scratch);
		consent_override(&v->consent, &v->outcome[LAYER_ORGANIZATION], &v->situation, &e->scratch);
	}
	for (int i = 0; i < LAYER_CONSENT; i++)
		v->denied[i] = v->outcome[i].applies && refuses(v->outcome[i].result);
	v->denied[LAYER_CONSENT] =
	    v->consent.applies && refuses(v->consent.result) && v->consent.overrides == 0;
}

static bool
shows_nothing(const struct request *q)
{
	static const char *const names[] = { "create", "send-command", "release-keys", "declare-relation",
		"end-relation" };
	struct bytes action = request_string(q, ATTRIBUTE_ACTION_NAME);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (bytes_are(action, names[i]))
			return true;
	return false;
}

static void
decide_clearance(struct engine *e, struct verdict *v)
{
	const struct policy *p = e->policy;

	v->cleared = true;
	v->clearance = clearance_assess(&e->clearances, &v->situation);
	v->reasons[LAYER_CLEARANCE] = v->clearance.reason;
	v->level = v->clearance.reason ? -1 : policy_level_for(p, v->clearance.al);
	limits_spend(v);
	if (v->whole) {
		v->whole->level = v->level;
		limits_spend(v->whole);
		v->level = v->whole->level;
	}
	if (v->level >= 0) {
		unsigned al = p->level[v->level].al;

		v->al = v->clearance.al < al ? v->clearance.al : al;
		v->level_owed = (unsigned)v->level + 1 < p->levels && !shows_nothing(v->request);
	}
	if (!v->clearance.reason &&
	    (v->level < 0 ||
		(!shows_nothing(v->request) &&
		    criteria_rank(situation_values(&v->situation, ATTRIBUTE_LABEL), p->levels) > v->level)))
		v->reasons[LAYER_CLEARANCE] = "clearance";
	v->denied[LAYER_CLEARANCE] = v->reasons[LAYER_CLEARANCE] != NULL;
}

static const char *
reason_of(const struct verdict *v, enum layer layer)
{
	if (layer < LAYER_CONSENT)
		return v->outcome[layer].reason;
	return layer == LAYER_CONSENT ? v->consent.reason : v->reasons[layer];
}

static void
conclude(struct verdict *v)
{
	v->permitted = true;
	for (int i = LAYER_COUNT - 1; i >= 0; i--)
		if (v->denied[decide_order[i]]) {
			v->permitted = false;
			v->decided_by = decide_order[i];
			v->reason = reason_of(v, decide_order[i]);
		}
	if (!v->permitted)
		return;
	if (v->outcome[LAYER_ORGANIZATION].applies)
		v->decided_by =
		    v->consent.applies && v->consent.overrides == 0 ? LAYER_CONSENT : LAYER_ORGANIZATION;
	else
		v->decided_by = LAYER_OUTBOUND;
	v->reason = v->consent.overrides > 0 ? "consent-overridden" : "permitted";
}

bool
decide_is_command(const struct request *q)
{
	return bytes_are(request_string(q, ATTRIBUTE_ACTION_NAME), "send-command");
}

static void
end_by(struct verdict *v, struct instant t)
{
	if (v->ends && instant_compare(t, v->valid_until) >= 0)
		return;
	v->valid_until = t;
	v->ends = true;
}

static void
find_end(struct engine *e, struct verdict *v)
{
	const struct request *q = v->request;
	const struct moments *m;
	struct instant until;

	if (!v->permitted || !q->timed)
		return;
	moments_next(&e->moments, q->time, &v->valid_until, &v->ends);
	m = e->facts ? facts_moments(e->facts, request_string(q, ATTRIBUTE_SUBJECT_ID)) : NULL;
	if (m)
		moments_next(m, q->time, &v->valid_until, &v->ends);
	/* Where no directive applies and consent is ignored, one may begin to apply. */
	for (const struct directive *d =
		 v->consent.applies || v->consent.by_default
		     ? directives_of(&e->directives, request_string(q, ATTRIBUTE_RESOURCE_PATIENT))
		     : NULL;
	     d; d = d->next)
		if (d->status == DIRECTIVE_ACTIVE)
			moments_next(&d->moments, q->time, &v->valid_until, &v->ends);
	for (uint32_t i = 0; i < v->owes; i++)
		if (v->owed[i].timed)
			end_by(v, v->owed[i].at);
	if (known_until(q, &until))
		end_by(v, until);
}

static bool
layers_deny(const struct verdict *v)
{
	for (int i = 0; i <= LAYER_CONSENT; i++)
		if (v->denied[i])
			return true;
	return false;
}

/* Judges what the request would be with the data NARROWED.  True unless the layers deny it; then V does. */
static bool
judge_with(struct engine *e, struct request *q, struct verdict *v, const struct values *narrowed,
    struct verdict *other)
{
	*other = (struct verdict){ .request = q, .situation = v->situation };
	other->situation.narrowed = narrowed;
	other->situation.suspects = narrowed != v->narrowing.at;
	decide_layers(e, q, other);
	v->situation.stronger_might_help |= other->situation.stronger_might_help;
	if (!layers_deny(other)) {
		limits_gather(other, &e->scratch);
		return true;
	}
	memcpy(v->outcome, other->outcome, sizeof v->outcome);
	for (int i = 0; i <= LAYER_CONSENT; i++)
		v->denied[i] = other->denied[i];
	v->consent = other->consent;
	return false;
}

/*
 * The layers judge a request as if it described one entry that has exactly the values stated.  Entries
 * with more, such as a second label, meet the narrowing as well.  So the layers judge all entries that
 * meet it, too, and what stands against any of them counts.  Last they judge the whole record: what is
 * withheld of it is not told by references in what is asked for, nor by a version above its level.
 */
static void
decide_narrowed(struct engine *e, struct request *q, struct verdict *v)
{
	static const struct values everything[DATA_COUNT];
	struct verdict *all = scratch_take(&e->scratch, sizeof *all);
	struct verdict *whole = scratch_take(&e->scratch, sizeof *whole);

	v->narrowing = narrowing_of(q, &e->roles, &e->words, &e->scratch);
	if (!v->narrowing.there || layers_deny(v) || !judge_with(e, q, v, v->narrowing.at, all))
		return;
	for (int i = 0; i < LAYER_CONSENT; i++)
		v->narrowed[i] = all->outcome[i].state;
	if (!judge_with(e, q, v, everything, whole))
		return;
	limits_add(v, all, whole, &e->words, &e->scratch);
	v->whole = whole;
}

static void
begin(const struct engine *e, const struct request *q, struct verdict *v)
{
	*v = (struct verdict){ .request = q, .level = -1 };
	v->situation = (struct situation){ .request = q,
		.attributes = &e->attributes,
		.roles = &e->roles,
		.facts = e->facts,
		.entities = e->entities,
		.custodian = true,
		.levels = e->policy->levels };
}

void
decide_unproven(struct engine *e, struct request *q, const char *reason, struct verdict *v)
{
	begin(e, q, v);
	v->reasons[LAYER_REQUEST] = reason;
	v->denied[LAYER_REQUEST] = true;
	conclude(v);
}

static void
decide_once(struct engine *e, struct request *q, struct verdict *v)
{
	begin(e, q, v);
	decide_layers(e, q, v);
	v->reasons[LAYER_REQUEST] = known_refusal(q, e->policy, &e->roles);
	v->denied[LAYER_REQUEST] = v->reasons[LAYER_REQUEST] != NULL;
	limits_gather(v, &e->scratch);
	decide_narrowed(e, q, v);
	if (e->clearances.there && !e->outbound_only)
		decide_clearance(e, v);
	if (decide_is_command(q) && !e->outbound_only) {
		v->commanded = true;
		v->reasons[LAYER_COMMAND] = clearance_command(&e->clearances, &v->situation,
		    !v->clearance.reason, v->clearance.al, &e->used, &e->scratch);
		v->denied[LAYER_COMMAND] = v->reasons[LAYER_COMMAND] != NULL;
	}
	conclude(v);
	rule_duties(v, &e->scratch);
	if (v->permitted && undone_write(NULL, v)) {
		v->reasons[LAYER_OBLIGATIONS] = "unsupported-obligation";
		v->denied[LAYER_OBLIGATIONS] = true;
		v->unmet = v->owed;
		v->unmets = v->owes;
		v->owed = NULL;
		conclude(v);
		rule_duties(v, &e->scratch);
	}
}

/* The weakest acr above the present one with which the request would be permitted; 0: none. */
static uint32_t
find_step_up(struct engine *e, struct request *q)
{
	struct values before = q->at[ATTRIBUTE_ACR];
	struct value *acr = scratch_take(&e->scratch, sizeof *acr);
	uint32_t first = 0, found = 0;

	for (uint32_t i = 0; i < before.count; i++) {
		int rank = before.at[i].word ? roles_acr(&e->roles, before.at[i].word) : -1;

		if (rank >= 0 && (uint32_t)rank + 1 > first)
			first = (uint32_t)rank + 1;
	}
	for (uint32_t i = first; i < e->roles.acrs && !found; i++) {
		struct verdict *v = scratch_take(&e->scratch, sizeof *v);

		*acr = (struct value){ .kind = VALUE_STRING, .word = e->roles.acr[i] };
		acr->text = intern_text(&e->words, acr->word);
		q->at[ATTRIBUTE_ACR] = (struct values){ .at = acr, .count = 1, .present = true };
		decide_once(e, q, v);
		if (v->permitted)
			found = acr->word;
	}
	q->at[ATTRIBUTE_ACR] = before;
	return found;
}

void
decide_trial(struct engine *e, struct request *q, struct verdict *v)
{
	decide_once(e, q, v);
	find_end(e, v);
}

void
decide(struct engine *e, struct request *q, struct verdict *v)
{
	decide_trial(e, q, v);
	if (!v->permitted && v->situation.stronger_might_help)
		v->step_up = find_step_up(e, q);
	if (v->permitted && v->commanded)
		used_add(&e->used, &e->scratch, request_string(q, ATTRIBUTE_RESOURCE_ID),
		    request_string(q, ATTRIBUTE_COMMAND_ID));
}
