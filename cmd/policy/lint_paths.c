/* SPDX-License-Identifier: ISC */
#include "cmd/policy/fhir_path.h"
#include "cmd/policy/lint.h"

#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <string.h>

/* A file, and the types that the paths at hand are about; NULL: all types. */
struct path_reading {
	struct lint *lint;
	const char *file;
	const struct yaml_node *types;
};

static size_t
types_of(const struct path_reading *r)
{
	return r->types != NULL ? yaml_strings(r->types) : vocabulary_size(VOCABULARY_RESOURCE_TYPE);
}

static struct bytes
type_at(const struct path_reading *r, size_t i)
{
	if (r->types == NULL)
		return vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->code;
	return r->types->kind == YAML_LIST ? r->types->item[i]->text : r->types->text;
}

/* Follows PATH in the types, and keeps the best verdict: a path is good if one of them has it. */
static enum fhir_path_verdict
follow(const struct path_reading *r, struct bytes path, struct fhir_path *best)
{
	enum fhir_path_verdict verdict = FHIR_PATH_MISSING;
	struct fhir_path p;

	*best = (struct fhir_path){ 0 };
	for (size_t i = 0; i < types_of(r); i++) {
		if (r->types == NULL && vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->status != CONCEPT_ACTIVE)
			continue;
		enum fhir_path_verdict here = fhir_path_follow(type_at(r, i), path, &p);
		if (here == FHIR_PATH_KNOWN || here == FHIR_PATH_OPEN) {
			*best = p;
			return here;
		}
		if (best->step.at == NULL || p.before.size > best->before.size) {
			*best = p;
			verdict = here;
		}
	}
	return verdict;
}

static void
warn_unknown(const struct path_reading *r, const struct yaml_node *node, enum fhir_path_verdict verdict,
    const struct fhir_path *p)
{
	const char *of = r->types == NULL              ? "any type"
			 : yaml_strings(r->types) == 1 ? type_at(r, 0).at
						       : "these types";

	if (verdict == FHIR_PATH_MISSING)
		lint_warn(r->lint, r->file, node, "unknown-path", "%.*s%.*s is no element of %s in FHIR R4",
		    (int)p->before.size, p->before.at, (int)p->step.size, p->step.at, of);
	else if (verdict == FHIR_PATH_LIST)
		lint_warn(r->lint, r->file, node, "unknown-path",
		    "%.*s%.*s is a list in FHIR R4: write %.*s%.*s[] to go on", (int)p->before.size,
		    p->before.at, (int)p->step.size, p->step.at, (int)p->before.size, p->before.at,
		    (int)p->step.size, p->step.at);
	else if (verdict == FHIR_PATH_VALUE)
		lint_warn(r->lint, r->file, node, "unknown-path",
		    "%.*s holds no elements in FHIR R4, so there is no %.*s in it", (int)p->before.size,
		    p->before.at, (int)p->step.size, p->step.at);
}

static bool
is_written(struct bytes expression, const struct fhir_path *p, struct bytes name)
{
	struct bytes path;

	while (fhir_path_next(&expression, &path)) {
		size_t size = p->choice_before.size + 1 + name.size;
		if (path.size >= size && memcmp(path.at, p->choice_before.at, p->choice_before.size) == 0 &&
		    path.at[p->choice_before.size] == '.' &&
		    memcmp(path.at + p->choice_before.size + 1, name.at, name.size) == 0 &&
		    (path.size == size || path.at[size] == '.' || path.at[size] == '['))
			return true;
	}
	return false;
}

/* The members of a choice that EXPRESSION, which names one of them, does not name. */
static void
warn_gap(const struct path_reading *r, const struct yaml_node *node, struct bytes expression,
    const struct fhir_path *p)
{
	struct elements e;
	struct element member;
	char missing[240];
	size_t used = 0;
	size_t count = 0;

	for (bool open = elements_open(&e, p->choice_kind); open && elements_next(&e, &member);) {
		if (!bytes_equal(member.stem, p->stem) || is_written(expression, p, member.name))
			continue;
		if (used + member.name.size + 4 < sizeof(missing) && count < 6)
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s.%.*s",
			    count > 0 ? ", " : "", (int)member.name.size, member.name.at);
		count++;
	}
	if (count > 0)
		lint_warn(r->lint, r->file, node, "choice-gap",
		    "%.*s is one form of %.*s[x]; this does not reach %s%s", (int)p->choice_name.size,
		    p->choice_name.at, (int)p->stem.size, p->stem.at, missing, count > 6 ? ", ..." : "");
}

/* An expression of a policy.  GAPS: it raises a level, so a form of a choice that it misses stays lower. */
static void
check_expression(
    const struct path_reading *r, const struct yaml_node *node, struct bytes expression, bool gaps)
{
	struct bytes rest = expression;
	struct bytes path;
	struct fhir_path p;
	struct bytes said = { 0 };

	while (fhir_path_next(&rest, &path)) {
		enum fhir_path_verdict verdict = follow(r, path, &p);
		if (verdict != FHIR_PATH_KNOWN && verdict != FHIR_PATH_OPEN)
			warn_unknown(r, node, verdict, &p);
		if (!gaps || verdict != FHIR_PATH_KNOWN || p.stem.size == 0 || bytes_equal(said, p.stem))
			continue;
		said = p.stem;
		warn_gap(r, node, expression, &p);
	}
}

/* Tests that only one form of a choice can meet say nothing of the others. */
static bool
is_about_presence(const struct yaml_node *test)
{
	return test->kind == YAML_MAP && test->count == 1 && bytes_are(test->key[0]->text, "present");
}

/* The paths of a `where` beside the node of AROUND are paths behind it. */
static void
check_behind(const struct path_reading *r, const struct yaml_node *key, struct bytes around)
{
	struct bytes rest = key->text;
	struct bytes path;
	struct fhir_path p;
	char whole[256];

	while (fhir_path_next(&rest, &path)) {
		int size = snprintf(
		    whole, sizeof whole, "%.*s%.*s", (int)around.size, around.at, (int)path.size, path.at);
		if (size < (int)sizeof whole)
			warn_unknown(r, key, follow(r, bytes_of(whole), &p), &p);
	}
}

/* AROUND: the path that the condition stands behind; empty: it is the root's. */
static void
check_condition(const struct path_reading *r, const struct yaml_node *where, struct bytes around, bool gaps)
{
	static const char *const nested[] = { "any", "all", "none" };

	for (size_t i = 0; where->kind == YAML_LIST && i < where->count; i++)
		check_condition(r, where->item[i], around, gaps);
	for (size_t i = 0; where->kind == YAML_MAP && i < where->count; i++) {
		const struct yaml_node *key = where->key[i];
		const struct yaml_node *behind = yaml_find(where->item[i], "where");
		bool inner = false;
		for (size_t k = 0; k < sizeof(nested) / sizeof(nested[0]); k++)
			inner = inner || bytes_are(key->text, nested[k]);
		if (inner) {
			check_condition(r, where->item[i], around, gaps);
			continue;
		}
		if (key->text.size == 0 || key->text.at[0] != '.')
			continue;
		if (around.size > 0)
			check_behind(r, key, around);
		else
			check_expression(r, key, key->text, gaps && is_about_presence(where->item[i]));
		if (behind != NULL && around.size == 0 && memchr(key->text.at, ',', key->text.size) == NULL)
			check_condition(r, behind, key->text, false);
	}
}

static void
check_rules(struct path_reading *r, const struct yaml_node *rules, bool raises)
{
	for (size_t i = 0; rules != NULL && rules->kind == YAML_LIST && i < rules->count; i++) {
		const struct yaml_node *rule = rules->item[i];
		const struct yaml_node *at = yaml_find(rule, "at");
		const struct yaml_node *where = yaml_find(rule, "where");
		r->types = yaml_find(rule, "type");
		if (where != NULL)
			check_condition(r, where, (struct bytes){ 0 }, raises);
		if (at != NULL && at->kind == YAML_STRING && at->text.size > 0 && at->text.at[0] == '.')
			check_expression(r, at, at->text, raises);
	}
}

/* The level that `base` gives the whole of a type; -1: it does not say. */
static int
root_level(const struct path_reading *r, const struct yaml_node *lines)
{
	for (size_t k = 0; k < lines->count; k++)
		if (bytes_are(lines->key[k]->text, "."))
			return policy_level(r->lint->policy, lines->item[k]->text);
	return -1;
}

/* One finding a type, since whoever signs off looks at a type at a time. */
static void
warn_lowered(const struct path_reading *r, const struct yaml_node *type, const struct yaml_node *lines)
{
	int root = root_level(r, lines);
	char list[240];
	size_t used = 0;
	size_t count = 0;

	for (size_t k = 0; root >= 0 && k < lines->count; k++) {
		struct bytes path = lines->key[k]->text;
		int level = policy_level(r->lint->policy, lines->item[k]->text);
		if (level < 0 || level >= root)
			continue;
		if (used + path.size + 4 < sizeof(list) && count < 6)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.*s",
			    count > 0 ? ", " : "", (int)path.size, path.at);
		count++;
	}
	if (count > 0)
		lint_warn(r->lint, r->file, type, "lowered-by-base", "%zu parts of %.*s stand below %s: %s%s",
		    count, (int)type->text.size, type->text.at, r->lint->policy->level[root].name.at, list,
		    count > 6 ? ", ..." : "");
}

static void
check_base(struct path_reading *r, const struct yaml_node *base, bool is_fhir)
{
	for (size_t i = 0; base != NULL && base->kind == YAML_MAP && i < base->count; i++) {
		const struct yaml_node *lines = base->item[i];
		if (lines->kind != YAML_MAP)
			continue;
		warn_lowered(r, base->key[i], lines);
		r->types = bytes_are(base->key[i]->text, "*") ? NULL : base->key[i];
		int root = root_level(r, lines);
		for (size_t k = 0; is_fhir && k < lines->count; k++) {
			int level = policy_level(r->lint->policy, lines->item[k]->text);
			check_expression(r, lines->key[k], lines->key[k]->text, root >= 0 && level > root);
		}
	}
}

/* The paths in `summaries`; lint_fhir looks at the names. */
static void
check_summaries(struct path_reading *r, const struct yaml_node *summaries)
{
	for (size_t i = 0; summaries != NULL && summaries->kind == YAML_MAP && i < summaries->count; i++) {
		const struct yaml_node *list = summaries->item[i];
		r->types = bytes_are(summaries->key[i]->text, "*") ? NULL : summaries->key[i];
		for (size_t k = 0; list->kind == YAML_LIST && k < list->count; k++)
			if (bytes_begin(list->item[k]->text, "."))
				check_expression(r, list->item[k], list->item[k]->text, false);
	}
}

static void
check_keep(struct path_reading *r, const struct yaml_node *keep)
{
	for (size_t i = 0; keep != NULL && keep->kind == YAML_MAP && i < keep->count; i++) {
		const struct yaml_node *list = keep->item[i];
		r->types = bytes_are(keep->key[i]->text, "*") ? NULL : keep->key[i];
		for (size_t k = 0; list->kind == YAML_LIST && k < list->count; k++) {
			const struct yaml_node *item = list->item[k];
			const struct yaml_node *at = item->kind == YAML_MAP ? yaml_find(item, "at") : item;
			if (at != NULL && at->kind == YAML_STRING)
				check_expression(r, at, at->text, false);
		}
	}
}

/* What an operation can work on.  Anything else in its place is removed. */
static const struct {
	const char *operation;
	const char *types; /* with blanks around each */
	const char *what;
} operations[] = {
	{ "truncate", " date dateTime instant ", "a date" },
	{ "date_shift", " date dateTime instant ", "a date" },
	{ "round", " decimal integer positiveInt unsignedInt ", "a number" },
	{ "band", " decimal integer positiveInt unsignedInt ", "a number" },
	{ "zip", " string ", "text" },
	{ "code", " Coding ", "a Coding" },
	{ "display", " string ", "a display" },
	{ "mask",
	    " string markdown code id uri url canonical oid uuid base64Binary xhtml date dateTime instant "
	    "time ",
	    "text" },
};

static bool
suits(const char *types, struct bytes type)
{
	char word[64];

	if (type.size + 3 > sizeof(word))
		return true;
	(void)snprintf(word, sizeof(word), " %.*s ", (int)type.size, type.at);
	return strstr(types, word) != NULL;
}

static void
check_operation(const struct path_reading *r, const struct yaml_node *at, const struct yaml_node *name,
    const struct yaml_node *argument, struct bytes path)
{
	struct fhir_path p;

	if (follow(r, path, &p) != FHIR_PATH_KNOWN)
		return;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (bytes_are(name->text, operations[i].operation) && !suits(operations[i].types, p.type))
			lint_error(r->lint, r->file, at, "kind",
			    "%s wants %s, and %.*s is of type %.*s in FHIR R4", operations[i].operation,
			    operations[i].what, (int)path.size, path.at, (int)p.type.size, p.type.at);
	if (bytes_are(name->text, "truncate") && bytes_are(p.type, "instant") && argument != NULL &&
	    !bytes_are(argument->text, "hour"))
		lint_warn(r->lint, r->file, at, "kind",
		    "%.*s is an instant in FHIR R4, which has a time of day: this cut makes it a date",
		    (int)path.size, path.at);
}

static void
check_transform(const struct path_reading *r, const struct yaml_node *at, const struct yaml_node *operation)
{
	struct bytes path;

	if (at->kind != YAML_STRING)
		return;
	check_expression(r, at, at->text, false);
	for (struct bytes rest = at->text; operation != NULL && fhir_path_next(&rest, &path);)
		if (operation->kind == YAML_STRING)
			check_operation(r, at, operation, NULL, path);
		else
			for (size_t k = 0; operation->kind == YAML_MAP && k < operation->count; k++)
				check_operation(r, at, operation->key[k], operation->item[k], path);
}

static void
check_transforms(struct path_reading *r, const struct yaml_node *list)
{
	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *at = yaml_find(list->item[i], "at");
		const struct yaml_node *operation = yaml_find(list->item[i], "do");
		const struct yaml_node *where = yaml_find(list->item[i], "where");
		r->types = yaml_find(list->item[i], "type");
		if (where != NULL)
			check_condition(r, where, (struct bytes){ 0 }, false);
		if (at != NULL && at->kind == YAML_STRING)
			check_transform(r, at, operation);
		for (size_t k = 0; at != NULL && at->kind == YAML_LIST && k < at->count; k++)
			check_transform(r, at->item[k], operation);
	}
}

void
lint_paths(struct lint *l)
{
	struct path_reading r = { .lint = l };
	struct fault f = { 0 };
	const struct yaml_node *roots = yaml_find(yaml_find(l->policy->root, "record"), "roots");
	bool is_fhir = roots != NULL && bytes_are(roots->text, "fhir");
	const struct yaml_node *root = policy_yaml(l->policy, "classify.yaml", &r.file, &f);

	check_base(&r, yaml_find(root, "base"), is_fhir);
	if (!is_fhir)
		return;
	lint_fhir(l);
	check_summaries(&r, yaml_find(root, "summaries"));
	check_rules(&r, yaml_find(root, "rules"), true);
	check_rules(&r, yaml_find(root, "declassify"), false);
	check_rules(&r, yaml_find(yaml_find(root, "criticality"), "rules"), false);
	check_rules(&r, yaml_find(yaml_find(root, "criticality"), "evidence"), false);
	root = policy_yaml(l->policy, "redact.yaml", &r.file, &f);
	const struct yaml_node *versions = yaml_find(root, "versions");
	for (size_t i = 0; versions != NULL && versions->kind == YAML_LIST && i < versions->count; i++) {
		check_keep(&r, yaml_find(versions->item[i], "keep"));
		check_transforms(&r, yaml_find(versions->item[i], "transforms"));
	}
}
