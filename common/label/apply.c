/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

/* apply: which rules hold for the root that was walked, and where their labels go. */

/* ---- the first stage: what was seen ----------------------------------------------------------------------
 */

void
apply_trigger(struct run *run, uint32_t trigger)
{
	const struct ruleset_trigger *t =
	    (const struct ruleset_trigger *)(const void *)run->set.triggers.at + trigger;
	const struct ruleset_rule *rule = &run->set.rule[t->rule];
	struct rule_state *state = &run->rule_state[t->rule];

	if (state->root != run->root_number)
		*state = (struct rule_state){ .root = run->root_number };
	if (state->met == rule->needs)
		return;
	state->met |= t->need;
	if (state->met == rule->needs)
		*(uint32_t *)buffer_more(&run->candidates, sizeof t->rule) = t->rule;
}

static void
meet_set(struct run *run, unsigned set)
{
	const struct ruleset_trigger *t = (const struct ruleset_trigger *)(const void *)run->set.triggers.at;

	for (size_t i = 0; i < run->set.set_triggers[set]; i++) {
		uint32_t trigger = run->set.set_trigger[set][i];

		if (type_plan_applies(run->plan, t[trigger].rule))
			apply_trigger(run, trigger);
	}
}

void
apply_hit(struct run *run, const struct coding_hit *hit)
{
	for (unsigned w = 0; w < CODE_BITS / 64; w++) {
		uint64_t sets = run->set.anywhere.word[w];

		/* Nobody can say that an unreadable code is in none of them. */
		if (!hit->is_unreadable)
			sets &= hit->match.sets.word[w];
		for (; sets != 0; sets &= sets - 1)
			meet_set(run, w * 64 + (unsigned)__builtin_ctzll(sets));
	}
}

/* ---- labels ----------------------------------------------------------------------------------------------
 */

/* A rule that holds, while its labels are placed. */
struct placing {
	struct run *run;
	const struct ruleset_rule *rule;
	enum truth truth;
	uint32_t last; /* node that got the last label: what lies in it needs none */
	bool any;
};

/* The categories of the codings in NODE that the rule asked for. */
static uint64_t
categories_in(const struct run *run, const struct ruleset_rule *rule, uint32_t node)
{
	const struct json *j = run_json(run);
	struct code_bits categories = { 0 };
	uint64_t mask = 0;

	for (size_t i = coding_first_in(&run->hit_list, j, node); i < run->hit_list.count; i++) {
		const struct coding_hit *hit = &run->hit_list.at[i];

		if (j->nodes[hit->coding].next > j->nodes[node].next)
			break;
		if (hit->coding < node || hit->is_unreadable)
			continue;
		codes_matched_categories(run->set.codes, &hit->match, &rule->sets, &categories);
	}
	for (unsigned i = 0; i < CODE_BITS; i++)
		if (code_bits_has(&categories, i) && run->set.sensitivity_of[i] != NO_SENSITIVITY)
			mask |= UINT64_C(1) << run->set.sensitivity_of[i];
	return mask;
}

static void
add_urgency(struct placing *p, uint32_t node)
{
	const struct ruleset_criticality *c = &p->run->set.criticality;
	bool is_known = p->truth == TRUTH_TRUE;

	urgent_add(p->run, node, is_known ? (unsigned)p->rule->criticality : c->unreadable,
	    is_known ? p->rule->origin : (unsigned)ORIGIN_VALUE, p->rule->level);
}

/* Gives NODE the rule's label; CODED is the part whose codings name the categories. */
static void
add_label(struct placing *p, uint32_t node, uint32_t coded)
{
	const struct ruleset_rule *rule = p->rule;
	struct label *label;

	p->any = true;
	if (rule->criticality != LABEL_NONE) {
		add_urgency(p, node);
		return;
	}
	label = run_add(p->run, node, LABEL_RAISE, rule->origin);
	label->level = rule->level;
	label->basis = rule->basis;
	label->sensitivity = rule->from_value_set ? categories_in(p->run, rule, coded) : rule->sensitivity;
}

static void
label_entry(void *context, uint32_t node)
{
	struct placing *p = context;

	add_label(p, run_entry(p->run, node), node);
}

static void
label_match(void *context, uint32_t node)
{
	struct placing *p = context;
	const struct json *j = run_json(p->run);

	if (p->any && node >= p->last && node < j->nodes[p->last].next)
		return;
	p->last = node;
	add_label(p, node, node);
}

static void
label_place(void *context, uint32_t node)
{
	struct placing *p = context;

	add_label(p, node, p->run->roots.at[p->run->record.root].node);
}

static void
place_labels(struct run *run, const struct ruleset_rule *rule, enum truth truth)
{
	struct placing p = { .run = run, .rule = rule, .truth = truth };
	uint32_t root = run->roots.at[run->record.root].node;

	switch (rule->at) {
	case AT_ENTRY:
		if (rule->where != NULL)
			condition_matches(rule->where, &run->record, root, label_entry, &p);
		break;
	case AT_MATCH:
		if (rule->where != NULL)
			condition_matches(rule->where, &run->record, root, label_match, &p);
		break;
	case AT_RESOURCE:
		break;
	case AT_PATH:
		/* A place that holds nothing has nothing to be labelled; one that nobody can find has all. */
		if (condition_each_place(rule->place, &run->record, label_place, &p))
			return;
		break;
	}
	if (!p.any || rule->at == AT_PATH)
		add_label(&p, root, root);
}

/* ---- the second stage ------------------------------------------------------------------------------------
 */

static void
note_because(void *context, uint32_t node)
{
	urgent_because(context, node);
}

static void
apply_rule(struct run *run, const struct ruleset_rule *rule)
{
	uint32_t root = run->roots.at[run->record.root].node;
	enum truth truth = TRUTH_TRUE;

	if (rule->where != NULL)
		truth = condition_judge(rule->where, &run->record, root);
	if (truth != TRUTH_FALSE && rule->when != NULL)
		truth = truth_and(truth, condition_judge_when(rule->when, &run->record));
	if (truth == TRUTH_FALSE)
		return;
	if (rule->criticality != LABEL_NONE && rule->where != NULL)
		condition_matches(rule->where, &run->record, root, note_because, run);
	place_labels(run, rule, truth);
	urgent_close(run);
}

void
apply_rules(struct run *run)
{
	for (size_t i = 0; i < run->plan->always_count; i++)
		apply_rule(run, &run->set.rule[run->plan->always[i]]);
	for (size_t i = 0; i < run->candidates.used / sizeof(uint32_t); i++)
		apply_rule(run, &run->set.rule[((const uint32_t *)(const void *)run->candidates.at)[i]]);
	run->candidates.used = 0;
}
