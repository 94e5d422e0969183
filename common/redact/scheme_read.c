/* SPDX-License-Identifier: ISC */
#include "common/redact/scheme_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
compare_types(const void *a, const void *b)
{
	const struct bytes *x = a;
	const struct bytes *y = b;

	return bytes_compare(*x, *y);
}

static bool
note_type(struct scheme_read *r, const struct yaml_node *node, struct bytes name)
{
	struct scheme *s = r->s;

	if (!shape_check_type(s->shape, s->file, node, name, r->fault))
		return false;
	for (size_t i = 0; i < s->types; i++)
		if (bytes_equal(s->type[i], name))
			return true;
	s->type[s->types++] = name;
	return true;
}

static bool
note_type_list(struct scheme_read *r, const struct yaml_node *list)
{
	struct bytes name;

	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++)
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault) || !note_type(r, list, name))
			return false;
	return true;
}

static bool
note_version_types(struct scheme_read *r, const struct yaml_node *version)
{
	const struct yaml_node *keep = yaml_find(version, "keep");
	const struct yaml_node *transforms = yaml_find(version, "transforms");

	if (!note_type_list(r, yaml_find(version, "types")))
		return false;
	for (size_t i = 0; keep != NULL && keep->kind == YAML_MAP && i < keep->count; i++)
		if (!bytes_are(keep->key[i]->text, "*") && !note_type(r, keep->key[i], keep->key[i]->text))
			return false;
	for (size_t i = 0; transforms != NULL && transforms->kind == YAML_LIST && i < transforms->count; i++)
		if (!note_type_list(r, yaml_find(transforms->item[i], "type")))
			return false;
	return true;
}

static size_t
count_types(const struct yaml_node *versions)
{
	size_t most = 0;

	for (size_t i = 0; i < versions->count; i++) {
		const struct yaml_node *v = versions->item[i];
		const struct yaml_node *list = yaml_find(v, "transforms");

		for (size_t t = 0; list != NULL && list->kind == YAML_LIST && t < list->count; t++)
			if (yaml_find(list->item[t], "type") != NULL)
				most += yaml_strings(yaml_find(list->item[t], "type"));
		if (yaml_find(v, "types") != NULL)
			most += yaml_strings(yaml_find(v, "types"));
		if (yaml_find(v, "keep") != NULL)
			most += yaml_find(v, "keep")->count;
	}
	return most;
}

const struct yaml_node *
scheme_read_classify(const struct scheme_read *r, const char *key, const char **shown)
{
	struct fault fault = { 0 };
	const struct yaml_node *classify = policy_yaml(r->s->policy, "classify.yaml", shown, &fault);
	const struct yaml_node *map = classify == NULL ? NULL : yaml_find(classify, key);

	return map != NULL && map->kind == YAML_MAP ? map : NULL;
}

/* A type that nobody knows is a fault of classify.yaml, and no record has it. */
static bool
note_summary_types(struct scheme_read *r, const struct yaml_node *summaries)
{
	for (size_t i = 0; summaries != NULL && i < summaries->count; i++)
		if (shape_knows_type(r->s->shape, summaries->key[i]->text) &&
		    !note_type(r, summaries->key[i], summaries->key[i]->text))
			return false;
	return true;
}

bool
scheme_read_types(struct scheme_read *r, const struct yaml_node *versions)
{
	struct scheme *s = r->s;
	const char *shown;
	const struct yaml_node *summaries = scheme_read_classify(r, "summaries", &shown);
	size_t most = count_types(versions) + (summaries == NULL ? 0 : summaries->count);

	s->type = arena_array(r->arena, most + 1, sizeof s->type[0]);
	if (!note_summary_types(r, summaries))
		return false;
	for (size_t i = 0; i < versions->count; i++)
		if (!note_version_types(r, versions->item[i]))
			return false;
	qsort(s->type, s->types, sizeof s->type[0], compare_types);
	s->type_gone = arena_array(r->arena, s->types + 1, sizeof s->type_gone[0]);
	s->type_transformed = arena_array(r->arena, s->types + 1, sizeof s->type_transformed[0]);
	s->element = arena_array(r->arena, s->types + 1, sizeof s->element[0]);
	return true;
}

static bool
add_path(
    struct scheme_read *r, const struct yaml_node *node, struct bytes path, const struct scheme_place *place)
{
	struct scheme *s = r->s;
	size_t byte = 0;
	enum path_outcome outcome = paths_add(s->paths, path, (uint32_t)s->places, &byte);

	if (outcome == PATH_FAULT)
		return fault_at(
		    r->fault, s->file, node, "bad-path: at byte %zu: %s", byte, paths_fault(s->paths));
	if (outcome == PATH_NOT_PLAIN)
		return fault_at(r->fault, s->file, node, "bad-path: at byte %zu: " PATH_PLAIN_FORM, byte);
	s->place[s->places++] = *place;
	return true;
}

bool
scheme_read_paths(struct scheme_read *r, const struct yaml_node *node, const struct scheme_place *place)
{
	struct scheme *s = r->s;
	size_t count = yaml_strings(node);
	struct bytes path;

	if (count == 0)
		return fault_at(r->fault, s->file, node, "expected a path, or a list of paths");
	if (s->places + count > r->place_room) {
		r->place_room = 2 * (s->places + count);
		struct scheme_place *more = arena_array(r->arena, r->place_room, sizeof more[0]);
		if (s->places > 0)
			memcpy(more, s->place, s->places * sizeof more[0]);
		s->place = more;
	}
	for (size_t i = 0; i < count; i++)
		if (!yaml_item_string(s->file, node, i, &path, r->fault) || !add_path(r, node, path, place))
			return false;
	return true;
}

bool
scheme_read_codes(struct scheme_read *r)
{
	struct scheme *s = r->s;
	const char *shown;
	const struct yaml_node *classify;
	const struct yaml_node *no_system;

	if (s->codes != NULL)
		return true;
	classify = policy_yaml(s->policy, "classify.yaml", &shown, r->fault);
	if (classify == NULL)
		return false;
	s->codes = codes_load(
	    s->policy, shown, yaml_find(classify, "systems"), yaml_find(classify, "value_sets"), r->fault);
	no_system = yaml_find(classify, "no_system");
	s->words.codes = s->codes;
	s->words.no_system_matches = no_system == NULL || !bytes_are(no_system->text, "ignore");
	return s->codes != NULL;
}

bool
scheme_read_listed(struct scheme_read *r, const struct yaml_node *name, struct fault *f)
{
	struct bytes item;

	for (size_t i = 0; r->key_names != NULL && i < yaml_strings(r->key_names); i++)
		if (yaml_item_string(r->s->file, r->key_names, i, &item, f) && bytes_equal(item, name->text))
			return true;
	return fault_at(f, r->s->file, name, "needs-key: the key '%.*s' is not among `keys:` of this file",
	    (int)(name->text.size < 60 ? name->text.size : 60), name->text.at);
}

struct mac *
scheme_read_key(void *context, const struct yaml_node *name, struct fault *f)
{
	struct scheme_read *r = context;
	struct mac *key = NULL;

	if (!scheme_read_listed(r, name, f))
		return NULL;
	/* A token under the key of the mark could be compared with marks. */
	if (r->mark != NULL && r->mark != name && bytes_equal(r->mark->text, name->text)) {
		(void)fault_at(f, r->s->file, name, "the key of the mark serves nothing else");
		return NULL;
	}
	if (r->settings->key != NULL)
		key = r->settings->key(r->settings->context, name->text);
	if (key == NULL) {
		(void)snprintf(r->missing, 128, "%.*s", (int)name->text.size, name->text.at);
		(void)fault_at(f, r->s->file, name, "needs-key: no such key");
	}
	return key;
}
