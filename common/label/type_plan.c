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

struct type_plan *
type_plan_of(struct ruleset *s, struct bytes type)
{
	uint32_t found = type.size == 0 ? 0 : *slot_of(s, type);

	if (found != 0)
		return &s->plan[found - 1];
	return &s->plan[shape_knows_type(s->shape, type) ? PLAN_OTHER : PLAN_UNKNOWN];
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
		s->plan[i].paths = paths_new(s->keys);
		if (shape_is_fhir(s->shape))
			paths_vary(s->plan[i].paths);
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

static bool
add_path(struct ruleset_loader *l, struct type_plan *p, const struct yaml_node *node, struct bytes expression,
    enum path_number kind, size_t index)
{
	size_t byte = 0;

	switch (paths_add(p->paths, expression, (uint32_t)kind << PATH_INDEX_BITS | (uint32_t)index, &byte)) {
	case PATH_PLAIN:
		return true;
	case PATH_FAULT:
		return fault_at(
		    l->fault, l->file, node, "bad-path: at byte %zu: %s", byte, paths_fault(p->paths));
	case PATH_NOT_PLAIN:
		break;
	}
	return fault_at(
	    l->fault, l->file, node, "bad-path: at byte %zu: only plain paths can stand here", byte);
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
	for (size_t i = PLAN_OTHER; i < s->plans; i++)
		if ((!line->is_own || i == plan) &&
		    !add_path(l, &s->plan[i], key, key->text, PATH_BASE, s->bases))
			return false;
	s->bases++;
	return true;
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
		size_t plan = is_any ? PLAN_UNKNOWN : (size_t)(type_plan_of(s, base->key[i]->text) - s->plan);

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
	for (size_t i = 0; i < s->plans; i++)
		if (type_plan_applies(&s->plan[i], rule) &&
		    !add_path(l, &s->plan[i], NULL, some->place.expression, PATH_TRIGGER, index))
			return false;
	return true;
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
add_brought(struct ruleset_loader *l, struct type_plan *p)
{
	for (size_t i = 0; i < BROUGHT_PATHS; i++)
		if ((brought_paths[i].type == NULL || bytes_are(p->type, brought_paths[i].type)) &&
		    !add_path(
			l, p, NULL, bytes_of(brought_paths[i].path), PATH_BROUGHT, brought_paths[i].place))
			return false;
	return true;
}

static bool
add_common(struct ruleset_loader *l, struct type_plan *p)
{
	struct ruleset *s = l->set;

	p->has_scores = s->criticality.scores > 0 && observes(s, p->type);
	shape_add_entries(s->shape, p->type, p->paths, (uint32_t)PATH_ENTRY << PATH_INDEX_BITS);
	for (size_t i = 0; i < s->criticality.evidences; i++)
		if (!add_path(l, p, NULL, s->criticality.evidence[i].at, PATH_EVIDENCE, i))
			return false;
	if (judges_signs(s, p) &&
	    !add_path(l, p, NULL, (struct bytes)BYTES("., .component, .component[]"), PATH_JUDGED, 0))
		return false;
	if (shape_is_fhir(s->shape) && !add_brought(l, p))
		return false;
	if (!s->narrative)
		return true;
	if (bytes_are(p->type, "Composition"))
		return add_path(
		    l, p, NULL, (struct bytes)BYTES(".text, (.. | .section[]?.text)"), PATH_NARRATIVE, 0);
	return add_path(l, p, NULL, (struct bytes)BYTES(".text"), PATH_NARRATIVE, 0);
}

/* `summaries:` has names of members, which count wherever they stand, and paths. */
static bool
add_summary(
    struct ruleset_loader *l, const struct yaml_node *type, const struct yaml_node *item, struct bytes text)
{
	struct ruleset *s = l->set;
	bool is_any = bytes_are(type->text, "*");
	size_t plan = is_any ? PLAN_UNKNOWN : (size_t)(type_plan_of(s, type->text) - s->plan);
	struct bytes path = text;

	if (path_is_name(text)) {
		if (is_any) {
			s->key[json_keys_find(s->keys, text)].about |= ABOUT_SUMMARY;
			return true;
		}
		path = bytes_of(arena_format(&s->arena, "..|.%.*s?", (int)text.size, text.at));
	}
	for (size_t i = PLAN_OTHER; i < s->plans; i++)
		if ((is_any ? !s->plan[i].has_no_summary : i == plan) &&
		    !add_path(l, &s->plan[i], item, path, PATH_SUMMARY, 0))
			return false;
	return true;
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

/* Members of FHIR R4 under which a CodeableConcept tells of somebody's health. */
static const char *const concepts[] = { "code", "reasonCode", "valueCodeableConcept",
	"medicationCodeableConcept", "conclusionCode", "diagnosisCodeableConcept", "procedureCodeableConcept",
	"productOrService", "vaccineCode", "manifestation", "substance", "substanceCodeableConcept",
	"itemCodeableConcept", "outcomeCode", "outcomeCodeableConcept", "serviceType", "reason", "condition",
	"detailCodeableConcept", "targetDisease", "prognosisCodeableConcept", "addresses",
	"productCodeableConcept" };

/* Members of FHIR whose name says what their value is, of all its versions. */
static const struct {
	const char *name;
	uint8_t about;
} abouts[] = {
	{ "valueBase64Binary", ABOUT_BASE64 },
	{ "blob", ABOUT_BASE64 },
	{ "extension", ABOUT_EXTENSION },
	{ "modifierExtension", ABOUT_EXTENSION },
	{ "reference", ABOUT_SEARCH },
	{ "fullUrl", ABOUT_SEARCH },
	{ "url", ABOUT_SEARCH },
	{ "ifNoneExist", ABOUT_SEARCH },
};

enum { ABOUTS = sizeof abouts / sizeof abouts[0] };

/* Room in the tables by key for the member NAME. */
static void
note_key(struct ruleset *s, struct bytes name)
{
	size_t key = json_keys_add(s->keys, name);

	s->keyed = key >= s->keyed ? key + 1 : s->keyed;
}

/* The last members of PLACES.  Before there is a table, room for them. */
static void
note_places(struct ruleset *s, const struct terms_places *places, enum about_terms about)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct terms_place *place = &places->at[i];

		if (s->key == NULL)
			s->keyed = place->key[0] >= s->keyed ? place->key[0] + 1U : s->keyed;
		else if (about != TERMS_SKIPPED || place->keys == 1)
			s->key[place->key[0]].terms |= (uint8_t)about;
	}
}

/* `codes_in`: names of members. */
static bool
read_codes_in(struct ruleset_loader *l, void (*use)(struct ruleset *s, struct bytes name))
{
	const struct yaml_node *list = l->set->codes_in;
	struct bytes name;

	for (size_t i = 0; list != NULL && list->kind != YAML_NULL && i < yaml_strings(list); i++) {
		if (!yaml_item_string(l->file, list, i, &name, l->fault))
			return false;
		use(l->set, name);
	}
	return list == NULL || list->kind == YAML_NULL || yaml_strings(list) > 0 ||
	       fault_at(l->fault, l->file, list, "expected names of members");
}

static void
holds_codes(struct ruleset *s, struct bytes name)
{
	s->key[json_keys_find(s->keys, name)].about |= ABOUT_CODES;
}

/* `references:`: by type, the members in which a reference without a type means that one. */
static bool
read_references(struct ruleset_loader *l, bool is_ready)
{
	const struct yaml_node *map = l->set->references;
	struct bytes name;

	if (map != NULL && (map->kind != YAML_MAP || map->count > UINT8_MAX))
		return fault_at(l->fault, l->file, map, "expected a map from types to names of members");
	for (size_t i = 0; map != NULL && i < map->count; i++) {
		if (yaml_strings(map->item[i]) == 0)
			return fault_at(l->fault, l->file, map->item[i], "expected names of members");
		for (size_t n = 0; n < yaml_strings(map->item[i]); n++) {
			if (!yaml_item_string(l->file, map->item[i], n, &name, l->fault))
				return false;
			if (is_ready)
				l->set->key[json_keys_find(l->set->keys, name)].meant = (uint8_t)(i + 1);
			else
				note_key(l->set, name);
		}
	}
	return true;
}

/* What the walk knows of members by their names alone. */
static bool
give_roles(struct ruleset_loader *l, const struct yaml_node *summaries)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_CODE] = "code",
		[ROLE_SYSTEM] = "system",
		[ROLE_CODING] = "coding",
		[ROLE_CONCEPT] = "concept",
		[ROLE_DATA] = "data",
		[ROLE_CONTENT_TYPE] = "contentType",
		[ROLE_URL] = "url",
		[ROLE_TYPE] = "type",
		[ROLE_VALUE] = "value",
		[ROLE_DISPLAY] = "display",
		[ROLE_TEXT] = "text",
	};
	struct ruleset *s = l->set;
	size_t known = shape_is_fhir(s->shape) ? sizeof concepts / sizeof concepts[0] : 0;

	for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
		note_key(s, bytes_of(names[i]));
	note_key(s, (struct bytes)BYTES("_value"));
	for (size_t i = 0; i < known; i++)
		note_key(s, bytes_of(concepts[i]));
	for (size_t i = 0; i < ABOUTS; i++)
		note_key(s, bytes_of(abouts[i].name));
	for (size_t i = 0; summaries != NULL && summaries->kind == YAML_LIST && i < summaries->count; i++)
		if (path_is_name(summaries->item[i]->text))
			note_key(s, summaries->item[i]->text);
	if (!read_codes_in(l, note_key) || !read_references(l, false))
		return false;
	note_places(s, &s->terms.base64, TERMS_BASE64);
	note_places(s, &s->terms.skip, TERMS_SKIPPED);
	s->key = arena_array(&s->arena, s->keyed, sizeof *s->key);
	note_places(s, &s->terms.base64, TERMS_BASE64);
	note_places(s, &s->terms.skip, TERMS_SKIPPED);
	(void)read_references(l, true);
	for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
		s->key[json_keys_find(s->keys, bytes_of(names[i]))].role = (uint8_t)i;
	s->key[json_keys_find(s->keys, (struct bytes)BYTES("_value"))].role = ROLE_VALUE;
	for (size_t i = 0; i < known; i++)
		s->key[json_keys_find(s->keys, bytes_of(concepts[i]))].about = ABOUT_CONCEPT;
	for (size_t i = 0; shape_is_fhir(s->shape) && i < ABOUTS; i++)
		s->key[json_keys_find(s->keys, bytes_of(abouts[i].name))].about |= abouts[i].about;
	return read_codes_in(l, holds_codes);
}

/* NODE if it is a map. */
static const struct yaml_node *
as_map(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_MAP ? node : NULL;
}

bool
type_plan_load(struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries)
{
	struct ruleset *s = l->set;

	if (!give_roles(l, as_map(summaries) == NULL ? NULL : yaml_find(summaries, "*")))
		return false;
	make_plans(l, as_map(base), as_map(summaries));
	if (!add_base(l, base) || !add_summaries(l, summaries))
		return false;
	for (size_t i = 0; i < s->rules; i++)
		if (!add_rule(l, i))
			return false;
	sort_set_triggers(s);
	for (size_t i = 0; i < s->plans; i++)
		if (!add_common(l, &s->plan[i]))
			return false;
	return true;
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
