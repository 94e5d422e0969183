/* SPDX-License-Identifier: ISC */
#include "common/base/buffer.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/label/ruleset.h"

#include <stdlib.h>
#include <string.h>

/*
 * A plan says what the walk looks for in a root of one type.  All paths of the type are one automaton.  A
 * rule's condition is broken down to needs: things the walk must see before the rule can hold.  So a rule
 * costs nothing on a root that has nothing of what the rule asks for.
 */

/*
 * FHIR's elements for labels, in all its versions.  Labels in a Consent say which data it speaks of, so they
 * are no labels of the Consent.
 */
static const struct {
	const char *type; /* NULL: all */
	const char *path;
	enum brought_place place;
} brought_paths[] = {
	{ NULL, ".meta.security, .meta[].security", BROUGHT_SECURITY },
	{ NULL, ".meta.tag, .meta[].tag", BROUGHT_TAG },
	{ NULL, ".category, .tag", BROUGHT_ATOM },
	{ "AuditEvent", ".entity.securityLabel, .entity[].securityLabel", BROUGHT_AROUND },
	{ "AuditEvent", ".object.sensitivity, .object[].sensitivity", BROUGHT_AROUND },
	{ "Bundle", ".entry[].category, .entry[].tag", BROUGHT_ATOM },
	{ "Composition", ".confidentiality", BROUGHT_AROUND },
	{ "Contract", "..|.securityLabel?", BROUGHT_OF_TERM },
	{ "DocumentManifest", ".securityLabel, .confidentiality", BROUGHT_AROUND },
	{ "DocumentReference", ".securityLabel, .confidentiality", BROUGHT_AROUND },
	{ "Parameters", "..|.valueMeta?.security", BROUGHT_SECURITY },
	{ "Parameters", "..|.valueMeta?.tag", BROUGHT_TAG },
};

enum { BROUGHT_PATHS = sizeof brought_paths / sizeof brought_paths[0] };

static uint32_t *
slot_of(const struct ruleset *s, struct bytes type)
{
	size_t i = (size_t)hash_bytes(type) & s->plan_mask;

	while (s->plan_slot[i] != 0 && !bytes_equal(s->plan[s->plan_slot[i] - 1].type, type))
		i = (i + 1) & s->plan_mask;
	return &s->plan_slot[i];
}

static size_t
plan_of(const struct ruleset *s, struct bytes type)
{
	uint32_t found = type.size == 0 ? 0 : *slot_of(s, type);

	if (found != 0)
		return found - 1;
	return shape_knows_type(s->shape, type) ? PLAN_OTHER : PLAN_UNKNOWN;
}

static struct type_plan *
add_plan(struct ruleset *s, struct bytes type)
{
	uint32_t *slot = slot_of(s, type);

	if (*slot == 0) {
		s->plan[s->plans].type = type;
		*slot = (uint32_t)++s->plans;
	}
	return &s->plan[*slot - 1];
}

static void
plan_types(struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries)
{
	struct ruleset *s = l->set;

	for (size_t i = 0; base != NULL && i < base->count; i++)
		if (!bytes_are(base->key[i]->text, "*"))
			add_plan(s, base->key[i]->text)->has_base = true;
	for (size_t i = 0; summaries != NULL && i < summaries->count; i++)
		if (!bytes_are(summaries->key[i]->text, "*"))
			add_plan(s, summaries->key[i]->text)->has_no_summary = summaries->item[i]->count == 0;
	if (s->narrative && shape_is_fhir(s->shape))
		(void)add_plan(s, (struct bytes)BYTES("Composition"));
	for (size_t i = 0; i < shape_entry_types(s->shape); i++)
		(void)add_plan(s, shape_entry_type(s->shape, i));
	for (size_t i = 0; shape_is_fhir(s->shape) && i < BROUGHT_PATHS; i++)
		if (brought_paths[i].type != NULL)
			(void)add_plan(s, bytes_of(brought_paths[i].type));
	for (size_t r = 0; r < s->rules; r++) {
		const struct yaml_node *types = s->rule[r].types;

		if (s->rule[r].sign != NO_SIGN && types == NULL && shape_is_fhir(s->shape))
			(void)add_plan(s, (struct bytes)BYTES("Observation"));
		for (size_t i = 0; types != NULL && i < yaml_strings(types); i++)
			(void)add_plan(s, types->kind == YAML_LIST ? types->item[i]->text : types->text);
	}
}

/* The table of slots stays three quarters empty. */
static void
make_plans(struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries)
{
	struct ruleset *s = l->set;
	size_t most = 4 + BROUGHT_PATHS + shape_entry_types(s->shape) + (base == NULL ? 0 : base->count) +
		      (summaries == NULL ? 0 : summaries->count);
	size_t slots = 64;

	for (size_t r = 0; r < s->rules; r++)
		most += s->rule[r].types == NULL ? 0 : yaml_strings(s->rule[r].types);
	while (slots < 4 * most)
		slots *= 2;
	s->plan = arena_array(&s->arena, most, sizeof *s->plan);
	s->plan_slot = arena_array(&s->arena, slots, sizeof *s->plan_slot);
	s->plan_mask = slots - 1;
	s->plans = 2;
	s->plan[PLAN_UNKNOWN].is_unknown = true;
	plan_types(l, base, summaries);
	for (size_t i = 0; i < s->plans; i++) {
		if (i > PLAN_OTHER)
			s->plan[i].is_unknown =
			    !s->plan[i].has_base && !shape_knows_type(s->shape, s->plan[i].type);
		buffer_init(&s->plan[i].states, BUFFER_UNLIMITED);
		s->plan[i].applies = arena_array(&s->arena, s->rules / 64 + 1, sizeof(uint64_t));
		s->plan[i].always = arena_array(&s->arena, s->rules + 1, sizeof(uint32_t));
	}
}

/* A sign is observed.  In an order or a plan the same code has no value beside it. */
static bool
observes(const struct ruleset *s, struct bytes type)
{
	return !shape_is_fhir(s->shape) || bytes_are(type, "Observation");
}

static bool
is_about(const struct ruleset *s, const struct ruleset_rule *rule, struct bytes type)
{
	if (rule->types == NULL)
		return rule->sign == NO_SIGN || observes(s, type);
	for (size_t i = 0; i < yaml_strings(rule->types); i++)
		if (bytes_equal(
			rule->types->kind == YAML_LIST ? rule->types->item[i]->text : rule->types->text,
			type))
			return true;
	return false;
}

/*
 * A path of a plan.  Few types occur in one run, so a plan's automaton is built when the first root of its
 * type comes.  All paths are read before.
 */
struct planned_path {
	struct bytes expression;
	uint32_t number;
	size_t plan; /* whose it is alone; ALL_PLANS, KNOWN_PLANS */
	size_t rule; /* only in plans of types that it is about; NO_RULE */
};

#define ALL_PLANS SIZE_MAX
#define KNOWN_PLANS (SIZE_MAX - 1) /* all but PLAN_UNKNOWN */
#define NO_RULE SIZE_MAX

static bool
is_planned(const struct ruleset *s, const struct planned_path *path, size_t plan)
{
	const struct type_plan *p = &s->plan[plan];

	if (path->number >> PATH_INDEX_BITS == PATH_SUMMARY && path->plan == KNOWN_PLANS && p->has_no_summary)
		return false;
	return (path->plan == ALL_PLANS || (path->plan == KNOWN_PLANS && plan != PLAN_UNKNOWN) ||
		   path->plan == plan) &&
	       (path->rule == NO_RULE || type_plan_applies(p, path->rule));
}

static uint32_t
number_of(enum path_number kind, size_t index)
{
	return (uint32_t)kind << PATH_INDEX_BITS | (uint32_t)index;
}

/* EXPRESSION lives as long as the policy. */
static bool
add_path(struct ruleset_loader *l, const struct yaml_node *node, const struct planned_path *path)
{
	size_t byte = 0;

	switch (paths_add(l->checked, path->expression, 0, &byte)) {
	case PATH_PLAIN:
		buffer_add(&l->set->planned, path, sizeof *path);
		return true;
	case PATH_FAULT:
		return fault_at(
		    l->fault, l->file, node, "bad-path: at byte %zu: %s", byte, paths_fault(l->checked));
	case PATH_NOT_PLAIN:
		break;
	}
	return fault_at(l->fault, l->file, node, "bad-path: at byte %zu: " PATH_PLAIN_FORM, byte);
}

/*
 * EXPRESSION for the member _x of FHIR wherever it ends in a member x, alone or as one of several: `._x[]`
 * for `.x[]`.  The rest stays as it is.
 */
static struct bytes
sibling_path(struct arena *a, struct bytes expression)
{
	char *to = arena_take(a, 2 * expression.size + 1);
	size_t size = 0;

	for (size_t i = 0; i < expression.size; i++) {
		size_t end = i + 1;

		while (end < expression.size &&
		       (ascii_is_alnum(expression.at[end]) || expression.at[end] == '_'))
			end++;
		to[size++] = expression.at[i];
		if (expression.at[i] != '.' || end == i + 1)
			continue;
		while (end < expression.size &&
		       (expression.at[end] == '[' || expression.at[end] == ']' || expression.at[end] == '?'))
			end++;
		if (end == expression.size || expression.at[end] == ',')
			to[size++] = '_';
	}
	return (struct bytes){ to, size };
}

/* An _x without x has the level of x. */
static bool
add_base_path(struct ruleset_loader *l, const struct yaml_node *key, const struct planned_path *path)
{
	struct planned_path sibling = *path;

	if (!add_path(l, key, path))
		return false;
	if (!shape_is_fhir(l->set->shape))
		return true;
	sibling.expression = sibling_path(&l->set->arena, path->expression);
	return bytes_equal(sibling.expression, path->expression) || add_path(l, key, &sibling);
}

static bool
add_base_line(
    struct ruleset_loader *l, const struct yaml_node *key, const struct yaml_node *value, size_t plan)
{
	struct ruleset *s = l->set;
	struct base_line *line = &s->base[s->bases];
	const char *say = arena_format(&s->arena, "By its place: %.*s", (int)key->text.size, key->text.at);

	if (!policy_level_node(s->policy, l->file, value, &line->level, l->fault))
		return false;
	struct bytes level = s->policy->level[line->level].name;

	line->is_own = plan != PLAN_UNKNOWN;
	line->origin = ruleset_add_origin(l, (struct bytes)BYTES("base"), bytes_of(say), key, false);
	s->origin[line->origin].tail = bytes_of(
	    arena_format(&s->arena, "\",\"level\":\"%.*s\",\"rule\":\"base\"}", (int)level.size, level.at));
	return add_base_path(l, key,
	    &(struct planned_path){
		key->text, number_of(PATH_BASE, s->bases++), line->is_own ? plan : KNOWN_PLANS, NO_RULE });
}

static bool
add_base(struct ruleset_loader *l, const struct yaml_node *base)
{
	struct ruleset *s = l->set;

	if (base != NULL && base->kind != YAML_NULL && base->kind != YAML_MAP)
		return fault_at(
		    l->fault, l->file, base, "expected a map from types to maps from paths to levels");
	for (size_t i = 0; base != NULL && i < base->count; i++) {
		const struct yaml_node *lines = base->item[i];
		bool is_any = bytes_are(base->key[i]->text, "*");
		size_t plan = is_any ? PLAN_UNKNOWN : plan_of(s, base->key[i]->text);

		if (!is_any &&
		    !shape_check_type(s->shape, l->file, base->key[i], base->key[i]->text, l->fault))
			return false;
		if (lines->kind != YAML_MAP)
			return fault_at(l->fault, l->file, lines, "expected a map from paths to levels");
		for (size_t n = 0; n < lines->count; n++)
			if (!add_base_line(l, lines->key[n], lines->item[n], plan))
				return false;
	}
	return true;
}

enum { MAX_NEEDS = 32, MAX_ALTERNATIVES = 64 };

/* One of these leaves must pass. */
struct rule_need {
	const struct condition *some[MAX_ALTERNATIVES];
	size_t count;
};

struct rule_needs {
	struct rule_need need[MAX_NEEDS];
	size_t count;
};

static void collect_needs(const struct condition *c, struct rule_needs *to);

/* One alternative must hold, so the first need of one of them must be met: together these are one need. */
static void
collect_any(const struct condition *c, struct rule_needs *to)
{
	struct rule_need *all = &to->need[to->count];
	struct rule_needs *inner = memory_zeros(1, sizeof *inner);

	all->count = 0;
	for (size_t i = 0; i < c->children; i++) {
		inner->count = 0;
		collect_needs(c->child[i], inner);
		if (inner->count == 0 || all->count + inner->need[0].count > MAX_ALTERNATIVES) {
			free(inner);
			return;
		}
		memcpy(&all->some[all->count], inner->need[0].some, inner->need[0].count * sizeof(void *));
		all->count += inner->need[0].count;
	}
	to->count++;
	free(inner);
}

/* The needs of a condition.  Needs that do not fit are left out; then the rule is evaluated more often. */
static void
collect_needs(const struct condition *c, struct rule_needs *to)
{
	if (to->count == MAX_NEEDS)
		return;
	switch (c->kind) {
	case CONDITION_NOT:
		break;
	case CONDITION_ALL:
		for (size_t i = 0; i < c->children; i++)
			collect_needs(c->child[i], to);
		break;
	case CONDITION_ANY:
		collect_any(c, to);
		break;
	case CONDITION_SOME:
		if (c->place.program == NULL) {
			to->need[to->count].some[0] = c;
			to->need[to->count++].count = 1;
		}
		break;
	}
}

/* `anywhere: {in: ..}` and `says`: each Coding or string tells, so the automaton needs no path. */
static bool
asks_anywhere(const struct condition *some)
{
	return some->place.anywhere && some->tests == 1 &&
	       (some->test[0].kind == CONDITION_TEST_IN || some->test[0].kind == CONDITION_TEST_SAYS);
}

static bool
add_trigger(struct ruleset_loader *l, size_t rule, size_t need, const struct condition *some)
{
	struct ruleset *s = l->set;
	size_t index = s->triggers.used / sizeof(struct ruleset_trigger);
	struct ruleset_trigger *t = buffer_more(&s->triggers, sizeof *t);

	*t = (struct ruleset_trigger){ (uint32_t)rule, UINT32_C(1) << need, some };
	if (index > PATH_INDEX)
		return fault_at(l->fault, l->file, NULL, "more conditions than can be followed");
	if (asks_anywhere(some)) {
		for (unsigned i = 0; i < CODE_BITS; i++)
			s->set_triggers[i] += code_bits_has(&some->test[0].sets, i);
		return true;
	}
	return add_path(l, NULL,
	    &(struct planned_path){
		some->place.expression, number_of(PATH_TRIGGER, index), ALL_PLANS, rule });
}

/* Lists the triggers of each value set.  add_trigger has counted them. */
static void
sort_set_triggers(struct ruleset *s)
{
	const struct ruleset_trigger *t = (const struct ruleset_trigger *)(const void *)s->triggers.at;

	for (unsigned i = 0; i < CODE_BITS; i++) {
		if (s->set_triggers[i] == 0)
			continue;
		code_bits_add(&s->anywhere, i);
		s->set_trigger[i] = arena_array(&s->arena, s->set_triggers[i], sizeof(uint32_t));
		s->set_triggers[i] = 0;
		for (size_t n = 0; n < s->triggers.used / sizeof *t; n++)
			if (asks_anywhere(t[n].some) && code_bits_has(&t[n].some->test[0].sets, i))
				s->set_trigger[i][s->set_triggers[i]++] = (uint32_t)n;
	}
}

static bool
add_rule(struct ruleset_loader *l, size_t index)
{
	struct ruleset *s = l->set;
	struct ruleset_rule *rule = &s->rule[index];
	struct rule_needs *needs;
	bool good = true;

	for (size_t i = 0; i < s->plans; i++)
		if (is_about(s, rule, s->plan[i].type))
			s->plan[i].applies[index / 64] |= UINT64_C(1) << (index % 64);
	if (rule->refers_to != NULL)
		return true; /* see displays.c */
	if (rule->sign != NO_SIGN)
		return true; /* its code finds it: see PATH_JUDGED */
	needs = memory_zeros(1, sizeof *needs);
	if (rule->where != NULL)
		collect_needs(rule->where, needs);
	for (size_t n = 0; n < needs->count; n++) {
		rule->needs |= UINT32_C(1) << n;
		for (size_t i = 0; good && i < needs->need[n].count; i++)
			good = add_trigger(l, index, n, needs->need[n].some[i]);
	}
	free(needs);
	for (size_t i = 0; i < s->plans; i++)
		if (rule->needs == 0 && type_plan_applies(&s->plan[i], index))
			s->plan[i].always[s->plan[i].always_count++] = (uint32_t)index;
	return good;
}

static bool
judges_signs(const struct ruleset *s, const struct type_plan *p)
{
	for (size_t i = 0; i < s->rules; i++)
		if (s->rule[i].sign != NO_SIGN && type_plan_applies(p, i))
			return true;
	return p->has_scores;
}

static bool
add_brought(struct ruleset_loader *l)
{
	const struct ruleset *s = l->set;

	for (size_t i = 0; i < BROUGHT_PATHS; i++) {
		const char *type = brought_paths[i].type;
		struct planned_path path = { bytes_of(brought_paths[i].path),
			number_of(PATH_BROUGHT, brought_paths[i].place),
			type == NULL ? ALL_PLANS : plan_of(s, bytes_of(type)), NO_RULE };

		if (!add_path(l, NULL, &path))
			return false;
	}
	return true;
}

static bool
add_narratives(struct ruleset_loader *l)
{
	struct bytes composition = BYTES("Composition");
	const uint32_t number = number_of(PATH_NARRATIVE, 0);
	bool has_sections = shape_is_fhir(l->set->shape);

	return add_path(l, NULL,
		   &(struct planned_path){ (struct bytes)BYTES(".text"), number, ALL_PLANS, NO_RULE }) &&
	       (!has_sections || add_path(l, NULL,
				     &(struct planned_path){ (struct bytes)BYTES("(.. | .section[]?.text)"),
					 number, plan_of(l->set, composition), NO_RULE }));
}

static const struct bytes judged = BYTES("., .component, .component[]");

static bool
add_common(struct ruleset_loader *l)
{
	struct ruleset *s = l->set;
	size_t byte;

	for (size_t i = 0; i < s->criticality.evidences; i++)
		if (!add_path(l, NULL,
			&(struct planned_path){
			    s->criticality.evidence[i].at, number_of(PATH_EVIDENCE, i), ALL_PLANS, NO_RULE }))
			return false;
	if (paths_add(l->checked, judged, 0, &byte) != PATH_PLAIN)
		diag_bug("a path of the program is not plain");
	if (shape_is_fhir(s->shape) && !add_brought(l))
		return false;
	return !s->narrative || add_narratives(l);
}

static void
must_add(struct type_plan *p, struct bytes expression, uint32_t number)
{
	size_t byte;

	if (paths_add(p->paths, expression, number, &byte) != PATH_PLAIN)
		diag_bug("a path that was plain is plain no more");
}

static void
build(const struct ruleset *s, struct type_plan *p)
{
	const struct planned_path *path = (const struct planned_path *)(const void *)s->planned.at;
	size_t paths = s->planned.used / sizeof *path;

	p->paths = paths_new(s->keys);
	if (shape_is_fhir(s->shape))
		paths_vary(p->paths);
	for (size_t i = 0; i < paths; i++)
		if (is_planned(s, &path[i], (size_t)(p - s->plan)))
			must_add(p, path[i].expression, path[i].number);
	shape_add_entries(s->shape, p->type, p->paths, number_of(PATH_ENTRY, 0));
	p->has_scores = s->criticality.scores > 0 && observes(s, p->type);
	if (judges_signs(s, p))
		must_add(p, judged, number_of(PATH_JUDGED, 0));
}

struct type_plan *
type_plan_of(struct ruleset *s, struct bytes type)
{
	struct type_plan *p = &s->plan[plan_of(s, type)];

	if (p->paths == NULL)
		build(s, p);
	return p;
}

/* `summaries:` has names of members, which count wherever they stand, and paths. */
static bool
add_summary(
    struct ruleset_loader *l, const struct yaml_node *type, const struct yaml_node *item, struct bytes text)
{
	struct ruleset *s = l->set;
	bool is_any = bytes_are(type->text, "*");
	size_t plan = is_any ? PLAN_UNKNOWN : plan_of(s, type->text);
	struct bytes path = text;

	if (path_is_name(text)) {
		if (is_any) {
			s->key[json_keys_find(s->keys, text)].about |= ABOUT_SUMMARY;
			return true;
		}
		path = bytes_of(arena_format(&s->arena, "..|.%.*s?", (int)text.size, text.at));
	}
	return add_path(l, item,
	    &(struct planned_path){ path, number_of(PATH_SUMMARY, 0), is_any ? KNOWN_PLANS : plan, NO_RULE });
}

static bool
add_summaries(struct ruleset_loader *l, const struct yaml_node *summaries)
{
	const struct ruleset *s = l->set;
	struct bytes text;

	if (summaries != NULL && summaries->kind != YAML_NULL && summaries->kind != YAML_MAP)
		return fault_at(
		    l->fault, l->file, summaries, "expected a map from types to lists of names and paths");
	for (size_t i = 0; summaries != NULL && i < summaries->count; i++) {
		const struct yaml_node *type = summaries->key[i];
		const struct yaml_node *list = summaries->item[i];

		if (!bytes_are(type->text, "*") && shape_is_fhir(s->shape) &&
		    !shape_knows_type(s->shape, type->text))
			return fault_at(l->fault, l->file, type, "unknown type '%.*s': it is none of FHIR R4",
			    (int)type->text.size, type->text.at);
		if (list->kind != YAML_LIST)
			return fault_at(l->fault, l->file, list, "expected a list of names and paths");
		for (size_t n = 0; n < list->count; n++)
			if (!yaml_item_string(l->file, list, n, &text, l->fault) ||
			    !add_summary(l, type, list->item[n], text))
				return false;
	}
	return true;
}

/* NODE if it is a map. */
static const struct yaml_node *
as_map(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_MAP ? node : NULL;
}

static bool
load(struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries)
{
	struct ruleset *s = l->set;

	if (!key_roles_load(l, as_map(summaries) == NULL ? NULL : yaml_find(summaries, "*")))
		return false;
	make_plans(l, as_map(base), as_map(summaries));
	if (!add_base(l, base) || !add_summaries(l, summaries))
		return false;
	for (size_t i = 0; i < s->rules; i++)
		if (!add_rule(l, i))
			return false;
	sort_set_triggers(s);
	return add_common(l);
}

bool
type_plan_load(struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries)
{
	l->checked = paths_new(l->set->keys);
	buffer_init(&l->set->planned, BUFFER_UNLIMITED);
	bool good = load(l, base, summaries);

	paths_free(l->checked);
	l->checked = NULL;
	return good;
}

/* Of two lines for one node the type's own counts more than that of "*", and then the higher level. */
static bool
counts_more(const struct base_line *line, const struct state_plan *so_far, bool so_far_own)
{
	if (so_far->base == LABEL_NONE || line->is_own != so_far_own)
		return so_far->base == LABEL_NONE || line->is_own;
	return (int)line->level > so_far->base;
}

static void
work_out(const struct ruleset *s, const struct type_plan *p, uint32_t state, struct state_plan *out)
{
	bool is_own = false;

	*out = (struct state_plan){ .is_known = true, .base = LABEL_NONE };
	out->number = paths_matched(p->paths, state, &out->numbers);
	for (size_t i = 0; i < out->numbers; i++) {
		uint32_t index = out->number[i] & PATH_INDEX;

		switch ((enum path_number)(out->number[i] >> PATH_INDEX_BITS)) {
		case PATH_BASE:
			if (counts_more(&s->base[index], out, is_own)) {
				out->base = (int)s->base[index].level;
				out->base_origin = s->base[index].origin;
				is_own = s->base[index].is_own;
			}
			break;
		case PATH_TRIGGER:
			out->has_triggers = true;
			break;
		case PATH_EVIDENCE:
			out->has_evidence = true;
			break;
		case PATH_ENTRY:
			out->is_entry = true;
			break;
		case PATH_JUDGED:
			out->is_judged = true;
			break;
		case PATH_BROUGHT:
			out->brought = (enum brought_place)index;
			break;
		case PATH_NARRATIVE:
			out->is_narrative = true;
			break;
		case PATH_SUMMARY:
			out->is_summary = true;
			break;
		}
	}
	out->has_end = out->has_triggers || out->has_evidence || out->is_judged;
	out->has_base_only = !out->has_triggers && !out->has_evidence && !out->is_entry &&
			     !out->is_narrative && !out->is_summary && out->brought == BROUGHT_NOT;
}

struct state_plan *
type_plan_make_state(const struct ruleset *s, struct type_plan *p, uint32_t state)
{
	size_t kept = paths_kept(state);
	struct state_plan *plan;

	if (kept == PATHS_UNKEPT) {
		work_out(s, p, state, &p->passing);
		return &p->passing;
	}
	while (p->states.used / sizeof *plan <= kept)
		(void)buffer_more(&p->states, sizeof *plan);
	plan = (struct state_plan *)(void *)p->states.at + kept;
	p->state_count = p->states.used / sizeof *plan;
	if (!plan->is_known) {
		work_out(s, p, state, plan);
		state_words_make(s, plan);
	}
	return plan;
}
