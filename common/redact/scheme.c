/* SPDX-License-Identifier: ISC */
#include "common/redact/scheme.h"

#include "common/base/diag.h"
#include "common/policy/seal_policy.h"
#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is at hand while redact.yaml is read. */
struct reader {
	struct scheme *s;
	struct arena *arena;
	struct json_keys *keys;
	const struct redactor_settings *settings;
	const struct yaml_node *key_names;
	const struct yaml_node *mark; /* the node that names the mark's key */
	struct fault *fault;
	char *missing; /* the first key that is not there; room for 128 bytes */
	bool needs_now, needs_batch;
};

/* What a version may say and, for all versions, the top of the file. */
struct habits {
	unsigned above;
	unsigned withheld;
	unsigned presence;
	unsigned references;
};

enum { PRESENCE_HIDDEN, PRESENCE_SHOWN };

static const char *const above_words[] = { "remove", "absent", "mask", NULL };
static const char *const withheld_words[] = { "none", "stub", NULL };
static const char *const presence_words[] = { "hidden", "shown", NULL };
static const char *const reference_words[] = { "keep", "drop", NULL };

static bool
read_habits(struct yaml_map *m, struct habits *h, struct fault *f)
{
	const struct {
		const char *key;
		const char *const *words;
		unsigned *value;
	} table[] = {
		{ "above", above_words, &h->above },
		{ "withheld", withheld_words, &h->withheld },
		{ "presence", presence_words, &h->presence },
		{ "references", reference_words, &h->references },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct yaml_node *node = yaml_take(m, table[i].key);

		if (node != NULL && !yaml_word(m->file, node, table[i].words, table[i].value, f))
			return false;
	}
	return true;
}

/* ---- types ---- */
static int
compare_types(const void *a, const void *b)
{
	const struct bytes *x = a;
	const struct bytes *y = b;

	return bytes_compare(*x, *y);
}

unsigned
scheme_type(const struct scheme *s, struct bytes type)
{
	size_t low = 0;
	size_t high = s->types;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(type, s->type[middle]);

		if (order == 0)
			return (unsigned)middle + 1;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static bool
note_type(struct reader *r, const struct yaml_node *node, struct bytes name)
{
	struct scheme *s = r->s;

	if (!shape_knows_type(s->shape, name))
		return fault_at(r->fault, s->file, node, "unknown type '%.*s'", (int)name.size, name.at);
	for (size_t i = 0; i < s->types; i++)
		if (bytes_equal(s->type[i], name))
			return true;
	s->type[s->types++] = name;
	return true;
}

static bool
note_type_list(struct reader *r, const struct yaml_node *list)
{
	struct bytes name;

	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++)
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault) || !note_type(r, list, name))
			return false;
	return true;
}

static bool
note_version_types(struct reader *r, const struct yaml_node *version)
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

/* All types that the file names get their numbers first: tables are then indexed by them. */
static bool
note_types(struct reader *r, const struct yaml_node *versions)
{
	struct scheme *s = r->s;
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
	s->type = arena_array(r->arena, most + 1, sizeof s->type[0]);
	for (size_t i = 0; i < versions->count; i++)
		if (!note_version_types(r, versions->item[i]))
			return false;
	qsort(s->type, s->types, sizeof s->type[0], compare_types);
	s->type_gone = arena_array(r->arena, s->types + 1, sizeof s->type_gone[0]);
	s->type_changes = arena_array(r->arena, s->types + 1, sizeof s->type_changes[0]);
	return true;
}

/* ---- places: paths of keep, mark.except and transforms ---- */
static bool
add_path(struct reader *r, const struct yaml_node *node, struct bytes path, const struct scheme_place *place)
{
	struct scheme *s = r->s;
	size_t byte = 0;
	enum path_outcome outcome = paths_add(s->paths, path, (uint32_t)s->places, &byte);

	if (outcome == PATH_FAULT)
		return fault_at(
		    r->fault, s->file, node, "bad-path: %s at its byte %zu", paths_fault(s->paths), byte);
	if (outcome == PATH_NOT_PLAIN)
		return fault_at(r->fault, s->file, node, "bad-path: not a plain one: byte %zu of '%.*s'",
		    byte, (int)path.size, path.at);
	s->place[s->places++] = *place;
	return true;
}

/* NODE is a path or a list of them; each is a place of its own. */
static bool
add_paths(struct reader *r, const struct yaml_node *node, const struct scheme_place *place)
{
	struct scheme *s = r->s;
	size_t count = yaml_strings(node);
	struct bytes path;

	if (count == 0)
		return fault_at(r->fault, s->file, node, "expected a path, or a list of paths");
	struct scheme_place *more = arena_array(r->arena, s->places + count, sizeof more[0]);
	if (s->places > 0)
		memcpy(more, s->place, s->places * sizeof more[0]);
	s->place = more;
	for (size_t i = 0; i < count; i++)
		if (!yaml_item_string(s->file, node, i, &path, r->fault) || !add_path(r, node, path, place))
			return false;
	return true;
}

static bool
read_keep(struct reader *r, const struct yaml_node *keep, const struct scheme_version *v)
{
	struct scheme *s = r->s;

	if (keep->kind != YAML_MAP)
		return fault_at(r->fault, s->file, keep, "expected a map of types to lists of paths");
	for (size_t i = 0; i < keep->count; i++) {
		struct bytes name = keep->key[i]->text;
		struct scheme_place place = { .use = USE_KEEP, .bits = v->bits };

		if (!bytes_are(name, "*"))
			place.type = scheme_type(s, name);
		if (keep->item[i]->kind == YAML_LIST && keep->item[i]->count == 0)
			continue;
		if (!add_paths(r, keep->item[i], &place))
			return false;
	}
	s->keeps |= v->bits;
	return true;
}

/* ---- transforms ---- */
static bool
read_transform_types(struct reader *r, const struct yaml_node *list, struct scheme_transform *t)
{
	struct bytes name;

	if (list == NULL)
		return true;
	t->types = arena_array(r->arena, r->s->types + 1, sizeof t->types[0]);
	for (size_t i = 0; i < yaml_strings(list); i++) {
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault))
			return false;
		t->types[scheme_type(r->s, name)] = true;
	}
	return true;
}

/* Conditions need the value sets of classify.yaml; they are loaded with the first one. */
static bool
load_codes(struct reader *r)
{
	const char *shown;
	const struct yaml_node *classify;
	const struct yaml_node *no_system;

	if (r->s->codes != NULL)
		return true;
	classify = policy_yaml(r->s->policy, "classify.yaml", &shown, r->fault);
	if (classify == NULL)
		return false;
	r->s->codes = codes_load(
	    r->s->policy, shown, yaml_find(classify, "systems"), yaml_find(classify, "value_sets"), r->fault);
	no_system = yaml_find(classify, "no_system");
	r->s->words.codes = r->s->codes;
	r->s->words.no_system_matches = no_system == NULL || !bytes_are(no_system->text, "ignore");
	return r->s->codes != NULL;
}

static struct mac *
find_key(void *context, const struct yaml_node *name, struct fault *f)
{
	struct reader *r = context;
	struct mac *key = NULL;
	bool listed = false;
	struct bytes item;

	for (size_t i = 0; r->key_names != NULL && i < yaml_strings(r->key_names); i++)
		listed |=
		    yaml_item_string(r->s->file, r->key_names, i, &item, f) && bytes_equal(item, name->text);
	if (!listed) {
		(void)fault_at(f, r->s->file, name, "needs-key: the key is not among `keys:`");
		return NULL;
	}
	/* A keyed digest that is known for one purpose must not answer for another. */
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

static bool
read_transform(struct reader *r, const struct yaml_node *node, struct scheme_version *v)
{
	struct scheme *s = r->s;
	struct scheme_transform *t = &s->transform[s->transforms];
	struct operation_words words = { r->arena, s->file, find_key, r };
	struct scheme_place place = { USE_TRANSFORM, v->bits, 0, (unsigned)s->transforms };
	struct yaml_map m;
	unsigned level;

	*t = (struct scheme_transform){ .line = node->line, .bits = v->bits, .release = -1 };
	if (!yaml_open(&m, s->file, node, r->fault))
		return false;
	const struct yaml_node *id = yaml_need(&m, "id");
	const struct yaml_node *say = yaml_need(&m, "say");
	const struct yaml_node *at = yaml_need(&m, "at");
	const struct yaml_node *todo = yaml_need(&m, "do");
	const struct yaml_node *where = yaml_take(&m, "where");
	const struct yaml_node *release = yaml_take(&m, "level");

	if (todo == NULL || id == NULL || say == NULL || at == NULL ||
	    !yaml_string(s->file, id, &t->id, r->fault) || !yaml_string(s->file, say, &t->say, r->fault) ||
	    !read_transform_types(r, yaml_take(&m, "type"), t) || !add_paths(r, at, &place) ||
	    !operation_read(&t->operation, &words, todo, r->fault))
		return false;
	if (where != NULL &&
	    (!load_codes(r) || (t->where = condition_compile(&r->s->words, where, r->fault)) == NULL))
		return false;
	if (release != NULL) {
		if (!policy_level_node(s->policy, s->file, release, &level, r->fault))
			return false;
		t->release = (int)level;
	}
	s->transforms++;
	if (!operation_keeps(&t->operation)) {
		s->changes |= v->bits;
		for (size_t i = 0; i <= s->types; i++)
			if (t->types == NULL || t->types[i])
				s->type_changes[i] |= v->bits;
	}
	r->needs_now |= operation_needs_now(&t->operation);
	r->needs_batch |= operation_needs_batch(&t->operation);
	return yaml_close(&m);
}

/* ---- versions ---- */
static bool
read_without(struct reader *r, const struct yaml_node *list, struct scheme_version *v)
{
	struct bytes name;

	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++) {
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault))
			return false;
		const struct concept *c = vocabulary_find(VOCABULARY_SENSITIVITY, name);
		if (c == NULL)
			return fault_at(r->fault, r->s->file, list, "unknown-code: no category '%.*s'",
			    (int)name.size, name.at);
		v->without |= vocabulary_sensitivities_below(c);
	}
	if (v->without != 0)
		r->s->without |= v->bits;
	return true;
}

static bool
read_types(struct reader *r, const struct yaml_node *list, const struct scheme_version *v)
{
	struct scheme *s = r->s;
	struct bytes name;

	if (list == NULL)
		return true;
	for (size_t i = 0; i <= s->types; i++)
		s->type_gone[i] |= v->bits;
	for (size_t i = 0; i < yaml_strings(list); i++) {
		if (!yaml_item_string(s->file, list, i, &name, r->fault))
			return false;
		s->type_gone[scheme_type(s, name)] &= ~v->bits;
	}
	return true;
}

static bool
read_extensions(struct reader *r, const struct yaml_node *list, struct scheme_version *v)
{
	if (list == NULL)
		return true;
	v->extensions = yaml_strings(list);
	v->extension = arena_array(r->arena, v->extensions + 1, sizeof v->extension[0]);
	for (size_t i = 0; i < v->extensions; i++)
		if (!yaml_item_string(r->s->file, list, i, &v->extension[i], r->fault))
			return false;
	if (v->extensions > 0)
		r->s->extends |= v->bits;
	return true;
}

static bool
apply_habits(struct reader *r, const struct yaml_node *node, const struct habits *h, struct scheme_version *v,
    bool leaves_out)
{
	struct scheme *s = r->s;
	bool highest = v->level + 1 == s->policy->levels;

	v->stub = h->withheld == 1;
	if (highest && !leaves_out && (s->changes & v->bits) == 0)
		s->open |= v->bits;
	if (!highest || leaves_out)
		s->below |= v->bits;
	if (h->presence == PRESENCE_HIDDEN && (s->open & v->bits) == 0)
		s->hidden |= v->bits;
	/* A reader who may not see that something is missing sees neither a hole nor a bar. */
	if ((s->hidden & v->bits) != 0 && h->above != ABOVE_REMOVE)
		return fault_at(r->fault, s->file, node,
		    "hidden-shows: `above: %s` shows what `presence: hidden` hides", above_words[h->above]);
	if (h->above == ABOVE_ABSENT && !s->is_fhir)
		return fault_at(
		    r->fault, s->file, node, "`absent` writes a FHIR extension: roots are not FHIR's");
	if (h->above == ABOVE_ABSENT)
		s->absent |= v->bits;
	if (h->above == ABOVE_MASK)
		s->mask |= v->bits;
	if (h->references == 1)
		s->drops |= v->bits;
	return true;
}

static bool
read_transforms(struct reader *r, const struct yaml_node *list, struct scheme_version *v)
{
	if (list == NULL)
		return true;
	if (list->kind != YAML_LIST)
		return fault_at(r->fault, r->s->file, list, "expected a list of transforms");
	for (size_t i = 0; i < list->count; i++)
		if (!read_transform(r, list->item[i], v))
			return false;
	return true;
}

static bool
read_version(struct reader *r, const struct yaml_node *node, struct habits habits)
{
	struct scheme *s = r->s;
	struct scheme_version *v = &s->version[s->versions];
	struct yaml_map m;

	*v = (struct scheme_version){ .line = node->line };
	v->bits = scheme_bit(s->versions) | (s->mark != NULL ? scheme_mark_bit(s->versions) : 0);
	if (!yaml_open(&m, s->file, node, r->fault))
		return false;
	const struct yaml_node *rl = yaml_need(&m, "rl");
	if (rl == NULL || !policy_level_node(s->policy, s->file, rl, &v->level, r->fault))
		return false;
	if (s->versions > 0 && v->level <= s->version[s->versions - 1].level)
		return fault_at(
		    r->fault, s->file, rl, "ladder-order: versions stand lowest first, one for a level");
	const struct yaml_node *view = yaml_take(&m, "view");
	const struct yaml_node *keep = yaml_take(&m, "keep");
	const struct yaml_node *types = yaml_take(&m, "types");
	const struct yaml_node *without = yaml_take(&m, "without");

	if (!yaml_string(s->file, yaml_take(&m, "say"), &v->say, r->fault) ||
	    !yaml_string(s->file, view, &v->view, r->fault) || !read_without(r, without, v) ||
	    !read_types(r, types, v) || !read_extensions(r, yaml_take(&m, "extensions"), v) ||
	    (keep != NULL && !read_keep(r, keep, v)) || !read_transforms(r, yaml_take(&m, "transforms"), v) ||
	    !read_habits(&m, &habits, r->fault) ||
	    !apply_habits(r, node, &habits, v, keep != NULL || types != NULL || without != NULL))
		return false;
	if (view != NULL && types == NULL && without == NULL)
		return fault_at(r->fault, s->file, view, "a view stands beside `without` or `types`");
	if (view != NULL && !tag_is_word(v->view))
		return fault_at(r->fault, s->file, view, "a view is one word");
	s->all |= v->bits;
	s->versions++;
	return yaml_close(&m);
}

static size_t
count_transforms(const struct yaml_node *versions)
{
	size_t count = 0;

	for (size_t i = 0; i < versions->count; i++) {
		const struct yaml_node *list = yaml_find(versions->item[i], "transforms");

		count += list != NULL ? list->count : 0;
	}
	return count;
}

static bool
read_versions(struct reader *r, const struct yaml_node *versions, const struct habits *habits)
{
	struct scheme *s = r->s;

	if (versions->kind != YAML_LIST || versions->count == 0 || versions->count > SCHEME_MAX_VERSIONS)
		return fault_at(
		    r->fault, s->file, versions, "expected a list of 1 to %d versions", SCHEME_MAX_VERSIONS);
	for (size_t i = 0; i < versions->count; i++)
		if (versions->item[i]->kind != YAML_MAP)
			return fault_at(
			    r->fault, s->file, versions->item[i], "expected a map that names `rl`");
	if (!note_types(r, versions))
		return false;
	s->transform = arena_array(r->arena, count_transforms(versions) + 1, sizeof s->transform[0]);
	for (size_t i = 0; i < versions->count; i++)
		if (!read_version(r, versions->item[i], *habits))
			return false;
	const struct policy_level *top = &s->policy->level[s->policy->levels - 1];
	if (s->version[s->versions - 1].level + 1 != s->policy->levels)
		return fault_at(r->fault, s->file, versions,
		    "no-top-version: the highest level has no version: expected one with rl %.*s",
		    (int)top->name.size, top->name.at);
	return true;
}

/* ---- the mark ---- */
static bool
read_mark(struct reader *r, const struct yaml_node *node, const struct yaml_node **except)
{
	struct scheme *s = r->s;
	struct yaml_map m;
	struct seal_policy sealing;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, s->file, node, r->fault) || (r->mark = yaml_need(&m, "key")) == NULL)
		return false;
	*except = yaml_take(&m, "except");
	if (!yaml_close(&m) || (s->mark = find_key(r, r->mark, r->fault)) == NULL)
		return false;
	if (!seal_policy_load(&sealing, s->policy, r->fault))
		return false;
	s->domain = sealing.domain;
	return true;
}

static bool
add_except(struct reader *r, const struct yaml_node *except)
{
	struct scheme_place place = { .use = USE_EXCEPT };

	for (unsigned i = 0; i < r->s->versions; i++)
		place.bits |= scheme_mark_bit(i);
	if (except != NULL)
		r->s->excepts = place.bits;
	return except == NULL || add_paths(r, except, &place);
}

/* ---- words of the other files ---- */
static bool
read_criticality(struct reader *r)
{
	struct scheme *s = r->s;
	const char *shown;
	const struct yaml_node *classify = policy_yaml(s->policy, "classify.yaml", &shown, r->fault);

	if (classify == NULL)
		return false;
	const struct yaml_node *map = yaml_find(classify, "criticality");
	const struct yaml_node *order = map != NULL ? yaml_find(map, "order") : NULL;
	const struct yaml_node *fallback = map != NULL ? yaml_find(map, "default") : NULL;
	if (order == NULL || fallback == NULL || yaml_strings(order) == 0)
		return fault_at(r->fault, shown, map != NULL ? map : classify,
		    "versions carry a criticality: expected `criticality:` with `order` and `default`");
	s->criticalities = (unsigned)yaml_strings(order);
	s->criticality = arena_array(r->arena, s->criticalities, sizeof s->criticality[0]);
	s->criticality_default = s->criticalities;
	for (unsigned i = 0; i < s->criticalities; i++) {
		if (!yaml_item_string(shown, order, i, &s->criticality[i], r->fault))
			return false;
		if (!tag_is_word(s->criticality[i]))
			return fault_at(r->fault, shown, order, "a criticality is one word");
		if (bytes_equal(s->criticality[i], fallback->text))
			s->criticality_default = i;
	}
	if (s->criticality_default == s->criticalities)
		return fault_at(r->fault, shown, fallback, "the default is not in `order`");
	return true;
}

/* ".resourceType" -> "resourceType"; empty for any other path. */
static struct bytes
member_of(const struct yaml_node *record, const char *key)
{
	const struct yaml_node *node = record != NULL ? yaml_find(record, key) : NULL;
	struct bytes path = { NULL, 0 };

	if (node == NULL || node->kind != YAML_STRING || node->text.size < 2 || node->text.at[0] != '.')
		return path;
	path = (struct bytes){ node->text.at + 1, node->text.size - 1 };
	for (size_t i = 0; i < path.size; i++)
		if (strchr(".[]|,()\"? ", path.at[i]) != NULL)
			return (struct bytes){ NULL, 0 };
	return path;
}

static void
fill_levels(struct scheme *s)
{
	for (unsigned level = 0; level < s->policy->levels; level++)
		for (unsigned i = 0; i < s->versions; i++)
			if (s->version[i].level < level)
				s->over[level] |= s->version[i].bits;
}

/* `levels`: the versions that it does not name are not made. */
static bool
choose_levels(struct scheme *s, const char *levels, char *text)
{
	uint64_t chosen = 0;

	for (const char *at = levels; levels != NULL; at++) {
		struct bytes name = { at, strcspn(at, ",") };
		unsigned i = 0;

		while (i < s->versions && !bytes_equal(s->policy->level[s->version[i].level].name, name))
			i++;
		if (i == s->versions) {
			(void)snprintf(text, 128, "%.*s", (int)(name.size < 100 ? name.size : 100), name.at);
			return false;
		}
		chosen |= s->version[i].bits;
		at += name.size;
		if (*at == '\0')
			break;
	}
	if (levels != NULL)
		s->all = chosen;
	return true;
}

static bool
read_file(struct reader *r)
{
	struct scheme *s = r->s;
	struct habits habits = { 0 };
	const struct yaml_node *except = NULL;
	struct yaml_map m;
	uint64_t version = 0;
	const struct yaml_node *root = policy_yaml(s->policy, "redact.yaml", &s->file, r->fault);

	if (root == NULL)
		return false;
	r->s->words.file = s->file;
	if (!yaml_open(&m, s->file, root, r->fault) ||
	    !yaml_integer(s->file, yaml_need(&m, "redact"), 1, 1, &version, r->fault) || version != 1)
		return false;
	r->key_names = yaml_take(&m, "keys");
	const struct yaml_node *versions = yaml_need(&m, "versions");
	return versions != NULL && read_mark(r, yaml_take(&m, "mark"), &except) &&
	       read_habits(&m, &habits, r->fault) && yaml_close(&m) && read_versions(r, versions, &habits) &&
	       add_except(r, except) && read_criticality(r);
}

enum redactor_start
scheme_load(struct scheme *s, struct policy *p, struct json_keys *keys,
    const struct redactor_settings *settings, struct redactor_problem *problem)
{
	struct reader r = { .s = s, .arena = &p->arena, .keys = keys, .settings = settings };

	*s = (struct scheme){ .policy = p };
	*problem = (struct redactor_problem){ .text = "" };
	r.fault = &problem->fault;
	r.missing = problem->text;
	s->words =
	    (struct condition_words){ .arena = &p->arena, .keys = keys, .has_now = settings->now != NULL };
	s->shape = shape_load(p, keys, r.fault);
	if (s->shape == NULL)
		return REDACTOR_FAULT;
	s->is_fhir = shape_is_fhir(s->shape);
	s->paths = paths_new(keys);
	if (!read_file(&r))
		return r.missing[0] != '\0' ? REDACTOR_NO_KEY : REDACTOR_FAULT;
	s->type_member = member_of(p->record, "type");
	s->id_member = member_of(p->record, "id");
	fill_levels(s);
	if (!choose_levels(s, settings->levels, problem->text))
		return REDACTOR_UNKNOWN_LEVEL;
	if (r.needs_now && settings->now == NULL)
		return REDACTOR_NEEDS_NOW;
	if (r.needs_batch && settings->batch.size == 0)
		return REDACTOR_NEEDS_BATCH;
	return REDACTOR_READY;
}

void
scheme_release(struct scheme *s)
{
	condition_words_release(&s->words);
	paths_free(s->paths);
	shape_free(s->shape);
	codes_free(s->codes);
	*s = (struct scheme){ .policy = NULL };
}
