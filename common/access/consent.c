/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include <stdlib.h>

struct bench {
	struct situation *s;
	struct scratch *scratch;
	struct opinion *o;
	const struct item **keep_end, **redact_end;
	const struct consent_note **note_end;
	const struct consent_spoken **spoken_end;
	bool hard; /* a deny holds for the whole record */
	bool undecided;
};

static bool
opinion_unlimited(const struct opinion *o)
{
	return o->result == RESULT_PERMIT && o->keep.everything && !o->redact;
}

static void
keep(struct bench *b, const struct item *item)
{
	b->keep_end = rule_item_append(b->keep_end, item, b->scratch);
	b->o->keep.everything = b->o->keep.everything || item_is_all(item);
}

static void
redact(struct bench *b, const struct item *item)
{
	b->redact_end = rule_item_append(b->redact_end, item, b->scratch);
	b->hard = b->hard || item_is_all(item);
}

static void
undecided(struct bench *b, struct bytes id_text, struct attribute_set missing)
{
	struct consent_note *n = scratch_take(b->scratch, sizeof *n);

	*n = (struct consent_note){ .id_text = id_text, .missing = missing };
	*b->note_end = n;
	b->note_end = &n->next;
	b->undecided = true;
}

static void
speak(struct bench *b, struct bytes id, struct bytes id_text, const struct access_rule *rule)
{
	struct consent_spoken *n = scratch_take(b->scratch, sizeof *n);

	*n = (struct consent_spoken){ .id = id, .id_text = id_text, .rule = rule };
	*b->spoken_end = n;
	b->spoken_end = &n->next;
}

static struct rule_state
judge_rule(struct bench *b, const struct access_rule *rule)
{
	struct rule_state state = rule_judge(rule, b->s, b->scratch);

	if (state.holding == RULE_HOLDS)
		speak(b, rule->id, rule->id_text, rule);
	return state;
}

static bool
disjoint(const struct criterion *a, const struct criterion *b)
{
	for (uint32_t i = 0; i < a->listed; i++)
		for (uint32_t k = 0; k < b->listed; k++)
			if (bytes_equal(a->list[i].value.text, b->list[k].value.text))
				return false;
	return true;
}

/*
 * The item of a rule inside a rule: an entry must meet the data criteria of both.  Two lists of one criterion
 * intersect if an entry has one such value.  An entry can have a code of each list, so with lists of codes,
 * authors or related entries, and with any other two, the inner one counts alone: it withholds more.  The
 * outer label is left out: it is of the side of a permit, and without it the inner deny covers more.  False
 * if no entry can meet both.
 */
static bool
join(const struct item *outer, const struct item *inner, struct item *item)
{
	*item = *inner;
	for (unsigned i = 0; i < DATA_COUNT; i++) {
		const struct criterion *a = outer->scope.first[i], *b = inner->scope.first[i];

		if (!a || DATA_FIRST + i == ATTRIBUTE_LABEL)
			continue;
		item->whole = false;
		if (!b) {
			item->scope.first[i] = a;
			continue;
		}
		if (!a->single || !b->single)
			continue;
		if (disjoint(a, b))
			return false;
		item->scope.first[i] = a;
		item->scope.second[i] = b;
	}
	return true;
}

static void
permit_holds(struct bench *b, const struct access_rule *rule, const struct item *outer)
{
	keep(b, outer);
	for (uint32_t i = 0; i < rule->nests; i++) {
		const struct access_rule *inner = &rule->nested[i];
		struct rule_state state = judge_rule(b, inner);
		struct item item;

		if (state.holding == RULE_UNKNOWN && !inner->skip_missing)
			undecided(b, inner->id_text, state.missing);
		if (state.holding == RULE_HOLDS && join(outer, state.item, &item))
			redact(b, &item);
	}
}

static void
deny_holds(struct bench *b, const struct access_rule *rule, const struct item *outer)
{
	struct scope *except = scratch_array(b->scratch, outer->excepts + rule->nests, sizeof *except);
	struct item item = *outer;
	bool lifted = false;

	if (outer->excepts > 0)
		memcpy(except, outer->except, outer->excepts * sizeof *except);
	item.except = except;
	for (uint32_t i = 0; i < rule->nests; i++) {
		struct rule_state state = judge_rule(b, &rule->nested[i]);

		if (state.holding != RULE_HOLDS || state.item->excepts > 0)
			continue;
		if (state.item->whole)
			lifted = true;
		else
			except[item.excepts++] = state.item->scope;
	}
	if (!lifted)
		redact(b, &item);
}

/*
 * An unknown permit gives nothing.  If a rule inside it could limit it, the directive is undecided: the
 * permit might hold, and then the limit would too.
 */
static void
permit_unknown(struct bench *b, const struct access_rule *rule, const struct rule_state *outer)
{
	bool limits = false;

	for (uint32_t i = 0; i < rule->nests; i++)
		limits = limits || rule_judge(&rule->nested[i], b->s, b->scratch).holding != RULE_NO;
	if (limits)
		undecided(b, rule->id_text, outer->missing);
}

static void
judge_rules(struct bench *b, const struct directive *d)
{
	for (uint32_t i = 0; i < d->rules; i++) {
		const struct access_rule *rule = &d->rule[i];
		struct rule_state state = judge_rule(b, rule);

		if (state.holding == RULE_NO)
			continue;
		if (state.holding == RULE_UNKNOWN) {
			if (rule->effect == EFFECT_PERMIT)
				permit_unknown(b, rule, &state);
			else if (!rule->skip_missing)
				undecided(b, rule->id_text, state.missing);
		} else if (rule->effect == EFFECT_PERMIT) {
			permit_holds(b, rule, state.item);
		} else {
			deny_holds(b, rule, state.item);
		}
	}
}

/* True also if it is unknown whether the directive applies: then the bench is undecided. */
static bool
directive_applies(struct bench *b, const struct directive *d)
{
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	if (interval_dated(&d->period)) {
		if (!b->s->request->timed) {
			attribute_set_add(&missing, ATTRIBUTE_TIME);
			undecided(b, d->id_text, missing);
			return true;
		}
		if (!interval_holds(&d->period, b->s->request->time))
			return false;
	}
	switch (criteria_judge(d->root, b->s, &data, &missing)) {
	case TRUTH_FALSE:
		return false;
	case TRUTH_UNKNOWN:
		undecided(b, d->id_text, missing);
		return true;
	case TRUTH_TRUE:
		break;
	}
	return true;
}

static void
judge_base(struct bench *b, const struct directive *d)
{
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	if (!d->base_permit)
		return;
	switch (criteria_judge(d->what, b->s, &data, &missing)) {
	case TRUTH_FALSE:
		break;
	case TRUTH_UNKNOWN:
		undecided(b, d->id_text, missing);
		break;
	case TRUTH_TRUE:
		keep(b, rule_item(NULL, d->what, data, b->scratch));
		break;
	}
}

/* What the organization asks of directives beside their own status. */
static enum directive_status
status_for(const struct layer_file *file, const struct directive *d)
{
	return d->status == DIRECTIVE_ACTIVE && file->negotiated && !d->listed ? DIRECTIVE_SETTLING
									       : d->status;
}

static void
judge_directive(
    struct opinion *o, const struct layer_file *file, struct situation *s, struct scratch *scratch)
{
	const struct directive *d = o->directive;
	struct bench b = { .s = s,
		.scratch = scratch,
		.o = o,
		.keep_end = &o->keep.items,
		.redact_end = &o->redact,
		.note_end = &o->unknown,
		.spoken_end = &o->spoken };

	if (status_for(file, d) != DIRECTIVE_ACTIVE)
		return;
	if (d->unreadable || (file->require_verified && !d->verified)) {
		o->result = RESULT_INDETERMINATE;
		o->reason = d->unreadable ? "consent-unreadable" : "consent-unverified";
		speak(&b, d->id, d->id_text, NULL);
		return;
	}
	if (!directive_applies(&b, d))
		return;
	speak(&b, d->id, d->id_text, NULL);
	if (!b.undecided) {
		judge_base(&b, d);
		judge_rules(&b, d);
	}
	o->reason = NULL;
	if (b.hard || (!b.undecided && !o->keep.items)) {
		o->result = RESULT_DENY;
		o->reason = "consent-deny";
	} else if (b.undecided) {
		o->result = RESULT_INDETERMINATE;
		o->reason = "missing-attribute";
	} else {
		o->result = RESULT_PERMIT;
	}
}

static bool
same_outcome(const struct opinion *a, const struct opinion *b)
{
	return a->result == b->result &&
	       (a->result != RESULT_PERMIT || opinion_unlimited(a) == opinion_unlimited(b));
}

/* Keeps the newest opinion alone.  False if a directive has no date or two are the newest. */
static bool
only_newest(struct consent *c)
{
	struct opinion *newest = NULL;
	bool alone = true;

	for (uint32_t i = 0; i < c->opinions; i++) {
		struct opinion *o = &c->opinion[i];
		int order;

		if (!o->directive->dated)
			return false;
		order = newest ? instant_compare(o->directive->date, newest->directive->date) : 1;
		if (order > 0)
			newest = o;
		alone = order > 0 || (order < 0 && alone);
	}
	if (alone && newest) {
		c->opinion = newest;
		c->opinions = 1;
	}
	return alone;
}

/* False if it is not settled which of several directives counts. */
static bool
decide_several(struct consent *c, enum on_several on_several)
{
	if (c->opinions < 2 || on_several == SEVERAL_DENY_OVERRIDES)
		return true;
	if (on_several == SEVERAL_NEWEST)
		return only_newest(c);
	for (uint32_t i = 1; i < c->opinions; i++)
		if (!same_outcome(&c->opinion[0], &c->opinion[i]))
			return false;
	return true;
}

/* Deny goes before undecided, undecided before permit. */
static void
combine(struct consent *c)
{
	static const enum result order[] = { RESULT_DENY, RESULT_INDETERMINATE };

	c->result = RESULT_PERMIT;
	for (size_t r = 0; r < sizeof order / sizeof order[0]; r++)
		for (uint32_t i = 0; i < c->opinions; i++)
			if (c->opinion[i].result == order[r]) {
				c->result = order[r];
				c->reason = c->opinion[i].reason;
				return;
			}
}

static int
by_id(const void *a, const void *b)
{
	const struct consent_spoken *const *left = a, *const *right = b;

	return bytes_compare((*left)->id, (*right)->id);
}

static void
gather_spoken(struct consent *c, struct scratch *scratch)
{
	uint32_t count = 0, unique = 0;

	for (uint32_t i = 0; i < c->opinions; i++)
		for (const struct consent_spoken *s = c->opinion[i].spoken; s; s = s->next)
			count++;
	c->spoken = scratch_array(scratch, count, sizeof(struct consent_spoken *));
	count = 0;
	for (uint32_t i = 0; i < c->opinions; i++)
		for (const struct consent_spoken *s = c->opinion[i].spoken; s; s = s->next)
			if (c->opinion[i].result == c->result)
				c->spoken[count++] = s;
	if (count > 1)
		qsort(c->spoken, count, sizeof(struct consent_spoken *), by_id);
	for (uint32_t i = 0; i < count; i++)
		if (unique == 0 || !bytes_equal(c->spoken[unique - 1]->id, c->spoken[i]->id))
			c->spoken[unique++] = c->spoken[i];
	c->speaks = unique;
}

/* SETTLING: a directive is on its way to being active. */
static void
without_directive(struct consent *c, const struct layer_file *file, bool settling)
{
	c->by_default = true;
	if (file->service_requires_consent && settling) {
		c->result = RESULT_DENY;
		c->reason = "consent-not-settled";
	} else if (file->no_consent == NO_CONSENT_IGNORE) {
		c->applies = false;
	} else if (file->no_consent == NO_CONSENT_PERMIT) {
		c->result = RESULT_PERMIT;
	} else {
		c->result = RESULT_DENY;
		c->reason = "no-consent";
	}
}

/* The opinions of all directives that apply.  True if a directive is not active yet. */
static bool
gather(struct consent *c, const struct layer_file *file, const struct directive *first, struct situation *s,
    struct scratch *scratch)
{
	uint32_t count = 0;
	bool settling = false;

	for (const struct directive *d = first; d; d = d->next)
		count++;
	c->opinion = scratch_array(scratch, count, sizeof *c->opinion);
	for (const struct directive *d = first; d; d = d->next) {
		struct opinion *o = &c->opinion[c->opinions];

		*o = (struct opinion){ .directive = d };
		settling = settling || status_for(file, d) == DIRECTIVE_SETTLING;
		judge_directive(o, file, s, scratch);
		c->opinions += o->result != RESULT_NOT_APPLICABLE;
	}
	return settling;
}

struct consent
consent_decide(const struct layer_file *file, const struct directives *directives, struct situation *s,
    struct scratch *scratch)
{
	struct consent c = { .applies = true, .overridable = true };
	const struct value *type = situation_values(s, ATTRIBUTE_RESOURCE_TYPE)->at;
	struct bytes patient = request_string(s->request, ATTRIBUTE_RESOURCE_PATIENT);
	struct consent_note *n;
	bool settling;

	if (type->word != 0 && intern_set_has(file->no_patient, type->word)) {
		c.applies = false;
		return c;
	}
	if (patient.size == 0) {
		/* With directives about, one might be this patient's and deny. */
		c.applies = file->no_consent != NO_CONSENT_IGNORE || directives->any;
		c.overridable = false;
		c.result = RESULT_INDETERMINATE;
		c.reason = "missing-attribute";
		n = scratch_take(scratch, sizeof *n);
		attribute_set_add(&n->missing, ATTRIBUTE_RESOURCE_PATIENT);
		c.unknown = n;
		return c;
	}
	settling = gather(&c, file, directives_of(directives, patient), s, scratch);
	if (c.opinions == 0) {
		without_directive(&c, file, settling);
		return c;
	}
	if (decide_several(&c, file->on_several)) {
		combine(&c);
	} else {
		c.result = RESULT_INDETERMINATE;
		c.reason = "consent-several";
	}
	gather_spoken(&c, scratch);
	return c;
}

const struct item *
consent_overriding_item(const struct layer_outcome *organization, const struct access_rule *rule)
{
	const struct rule_state *state = &organization->state[rule - organization->file->rule];

	return state->holding == RULE_HOLDS ? state->item : NULL;
}

static bool
acknowledges(const struct directive *d, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < d->acknowledged; i++)
		if (bytes_equal(d->acknowledges[i], rule->id))
			return true;
	return false;
}

/*
 * True if directives stand in the way, all of them acknowledge RULE, and nothing in them is unknown.  A
 * directive that denies and has an unknown rule besides must not be overridden either: else a missing
 * attribute could widen access.
 */
static bool
is_acknowledged(const struct consent *c, const struct access_rule *rule)
{
	bool one = false;

	if (c->result == RESULT_INDETERMINATE)
		return false;
	for (uint32_t i = 0; i < c->opinions; i++) {
		const struct opinion *o = &c->opinion[i];

		if (opinion_unlimited(o))
			continue;
		if (o->result == RESULT_INDETERMINATE || o->unknown || !acknowledges(o->directive, rule))
			return false;
		one = true;
	}
	return one;
}

/* The purpose is BTG, break the glass, and nothing besides. */
static bool
only_btg(const struct situation *s)
{
	const struct values *purpose = situation_values(s, ATTRIBUTE_PURPOSE);

	for (uint32_t i = 0; i < purpose->count; i++)
		if (purpose->at[i].kind != VALUE_STRING || !bytes_are(purpose->at[i].text, "BTG"))
			return false;
	return purpose->present && purpose->count > 0;
}

static bool
is_unlimited(const struct consent *c)
{
	if (c->result != RESULT_PERMIT)
		return false;
	for (uint32_t i = 0; i < c->opinions; i++)
		if (!opinion_unlimited(&c->opinion[i]))
			return false;
	return true;
}

enum claim { CLAIM_NONE, CLAIM_ACKNOWLEDGED, CLAIM_ALWAYS };

static enum claim
claim_of(const struct consent *c, const struct layer_outcome *organization, const struct access_rule *rule,
    bool break_glass)
{
	const struct item *item = consent_overriding_item(organization, rule);

	if (rule->effect != EFFECT_PERMIT || !item || item->excepts > 0)
		return CLAIM_NONE;
	if (rule->override == OVERRIDE_ACKNOWLEDGED && is_acknowledged(c, rule))
		return CLAIM_ACKNOWLEDGED;
	if (rule->override == OVERRIDE_ALWAYS || (break_glass && rule->names_btg))
		return CLAIM_ALWAYS;
	return CLAIM_NONE;
}

void
consent_override(struct consent *c, const struct layer_outcome *organization, const struct situation *s,
    struct scratch *scratch)
{
	const struct layer_file *f = organization->file;
	bool break_glass, enough = false;

	if (organization->result != RESULT_PERMIT || !c->applies || !c->overridable || is_unlimited(c))
		return;
	break_glass = c->opinions == 0 && f->no_consent == NO_CONSENT_BREAK_GLASS && only_btg(s);
	c->overriding = scratch_array(scratch, f->rules, sizeof(struct access_rule *));
	for (uint32_t i = 0; i < f->rules; i++)
		enough =
		    enough || (claim_of(c, organization, &f->rule[i], break_glass) == CLAIM_ACKNOWLEDGED &&
				  consent_overriding_item(organization, &f->rule[i])->whole);
	for (uint32_t i = 0; i < f->rules; i++) {
		enum claim claim = claim_of(c, organization, &f->rule[i], break_glass);

		if (claim == CLAIM_ACKNOWLEDGED || (claim == CLAIM_ALWAYS && !enough))
			c->overriding[c->overrides++] = &f->rule[i];
	}
}

bool
consent_override_is_whole(const struct consent *c, const struct layer_outcome *organization)
{
	for (uint32_t i = 0; i < c->overrides; i++)
		if (consent_overriding_item(organization, c->overriding[i])->whole)
			return true;
	return false;
}
