/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/*
 * In two stages: during the walk each thing that was seen meets needs of rules; after it the rules whose
 * needs are all met are evaluated.
 */

struct apply_state {
	uint64_t root; /* the number of the root that `met` belongs to */
	uint32_t met;  /* needs */
};

void
apply_init(struct apply *a, const struct current_root *root, struct label_list *labels,
    struct urgency_list *urgencies)
{
	struct ruleset *s = root->set;

	*a = (struct apply){
		.root = root,
		.labels = labels,
		.urgencies = urgencies,
		.state = arena_array(&s->arena, s->rules + 1, sizeof *a->state),
	};
	buffer_init(&a->candidates, BUFFER_UNLIMITED);
}

void
apply_release(struct apply *a)
{
	buffer_release(&a->candidates);
}

/* A record that was refused during its walk leaves candidates, which are no rules of the next record. */
void
apply_start(struct apply *a)
{
	a->candidates.used = 0;
}

void
apply_trigger(struct apply *a, uint32_t trigger)
{
	const struct ruleset_trigger *t =
	    (const struct ruleset_trigger *)(const void *)a->root->set->triggers.at + trigger;
	const struct ruleset_rule *rule = &a->root->set->rule[t->rule];
	struct apply_state *state = &a->state[t->rule];

	if (state->root != a->root->number)
		*state = (struct apply_state){ .root = a->root->number };
	if (state->met == rule->needs)
		return;
	state->met |= t->need;
	if (state->met == rule->needs)
		*(uint32_t *)buffer_more(&a->candidates, sizeof t->rule) = t->rule;
}

static void
meet_set(struct apply *a, unsigned set)
{
	const struct ruleset_trigger *t =
	    (const struct ruleset_trigger *)(const void *)a->root->set->triggers.at;

	for (size_t i = 0; i < a->root->set->set_triggers[set]; i++) {
		uint32_t trigger = a->root->set->set_trigger[set][i];

		if (type_plan_applies(a->root->plan, t[trigger].rule))
			apply_trigger(a, trigger);
	}
}

static void
meet_sets(struct apply *a, const struct code_bits *sets)
{
	for (unsigned w = 0; w < CODE_BITS / 64; w++)
		for (uint64_t left = sets->word[w] & a->root->set->anywhere.word[w]; left != 0;
		     left &= left - 1)
			meet_set(a, w * 64 + (unsigned)__builtin_ctzll(left));
}

void
apply_match(struct apply *a, const struct codes_match *match)
{
	meet_sets(a, &match->sets);
}

/* An unreadable code may be in any set. */
void
apply_hit(struct apply *a, const struct coding_hit *hit)
{
	meet_sets(a, hit->is_unreadable ? &a->root->set->anywhere : &hit->match.sets);
}

/* A rule that holds, while its labels are placed. */
struct placing {
	struct apply *apply;
	const struct ruleset_rule *rule;
	enum truth truth;
	uint32_t last; /* the node labelled last: matches inside of it need no label */
	bool any;
};

static uint64_t
sensitivities_of(const struct apply *a, const struct code_bits *categories)
{
	uint64_t mask = 0;

	for (unsigned w = 0; w < CODE_BITS / 64; w++) {
		for (uint64_t left = categories->word[w]; left != 0; left &= left - 1) {
			unsigned category = w * 64 + (unsigned)__builtin_ctzll(left);

			if (a->root->set->sensitivity_of[category] != NO_SENSITIVITY)
				mask |= UINT64_C(1) << a->root->set->sensitivity_of[category];
		}
	}
	return mask;
}

/* The categories of the Codings in NODE that are in the rule's sets. */
static uint64_t
categories_in(const struct apply *a, const struct ruleset_rule *rule, uint32_t node)
{
	const struct json *j = current_root_json(a->root);
	struct code_bits categories = { 0 };

	for (size_t i = coding_first_in(&a->root->hits, j, node); i < a->root->hits.count; i++) {
		const struct coding_hit *hit = &a->root->hits.at[i];

		if (j->nodes[hit->coding].next > j->nodes[node].next)
			break;
		if (hit->coding < node || hit->is_unreadable)
			continue;
		codes_matched_categories(a->root->set->codes, &hit->match, &rule->sets, &categories);
	}
	return sensitivities_of(a, &categories);
}

static void
add_urgency(struct placing *p, uint32_t node)
{
	const struct ruleset_criticality *c = &p->apply->root->set->criticality;
	bool is_known = p->truth == TRUTH_TRUE;

	urgency_add(p->apply->urgencies, node, is_known ? (unsigned)p->rule->criticality : c->unreadable,
	    is_known ? p->rule->origin : (unsigned)ORIGIN_VALUE, p->rule->level);
}

/* Gives NODE the rule's label; FROM_VALUE_SET are the categories, where the rule has none of its own. */
static void
give_label(struct placing *p, uint32_t node, uint64_t from_value_set)
{
	const struct ruleset_rule *rule = p->rule;
	struct label *label;

	p->any = true;
	if (rule->criticality != LABEL_NONE) {
		add_urgency(p, node);
		return;
	}
	label = label_list_add(p->apply->labels, node, LABEL_RAISE, rule->origin);
	label->level = (int8_t)rule->level;
	label->basis = rule->basis;
	label->sensitivity = rule->from_value_set ? from_value_set : rule->sensitivity;
}

/* The same; the Codings in CODED name the categories. */
static void
add_label(struct placing *p, uint32_t node, uint32_t coded)
{
	give_label(p, node, p->rule->from_value_set ? categories_in(p->apply, p->rule, coded) : 0);
}

/* A term's label goes to the term's place, with `at: entry` and `at: match`. */
static void
label_term(void *context, const struct term_hit *hit)
{
	struct placing *p = context;
	struct code_bits categories = { 0 };

	if (p->rule->from_value_set)
		codes_matched_categories(
		    p->apply->root->set->codes, &hit->match, &p->rule->sets, &categories);
	give_label(p, hit->place, sensitivities_of(p->apply, &categories));
}

static void
label_entry(void *context, uint32_t node)
{
	struct placing *p = context;

	add_label(p, current_root_entry(p->apply->root, node), node);
}

static void
label_match(void *context, uint32_t node)
{
	struct placing *p = context;
	const struct json *j = current_root_json(p->apply->root);

	if (p->any && node >= p->last && node < j->nodes[p->last].next)
		return;
	p->last = node;
	add_label(p, node, node);
}

static void
label_place(void *context, uint32_t node)
{
	struct placing *p = context;

	add_label(p, node, current_root_node(p->apply->root));
}

static void
place_labels(struct apply *a, const struct ruleset_rule *rule, enum truth truth)
{
	struct placing p = { .apply = a, .rule = rule, .truth = truth };
	uint32_t root = current_root_node(a->root);

	switch (rule->at) {
	case AT_ENTRY:
		if (rule->where != NULL)
			condition_matches(rule->where, &a->root->record, root, label_entry, &p);
		if (rule->where != NULL)
			condition_terms(rule->where, &a->root->record, root, label_term, &p);
		break;
	case AT_MATCH:
		if (rule->where != NULL)
			condition_matches(rule->where, &a->root->record, root, label_match, &p);
		if (rule->where != NULL)
			condition_terms(rule->where, &a->root->record, root, label_term, &p);
		break;
	case AT_RESOURCE:
		break;
	case AT_PATH:
		/* A place with no node gets no label.  If jq cannot evaluate the path, the root gets it. */
		if (condition_each_place(rule->place, &a->root->record, label_place, &p))
			return;
		break;
	}
	if (!p.any || rule->at == AT_PATH)
		add_label(&p, root, root);
}

static void
note_reason(void *context, uint32_t node)
{
	urgency_reason(context, node);
}

static void
note_term(void *context, const struct term_hit *hit)
{
	urgency_reason(context, hit->string);
}

static void
apply_rule(struct apply *a, const struct ruleset_rule *rule)
{
	uint32_t root = current_root_node(a->root);
	enum truth truth = current_root_judge(a->root, rule);

	if (truth == TRUTH_FALSE)
		return;
	if (rule->criticality != LABEL_NONE && rule->where != NULL) {
		condition_matches(rule->where, &a->root->record, root, note_reason, a->urgencies);
		condition_terms(rule->where, &a->root->record, root, note_term, a->urgencies);
	}
	place_labels(a, rule, truth);
	urgency_close(a->urgencies);
}

void
apply_rules(struct apply *a)
{
	for (size_t i = 0; i < a->root->plan->always_count; i++)
		apply_rule(a, &a->root->set->rule[a->root->plan->always[i]]);
	for (size_t i = 0; i < a->candidates.used / sizeof(uint32_t); i++)
		apply_rule(a, &a->root->set->rule[((const uint32_t *)(const void *)a->candidates.at)[i]]);
	a->candidates.used = 0;
}
