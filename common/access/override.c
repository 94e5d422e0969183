/* SPDX-License-Identifier: ISC */
#include "common/access/override.h"

const struct item *
override_item(const struct outcome *organization, const struct rule *rule)
{
	const struct state *state = &organization->state[rule - organization->file->rule];

	return state->holding == RULE_HOLDS ? state->item : NULL;
}

static bool
acknowledges(const struct directive *d, const struct rule *rule)
{
	for (uint32_t i = 0; i < d->acknowledged; i++)
		if (bytes_equal(d->acknowledges[i], rule->id))
			return true;
	return false;
}

/*
 * Every directive that blocks has acknowledged RULE, each is decided, and there is one.  Decided means every
 * rule of it: a directive that denies while something else in it is unknown would else be overridden where
 * one that is merely unknown is not, and a missing attribute could help.
 */
static bool
is_acknowledged(const struct consent *c, const struct rule *rule)
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
claim_of(
    const struct consent *c, const struct outcome *organization, const struct rule *rule, bool break_glass)
{
	const struct item *item = override_item(organization, rule);

	if (rule->effect != EFFECT_PERMIT || !item || item->excepts > 0)
		return CLAIM_NONE;
	if (rule->override == OVERRIDE_ACKNOWLEDGED && is_acknowledged(c, rule))
		return CLAIM_ACKNOWLEDGED;
	if (rule->override == OVERRIDE_ALWAYS || (break_glass && rule->roles_btg))
		return CLAIM_ALWAYS;
	return CLAIM_NONE;
}

void
override_consent(
    struct consent *c, const struct outcome *organization, const struct situation *s, struct scratch *scratch)
{
	const struct layer_file *f = organization->file;
	bool break_glass, enough = false;

	if (organization->result != RESULT_PERMIT || !c->applies || !c->overridable || is_unlimited(c))
		return;
	break_glass = c->opinions == 0 && f->no_consent == NO_CONSENT_BREAK_GLASS && only_btg(s);
	c->overriding = scratch_array(scratch, f->rules, sizeof(struct rule *));
	for (uint32_t i = 0; i < f->rules; i++)
		enough =
		    enough || (claim_of(c, organization, &f->rule[i], break_glass) == CLAIM_ACKNOWLEDGED &&
				  override_item(organization, &f->rule[i])->whole);
	for (uint32_t i = 0; i < f->rules; i++) {
		enum claim claim = claim_of(c, organization, &f->rule[i], break_glass);

		if (claim == CLAIM_ACKNOWLEDGED || (claim == CLAIM_ALWAYS && !enough))
			c->overriding[c->overrides++] = &f->rule[i];
	}
}

bool
override_is_total(const struct consent *c, const struct outcome *organization)
{
	for (uint32_t i = 0; i < c->overrides; i++)
		if (override_item(organization, c->overriding[i])->whole)
			return true;
	return false;
}
