/* SPDX-License-Identifier: ISC */
#include "common/access/space.h"

/*
 * What an officer should look at in the rules of layers: they are no faults, but seldom meant.
 */

/* Enough for the criteria of one rule. */
enum { RULE_LIMIT = 200000 };

static bool
is_of_asker(const struct engine *e, unsigned attribute)
{
	return e->attributes.at[attribute].place == PLACE_SUBJECT;
}

static bool
names_asker(const struct engine *e, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < rule->criteria.count; i++) {
		const struct criterion *c = &rule->criteria.at[i];

		if (c->kind == CRITERION_RELATION || is_of_asker(e, c->attribute) ||
		    (c->kind == CRITERION_SAME && is_of_asker(e, c->other)))
			return true;
	}
	return false;
}

/* False if no request meets the rule.  A search that ends at its limit says nothing. */
static bool
can_hold(struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	struct space s;
	bool holds = false;

	space_begin(&s, e, f, bytes_of("someone"));
	space_add_rule(&s, rule);
	while (!holds && s.tried < RULE_LIMIT && space_next(&s)) {
		struct situation at = { .request = &s.request,
			.attributes = &e->attributes,
			.roles = &e->roles,
			.facts = e->facts,
			.custodian = true,
			.levels = e->policy->levels };

		holds = rule_judge(rule, &at, &e->scratch).holding == RULE_HOLDS;
	}
	holds = holds || !s.exhausted;
	space_end(&s);
	return holds;
}

static void
advise(const struct advice *a, const struct layer_file *f, const struct access_rule *rule, const char *code,
    const char *text)
{
	struct fault fault = { 0 };

	(void)fault_at(&fault, f->file, rule->node, "%s: %s", code, text);
	a->tell(a->context, &fault);
}

static void
advise_rule(
    const struct advice *a, struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	if (!can_hold(e, f, rule))
		advise(a, f, rule, "never", "no request meets this rule");
	if (rule->effect == EFFECT_PERMIT && !names_asker(e, rule))
		advise(a, f, rule, "permits-anybody", "this permit does not say who");
	if (rule->skip_missing)
		advise(a, f, rule, "fails-open",
		    "with if_missing: skip, a request that leaves an attribute out escapes this deny");
}

void
advice_give(const struct advice *a, struct engine *e)
{
	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			advise_rule(a, e, &e->layers.file[i], &e->layers.file[i].rule[k]);
}
