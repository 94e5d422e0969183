/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

#include "common/label/array.h"

#include <string.h>

/* ---- sources ----------------------------------------------------------------------------------------- */

static const struct {
	const char *id;
	const char *say;
	bool is_reason;
} fixed[SOURCE_FIXED] = {
	[SOURCE_DEFAULT] = { "default", "The policy's base table does not speak of this type.", false },
	[SOURCE_FLOOR] = { "floor", "The record came with this label.", true },
	[SOURCE_OPAQUE] = { "opaque", "Nobody can look into this part.", true },
	[SOURCE_NARRATIVE] = { "narrative", "The narrative repeats what stands elsewhere in the record.",
	    false },
	[SOURCE_UNCOVERED] = { "uncovered", "No value set covers this code system.", true },
	[SOURCE_EVIDENCE] = { "evidence", "The sender says how urgent it is.", true },
	[SOURCE_UNIT] = { "unit", "A value has a unit that cannot be compared.", true },
	[SOURCE_VALUE] = { "value", "A value that a rule judges is missing or cannot be read.", true },
	[SOURCE_COMPARATOR] = { "comparator", "A value is known as above or below a number only.", true },
	[SOURCE_STALE] = { "stale", "The record is old, or from the future.", true },
};

unsigned
loader_source(
    struct loader *l, struct bytes id, struct bytes say, const struct yaml_node *node, bool is_reason)
{
	struct ruleset *s = l->set;
	struct source *source = &s->source[s->sources];

	source->id = id;
	source->rule = (struct label_rule){
		.id = arena_copy(&s->arena, id).at,
		.say = arena_copy(&s->arena, say).at,
		.file = s->file,
		.line = node == NULL ? 0 : node->line,
	};
	source->is_reason = is_reason;
	return (unsigned)s->sources++;
}

static void
add_fixed_sources(struct loader *l)
{
	for (unsigned i = 0; i < SOURCE_FIXED; i++)
		(void)loader_source(
		    l, bytes_of(fixed[i].id), bytes_of(fixed[i].say), NULL, fixed[i].is_reason);
}

static bool
is_reserved(struct bytes id)
{
	for (unsigned i = 0; i < SOURCE_FIXED; i++)
		if (bytes_are(id, fixed[i].id))
			return true;
	return bytes_are(id, "base");
}

static bool
is_rule_id(struct bytes id)
{
	if (id.size == 0 || id.size > 64)
		return false;
	for (size_t i = 0; i < id.size; i++)
		if ((unsigned)id.at[i] - 'a' > 25 && (unsigned)id.at[i] - '0' > 9 && id.at[i] != '-')
			return false;
	return true;
}

bool
loader_head(struct loader *l, struct yaml_map *map, unsigned *source)
{
	struct yaml_node *id = yaml_need(map, "id");
	struct yaml_node *say = id == NULL ? NULL : yaml_need(map, "say");
	struct bytes name;
	struct bytes sentence;

	if (say == NULL || !yaml_string(l->file, id, &name, l->fault) ||
	    !yaml_string(l->file, say, &sentence, l->fault))
		return false;
	if (!is_rule_id(name))
		return fault_at(l->fault, l->file, id, "an id has a-z, 0-9 and - only, at most 64 of them");
	if (is_reserved(name))
		return fault_at(l->fault, l->file, id, "the id '%.*s' is reserved", (int)name.size, name.at);
	for (size_t i = SOURCE_FIXED; i < l->set->sources; i++)
		if (bytes_equal(l->set->source[i].id, name))
			return fault_at(l->fault, l->file, id, "duplicate-id: '%.*s' is taken by line %u",
			    (int)name.size, name.at, l->set->source[i].rule.line);
	*source = loader_source(l, name, sentence, id, true);
	return true;
}

/* ---- words of vocabularies ------------------------------------------------------------------------------
 */

static bool
read_concept(struct loader *l, enum vocabulary v, const struct yaml_node *node, size_t i, uint64_t *mask)
{
	const struct yaml_node *item = node->kind == YAML_LIST ? node->item[i] : node;
	const struct concept *c;
	struct bytes code;

	if (!yaml_item_string(l->file, node, i, &code, l->fault))
		return false;
	c = vocabulary_find(v, code);
	if (c == NULL || c->status != CONCEPT_ACTIVE) {
		const char *what = c == NULL                      ? "unknown"
				   : c->status == CONCEPT_RETIRED ? "retired"
								  : "abstract";

		return fault_at(l->fault, l->file, item, "%s code '%.*s': it is no active one of %.*s", what,
		    (int)code.size, code.at, (int)vocabulary_system(v).size, vocabulary_system(v).at);
	}
	*mask |= UINT64_C(1) << c->index;
	return true;
}

static bool
read_concepts(struct loader *l, enum vocabulary v, const struct yaml_node *node, uint64_t *mask)
{
	size_t count = node == NULL ? 0 : yaml_strings(node);

	if (node != NULL && count == 0)
		return fault_at(l->fault, l->file, node, "expected a code or a list of codes");
	for (size_t i = 0; i < count; i++)
		if (!read_concept(l, v, node, i, mask))
			return false;
	return true;
}

static bool
read_level(struct loader *l, const struct yaml_node *node, int *level)
{
	unsigned number = 0;

	if (node == NULL)
		return true;
	if (!policy_level_node(l->set->policy, l->file, node, &number, l->fault))
		return false;
	*level = (int)number;
	return true;
}

/* ---- rules -----------------------------------------------------------------------------------------------
 */

static bool
check_types(struct loader *l, const struct yaml_node *types)
{
	size_t count = yaml_strings(types);
	struct bytes type;

	if (count == 0)
		return fault_at(l->fault, l->file, types, "expected a type or a list of types");
	for (size_t i = 0; i < count; i++) {
		if (!yaml_item_string(l->file, types, i, &type, l->fault))
			return false;
		if (shape_is_fhir(l->set->shape) && !shape_knows_type(l->set->shape, type))
			return fault_at(l->fault, l->file, types->kind == YAML_LIST ? types->item[i] : types,
			    "unknown type '%.*s': it is none of FHIR R4", (int)type.size, type.at);
	}
	return true;
}

static bool
read_at(struct loader *l, const struct yaml_node *at, struct rule *rule)
{
	static const char *const words[] = { "entry", "resource", "match" };

	for (size_t i = 0; at->kind == YAML_STRING && i < sizeof words / sizeof words[0]; i++)
		if (bytes_are(at->text, words[i])) {
			rule->at = (enum place_kind)i;
			return true;
		}
	rule->at = AT_PATH;
	return (rule->place = place_compile(&l->set->words, at, l->fault)) != NULL;
}

bool
loader_body(struct loader *l, struct yaml_map *map, struct rule *rule)
{
	struct yaml_node *where = yaml_take(map, "where");
	struct yaml_node *when = yaml_take(map, "when");
	struct yaml_node *at = yaml_take(map, "at");

	rule->types = yaml_take(map, "type");
	if (rule->types != NULL && !check_types(l, rule->types))
		return false;
	if (where != NULL && (rule->where = condition_compile(&l->set->words, where, l->fault)) == NULL)
		return false;
	if (rule->where != NULL)
		condition_sets(rule->where, &rule->sets);
	if (when != NULL && (rule->when = condition_compile_when(&l->set->words, when, l->fault)) == NULL)
		return false;
	return at == NULL || read_at(l, at, rule);
}

/* Categories of value sets that a rule names become labels: each must be a sensitivity that there is. */
static bool
check_sets(struct loader *l, const struct yaml_node *node, const struct rule *rule)
{
	struct code_bits categories = { 0 };
	unsigned sets = codes_sets(l->set->codes);

	if (!codes_sensitive(l->set->codes, &rule->sets, l->fault))
		return false;
	for (unsigned i = 0; rule->from_value_set && i < sets; i++)
		if (code_bits_has(&rule->sets, i))
			codes_set_categories(l->set->codes, i, &categories);
	if (rule->from_value_set && !code_bits_meet(&categories, &categories))
		return fault_at(l->fault, l->file, node,
		    "from_value_set: `where` names no value set that has categories");
	return true;
}

static bool
read_label(struct loader *l, const struct yaml_node *node, struct rule *rule)
{
	struct yaml_map map;
	struct yaml_node *sensitivity;

	if (!yaml_open(&map, l->file, node, l->fault) ||
	    !read_level(l, yaml_take(&map, "level"), &rule->level))
		return false;
	sensitivity = yaml_take(&map, "sensitivity");
	if (sensitivity != NULL && sensitivity->kind == YAML_STRING &&
	    bytes_are(sensitivity->text, "from_value_set"))
		rule->from_value_set = true;
	else if (!read_concepts(l, VOCABULARY_SENSITIVITY, sensitivity, &rule->sensitivity))
		return false;
	if (rule->level == LABEL_NONE && sensitivity == NULL)
		return fault_at(l->fault, l->file, node, "a label has a level, a sensitivity, or both");
	return read_concepts(l, VOCABULARY_PRIVACY_LAW, yaml_take(&map, "basis"), &rule->basis) &&
	       check_sets(l, node, rule) && yaml_close(&map);
}

static bool
read_rule(struct loader *l, const struct yaml_node *node)
{
	struct rule *rule = &l->set->rule[l->set->rules++];
	struct yaml_map map;
	struct yaml_node *label;

	*rule = (struct rule){ .level = LABEL_NONE, .criticality = LABEL_NONE, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault) || !loader_head(l, &map, &rule->source) ||
	    !loader_body(l, &map, rule) || (label = yaml_need(&map, "label")) == NULL ||
	    !read_label(l, label, rule))
		return false;
	return yaml_close(&map);
}

static bool
read_rules(struct loader *l, const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(l->fault, l->file, node, "expected a list of rules");
	for (size_t i = 0; i < node->count; i++)
		if (!read_rule(l, node->item[i]))
			return false;
	return true;
}

static bool
read_release(struct loader *l, const struct yaml_node *node)
{
	struct release *r = &l->set->release[l->set->releases++];
	struct yaml_map map;
	struct yaml_node *code, *where, *to;

	if (!yaml_open(&map, l->file, node, l->fault) || !loader_head(l, &map, &r->source) ||
	    (code = yaml_need(&map, "code")) == NULL || (to = yaml_need(&map, "to")) == NULL ||
	    !yaml_string(l->file, code, &r->code, l->fault) ||
	    !policy_level_node(l->set->policy, l->file, to, &r->to, l->fault))
		return false;
	if (policy_level(l->set->policy, r->code) < 0 &&
	    vocabulary_find(VOCABULARY_SENSITIVITY, r->code) == NULL)
		return fault_at(l->fault, l->file, code, "unknown code '%.*s': no level and no sensitivity",
		    (int)r->code.size, r->code.at);
	where = yaml_take(&map, "where");
	if (where != NULL && (r->where = condition_compile(&l->set->words, where, l->fault)) == NULL)
		return false;
	return yaml_close(&map);
}

static bool
read_releases(struct loader *l, const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(l->fault, l->file, node, "expected a list of releases");
	for (size_t i = 0; i < node->count; i++)
		if (!read_release(l, node->item[i]))
			return false;
	return true;
}

/* ---- what stands at the top of the file -----------------------------------------------------------------
 */

static bool
read_sign_off(struct loader *l, const struct yaml_node *node)
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
read_unknown_type(struct loader *l, const struct yaml_node *node)
{
	int level = LABEL_NONE;

	if (!read_level(l, node, &level))
		return false;
	if (level != (int)l->set->top)
		return fault_at(l->fault, l->file, node,
		    "unknown-type-not-highest: unknown_type must be the highest level, %.*s",
		    (int)l->set->policy->level[l->set->top].name.size,
		    l->set->policy->level[l->set->top].name.at);
	return true;
}

static bool
read_no_system(struct loader *l, const struct yaml_node *node)
{
	static const char *const words[] = { "match", "ignore", NULL };
	unsigned word = 0;

	if (node != NULL && !yaml_word(l->file, node, words, &word, l->fault))
		return false;
	l->set->words.no_system_matches = word == 0;
	return true;
}

static bool
read_narrative(struct loader *l, const struct yaml_node *node)
{
	static const char *const words[] = { "high_water", NULL };
	unsigned word;

	l->set->narrative = node != NULL;
	return node == NULL || yaml_word(l->file, node, words, &word, l->fault);
}

/* The level of a category: its own line's, else that of the nearest category above it, else that of "*". */
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
read_categories(struct loader *l, const struct yaml_node *node)
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
		if (!read_level(l, node->item[i], c == NULL ? &rest : &s->category_level[c->index]))
			return false;
	}
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_SENSITIVITY); i++) {
		const struct concept *c = vocabulary_at(VOCABULARY_SENSITIVITY, i);

		own[i] = s->category_level[i] != LABEL_NONE ? s->category_level[i] : level_above(s, c, rest);
	}
	memcpy(s->category_level, own, vocabulary_size(VOCABULARY_SENSITIVITY) * sizeof own[0]);
	return true;
}

static bool
read_codes(struct loader *l, const struct yaml_node *systems, const struct yaml_node *value_sets)
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
make_room(struct loader *l, const struct yaml_node *root)
{
	struct ruleset *s = l->set;
	const struct yaml_node *base = yaml_find(root, "base");
	const struct yaml_node *criticality = yaml_find(root, "criticality");
	const struct yaml_node *judged =
	    criticality == NULL || criticality->kind != YAML_MAP ? NULL : yaml_find(criticality, "rules");
	size_t lines = 0;
	size_t rules = items(yaml_find(root, "rules")) + items(judged);
	size_t releases = items(yaml_find(root, "declassify"));

	for (size_t i = 0; i < items(base); i++)
		lines += items(base->item[i]);
	s->source = arena_array(&s->arena, SOURCE_FIXED + lines + rules + releases, sizeof *s->source);
	s->base = arena_array(&s->arena, lines + 1, sizeof *s->base);
	s->rule = arena_array(&s->arena, rules + 1, sizeof *s->rule);
	s->release = arena_array(&s->arena, releases + 1, sizeof *s->release);
	array_init(&s->triggers);
}

/*
 * Labels of one node stand in this order: base, what came with the record, the rules as in the file, what is
 * derived, urgency.
 */
static void
put_in_order(struct ruleset *s, size_t rules_end)
{
	for (size_t i = 0; i < s->sources; i++)
		s->source[i].order = (uint32_t)(i < rules_end ? i : i + SOURCE_FIXED);
	for (unsigned i = SOURCE_OPAQUE; i < SOURCE_FIXED; i++)
		s->source[i].order = (uint32_t)rules_end + i;
}

static bool
read_file(struct loader *l, const struct yaml_node *root)
{
	struct ruleset *s = l->set;
	struct yaml_map map;
	struct yaml_node *version, *usual, *unknown, *base;
	uint64_t number;
	int level = LABEL_NONE;

	if (!yaml_open(&map, l->file, root, l->fault) || (version = yaml_need(&map, "classify")) == NULL ||
	    !yaml_integer(l->file, version, 1, 1, &number, l->fault) ||
	    !read_sign_off(l, yaml_take(&map, "sign_off")) || (usual = yaml_need(&map, "default")) == NULL ||
	    !read_level(l, usual, &level) || (unknown = yaml_need(&map, "unknown_type")) == NULL ||
	    !read_unknown_type(l, unknown) || !read_no_system(l, yaml_take(&map, "no_system")) ||
	    !read_level(l, yaml_take(&map, "opaque"), &s->opaque) ||
	    !read_level(l, yaml_take(&map, "uncovered"), &s->uncovered) ||
	    !read_narrative(l, yaml_take(&map, "narrative")) ||
	    !read_categories(l, yaml_take(&map, "categories")))
		return false;
	s->usual = (unsigned)level;
	make_room(l, root);
	add_fixed_sources(l);
	if (!read_codes(l, yaml_take(&map, "systems"), yaml_take(&map, "value_sets")))
		return false;
	base = yaml_take(&map, "base");
	if (!read_releases(l, yaml_take(&map, "declassify")) || !read_rules(l, yaml_take(&map, "rules")))
		return false;
	size_t rules_end = s->sources;

	if (!loader_criticality(l, yaml_take(&map, "criticality")) || !yaml_close(&map))
		return false;
	put_in_order(s, rules_end);
	return loader_plans(l, base);
}

static bool
read_now(struct ruleset *s, const char *now, struct fault *f)
{
	if (now == NULL)
		return true;
	s->now = bytes_of(now);
	if (!clock_parse_instant(s->now, &s->now_instant))
		return fault_at(f, "--now", NULL, "not an instant such as 2026-11-21T10:00:00Z");
	return true;
}

bool
ruleset_load(struct ruleset *s, struct policy *p, struct json_keys *keys, const char *now, struct fault *f)
{
	struct loader l = { .set = s, .fault = f };
	const struct yaml_node *root;

	*s = (struct ruleset){ .policy = p, .keys = keys, .opaque = LABEL_NONE, .uncovered = LABEL_NONE };
	s->top = p->levels - 1;
	if (!read_now(s, now, f))
		return false;
	root = policy_yaml(p, "classify.yaml", &s->file, f);
	if (root == NULL || (s->shape = shape_load(p, keys, f)) == NULL)
		return false;
	l.file = s->file;
	s->words = (struct condition_words){
		.arena = &s->arena,
		.keys = keys,
		.file = s->file,
		.has_now = now != NULL,
	};
	return read_file(&l, root);
}

void
ruleset_release(struct ruleset *s)
{
	for (size_t i = 0; i < s->plans; i++) {
		paths_free(s->plan[i].paths);
		buffer_release(&s->plan[i].states);
	}
	buffer_release(&s->triggers);
	condition_words_release(&s->words);
	codes_free(s->codes);
	shape_free(s->shape);
	arena_release(&s->arena);
	*s = (struct ruleset){ 0 };
}
