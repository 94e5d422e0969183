/* SPDX-License-Identifier: ISC */
#include "common/policy/elements.h"
#include "common/redact/scheme_read.h"

#include <string.h>

static bool
read_formed(struct scheme_read *r, const struct yaml_node *item, struct scheme_place place)
{
	struct form *form = arena_array(r->arena, 1, sizeof *form);
	struct yaml_map m;
	const struct yaml_node *at;

	if (!yaml_open(&m, r->s->file, item, r->fault) || (at = yaml_need(&m, "at")) == NULL ||
	    !form_read(form, r->arena, &m, r->fault))
		return false;
	place.form = form;
	return scheme_read_paths(r, at, &place) && yaml_close(&m);
}

static bool
read_items(struct scheme_read *r, const struct yaml_node *list, const struct scheme_place *place)
{
	if (list->kind == YAML_MAP)
		return read_formed(r, list, *place);
	if (list->kind != YAML_LIST)
		return scheme_read_paths(r, list, place);
	for (size_t i = 0; i < list->count; i++)
		if (list->item[i]->kind == YAML_MAP ? !read_formed(r, list->item[i], *place)
						    : !scheme_read_paths(r, list->item[i], place))
			return false;
	return true;
}

bool
scheme_keep_read(struct scheme_read *r, const struct yaml_node *keep, const struct scheme_version *v)
{
	struct scheme *s = r->s;

	if (keep == NULL)
		return true;
	if (keep->kind != YAML_MAP)
		return fault_at(r->fault, s->file, keep, "expected a map of types to lists of paths");
	for (size_t i = 0; i < keep->count; i++) {
		struct bytes name = keep->key[i]->text;
		struct scheme_place place = { .use = SCHEME_KEEP, .bits = v->bits };

		if (!bytes_are(name, "*"))
			place.type = scheme_type(s, name);
		if (!read_items(r, keep->item[i], &place))
			return false;
	}
	s->has_keep |= v->bits;
	return true;
}

/* What the elements of FHIR R4 say of a bare path. */
enum finding {
	FINDING_UNKNOWN, /* no such element */
	FINDING_FREE,    /* anything may stand there */
	FINDING_CODED,   /* a code of any system */
	FINDING_GOOD
};

/* Takes the next name of ".a[].b"; empty at the end, and at what is no name. */
static struct bytes
next_name(struct bytes *path)
{
	struct bytes name = { path->at + 1, 0 };

	if (path->size == 0 || path->at[0] != '.')
		return (struct bytes){ path->at, 0 };
	while (1 + name.size < path->size && strchr(".[? ,", name.at[name.size]) == NULL)
		name.size++;
	path->at += 1 + name.size;
	path->size -= 1 + name.size;
	while (path->size > 0 && strchr("[]?0123456789", path->at[0]) != NULL) {
		path->at++;
		path->size--;
	}
	return name;
}

static enum finding
judge_type(struct scheme_read *r, struct bytes type)
{
	struct form form;

	if (bytes_are(type, "CodeableConcept") || bytes_are(type, "Coding") || bytes_are(type, "Quantity"))
		return FINDING_CODED;
	if (elements_kind(elements_bare(type)) < ELEMENTS_KINDS)
		return FINDING_GOOD;
	form_of_type(&form, r->arena, type);
	return form.kind == FORM_FREE ? FINDING_FREE : FINDING_GOOD;
}

/* PATH, of members and elements alone, in roots of a type. */
static enum finding
judge_path(struct scheme_read *r, struct bytes type, struct bytes path)
{
	struct elements elements;
	struct element e = { .type = type };

	if (bytes_are(path, ".resourceType"))
		return FINDING_GOOD;
	while (path.size > 0) {
		struct bytes name = next_name(&path);
		struct bytes kind = elements_bare(e.type);

		if (bytes_are(kind, "Reference") && bytes_are(name, "reference"))
			return FINDING_GOOD;
		if (name.size == 0 || !elements_find(&elements, kind, name, &e))
			return FINDING_UNKNOWN;
	}
	return judge_type(r, e.type);
}

/* The best that any type of the version says. */
static enum finding
judge_any(struct scheme_read *r, struct bytes path, const struct scheme_version *v)
{
	const struct scheme *s = r->s;
	enum finding best = judge_path(r, (struct bytes)BYTES("DomainResource"), path);

	for (size_t i = 0; i < s->types && best < FINDING_GOOD; i++) {
		enum finding found =
		    (s->type_gone[i + 1] & v->bits) == 0 ? judge_path(r, s->type[i], path) : FINDING_UNKNOWN;

		best = found > best ? found : best;
	}
	return best;
}

/* True if a transform of the version has that path: its operation judges the value. */
static bool
is_transformed(const struct yaml_node *version, struct bytes path)
{
	const struct yaml_node *list = yaml_find(version, "transforms");
	struct fault ignored = { 0 };
	struct bytes at;

	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct yaml_node *paths = yaml_find(list->item[i], "at");

		for (size_t k = 0; paths != NULL && k < yaml_strings(paths); k++)
			if (yaml_item_string("", paths, k, &at, &ignored) && bytes_equal(at, path))
				return true;
	}
	return false;
}

static bool
check_path(struct scheme_read *r, const struct yaml_node *version, const struct yaml_node *node,
    struct bytes type, const struct scheme_version *v)
{
	struct bytes path = node->text;
	enum finding found;

	/* Any other path finds its places in the record; only values of known elements stay. */
	for (size_t i = 0; i < path.size; i++)
		if (strchr("|,(\"", path.at[i]) != NULL || bytes_begin(bytes_behind(path, i), ".."))
			return true;
	if (path.size < 2)
		return true;
	found = type.size > 0 ? judge_path(r, type, path) : judge_any(r, path, v);
	if (found == FINDING_GOOD || is_transformed(version, path))
		return true;
	if (found == FINDING_UNKNOWN)
		return fault_at(r->fault, r->s->file, node,
		    "unknown-path: no element of FHIR R4, so nothing tells what its values look like: "
		    "expected {at: "
		    "%.*s, form: ..}",
		    (int)path.size, path.at);
	return fault_at(r->fault, r->s->file, node, "needs-form: %s may stand there: expected {at: %.*s, %s}",
	    found == FINDING_CODED ? "a code of any system" : "anything", (int)path.size, path.at,
	    found == FINDING_CODED ? "system: [..]} or {at: .., form: text"
				   : "codes: [..]} or {at: .., form: text");
}

static bool
check_paths(struct scheme_read *r, const struct yaml_node *version, const struct yaml_node *list,
    struct bytes type, const struct scheme_version *v)
{
	if (list->kind == YAML_STRING)
		return check_path(r, version, list, type, v);
	for (size_t i = 0; list->kind == YAML_LIST && i < list->count; i++)
		if (list->item[i]->kind == YAML_STRING && !check_path(r, version, list->item[i], type, v))
			return false;
	return true;
}

void
scheme_keep_kinds(struct scheme_read *r)
{
	struct scheme *s = r->s;
	struct bytes other = BYTES("DomainResource");

	if (s->has_keep == 0)
		return;
	s->kinds = kinds_new(r->arena, r->keys, s->lists_extensions != 0);
	if (!s->is_fhir)
		return;
	kinds_add(s->kinds, other);
	for (size_t i = 0; i < s->types; i++)
		if ((s->has_keep & ~s->type_gone[i + 1]) != 0)
			kinds_add(s->kinds, s->type[i]);
	s->element[0] = kinds_root(s->kinds, other);
	for (size_t i = 0; i < s->types; i++)
		s->element[i + 1] = kinds_root(s->kinds, s->type[i]);
}

bool
scheme_keep_check(struct scheme_read *r, const struct yaml_node *version, const struct scheme_version *v)
{
	struct scheme *s = r->s;
	const struct yaml_node *keep = yaml_find(version, "keep");
	struct bytes any = { NULL, 0 };

	if (keep == NULL || !s->is_fhir || (s->hidden & v->bits) == 0)
		return true;
	s->strict |= v->bits;
	for (size_t i = 0; i < keep->count; i++)
		if (!check_paths(r, version, keep->item[i],
			bytes_are(keep->key[i]->text, "*") ? any : keep->key[i]->text, v))
			return false;
	return true;
}
