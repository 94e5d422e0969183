/* SPDX-License-Identifier: ISC */
#include "common/policy/vocabulary.h"
#include "common/redact/scheme_read.h"

static const char *const above_words[] = { "remove", "absent", "mask", NULL };
static const char *const withheld_words[] = { "none", "stub", NULL };
static const char *const presence_words[] = { "hidden", "shown", NULL };
static const char *const reference_words[] = { "keep", "drop", NULL };

bool
scheme_version_habits(struct yaml_map *m, struct scheme_habits *h, struct fault *f)
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

static bool
apply_habits(struct scheme_read *r, const struct yaml_node *node, const struct scheme_habits *h,
    struct scheme_version *v, bool leaves_out)
{
	struct scheme *s = r->s;
	bool highest = v->level + 1 == s->policy->levels;

	v->stub = h->withheld == 1;
	if (highest && !leaves_out && (s->transforming & v->bits) == 0)
		s->always_whole |= v->bits;
	if (!highest || leaves_out)
		s->may_lack |= v->bits;
	if (h->presence == SCHEME_HIDDEN && (s->always_whole & v->bits) == 0)
		s->hidden |= v->bits;
	if ((s->hidden & v->bits) != 0 && h->above != SCHEME_REMOVE)
		return fault_at(r->fault, s->file, node,
		    "hidden-shows: `above: %s` shows what `presence: hidden` hides", above_words[h->above]);
	if (h->above == SCHEME_ABSENT && !s->is_fhir)
		return fault_at(
		    r->fault, s->file, node, "`absent` writes a FHIR extension: roots are not FHIR's");
	if (h->above == SCHEME_ABSENT)
		s->leaves_absent |= v->bits;
	if (h->above == SCHEME_MASK)
		s->leaves_mask |= v->bits;
	if (h->references == 1)
		s->drops_references |= v->bits;
	return true;
}

static bool
read_transform_types(struct scheme_read *r, const struct yaml_node *list, struct scheme_transform *t)
{
	struct bytes name;

	if (list == NULL)
		return true;
	if (yaml_strings(list) == 0)
		return fault_at(r->fault, r->s->file, list,
		    "expected a type or a list of types; without `type` it is for all");
	t->types = arena_array(r->arena, r->s->types + 1, sizeof t->types[0]);
	for (size_t i = 0; i < yaml_strings(list); i++) {
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault))
			return false;
		t->types[scheme_type(r->s, name)] = true;
	}
	return true;
}

static void
note_transform(struct scheme_read *r, const struct scheme_transform *t, const struct scheme_version *v)
{
	struct scheme *s = r->s;

	s->transforms++;
	r->needs_now |= operation_needs_now(&t->operation);
	r->needs_batch |= operation_needs_batch(&t->operation);
	if (operation_keeps(&t->operation))
		return;
	s->transforming |= v->bits;
	for (size_t i = 0; i <= s->types; i++)
		if (t->types == NULL || t->types[i])
			s->type_transformed[i] |= v->bits;
}

static const struct codes *
read_codes(void *context)
{
	struct scheme_read *r = context;

	return scheme_read_codes(r) ? r->s->codes : NULL;
}

static bool
read_transform(struct scheme_read *r, const struct yaml_node *node, const struct scheme_version *v)
{
	struct scheme *s = r->s;
	struct scheme_transform *t = &s->transform[s->transforms];
	struct operation_words words = { r->arena, s->file, scheme_read_key, read_codes, r };
	struct scheme_place place = {
		.use = SCHEME_TRANSFORM, .bits = v->bits, .transform = (unsigned)s->transforms
	};
	struct yaml_map m;
	unsigned level;

	*t = (struct scheme_transform){ .line = node->line, .release = -1 };
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
	    !read_transform_types(r, yaml_take(&m, "type"), t) || !scheme_read_paths(r, at, &place) ||
	    !operation_read(&t->operation, &words, todo, r->fault))
		return false;
	if (where != NULL &&
	    (!scheme_read_codes(r) || (t->where = condition_compile(&s->words, where, r->fault)) == NULL))
		return false;
	if (release != NULL) {
		if (!policy_level_node(s->policy, s->file, release, &level, r->fault))
			return false;
		t->release = (int)level;
	}
	note_transform(r, t, v);
	return yaml_close(&m);
}

static bool
read_transforms(struct scheme_read *r, const struct yaml_node *list, const struct scheme_version *v)
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
read_without(struct scheme_read *r, const struct yaml_node *list, struct scheme_version *v)
{
	struct bytes name;

	if (list != NULL && yaml_strings(list) == 0)
		return fault_at(
		    r->fault, r->s->file, list, "expected a category or a list of categories to leave out");
	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++) {
		if (!yaml_item_string(r->s->file, list, i, &name, r->fault))
			return false;
		const struct concept *c = vocabulary_find(VOCABULARY_SENSITIVITY, name);
		if (c == NULL)
			return fault_at(r->fault, r->s->file, list, "unknown-code: no category '%.*s'",
			    (int)name.size, name.at);
		v->without |= vocabulary_labels_below(VOCABULARY_SENSITIVITY, c);
	}
	return true;
}

static bool
read_types(struct scheme_read *r, const struct yaml_node *list, const struct scheme_version *v)
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
read_extensions(struct scheme_read *r, const struct yaml_node *list, struct scheme_version *v)
{
	if (list == NULL)
		return true;
	v->extensions = yaml_strings(list);
	v->extension = arena_array(r->arena, v->extensions + 1, sizeof v->extension[0]);
	for (size_t i = 0; i < v->extensions; i++)
		if (!yaml_item_string(r->s->file, list, i, &v->extension[i], r->fault))
			return false;
	if (v->extensions > 0)
		r->s->lists_extensions |= v->bits;
	return true;
}

/* By its view a version is known to tell of no other types than its own, so references to them go. */
static bool
apply_view(struct scheme_read *r, const struct yaml_node *view, const struct scheme_version *v,
    const struct yaml_node *types, const struct yaml_node *references)
{
	struct scheme *s = r->s;

	if (view == NULL || types == NULL)
		return true;
	if (references != NULL && (s->drops_references & v->bits) == 0)
		return fault_at(r->fault, s->file, references,
		    "view-tells: a version with `view` and `types` drops references to other types");
	s->drops_references |= v->bits;
	s->views |= v->bits;
	return true;
}

static bool
read_version(struct scheme_read *r, const struct yaml_node *node, struct scheme_habits habits)
{
	struct scheme *s = r->s;
	struct scheme_version *v = &s->version[s->versions];
	struct yaml_map m;

	*v = (struct scheme_version){ .line = node->line };
	v->bits = scheme_bit(s->versions) | (s->mark_excepts ? scheme_mark_bit(s->versions) : 0);
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
	const struct yaml_node *references = yaml_find(node, "references");

	if (!yaml_string(s->file, yaml_take(&m, "say"), &v->say, r->fault) ||
	    !yaml_string(s->file, view, &v->view, r->fault) || !read_without(r, without, v) ||
	    !read_types(r, types, v) || !read_extensions(r, yaml_take(&m, "extensions"), v) ||
	    !scheme_keep_read(r, keep, v) || !read_transforms(r, yaml_take(&m, "transforms"), v) ||
	    !scheme_version_habits(&m, &habits, r->fault) ||
	    !apply_habits(r, node, &habits, v, keep != NULL || types != NULL || without != NULL) ||
	    !apply_view(r, view, v, types, references) || !scheme_keep_check(r, node, v))
		return false;
	if (view != NULL && types == NULL && without == NULL)
		return fault_at(r->fault, s->file, view, "a view stands beside `without` or `types`");
	if (view != NULL && !tag_is_word(v->view))
		return fault_at(r->fault, s->file, view, "a view is one word");
	s->asked |= v->bits;
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

bool
scheme_version_all(
    struct scheme_read *r, const struct yaml_node *versions, const struct scheme_habits *habits)
{
	struct scheme *s = r->s;

	if (versions->kind != YAML_LIST || versions->count == 0 || versions->count > SCHEME_MAX_VERSIONS)
		return fault_at(
		    r->fault, s->file, versions, "expected a list of 1 to %d versions", SCHEME_MAX_VERSIONS);
	for (size_t i = 0; i < versions->count; i++)
		if (versions->item[i]->kind != YAML_MAP)
			return fault_at(
			    r->fault, s->file, versions->item[i], "expected a map that names `rl`");
	if (!scheme_read_types(r, versions))
		return false;
	s->transform = arena_array(r->arena, count_transforms(versions) + 1, sizeof s->transform[0]);
	for (size_t i = 0; i < versions->count; i++)
		if (!read_version(r, versions->item[i], *habits))
			return false;
	scheme_keep_kinds(r);
	const struct policy_level *top = &s->policy->level[s->policy->levels - 1];
	if (s->version[s->versions - 1].level + 1 != s->policy->levels)
		return fault_at(r->fault, s->file, versions,
		    "no-top-version: the highest level has no version: expected one with rl %.*s",
		    (int)top->name.size, top->name.at);
	return true;
}
