/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

#include "common/base/buffer.h"

#include <string.h>

static bool
read_sign_off(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct yaml_map map;

	if (node == NULL)
		return true;
	if (!yaml_open(&map, l->file, node, l->fault))
		return false;
	(void)yaml_take(&map, "by");
	(void)yaml_take(&map, "at");
	(void)yaml_take(&map, "serial");
	return yaml_close(&map);
}

static bool
read_unknown_type(struct ruleset_loader *l, const struct yaml_node *node)
{
	int level = LABEL_NONE;

	if (!ruleset_read_level(l, node, &level))
		return false;
	if (level != (int)l->set->top)
		return fault_at(l->fault, l->file, node,
		    "unknown-type-not-highest: unknown_type must be the highest level, %.*s",
		    (int)l->set->policy->level[l->set->top].name.size,
		    l->set->policy->level[l->set->top].name.at);
	return true;
}

static bool
read_no_system(struct ruleset_loader *l, const struct yaml_node *node)
{
	static const char *const words[] = { "match", "ignore", NULL };
	unsigned word = 0;

	if (node != NULL && !yaml_word(l->file, node, words, &word, l->fault))
		return false;
	l->set->words.no_system_matches = word == 0;
	return true;
}

static bool
read_narrative(struct ruleset_loader *l, const struct yaml_node *node)
{
	static const char *const words[] = { "high_water", NULL };
	unsigned word;

	l->set->narrative = node != NULL;
	return node == NULL || yaml_word(l->file, node, words, &word, l->fault);
}

/* The level of the nearest category above C that has a line of its own; else REST, that of "*". */
static int
level_above(const struct ruleset *s, const struct concept *c, int rest)
{
	while (c->parent != CONCEPT_NO_PARENT) {
		c = vocabulary_at(VOCABULARY_SENSITIVITY, c->parent);
		if (s->category_level[c->index] != LABEL_NONE)
			return s->category_level[c->index];
	}
	return rest;
}

static bool
read_categories(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset *s = l->set;
	int own[64];
	int rest = (int)s->top;

	for (size_t i = 0; i < 64; i++)
		s->category_level[i] = LABEL_NONE;
	if (node != NULL && node->kind != YAML_NULL && node->kind != YAML_MAP)
		return fault_at(l->fault, l->file, node, "expected a map from categories to levels");
	for (size_t i = 0; node != NULL && i < node->count; i++) {
		struct bytes code = node->key[i]->text;
		const struct concept *c = vocabulary_find(VOCABULARY_SENSITIVITY, code);

		if (c == NULL && !bytes_are(code, "*"))
			return fault_at(l->fault, l->file, node->key[i],
			    "unknown code '%.*s': it is no sensitivity", (int)code.size, code.at);
		if (!ruleset_read_level(l, node->item[i], c == NULL ? &rest : &s->category_level[c->index]))
			return false;
	}
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_SENSITIVITY); i++) {
		const struct concept *c = vocabulary_at(VOCABULARY_SENSITIVITY, i);

		own[i] = s->category_level[i] != LABEL_NONE ? s->category_level[i] : level_above(s, c, rest);
	}
	s->category_rest = rest;
	memcpy(s->category_level, own, vocabulary_size(VOCABULARY_SENSITIVITY) * sizeof own[0]);
	return true;
}

static bool
read_codes(struct ruleset_loader *l, const struct yaml_node *systems, const struct yaml_node *value_sets)
{
	struct ruleset *s = l->set;

	s->codes = codes_load(s->policy, s->file, systems, value_sets, l->fault);
	if (s->codes == NULL)
		return false;
	for (unsigned i = 0; i < CODE_BITS; i++)
		s->sensitivity_of[i] = NO_SENSITIVITY;
	for (unsigned i = 0; i < codes_categories(s->codes); i++) {
		const struct concept *c =
		    vocabulary_find(VOCABULARY_SENSITIVITY, codes_category_name(s->codes, i));

		if (c != NULL)
			s->sensitivity_of[i] = (uint8_t)c->index;
	}
	s->words.codes = s->codes;
	condition_words_ready(&s->words);
	return true;
}

static size_t
items(const struct yaml_node *node)
{
	return node == NULL ? 0 : node->count;
}

static void
make_room(struct ruleset_loader *l, const struct yaml_node *root)
{
	struct ruleset *s = l->set;
	const struct yaml_node *base = yaml_find(root, "base");
	const struct yaml_node *criticality = yaml_find(root, "criticality");
	bool judges = criticality != NULL && criticality->kind == YAML_MAP;
	size_t lines = 0;
	size_t rules =
	    items(yaml_find(root, "rules")) + (judges ? items(yaml_find(criticality, "rules")) : 0);
	size_t scores = judges ? items(yaml_find(criticality, "scores")) : 0;
	size_t releases = items(yaml_find(root, "declassify"));

	for (size_t i = 0; i < items(base); i++)
		lines += items(base->item[i]);
	s->origin =
	    arena_array(&s->arena, ORIGIN_FIXED + lines + rules + scores + releases, sizeof *s->origin);
	s->base = arena_array(&s->arena, lines + 1, sizeof *s->base);
	s->rule = arena_array(&s->arena, rules + 1, sizeof *s->rule);
	s->release = arena_array(&s->arena, releases + 1, sizeof *s->release);
	buffer_init(&s->triggers, BUFFER_UNLIMITED);
}

/* Labels of one node are written in this order: base, brought, the rules as in the file, derived, urgency. */
static void
put_in_order(struct ruleset *s, size_t rules_end)
{
	for (size_t i = 0; i < s->origins; i++)
		s->origin[i].order = (uint32_t)(i < rules_end ? i : i + ORIGIN_FIXED);
	for (unsigned i = ORIGIN_OPAQUE; i < ORIGIN_FIXED; i++)
		s->origin[i].order = (uint32_t)rules_end + i;
}

/* A key whose lines were lost would quietly label nothing, or raise no alarm. */
static bool
keys_hold(struct ruleset_loader *l, const struct yaml_node *map)
{
	for (size_t i = 0; i < items(map); i++) {
		const struct yaml_node *item = map->item[i];
		bool can_be_empty =
		    item->kind == YAML_NULL || item->kind == YAML_LIST || item->kind == YAML_MAP;

		if (can_be_empty && item->count == 0)
			return fault_at(l->fault, l->file, item,
			    "empty-key: nothing stands behind '%.*s': give it a value, or take the key out",
			    (int)map->key[i]->text.size, map->key[i]->text.at);
	}
	return true;
}

static bool
read_file(struct ruleset_loader *l, const struct yaml_node *root)
{
	struct ruleset *s = l->set;
	struct yaml_map map;
	struct yaml_node *version, *usual, *unknown, *base, *summaries;
	uint64_t number;
	int level = LABEL_NONE;

	if (!yaml_open(&map, l->file, root, l->fault) || (version = yaml_need(&map, "classify")) == NULL ||
	    !yaml_integer(l->file, version, 1, 1, &number, l->fault) ||
	    !read_sign_off(l, yaml_take(&map, "sign_off")) || (usual = yaml_need(&map, "default")) == NULL ||
	    !ruleset_read_level(l, usual, &level) || (unknown = yaml_need(&map, "unknown_type")) == NULL ||
	    !read_unknown_type(l, unknown) || !read_no_system(l, yaml_take(&map, "no_system")) ||
	    !ruleset_read_level(l, yaml_take(&map, "opaque"), &s->opaque) ||
	    !ruleset_read_level(l, yaml_take(&map, "uncovered"), &s->uncovered) ||
	    !ruleset_read_level(l, yaml_take(&map, "mute"), &s->mute) ||
	    !read_narrative(l, yaml_take(&map, "narrative")) ||
	    !read_categories(l, yaml_take(&map, "categories")))
		return false;
	s->usual = (unsigned)level;
	make_room(l, root);
	ruleset_add_fixed_origins(l);
	s->codes_in = yaml_take(&map, "codes_in");
	if (!read_codes(l, yaml_take(&map, "systems"), yaml_take(&map, "value_sets")))
		return false;
	base = yaml_take(&map, "base");
	summaries = yaml_take(&map, "summaries");
	l->set->has_summaries = summaries != NULL;
	s->references = yaml_take(&map, "references");
	if (!ruleset_read_terms(l, yaml_take(&map, "terms")) ||
	    !ruleset_read_declassify(l, yaml_take(&map, "declassify")))
		return false;
	s->words.has_terms = true;
	if (!ruleset_read_rules(l, yaml_take(&map, "rules")))
		return false;
	size_t rules_end = s->origins;

	s->judging = s->rules;

	if (!ruleset_read_criticality(l, yaml_take(&map, "criticality")) || !yaml_close(&map))
		return false;
	put_in_order(s, rules_end);
	if (!type_plan_load(l, base, summaries) || !keys_hold(l, root) ||
	    !keys_hold(l, yaml_find(root, "terms")) || !keys_hold(l, yaml_find(root, "criticality")))
		return false;
	key_roles_note_names(s);
	return true;
}

bool
ruleset_set_time(struct ruleset *s, const char *now)
{
	s->now = bytes_of(now);
	return clock_parse_instant(s->now, &s->now_instant);
}

bool
ruleset_load(struct ruleset *s, struct policy *p, struct json_keys *keys, const char *now, struct fault *f)
{
	struct ruleset_loader l = { .set = s, .fault = f };
	const struct yaml_node *root;

	*s = (struct ruleset){
		.policy = p, .keys = keys, .opaque = LABEL_NONE, .uncovered = LABEL_NONE, .mute = LABEL_NONE
	};
	s->top = p->levels - 1;
	if (now != NULL && !ruleset_set_time(s, now))
		return fault_at(f, "--now", NULL, "not an instant such as 2026-11-21T10:00:00Z");
	root = policy_yaml(p, "classify.yaml", &s->file, f);
	if (root == NULL || (s->shape = shape_load(p, keys, f)) == NULL)
		return false;
	l.file = s->file;
	s->words = (struct condition_words){
		.arena = &s->arena,
		.keys = keys,
		.file = s->file,
		.shapes_vary = shape_is_fhir(s->shape),
		.has_now = now != NULL,
	};
	return read_file(&l, root);
}

static void
release_states(struct buffer *states)
{
	struct state_plan *plan = (struct state_plan *)(void *)states->at;

	for (size_t i = 0; i < states->used / sizeof *plan; i++)
		state_words_free(plan[i].words);
	buffer_release(states);
}

void
ruleset_release(struct ruleset *s)
{
	for (size_t i = 0; i < s->plans; i++) {
		paths_free(s->plan[i].paths);
		release_states(&s->plan[i].states);
	}
	buffer_release(&s->planned);
	buffer_release(&s->triggers);
	condition_words_release(&s->words);
	codes_free(s->codes);
	shape_free(s->shape);
	arena_release(&s->arena);
	*s = (struct ruleset){ 0 };
}
