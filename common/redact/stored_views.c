/* SPDX-License-Identifier: ISC */
#include "common/redact/stored_views.h"

#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

static bool
read_types(
    struct stored_view *v, struct policy *p, const char *file, const struct yaml_node *list, struct fault *f)
{
	v->typed = list != NULL;
	if (list == NULL)
		return true;
	v->type = arena_array(&p->arena, yaml_strings(list) + 1, sizeof *v->type);
	for (size_t i = 0; i < yaml_strings(list); i++)
		if (!yaml_item_string(file, list, i, &v->type[v->types++], f))
			return false;
	return true;
}

static bool
read_without(struct stored_view *v, const char *file, const struct yaml_node *list, struct fault *f)
{
	struct bytes name;

	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++) {
		const struct concept *c;

		if (!yaml_item_string(file, list, i, &name, f))
			return false;
		c = vocabulary_find(VOCABULARY_SENSITIVITY, name);
		if (c == NULL)
			return fault_at(
			    f, file, list, "unknown-code: no category '%.*s'", (int)name.size, name.at);
		v->without |= vocabulary_labels_below(VOCABULARY_SENSITIVITY, c);
	}
	return true;
}

static bool
read_view(
    struct stored_view *v, struct policy *p, const char *file, const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *rl = yaml_find(node, "rl"), *view = yaml_find(node, "view");

	if (!yaml_string(file, view, &v->word, f))
		return false;
	if (!tag_is_word(v->word))
		return fault_at(f, file, view, "a view is one word");
	if (rl == NULL)
		return fault_at(f, file, node, "missing key 'rl'");
	return policy_level_node(p, file, rl, &v->level, f) &&
	       read_types(v, p, file, yaml_find(node, "types"), f) &&
	       read_without(v, file, yaml_find(node, "without"), f);
}

bool
stored_views_load(struct stored_views *v, struct policy *p, struct fault *f)
{
	const struct yaml_node *root, *list;
	const char *file;

	v->count = 0;
	if (policy_file(p, "redact.yaml") == NULL)
		return true;
	root = policy_yaml(p, "redact.yaml", &file, f);
	if (root == NULL)
		return false;
	list = root->kind == YAML_MAP ? yaml_find(root, "versions") : NULL;
	if (list == NULL || list->kind != YAML_LIST || list->count > STORED_VIEWS_MAX)
		return fault_at(f, file, root, "expected a list of 1 to %d versions", STORED_VIEWS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *node = list->item[i];

		if (node->kind != YAML_MAP || yaml_find(node, "view") == NULL)
			continue;
		v->at[v->count] = (struct stored_view){ .types = 0 };
		if (!read_view(&v->at[v->count++], p, file, node, f))
			return false;
	}
	return true;
}

static bool
names_type(const struct demand *d, struct bytes type)
{
	for (uint32_t i = 0; i < d->values; i++)
		if (d->value[i].system.size == 0 && bytes_equal(d->value[i].code, type))
			return true;
	return false;
}

/* None of the types is there.  A class of another system is no type: a root of any type may have it. */
static bool
lacks_class(const struct stored_view *v, const struct demand *d)
{
	if (!d->there || d->mode == DEMAND_NOT || !v->typed)
		return false;
	for (uint32_t i = 0; i < d->values; i++)
		if (d->value[i].system.size > 0)
			return false;
	for (size_t i = 0; i < v->types; i++)
		if (names_type(d, v->type[i]))
			return false;
	return true;
}

/* A level among the labels is no category: the view does not say what it lacks of it. */
static bool
lacks_label(const struct stored_view *v, const struct demand *d)
{
	if (!d->there || d->mode == DEMAND_NOT)
		return false;
	for (uint32_t i = 0; i < d->values; i++)
		if (d->value[i].level >= 0 || (d->value[i].categories & ~v->without) != 0)
			return false;
	return d->values > 0;
}

static bool
redacts(const struct stored_view *v, const struct obligation_item *item)
{
	return lacks_class(v, &item->wanted->of[DEMAND_CLASS]) ||
	       lacks_label(v, &item->wanted->of[DEMAND_LABEL]);
}

/* True if ITEM keeps all of TYPE: it asks for its class and for nothing else. */
static bool
keeps_type(const struct obligation_item *item, struct bytes type)
{
	for (int i = 0; i < DEMAND_COUNT; i++)
		if (i != DEMAND_CLASS && item->wanted->of[i].there)
			return false;
	return item->excepts == 0 && item->wanted->of[DEMAND_CLASS].there &&
	       item->wanted->of[DEMAND_CLASS].mode == DEMAND_ANY &&
	       names_type(&item->wanted->of[DEMAND_CLASS], type);
}

static bool
keeps(const struct stored_view *v, const struct obligation_keep *keep)
{
	for (size_t i = 0; i < v->types; i++) {
		const struct obligation_item *item = keep->items;

		while (item != NULL && !keeps_type(item, v->type[i]))
			item = item->next;
		if (item == NULL)
			return false;
	}
	return v->typed;
}

uint64_t
stored_views_for(const struct stored_views *v, const struct obligations *o, const char **action)
{
	uint64_t all = (UINT64_C(1) << v->count) - 1;

	*action = o->redact != NULL ? "redact" : "keep-only";
	for (const struct obligation_item *item = o->redact; item != NULL && all != 0; item = item->next)
		for (unsigned i = 0; i < v->count; i++)
			if (!redacts(&v->at[i], item))
				all &= ~(UINT64_C(1) << i);
	if (all != 0 && o->keep != NULL)
		*action = "keep-only";
	for (const struct obligation_keep *keep = o->keep; keep != NULL && all != 0; keep = keep->next)
		for (unsigned i = 0; i < v->count; i++)
			if (!keeps(&v->at[i], keep))
				all &= ~(UINT64_C(1) << i);
	return all;
}
