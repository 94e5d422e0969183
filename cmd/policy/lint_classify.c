/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/base/decimal.h"
#include "common/json/path.h"

struct reading {
	struct lint *lint;
	const char *file;
	const struct yaml_node *root;
};

/* ---- who answers for it, and what it does not see ------------------------------------------------ */

static bool
is_blank(const struct yaml_node *node)
{
	return node == NULL || node->kind == YAML_NULL || (node->kind == YAML_STRING && node->text.size == 0);
}

static void
check_sign_off(const struct reading *r)
{
	const struct yaml_node *sign_off = yaml_find(r->root, "sign_off");

	if (is_blank(sign_off) || is_blank(yaml_find(sign_off, "by")) || is_blank(yaml_find(sign_off, "at")))
		lint_warn(r->lint, r->file, sign_off, "no-sign-off", "nobody answers for these rules yet");
}

static void
check_value_sets(const struct reading *r)
{
	const struct yaml_node *sets = yaml_find(r->root, "value_sets");
	const struct yaml_node *first = NULL;
	size_t incomplete = 0;

	for (size_t i = 0; sets != NULL && sets->kind == YAML_MAP && i < sets->count; i++) {
		const struct yaml_node *complete = yaml_find(sets->item[i], "complete");
		if (complete == NULL || complete->kind != YAML_BOOLEAN || complete->truth)
			continue;
		first = first != NULL ? first : sets->key[i];
		incomplete++;
	}
	if (incomplete > 0)
		lint_warn(r->lint, r->file, first, "incomplete",
		    "%zu of %zu value sets hold only a part of what they are meant to", incomplete,
		    sets->count);
}

/* ---- rules --------------------------------------------------------------------------------------- */

/* Something that holds although a part is missing: whoever leaves the part out gets round the rule. */
static const struct yaml_node *
absence_in(const struct yaml_node *node)
{
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == YAML_MAP) {
			const struct yaml_node *key = node->key[i];
			const struct yaml_node *value = node->item[i];
			bool absent =
			    bytes_are(key->text, "present") && value->kind == YAML_BOOLEAN && !value->truth;
			if (absent || bytes_are(key->text, "not") || bytes_are(key->text, "none"))
				return key;
		}
		const struct yaml_node *found = absence_in(node->item[i]);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* between: [a, b] with a above b. */
static const struct yaml_node *
empty_interval_in(const struct yaml_node *node)
{
	struct decimal low;
	struct decimal high;

	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *value = node->item[i];
		if (node->kind == YAML_MAP && bytes_are(node->key[i]->text, "between") &&
		    value->kind == YAML_LIST && value->count == 2 &&
		    decimal_parse(value->item[0]->text, &low) && decimal_parse(value->item[1]->text, &high) &&
		    decimal_compare(&low, &high) > 0)
			return value;
		const struct yaml_node *found = empty_interval_in(value);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static void
check_path(const struct reading *r, const struct yaml_node *at)
{
	struct arena a = { 0 };
	struct json_keys *keys = json_keys_new();
	struct path *path;
	size_t byte;
	const char *why;

	if (path_compile(&a, keys, at->text, &path, &byte, &why) == PATH_NOT_PLAIN)
		lint_warn(
		    r->lint, r->file, at, "slow-path", "libjq has to look for this place in every record");
	json_keys_free(keys);
	arena_release(&a);
}

static void
check_rule(const struct reading *r, const struct yaml_node *rule)
{
	static const char *const words[] = { "entry", "resource", "match" };
	const struct yaml_node *where = yaml_find(rule, "where");
	const struct yaml_node *at = yaml_find(rule, "at");
	const struct yaml_node *found = where != NULL ? absence_in(where) : NULL;

	if (found != NULL && yaml_find(rule, "label") != NULL)
		lint_warn(r->lint, r->file, found, "absence-rule",
		    "a label that depends on something being absent: what leaves it out is not labelled");
	found = where != NULL ? empty_interval_in(where) : NULL;
	if (found != NULL)
		lint_warn(r->lint, r->file, found, "never", "no number lies between these two");
	const struct yaml_node *types = yaml_find(rule, "type");
	if (types != NULL && types->kind == YAML_LIST && types->count == 0)
		lint_warn(r->lint, r->file, types, "never", "a rule for no type");
	bool is_word = at == NULL || at->kind != YAML_STRING;
	for (size_t i = 0; !is_word && i < sizeof(words) / sizeof(words[0]); i++)
		is_word = bytes_are(at->text, words[i]);
	if (!is_word)
		check_path(r, at);
}

static bool
same_tree(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count || !bytes_equal(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if ((a->kind == YAML_MAP && !bytes_equal(a->key[i]->text, b->key[i]->text)) ||
		    !same_tree(a->item[i], b->item[i]))
			return false;
	return true;
}

/* Rules only raise, so their order is none: but two with one meaning are one too many. */
static void
check_pairs(const struct reading *r, const struct yaml_node *rules)
{
	static const char *const keys[] = { "type", "where", "when", "at", "label" };

	for (size_t i = 1; i < rules->count; i++)
		for (size_t k = 0; k < i; k++) {
			bool same = true;
			for (size_t w = 0; same && w < sizeof(keys) / sizeof(keys[0]); w++)
				same = same_tree(
				    yaml_find(rules->item[i], keys[w]), yaml_find(rules->item[k], keys[w]));
			if (same)
				lint_warn(r->lint, r->file, rules->item[i], "shadowed",
				    "says the same as the rule in line %u", rules->item[k]->line);
		}
}

void
lint_classify(struct lint *l)
{
	struct reading r = { .lint = l };
	struct fault f = { 0 };

	r.root = policy_yaml(l->policy, "classify.yaml", &r.file, &f);
	if (r.root == NULL)
		return;
	check_sign_off(&r);
	check_value_sets(&r);
	const struct yaml_node *rules = yaml_find(r.root, "rules");
	for (size_t i = 0; rules != NULL && rules->kind == YAML_LIST && i < rules->count; i++)
		check_rule(&r, rules->item[i]);
	if (rules != NULL && rules->kind == YAML_LIST)
		check_pairs(&r, rules);
}
