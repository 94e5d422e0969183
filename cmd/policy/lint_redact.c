/* SPDX-License-Identifier: ISC */
/*
 * redact.yaml as a whole: a version must show nothing that the next higher one hides, and one that claims to
 * be without holes must leave no traces of them.
 */
#include "cmd/policy/lint.h"

struct reading {
	struct lint *lint;
	const char *file;
	const struct yaml_node *root;
	const struct yaml_node *versions;
};

/* What a version says, or else the file for all. */
static const struct yaml_node *
said(const struct reading *r, const struct yaml_node *version, const char *key)
{
	const struct yaml_node *own = yaml_find(version, key);

	return own != NULL ? own : yaml_find(r->root, key);
}

static bool
says(const struct reading *r, const struct yaml_node *version, const char *key, const char *word)
{
	const struct yaml_node *node = said(r, version, key);

	return node != NULL && node->kind == YAML_STRING && bytes_are(node->text, word);
}

/* ---- hidden-shows -------------------------------------------------------------------------------- */

static bool
ends_with(struct bytes text, const char *end)
{
	size_t size = strlen(end);

	return text.size >= size && memcmp(text.at + text.size - size, end, size) == 0;
}

static const struct yaml_node *
kept(const struct yaml_node *keep, const char *path)
{
	for (size_t i = 0; keep != NULL && keep->kind == YAML_MAP && i < keep->count; i++) {
		const struct yaml_node *list = keep->item[i];
		for (size_t k = 0; list->kind == YAML_LIST && k < list->count; k++)
			if (bytes_are(list->item[k]->text, path))
				return list->item[k];
	}
	return NULL;
}

static void
check_hidden(const struct reading *r, const struct yaml_node *version)
{
	static const char *const traces[] = { ".text", ".text.div", ".total" };

	if (said(r, version, "presence") != NULL && !says(r, version, "presence", "hidden"))
		return;
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		const struct yaml_node *path = kept(yaml_find(version, "keep"), traces[i]);
		if (path != NULL)
			lint_error(r->lint, r->file, path, "hidden-shows",
			    "%s counts or repeats what is missing, which `presence: hidden` promises not to",
			    traces[i]);
	}
}

/* ---- not-monotone ----------------------------------------------------------------------------------- */

/* True if the path OUTER names INNER or something around it. */
static bool
covers(struct bytes outer, struct bytes inner)
{
	if (bytes_are(outer, "."))
		return true;
	return inner.size >= outer.size && memcmp(inner.at, outer.at, outer.size) == 0 &&
	       (inner.size == outer.size || inner.at[outer.size] == '.' || inner.at[outer.size] == '[');
}

static bool
covered(const struct yaml_node *list, struct bytes path)
{
	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++)
		if (covers(list->item[i]->text, path))
			return true;
	return list != NULL && list->kind == YAML_STRING && covers(list->text, path);
}

static void
compare_keep(const struct reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *lower = yaml_find(low, "keep");
	const struct yaml_node *higher = yaml_find(high, "keep");

	if (higher == NULL)
		return;
	if (lower == NULL) {
		lint_error(r->lint, r->file, low, "not-monotone",
		    "this version keeps everything, the next higher one only what line %u names",
		    higher->line);
		return;
	}
	for (size_t i = 0; i < lower->count; i++) {
		const struct yaml_node *paths = lower->item[i];
		for (size_t k = 0; paths->kind == YAML_LIST && k < paths->count; k++)
			if (!covered(yaml_find(higher, lower->key[i]->text.at), paths->item[k]->text) &&
			    !covered(yaml_find(higher, "*"), paths->item[k]->text))
				lint_error(r->lint, r->file, paths->item[k], "not-monotone",
				    "kept here, but not in the next higher version (line %u)", higher->line);
	}
}

static void
compare_types(const struct reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *lower = yaml_find(low, "types");
	const struct yaml_node *higher = yaml_find(high, "types");

	if (higher == NULL)
		return;
	if (lower == NULL)
		lint_error(r->lint, r->file, low, "not-monotone",
		    "this version has all types, the next higher one only those of line %u", higher->line);
	for (size_t i = 0; lower != NULL && i < lower->count; i++)
		if (!lint_holds(higher, lower->item[i]->text))
			lint_error(r->lint, r->file, lower->item[i], "not-monotone",
			    "a type that the next higher version (line %u) does not have", higher->line);
}

/*
 * True if some rule of classify.yaml gives CATEGORY (or whatever a value set says) at LEVEL or below, so that
 * a version of that level may hold it.
 */
static bool
given_at(const struct reading *r, struct bytes category, unsigned level)
{
	const char *file;
	struct fault f = { 0 };
	const struct yaml_node *root = policy_yaml(r->lint->policy, "classify.yaml", &file, &f);
	const struct yaml_node *rules = yaml_find(root, "rules");

	for (size_t i = 0; rules != NULL && rules->kind == YAML_LIST && i < rules->count; i++) {
		const struct yaml_node *label = yaml_find(rules->item[i], "label");
		const struct yaml_node *sensitivity = yaml_find(label, "sensitivity");
		const struct yaml_node *node = yaml_find(label, "level");
		int given = node != NULL ? policy_level(r->lint->policy, node->text) : 0;
		bool meets = lint_holds(sensitivity, category) ||
			     lint_holds(sensitivity, (struct bytes)BYTES("from_value_set"));
		if (meets && given <= (int)level)
			return true;
	}
	return false;
}

static void
compare_without(const struct reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *lower = yaml_find(low, "without");
	const struct yaml_node *higher = yaml_find(high, "without");
	const struct yaml_node *rl = yaml_find(low, "rl");
	int level = rl != NULL ? policy_level(r->lint->policy, rl->text) : -1;

	for (size_t i = 0; higher != NULL && level >= 0 && i < yaml_strings(higher); i++) {
		const struct yaml_node *category = higher->kind == YAML_LIST ? higher->item[i] : higher;
		if (!lint_holds(lower, category->text) && given_at(r, category->text, (unsigned)level))
			lint_error(r->lint, r->file, category, "not-monotone",
			    "left out here, but not in the next lower version (line %u)", low->line);
	}
}

static const struct yaml_node *
transform_at(const struct yaml_node *version, struct bytes at)
{
	const struct yaml_node *list = yaml_find(version, "transforms");

	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *place = yaml_find(list->item[i], "at");
		if (place != NULL && bytes_equal(place->text, at))
			return list->item[i];
	}
	return NULL;
}

/* A value that the higher version coarsens and the lower one names to be kept, as it is. */
static void
compare_transforms(const struct reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *list = yaml_find(high, "transforms");
	const struct yaml_node *keep = yaml_find(low, "keep");

	for (size_t i = 0; list != NULL && keep != NULL && i < list->count; i++) {
		const struct yaml_node *at = yaml_find(list->item[i], "at");
		if (at == NULL || transform_at(low, at->text) != NULL)
			continue;
		for (size_t k = 0; k < keep->count; k++)
			if (lint_holds(keep->item[k], at->text))
				lint_error(r->lint, r->file, keep->item[k], "not-monotone",
				    "%s is kept here as it is, but changed in the next higher version (line "
				    "%u)",
				    at->text.at, at->line);
	}
}

/* ---- doubtful ------------------------------------------------------------------------------------------ */

static void
check_kept(const struct reading *r, const struct yaml_node *version)
{
	static const struct {
		const char *end;
		const char *code;
		const char *why;
	} doubts[] = {
		{ ".display", "display-kept", "a display repeats names and what a code means" },
		{ ".note", "free-text-kept", "nobody knows what stands in free text" },
		{ ".note[]", "free-text-kept", "nobody knows what stands in free text" },
		{ ".comment", "free-text-kept", "nobody knows what stands in free text" },
		{ ".conclusion", "free-text-kept", "nobody knows what stands in free text" },
		{ ".description", "free-text-kept", "nobody knows what stands in free text" },
		{ ".valueString", "free-text-kept", "nobody knows what stands in free text" },
		{ ".patientInstruction", "free-text-kept", "nobody knows what stands in free text" },
		{ ".identifier", "identifier-kept", "an identifier says who it is" },
		{ ".identifier[]", "identifier-kept", "an identifier says who it is" },
		{ ".attachment", "attachment-kept", "nobody can look into an attachment" },
		{ ".content[]", "attachment-kept", "nobody can look into an attachment" },
		{ ".data", "attachment-kept", "nobody can look into an attachment" },
	};
	const struct yaml_node *keep = yaml_find(version, "keep");

	for (size_t i = 0; keep != NULL && keep->kind == YAML_MAP && i < keep->count; i++) {
		const struct yaml_node *list = keep->item[i];
		for (size_t k = 0; list->kind == YAML_LIST && k < list->count; k++)
			for (size_t d = 0; d < sizeof(doubts) / sizeof(doubts[0]); d++)
				if (ends_with(list->item[k]->text, doubts[d].end))
					lint_warn(r->lint, r->file, list->item[k], doubts[d].code, "%s",
					    doubts[d].why);
	}
}

/* Per node the first transform that matches counts: a later one at the same place needs what that one lacks.
 */
static void
check_shadowed(const struct reading *r, const struct yaml_node *version)
{
	const struct yaml_node *list = yaml_find(version, "transforms");

	for (size_t i = 1; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *at = yaml_find(list->item[i], "at");
		for (size_t k = 0; at != NULL && k < i; k++) {
			const struct yaml_node *earlier = list->item[k];
			const struct yaml_node *place = yaml_find(earlier, "at");
			if (place != NULL && bytes_equal(place->text, at->text) &&
			    yaml_find(earlier, "where") == NULL && yaml_find(earlier, "type") == NULL)
				lint_warn(r->lint, r->file, list->item[i], "shadowed",
				    "the transform in line %u takes every such place first", earlier->line);
		}
	}
}

static void
check_without(const struct reading *r, const struct yaml_node *version)
{
	const struct yaml_node *without = yaml_find(version, "without");

	if (lint_holds(without, (struct bytes)BYTES("ETH")) &&
	    !lint_holds(without, (struct bytes)BYTES("SUD")))
		lint_warn(r->lint, r->file, without, "eth-without-sud",
		    "ETH stands beside SUD, ETHUD and OPIOIDUD, not above them: those are not left out");
}

void
lint_redact(struct lint *l)
{
	struct reading r = { .lint = l };
	struct fault f = { 0 };

	r.root = policy_yaml(l->policy, "redact.yaml", &r.file, &f);
	r.versions = yaml_find(r.root, "versions");
	if (r.versions == NULL || r.versions->kind != YAML_LIST)
		return;
	for (size_t i = 0; i < r.versions->count; i++) {
		const struct yaml_node *low = r.versions->item[i];
		check_shadowed(&r, low);
		check_without(&r, low);
		if (i + 1 == r.versions->count)
			break;
		check_hidden(&r, low);
		check_kept(&r, low);
		compare_keep(&r, low, r.versions->item[i + 1]);
		compare_types(&r, low, r.versions->item[i + 1]);
		compare_without(&r, low, r.versions->item[i + 1]);
		compare_transforms(&r, low, r.versions->item[i + 1]);
	}
}
