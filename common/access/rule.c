/* SPDX-License-Identifier: ISC */
#include "common/access/rule.h"

struct item *
item_of(const struct rule *rule, const struct criteria *c, unsigned data, struct scratch *scratch)
{
	struct item *item = scratch_take(scratch, sizeof *item);

	item->rule = rule;
	item->whole = data == 0;
	for (unsigned i = 0; i < DATA_COUNT; i++)
		if (data >> i & 1)
			item->scope.first[i] = c->data[i];
	return item;
}

static void
add_exception(struct item *item, const struct rule *rule, const struct criteria *c, unsigned data,
    struct scratch *scratch)
{
	struct scope *all = scratch_array(scratch, item->excepts + 1, sizeof *all);

	if (item->excepts > 0)
		memcpy(all, item->except, item->excepts * sizeof *all);
	all[item->excepts++] = item_of(rule, c, data, scratch)->scope;
	item->except = all;
}

/*
 * A deny ignores exceptions that nobody showed; a permit cannot do without knowing them.
 */
struct state
rule_state(const struct rule *rule, struct situation *s, struct scratch *scratch)
{
	struct state state = { .holding = RULE_NO };
	unsigned data = 0;
	enum truth t = criteria_judge(&rule->criteria, s, &data, &state.missing);
	struct item *item = NULL;
	bool unsure = t == TRUTH_UNKNOWN;

	if (t == TRUTH_FALSE)
		return state;
	for (uint32_t i = 0; i < rule->excepts; i++) {
		struct attribute_set missing = { 0 };
		unsigned open = 0;
		enum truth e = criteria_judge(&rule->except[i], s, &open, &missing);

		if (e == TRUTH_TRUE && open == 0)
			return state;
		if (e == TRUTH_UNKNOWN && rule->effect == EFFECT_PERMIT) {
			unsure = true;
			for (size_t k = 0; k < sizeof missing.bits / sizeof missing.bits[0]; k++)
				state.missing.bits[k] |= missing.bits[k];
		}
		if (e != TRUTH_TRUE)
			continue;
		if (!item)
			item = item_of(rule, &rule->criteria, data, scratch);
		add_exception(item, rule, &rule->except[i], open, scratch);
	}
	state.holding = unsure ? RULE_UNKNOWN : RULE_HOLDS;
	if (!unsure)
		state.item = item ? item : item_of(rule, &rule->criteria, data, scratch);
	return state;
}
