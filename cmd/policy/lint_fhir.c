/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/base/buffer.h"
#include "common/policy/elements.h"
#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fhir_reading {
	struct lint *lint;
	const char *file;
	struct bytes *name; /* of all members of FHIR R4, sorted */
	size_t names;
};

static int
name_order(const void *a, const void *b)
{
	const struct bytes *left = a;
	const struct bytes *right = b;

	return bytes_compare(*left, *right);
}

static void
collect_names(struct fhir_reading *r)
{
	struct arena *arena = &r->lint->policy->arena;
	struct buffer all;

	buffer_init(&all, BUFFER_UNLIMITED);
	for (unsigned kind = 0; kind < ELEMENTS_KINDS; kind++) {
		struct elements e;
		struct element member;
		for (bool open = elements_open(&e, elements_name(kind));
		     open && elements_next(&e, &member);) {
			struct bytes name =
			    member.stem.size > 0 ? arena_copy(arena, member.name) : member.name;
			buffer_add(&all, &name, sizeof(name));
			if (member.stem.size > 0)
				buffer_add(&all, &member.stem, sizeof(member.stem));
		}
	}
	size_t count = all.used / sizeof(*r->name);
	r->name = arena_array(arena, count + 1, sizeof(*r->name));
	memcpy(r->name, all.at, all.used);
	buffer_release(&all);
	qsort(r->name, count, sizeof(*r->name), name_order);
	for (size_t i = 0; i < count; i++)
		if (r->names == 0 || !bytes_equal(r->name[r->names - 1], r->name[i]))
			r->name[r->names++] = r->name[i];
}

static bool
lists(const struct yaml_node *list, struct bytes name)
{
	for (size_t i = 0; list->kind == YAML_LIST && i < list->count; i++)
		if (bytes_equal(list->item[i]->text, name))
			return true;
	return false;
}

/*
 * A name that nearly is one of FHIR R4 is misspelt, unless that one stands beside it: then it is that of
 * another version, as any other name may be.
 */
static void
check_name(const struct fhir_reading *r, const struct yaml_node *list, const struct yaml_node *node)
{
	struct bytes name = node->text;
	struct closest near;
	char text[CLOSEST_ROOM];

	for (size_t i = name.size; i > 0; i--)
		if (name.at[i - 1] == '.') {
			name = bytes_behind(name, i);
			break;
		}
	near = closest_to(name);
	if (name.size == 0 || bytes_begin(node->text, ".") ||
	    bsearch(&name, r->name, r->names, sizeof(name), name_order) != NULL)
		return;
	for (size_t i = 0; i < r->names; i++)
		closest_offer(&near, r->name[i]);
	if (closest_text(&near, "", text)[0] != '\0' && !lists(list, near.best))
		lint_warn(r->lint, r->file, node, "unknown-path", "no element of FHIR R4 has the name %.*s%s",
		    (int)name.size, name.at, text);
}

/* A list of names, or a map of such lists. */
static void
check_names(const struct fhir_reading *r, const struct yaml_node *node)
{
	for (size_t i = 0; node != NULL && i < node->count; i++)
		if (node->kind == YAML_MAP)
			check_names(r, node->item[i]);
		else if (node->item[i]->kind == YAML_STRING)
			check_name(r, node, node->item[i]);
}

/* What a map of types, such as `summaries`, has for one; NULL: nothing. */
static const struct yaml_node *
of_type(const struct yaml_node *summaries, struct bytes type)
{
	for (size_t i = 0; summaries != NULL && summaries->kind == YAML_MAP && i < summaries->count; i++)
		if (bytes_equal(summaries->key[i]->text, type))
			return summaries->item[i];
	return NULL;
}

/* True if the base table names the type, and does not show all of it to everybody, as it tells of nobody. */
static bool
is_of_somebody(const struct fhir_reading *r, const struct yaml_node *classify, struct bytes type)
{
	const struct yaml_node *lines = of_type(yaml_find(classify, "base"), type);
	const struct yaml_node *level = lines != NULL ? yaml_find(lines, ".") : NULL;

	return lines != NULL && (level == NULL || policy_level(r->lint->policy, level->text) > 0);
}

/* Appends the notes and texts of TYPE, without those of its backbone elements, that are no summaries. */
static void
add_free_text(const struct yaml_node *summaries, struct bytes type, struct buffer *found)
{
	const struct yaml_node *all = of_type(summaries, (struct bytes)BYTES("*"));
	const struct yaml_node *own = of_type(summaries, type);
	struct elements e;
	struct element member;
	char path[96];

	if (own != NULL && own->count == 0)
		return;
	for (bool open = elements_open(&e, type); open && elements_next(&e, &member);) {
		bool is_text = bytes_are(member.type, "markdown") || bytes_are(member.type, "Annotation");
		int size = snprintf(path, sizeof(path), ".%.*s", (int)member.name.size, member.name.at);
		struct bytes whole = { path, (size_t)size };
		if (is_text && (all == NULL || !lists(all, member.name)) &&
		    (own == NULL || (!lists(own, member.name) && !lists(own, whole)))) {
			buffer_add(found, type.at, type.size);
			buffer_add(found, path, (size_t)size);
			buffer_add(found, ", ", 2);
		}
	}
}

/* A version that shows a record without its withheld entries shows what tells of them, too. */
static void
check_free_text(struct fhir_reading *r, const struct yaml_node *classify)
{
	const struct yaml_node *summaries = yaml_find(classify, "summaries");
	struct fault f = { 0 };
	const struct yaml_node *root = policy_yaml(r->lint->policy, "redact.yaml", &r->file, &f);
	const struct yaml_node *versions = yaml_find(root, "versions");
	struct buffer found;

	buffer_init(&found, BUFFER_UNLIMITED);
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_RESOURCE_TYPE); i++) {
		const struct concept *type = vocabulary_at(VOCABULARY_RESOURCE_TYPE, i);
		if (type->status == CONCEPT_ACTIVE && is_of_somebody(r, classify, type->code))
			add_free_text(summaries, type->code, &found);
	}
	for (size_t i = 0; found.used > 2 && versions != NULL && i + 1 < versions->count; i++) {
		const struct yaml_node *version = versions->item[i];
		int shown = found.used - 2 < 200 ? (int)found.used - 2 : 200;
		if (yaml_find(version, "keep") == NULL)
			lint_warn(r->lint, r->file, version, "free-text-kept",
			    "no summary names free text that this version keeps beside what it withholds: "
			    "%.*s%s",
			    shown, found.at, shown == 200 ? ".." : "");
	}
	buffer_release(&found);
}

/* Whether PATH is the member of a root, or something in it.  Of a choice MEMBER is the stem. */
static bool
names_member(struct bytes path, struct bytes member, bool is_choice)
{
	char next;

	if (bytes_are(path, "."))
		return true;
	if (path.size <= member.size || path.at[0] != '.' || memcmp(path.at + 1, member.at, member.size) != 0)
		return false;
	if (path.size == member.size + 1)
		return true;
	next = path.at[member.size + 1];
	return is_choice ? next >= 'A' && next <= 'Z' : next == '.' || next == '[' || next == '?';
}

/* Whether an item of LIST, a path or a map with `at`, names MEMBER.  A path that is not plain may name it. */
static bool
keeps_member(const struct yaml_node *list, const struct element *member)
{
	struct bytes name = member->stem.size > 0 ? member->stem : member->name;

	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *item = list->item[i];
		const struct yaml_node *at = item->kind == YAML_MAP ? yaml_find(item, "at") : item;
		struct bytes path =
		    at != NULL && at->kind == YAML_STRING ? at->text : (struct bytes){ "", 0 };

		if (names_member(path, name, member->stem.size > 0) ||
		    memchr(path.at, '|', path.size) != NULL || memchr(path.at, ',', path.size) != NULL)
			return true;
	}
	return false;
}

/* Whether a transform of VERSION removes the member of records of TYPE. */
static const struct yaml_node *
removed_by(const struct yaml_node *version, struct bytes type, const struct element *member)
{
	const struct yaml_node *transforms = yaml_find(version, "transforms");

	for (size_t i = 0; transforms != NULL && transforms->kind == YAML_LIST && i < transforms->count;
	     i++) {
		const struct yaml_node *types = yaml_find(transforms->item[i], "type");
		const struct yaml_node *at = yaml_find(transforms->item[i], "at");
		const struct yaml_node *what = yaml_find(transforms->item[i], "do");

		if (at != NULL && what != NULL && what->kind == YAML_STRING &&
		    bytes_are(what->text, "remove") && at->kind == YAML_STRING &&
		    at->text.size == member->name.size + 1 && names_member(at->text, member->name, false) &&
		    (types == NULL || lists(types, type)))
			return at;
	}
	return NULL;
}

/* KEEP: of VERSION, NULL if it keeps everything. */
static void
check_required(const struct fhir_reading *r, const struct yaml_node *version, const struct yaml_node *keep,
    struct bytes type)
{
	struct elements e;
	struct element member;

	for (bool open = elements_open(&e, type); open && elements_next(&e, &member);) {
		const struct yaml_node *by = member.is_required ? removed_by(version, type, &member) : NULL;

		if (!member.is_required)
			continue;
		if (by == NULL && keep != NULL && !keeps_member(of_type(keep, type), &member) &&
		    !keeps_member(of_type(keep, (struct bytes)BYTES("*")), &member))
			by = keep;
		if (by != NULL)
			lint_error(r->lint, r->file, by, "required-removed", "FHIR R4 requires %.*s.%.*s",
			    (int)type.size, type.at, (int)member.name.size, member.name.at);
	}
}

/* With `strict_fhir` each version of a record is to be valid FHIR. */
static void
check_strict(struct fhir_reading *r)
{
	struct fault f = { 0 };
	const struct yaml_node *root = policy_yaml(r->lint->policy, "redact.yaml", &r->file, &f);
	const struct yaml_node *strict = yaml_find(root, "strict_fhir");
	const struct yaml_node *versions = yaml_find(root, "versions");

	if (strict == NULL || strict->kind != YAML_BOOLEAN || !strict->truth || versions == NULL)
		return;
	for (size_t i = 0; i < versions->count; i++) {
		const struct yaml_node *types = yaml_find(versions->item[i], "types");
		const struct yaml_node *keep = yaml_find(versions->item[i], "keep");

		for (size_t t = 0; t < vocabulary_size(VOCABULARY_RESOURCE_TYPE); t++) {
			const struct concept *type = vocabulary_at(VOCABULARY_RESOURCE_TYPE, t);

			if (type->status == CONCEPT_ACTIVE && (types == NULL || lists(types, type->code)))
				check_required(r, versions->item[i], keep, type->code);
		}
	}
}

void
lint_fhir(struct lint *l)
{
	static const char *const places[] = { "skip", "around", "entry", "base64" };
	struct fhir_reading r = { .lint = l };
	struct fault f = { 0 };
	const struct yaml_node *root = policy_yaml(l->policy, "classify.yaml", &r.file, &f);
	const struct yaml_node *terms = yaml_find(root, "terms");

	collect_names(&r);
	check_names(&r, yaml_find(root, "summaries"));
	check_names(&r, yaml_find(root, "references"));
	check_names(&r, yaml_find(root, "codes_in"));
	for (size_t i = 0; terms != NULL && i < sizeof(places) / sizeof(places[0]); i++)
		check_names(&r, yaml_find(terms, places[i]));
	check_free_text(&r, root);
	check_strict(&r);
}
