/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

/* The rules of classify.yaml, and where labels come from that are no rule's. */

/* ---- origins ----------------------------------------------------------------------------------------- */

static const struct {
	const char *id;
	const char *say;
	bool is_reason;
} fixed[ORIGIN_FIXED] = {
	[ORIGIN_DEFAULT] = { "default", "The policy's base table does not speak of this type.", false },
	[ORIGIN_FLOOR] = { "floor", "The record came with this label.", true },
	[ORIGIN_OPAQUE] = { "opaque", "Nobody can look into this part.", true },
	[ORIGIN_NARRATIVE] = { "narrative", "The narrative repeats what stands elsewhere in the record.",
	    false },
	[ORIGIN_UNCOVERED] = { "uncovered", "No value set covers this code system.", true },
	[ORIGIN_EVIDENCE] = { "evidence", "The sender says how urgent it is.", true },
	[ORIGIN_UNIT] = { "unit", "A value has a unit that cannot be compared.", true },
	[ORIGIN_VALUE] = { "value", "A value that a rule judges is missing or cannot be read.", true },
	[ORIGIN_COMPARATOR] = { "comparator", "A value is known as above or below a number only.", true },
	[ORIGIN_STALE] = { "stale", "The record is old, or from the future.", true },
};

unsigned
ruleset_add_origin(
    struct ruleset_loader *l, struct bytes id, struct bytes say, const struct yaml_node *node, bool is_reason)
{
	struct ruleset *s = l->set;
	struct ruleset_origin *origin = &s->origin[s->origins];

	origin->id = id;
	origin->shown = (struct label_origin){
		.id = arena_copy(&s->arena, id).at,
		.say = arena_copy(&s->arena, say).at,
		.file = s->file,
		.line = node == NULL ? 0 : node->line,
	};
	origin->is_reason = is_reason;
	return (unsigned)s->origins++;
}

void
ruleset_add_fixed_origins(struct ruleset_loader *l)
{
	for (unsigned i = 0; i < ORIGIN_FIXED; i++)
		(void)ruleset_add_origin(
		    l, bytes_of(fixed[i].id), bytes_of(fixed[i].say), NULL, fixed[i].is_reason);
}

static bool
is_reserved(struct bytes id)
{
	for (unsigned i = 0; i < ORIGIN_FIXED; i++)
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
read_head(struct ruleset_loader *l, struct yaml_map *map, unsigned *origin)
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
	for (size_t i = ORIGIN_FIXED; i < l->set->origins; i++)
		if (bytes_equal(l->set->origin[i].id, name))
			return fault_at(l->fault, l->file, id, "duplicate-id: '%.*s' is taken by line %u",
			    (int)name.size, name.at, l->set->origin[i].shown.line);
	*origin = ruleset_add_origin(l, name, sentence, id, true);
	return true;
}

/* ---- words of vocabularies ------------------------------------------------------------------------------
 */

static bool
read_concept(
    struct ruleset_loader *l, enum vocabulary v, const struct yaml_node *node, size_t i, uint64_t *mask)
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
read_concepts(struct ruleset_loader *l, enum vocabulary v, const struct yaml_node *node, uint64_t *mask)
{
	size_t count = node == NULL ? 0 : yaml_strings(node);

	if (node != NULL && count == 0)
		return fault_at(l->fault, l->file, node, "expected a code or a list of codes");
	for (size_t i = 0; i < count; i++)
		if (!read_concept(l, v, node, i, mask))
			return false;
	return true;
}

bool
ruleset_read_level(struct ruleset_loader *l, const struct yaml_node *node, int *level)
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
check_types(struct ruleset_loader *l, const struct yaml_node *types)
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
read_at(struct ruleset_loader *l, const struct yaml_node *at, struct ruleset_rule *rule)
{
	static const char *const words[] = { "entry", "resource", "match" };

	for (size_t i = 0; at->kind == YAML_STRING && i < sizeof words / sizeof words[0]; i++)
		if (bytes_are(at->text, words[i])) {
			rule->at = (enum ruleset_at)i;
			return true;
		}
	rule->at = AT_PATH;
	return (rule->place = condition_compile_place(&l->set->words, at, l->fault)) != NULL;
}

bool
read_body(struct ruleset_loader *l, struct yaml_map *map, struct ruleset_rule *rule)
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
check_sets(struct ruleset_loader *l, const struct yaml_node *node, const struct ruleset_rule *rule)
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
read_label(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_rule *rule)
{
	struct yaml_map map;
	struct yaml_node *sensitivity;

	if (!yaml_open(&map, l->file, node, l->fault) ||
	    !ruleset_read_level(l, yaml_take(&map, "level"), &rule->level))
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
read_rule(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_rule *rule = &l->set->rule[l->set->rules++];
	struct yaml_map map;
	struct yaml_node *label;

	*rule = (struct ruleset_rule){ .level = LABEL_NONE, .criticality = LABEL_NONE, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &rule->origin) ||
	    !read_body(l, &map, rule) || (label = yaml_need(&map, "label")) == NULL ||
	    !read_label(l, label, rule))
		return false;
	return yaml_close(&map);
}

bool
ruleset_read_rules(struct ruleset_loader *l, const struct yaml_node *node)
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
read_release(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_declassify *r = &l->set->release[l->set->releases++];
	struct yaml_map map;
	struct yaml_node *code, *where, *to;

	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &r->origin) ||
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

bool
ruleset_read_declassify(struct ruleset_loader *l, const struct yaml_node *node)
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
