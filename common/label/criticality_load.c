/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

#include <string.h>

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
is_word(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned)text.at[i] - 'a' > 25 && (unsigned)text.at[i] - '0' > 9 && text.at[i] != '-')
			return false;
	return text.size > 0 && text.size <= 32;
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
		if (!is_word(word))
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

/* ---- evidence --------------------------------------------------------------------------------------------
 */

static bool
read_evidence_item(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_evidence *e)
{
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

	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(l->fault, l->file, node, "expected a list of {at, is}");
	c->evidence = arena_array(&l->set->arena, node->count + 1, sizeof *c->evidence);
	for (size_t i = 0; i < node->count; i++)
		if (!read_evidence_item(l, node->item[i], &c->evidence[c->evidences++]))
			return false;
	return true;
}

/* ---- rules -----------------------------------------------------------------------------------------------
 */

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

/* Ascending; of two cuts at one number "<" comes first. */
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
read_bands(struct ruleset_loader *l, const struct yaml_node *node, struct ruleset_rule *rule)
{
	if (node->kind != YAML_LIST || node->count < 3 || node->count % 2 == 0 ||
	    node->count > 2 * MAX_BANDS + 1)
		return fault_at(l->fault, l->file, node,
		    "criticality-gap: expected a list in which words and cuts alternate, a word at both "
		    "ends");
	for (size_t i = 0; i < node->count; i++) {
		if (i % 2 == 0) {
			if (!read_word(l, node->item[i], &rule->band[i / 2]))
				return false;
			continue;
		}
		if (!read_cut(l, node->item[i], rule) || !check_ascending(l, node->item[i], rule))
			return false;
		rule->cuts++;
	}
	return true;
}

static bool
read_sign(
    struct ruleset_loader *l, struct yaml_map *map, const struct yaml_node *sign, struct ruleset_rule *rule)
{
	struct yaml_node *unit = yaml_need(map, "unit");
	struct yaml_node *bands = unit == NULL ? NULL : yaml_need(map, "bands");
	struct bytes name;
	struct bytes text;

	if (bands == NULL || !yaml_string(l->file, sign, &name, l->fault) ||
	    !yaml_string(l->file, unit, &text, l->fault))
		return false;
	rule->sign = codes_category(l->set->codes, name);
	if (rule->sign < 0)
		return fault_at(l->fault, l->file, sign,
		    "unknown sign '%.*s': no value set has rows of that category", (int)name.size, name.at);
	rule->unit = unit_find(text);
	if (rule->unit == NULL)
		return fault_at(l->fault, l->file, unit, "bad-unit: a unit that is not known");
	return read_bands(l, bands, rule);
}

static bool
read_rule(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_rule *rule = &l->set->rule[l->set->rules++];
	struct yaml_map map;
	struct yaml_node *sign, *is, *level;
	unsigned number = 0;

	*rule = (struct ruleset_rule){ .level = LABEL_NONE, .criticality = 0, .sign = NO_SIGN };
	if (!yaml_open(&map, l->file, node, l->fault) || !read_head(l, &map, &rule->origin) ||
	    !read_body(l, &map, rule))
		return false;
	level = yaml_take(&map, "level");
	if (level != NULL) {
		if (!policy_level_node(l->set->policy, l->file, level, &number, l->fault))
			return false;
		rule->level = (int)number;
	}
	sign = yaml_take(&map, "sign");
	is = yaml_take(&map, "is");
	if ((sign == NULL) == (is == NULL))
		return fault_at(l->fault, l->file, node, "a rule has either sign, unit and bands, or is");
	if (sign != NULL)
		return read_sign(l, &map, sign, rule) && yaml_close(&map);
	if (rule->where == NULL && rule->when == NULL && rule->types == NULL)
		return fault_at(l->fault, l->file, node, "a rule that would hold for every record");
	if (!read_word(l, is, &number) || !yaml_close(&map))
		return false;
	rule->criticality = (int)number;
	return true;
}

static bool
read_rules(struct ruleset_loader *l, const struct yaml_node *node)
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

bool
ruleset_read_criticality(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct ruleset_criticality *c = &l->set->criticality;
	struct yaml_map map;
	struct yaml_node *order, *usual, *unreadable, *ignore;

	if (node == NULL || node->kind == YAML_NULL) {
		/* A policy that says nothing of it still has a word for it: every line does. */
		c->word[c->words++] = (struct bytes)BYTES("routine");
		return true;
	}
	if (!yaml_open(&map, l->file, node, l->fault) || (order = yaml_need(&map, "order")) == NULL ||
	    !read_order(l, order) || (usual = yaml_need(&map, "default")) == NULL ||
	    !read_word(l, usual, &c->usual))
		return false;
	/* Whatever cannot be judged is as urgent as it may be, unless the policy says less. */
	c->unreadable = c->words - 1;
	unreadable = yaml_take(&map, "unreadable");
	if (unreadable != NULL && !read_word(l, unreadable, &c->unreadable))
		return false;
	ignore = yaml_take(&map, "ignore");
	if (ignore != NULL && (c->ignore = condition_compile(&l->set->words, ignore, l->fault)) == NULL)
		return false;
	return read_stale(l, yaml_take(&map, "stale_after")) &&
	       read_evidence(l, yaml_take(&map, "evidence")) && read_rules(l, yaml_take(&map, "rules")) &&
	       yaml_close(&map);
}
