/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

static const struct {
	const char *id;
	const char *say;
	bool is_reason;
	bool is_retold;
	bool retells;
} fixed[ORIGIN_FIXED] = {
	[ORIGIN_DEFAULT] = { "default", "The policy's base table does not speak of this type.", false },
	[ORIGIN_FLOOR] = { "floor", "The record came with this label.", true, .is_retold = true },
	[ORIGIN_OPAQUE] = { "opaque", "Nobody can look into this part.", true },
	[ORIGIN_NARRATIVE] = { "narrative", "The narrative repeats what stands elsewhere in the record.",
	    false, .retells = true },
	[ORIGIN_SUMMARY] = { "summary", "It tells what stands elsewhere in the record.", false,
	    .retells = true },
	[ORIGIN_UNCOVERED] = { "uncovered", "No value set covers this code system.", true,
	    .is_retold = true },
	[ORIGIN_MUTE] = { "mute", "A code alone says what this is, and no value set covers its system.",
	    true },
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
	for (unsigned i = 0; i < ORIGIN_FIXED; i++) {
		unsigned origin = ruleset_add_origin(
		    l, bytes_of(fixed[i].id), bytes_of(fixed[i].say), NULL, fixed[i].is_reason);

		l->set->origin[origin].shown.is_retold = fixed[i].is_retold;
		l->set->origin[origin].shown.retells = fixed[i].retells;
	}
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
is_word(struct bytes text, size_t most)
{
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned)text.at[i] - 'a' > 25 && !ascii_is_digit(text.at[i]) && text.at[i] != '-')
			return false;
	return text.size > 0 && text.size <= most;
}

/* Calls READ for each item of a list.  NODE may be absent. */
static bool
read_list(struct ruleset_loader *l, const struct yaml_node *node, const char *expected,
    bool (*read)(struct ruleset_loader *l, const struct yaml_node *item))
{
	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(l->fault, l->file, node, "%s", expected);
	for (size_t i = 0; i < node->count; i++)
		if (!read(l, node->item[i]))
			return false;
	return true;
}

/* `id` and `say` of a rule: its origin. */
static bool
read_head(struct ruleset_loader *l, struct yaml_map *map, unsigned *origin)
{
	struct yaml_node *id = yaml_need(map, "id");
	struct yaml_node *say = id == NULL ? NULL : yaml_need(map, "say");
	struct bytes name;
	struct bytes sentence;

	if (say == NULL || !yaml_string(l->file, id, &name, l->fault) ||
	    !yaml_string(l->file, say, &sentence, l->fault))
		return false;
	if (!is_word(name, 64))
		return fault_at(l->fault, l->file, id, "an id has a-z, 0-9 and - only, at most 64 of them");
	if (is_reserved(name))
		return fault_at(l->fault, l->file, id, "the id '%.*s' is reserved", (int)name.size, name.at);
	for (size_t i = ORIGIN_FIXED; i < l->set->origins; i++)
		if (bytes_equal(l->set->origin[i].id, name))
			return fault_at(l->fault, l->file, id, "duplicate-id: '%.*s' is taken by line %u",
			    (int)name.size, name.at, l->set->origin[i].shown.line);
	*origin = ruleset_add_origin(l, name, sentence, id, true);
	l->set->origin[*origin].shown.is_retold = true;
	return true;
}

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
		if (!shape_check_type(l->set->shape, l->file,
			types->kind == YAML_LIST ? types->item[i] : types, type, l->fault))
			return false;
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
	if (at->kind == YAML_STRING && is_word(at->text, 64))
		return fault_at(
		    l->fault, l->file, at, "expected entry, resource, match or a path such as .code");
	rule->at = AT_PATH;
	return (rule->place = condition_compile_place(&l->set->words, at, l->fault)) != NULL;
}

/* `type`, `where`, `when` and `at`, which rules of labels and of criticality have in common. */
static bool
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

/* With from_value_set the categories of the sets in `where` become the label, so there must be one. */
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

/* `retold: no`: no summary tells of what the rule labels. */
static bool
read_retold(struct ruleset_loader *l, const struct yaml_node *node, const struct ruleset_rule *rule)
{
	static const char *const words[] = { "yes", "no", NULL };
	unsigned word = 0;

	if (!yaml_word(l->file, node, words, &word, l->fault))
		return false;
	l->set->origin[rule->origin].shown.is_retold = word == 0;
	return true;
}

/* `refers_to` stands in place of a condition and of a place: the display gets the label. */
static bool
read_refers_to(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_rule *rule)
{
	rule->refers_to = node;
	if (node == NULL)
		return true;
	if (++l->set->displays > DISPLAY_RULES)
		return fault_at(l->fault, l->file, node, "more than %d rules with refers_to", DISPLAY_RULES);
	if (rule->where != NULL || rule->when != NULL || rule->at != AT_ENTRY)
		return fault_at(l->fault, l->file, node, "refers_to stands without where, when and at");
	return check_types(l, node);
}

static bool
read_rule(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_rule *rule = &l->set->rule[l->set->rules++];
	struct yaml_map map;
	struct yaml_node *label;

	*rule = (struct ruleset_rule){ .level = LABEL_NONE, .criticality = LABEL_NONE, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &rule->origin) ||
	    !read_body(l, &map, rule) || !read_refers_to(l, yaml_take(&map, "refers_to"), rule) ||
	    !read_retold(l, yaml_take(&map, "retold"), rule) || (label = yaml_need(&map, "label")) == NULL ||
	    !read_label(l, label, rule))
		return false;
	return yaml_close(&map);
}

bool
ruleset_read_rules(struct ruleset_loader *l, const struct yaml_node *node)
{
	return read_list(l, node, "expected a list of rules", read_rule);
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
	return read_list(l, node, "expected a list of releases", read_release);
}

static bool
read_word(struct ruleset_loader *l, const struct yaml_node *node, unsigned *word)
{
	const struct ruleset_criticality *c = &l->set->criticality;
	struct bytes text;

	if (!yaml_string(l->file, node, &text, l->fault))
		return false;
	for (*word = 0; *word < c->words; ++*word)
		if (bytes_equal(text, c->word[*word]))
			return true;
	return fault_at(l->fault, l->file, node,
	    "unknown criticality '%.*s': it is not in order:", (int)text.size, text.at);
}

static bool
read_order(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;

	if (node->kind != YAML_LIST || node->count < 1 || node->count > MAX_CRITICALITY)
		return fault_at(l->fault, l->file, node,
		    "expected a list of 1 to %d words, the least urgent first", MAX_CRITICALITY);
	for (size_t i = 0; i < node->count; i++) {
		struct bytes word;

		if (!yaml_item_string(l->file, node, i, &word, l->fault))
			return false;
		if (!is_word(word, 32))
			return fault_at(l->fault, l->file, node->item[i],
			    "a word has a-z, 0-9 and - only, at most 32 of them");
		for (unsigned n = 0; n < c->words; n++)
			if (bytes_equal(c->word[n], word))
				return fault_at(
				    l->fault, l->file, node->item[i], "a word that is there already");
		c->word[c->words++] = word;
	}
	return true;
}

static bool
read_stale(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;
	struct bytes text;

	if (node == NULL)
		return true;
	if (!yaml_string(l->file, node, &text, l->fault))
		return false;
	if (!clock_parse_duration(text, &c->stale_after) || c->stale_after <= 0)
		return fault_at(l->fault, l->file, node, "expected a time such as 30m, 24h or 7d");
	while (c->stale < c->words && !bytes_are(c->word[c->stale], "low"))
		c->stale++;
	if (c->stale == c->words)
		return fault_at(l->fault, l->file, node, "stale_after needs the word low in order:");
	return true;
}

static bool
read_evidence_item(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_evidence *e = &l->set->criticality.evidence[l->set->criticality.evidences++];
	struct yaml_map map;
	struct yaml_node *at, *is;

	if (!yaml_open(&map, l->file, node, l->fault) || (at = yaml_need(&map, "at")) == NULL ||
	    !yaml_string(l->file, at, &e->at, l->fault) || (is = yaml_need(&map, "is")) == NULL)
		return false;
	if (is->kind != YAML_MAP || is->count == 0)
		return fault_at(l->fault, l->file, is, "expected a map from the sender's words to ours");
	e->word = arena_array(&l->set->arena, is->count, sizeof *e->word);
	for (size_t i = 0; i < is->count; i++) {
		e->word[i].word = is->key[i]->text;
		if (!read_word(l, is->item[i], &e->word[i].criticality))
			return false;
	}
	e->words = is->count;
	return yaml_close(&map);
}

static bool
read_evidence(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;

	if (node != NULL && node->kind == YAML_LIST)
		c->evidence = arena_array(&l->set->arena, node->count + 1, sizeof *c->evidence);
	return read_list(l, node, "expected a list of {at, is}", read_evidence_item);
}

/* "< 92" and "<= 20". */
static bool
read_cut(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_rule *rule)
{
	struct quantity_bound *cut = &rule->cut[rule->cuts];
	struct bytes text;
	const char *why = NULL;
	size_t skip;

	if (!yaml_string(l->file, node, &text, l->fault))
		return false;
	if (!bytes_begin(text, "<"))
		return fault_at(l->fault, l->file, node, "expected a cut such as \"< 92\" or \"<= 20\"");
	skip = bytes_begin(text, "<=") ? 2 : 1;
	bool is_included = skip == 2;

	while (skip < text.size && text.at[skip] == ' ')
		skip++;
	if (!quantity_parse_bound((struct bytes){ text.at + skip, text.size - skip }, cut, &why))
		return fault_at(l->fault, l->file, node, "%s", why);
	if (cut->unit != NULL)
		return fault_at(l->fault, l->file, node, "the unit of all cuts stands in unit:");
	cut->unit = rule->unit;
	cut->is_upper = true;
	cut->is_included = is_included;
	return true;
}

/* Cuts ascend.  Of two cuts at one number "<" comes before "<=". */
static bool
check_ascending(struct ruleset_loader *l, const struct yaml_node *node, const struct ruleset_rule *rule)
{
	const struct quantity_bound *cut = &rule->cut[rule->cuts];
	int order;

	if (rule->cuts == 0)
		return true;
	order = decimal_compare(&cut[-1].number, &cut->number);
	if (order < 0 || (order == 0 && !cut[-1].is_included && cut->is_included))
		return true;
	return fault_at(l->fault, l->file, node, "criticality-gap: the cuts of a rule ascend");
}

static bool
read_points(struct ruleset_loader *l, const struct yaml_node *node, unsigned *points)
{
	uint64_t number = 0;

	if (!yaml_integer(l->file, node, 0, MAX_POINTS, &number, l->fault))
		return false;
	*points = (unsigned)number;
	return true;
}

/* READ reads what stands between the cuts: a word of criticality or points. */
static bool
read_bands(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_rule *rule,
    bool (*read)(struct ruleset_loader *l, const struct yaml_node *node, unsigned *band))
{
	if (node->kind != YAML_LIST || node->count < 3 || node->count % 2 == 0 ||
	    node->count > 2 * MAX_BANDS + 1)
		return fault_at(l->fault, l->file, node,
		    "criticality-gap: expected a list in which bands and cuts alternate, a band at both "
		    "ends");
	for (size_t i = 0; i < node->count; i++) {
		if (i % 2 == 0) {
			if (!read(l, node->item[i], &rule->band[i / 2]))
				return false;
			continue;
		}
		if (!read_cut(l, node->item[i], rule) || !check_ascending(l, node->item[i], rule))
			return false;
		rule->cuts++;
	}
	return true;
}

/* SIGN names the sign; its `unit` stands in MAP. */
static bool
read_sign(
    struct ruleset_loader *l, struct yaml_map *map, const struct yaml_node *sign, struct ruleset_rule *rule)
{
	struct yaml_node *unit = yaml_need(map, "unit");
	struct bytes name;
	struct bytes text;

	if (unit == NULL || !yaml_string(l->file, sign, &name, l->fault) ||
	    !yaml_string(l->file, unit, &text, l->fault))
		return false;
	rule->sign = codes_category(l->set->codes, name);
	if (rule->sign < 0)
		return fault_at(l->fault, l->file, sign,
		    "unknown sign '%.*s': no value set has rows of that category", (int)name.size, name.at);
	rule->unit = unit_find(text);
	return rule->unit != NULL || fault_at(l->fault, l->file, unit, "bad-unit: a unit that is not known");
}

/* `level`, which says that the urgency may be known at a level of its own. */
static bool
read_own_level(struct ruleset_loader *l, struct yaml_map *map, struct ruleset_rule *rule)
{
	const struct yaml_node *level = yaml_take(map, "level");
	unsigned number = 0;

	if (level == NULL)
		return true;
	if (!policy_level_node(l->set->policy, l->file, level, &number, l->fault))
		return false;
	rule->level = (int)number;
	return true;
}

static bool
read_urgent_rule(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_rule *rule = &l->set->rule[l->set->rules++];
	struct yaml_map map;
	struct yaml_node *sign, *is, *bands;
	unsigned number = 0;

	*rule = (struct ruleset_rule){ .level = LABEL_NONE, .criticality = 0, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &rule->origin) ||
	    !read_body(l, &map, rule) || !read_own_level(l, &map, rule))
		return false;
	sign = yaml_take(&map, "sign");
	is = yaml_take(&map, "is");
	if ((sign == NULL) == (is == NULL))
		return fault_at(l->fault, l->file, node, "a rule has either sign, unit and bands, or is");
	if (sign != NULL)
		return read_sign(l, &map, sign, rule) && (bands = yaml_need(&map, "bands")) != NULL &&
		       read_bands(l, bands, rule, read_word) && yaml_close(&map);
	if (rule->where == NULL && rule->when == NULL && rule->types == NULL)
		return fault_at(l->fault, l->file, node, "a rule that would hold for every record");
	if (!read_word(l, is, &number) || !yaml_close(&map))
		return false;
	rule->criticality = (int)number;
	return true;
}

/* What a score counts: {sign, unit, points: [3, "< 9", ..]} or {where, points: 3}. */
static bool
read_part(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;
	struct ruleset_score *score = &c->score[c->scores - 1];
	struct ruleset_rule *part = &score->part[score->parts++];
	struct yaml_map map;
	struct yaml_node *sign, *where, *points;

	*part = (struct ruleset_rule){ .level = LABEL_NONE, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault))
		return false;
	sign = yaml_take(&map, "sign");
	where = yaml_take(&map, "where");
	if ((sign == NULL) == (where == NULL))
		return fault_at(l->fault, l->file, node,
		    "a part of a score has either sign, unit and points, or where and points");
	if ((points = yaml_need(&map, "points")) == NULL)
		return false;
	if (sign != NULL)
		return read_sign(l, &map, sign, part) && read_bands(l, points, part, read_points) &&
		       yaml_close(&map);
	return (part->where = condition_compile(&l->set->words, where, l->fault)) != NULL &&
	       read_points(l, points, &part->band[0]) && yaml_close(&map);
}

static bool
read_score(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;
	struct ruleset_score *score = &c->score[c->scores++];
	struct yaml_map map;
	struct yaml_node *where, *parts, *bands;

	*score =
	    (struct ruleset_score){ .total = { .level = LABEL_NONE, .sign = NO_SIGN }, .first = c->parts };
	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &score->total.origin) ||
	    !read_own_level(l, &map, &score->total))
		return false;
	where = yaml_take(&map, "where");
	if (where != NULL &&
	    (score->total.where = condition_compile(&l->set->words, where, l->fault)) == NULL)
		return false;
	if ((parts = yaml_need(&map, "parts")) == NULL || (bands = yaml_need(&map, "bands")) == NULL)
		return false;
	if (parts->kind != YAML_LIST || parts->count < 2)
		return fault_at(l->fault, l->file, parts, "expected a list of at least two parts");
	score->part = arena_array(&l->set->arena, parts->count, sizeof *score->part);
	if (!read_list(l, parts, "", read_part) || !read_bands(l, bands, &score->total, read_word))
		return false;
	c->parts += score->parts;
	return yaml_close(&map);
}

static bool
read_scores(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;

	if (node != NULL && node->kind == YAML_LIST)
		c->score = arena_array(&l->set->arena, node->count + 1, sizeof *c->score);
	return read_list(l, node, "expected a list of scores", read_score);
}

bool
ruleset_read_criticality(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;
	struct yaml_map map;
	struct yaml_node *order, *usual, *unreadable, *ignore;

	if (node == NULL || node->kind == YAML_NULL) {
		/* Every labelled line has a criticality, also where the policy has none. */
		c->word[c->words++] = (struct bytes)BYTES("routine");
		return true;
	}
	if (!yaml_open(&map, l->file, node, l->fault) || (order = yaml_need(&map, "order")) == NULL ||
	    !read_order(l, order) || (usual = yaml_need(&map, "default")) == NULL ||
	    !read_word(l, usual, &c->usual))
		return false;
	/* Without `unreadable` a value that cannot be judged has the most urgent word. */
	c->unreadable = c->words - 1;
	unreadable = yaml_take(&map, "unreadable");
	if (unreadable != NULL && !read_word(l, unreadable, &c->unreadable))
		return false;
	ignore = yaml_take(&map, "ignore");
	if (ignore != NULL && (c->ignore = condition_compile(&l->set->words, ignore, l->fault)) == NULL)
		return false;
	return read_stale(l, yaml_take(&map, "stale_after")) &&
	       read_evidence(l, yaml_take(&map, "evidence")) &&
	       read_list(l, yaml_take(&map, "rules"), "expected a list of rules", read_urgent_rule) &&
	       read_scores(l, yaml_take(&map, "scores")) && yaml_close(&map);
}
