/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/base/decimal.h"
#include "common/base/memory.h"
#include "common/json/path.h"
#include "common/policy/notify_policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
lint_init(struct lint *l, struct policy *p)
{
	*l = (struct lint){ .policy = p };
}

void
lint_release(struct lint *l)
{
	free(l->finding);
	*l = (struct lint){ 0 };
}

void
lint_fault(struct lint *l, const struct fault *f, bool is_warning)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct fault *other = &l->finding[i].fault;
		/* Two loaders of one file report the same fault. */
		if (other->line == f->line && other->column == f->column &&
		    strcmp(other->file, f->file) == 0 && strcmp(other->text, f->text) == 0)
			return;
	}
	if (l->count == l->room) {
		l->room = l->room > 0 ? l->room * 2 : 16;
		l->finding = memory_grow(l->finding, l->room, sizeof(*l->finding));
	}
	l->finding[l->count++] = (struct lint_finding){ *f, is_warning, l->in_site };
}

static void __attribute__((format(printf, 3, 0)))
add(struct lint *l, struct lint_finding *finding, const char *format, va_list list)
{
	struct fault *f = &finding->fault;
	size_t used = strlen(f->text);

	(void)vsnprintf(f->text + used, sizeof(f->text) - used, format, list);
	lint_fault(l, f, finding->is_warning);
}

void
lint_error(
    struct lint *l, const char *file, const struct yaml_node *node, const char *code, const char *format, ...)
{
	struct lint_finding finding = { 0 };
	va_list list;

	(void)fault_at(&finding.fault, file, node, "%s: ", code);
	va_start(list, format);
	add(l, &finding, format, list);
	va_end(list);
}

void
lint_warn(
    struct lint *l, const char *file, const struct yaml_node *node, const char *code, const char *format, ...)
{
	struct lint_finding finding = { .is_warning = true };
	va_list list;

	(void)fault_at(&finding.fault, file, node, "%s: ", code);
	va_start(list, format);
	add(l, &finding, format, list);
	va_end(list);
}

static int
place_order(const void *a, const void *b)
{
	const struct fault *left = &((const struct lint_finding *)a)->fault;
	const struct fault *right = &((const struct lint_finding *)b)->fault;
	bool left_of_site = ((const struct lint_finding *)a)->of_site;
	bool right_of_site = ((const struct lint_finding *)b)->of_site;
	int order = strcmp(left->file, right->file);

	if (left_of_site != right_of_site)
		return left_of_site ? -1 : 1;
	if (order != 0)
		return order;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	return strcmp(left->text, right->text);
}

void
lint_sort(struct lint *l)
{
	if (l->count > 1)
		qsort(l->finding, l->count, sizeof(*l->finding), place_order);
}

static bool
holds(const struct yaml_node *node, struct bytes text)
{
	if (node == NULL)
		return false;
	if (node->kind == YAML_STRING)
		return bytes_equal(node->text, text);
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		if (bytes_equal(node->item[i]->text, text))
			return true;
	return false;
}

struct lint_reading {
	struct lint *lint;
	const char *file;
	const struct yaml_node *root;
};

static bool
is_blank(const struct yaml_node *node)
{
	return node == NULL || node->kind == YAML_NULL || (node->kind == YAML_STRING && node->text.size == 0);
}

static void
check_sign_off(const struct lint_reading *r)
{
	const struct yaml_node *sign_off = yaml_find(r->root, "sign_off");

	if (is_blank(sign_off) || is_blank(yaml_find(sign_off, "by")) || is_blank(yaml_find(sign_off, "at")))
		lint_warn(r->lint, r->file, sign_off, "no-sign-off", "nobody answers for these rules yet");
	else if (yaml_find(r->root, "value_sets") != NULL && !is_blank(yaml_find(sign_off, "serial")) &&
		 !bytes_equal(yaml_find(sign_off, "serial")->text, r->lint->policy->serial))
		lint_warn(r->lint, r->file, yaml_find(sign_off, "serial"), "unsigned-valueset",
		    "value sets and rules of serial %.*s: who signed answers for another serial",
		    (int)r->lint->policy->serial.size, r->lint->policy->serial.at);
}

static void
check_value_sets(const struct lint_reading *r)
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

/* A test that holds if a part is missing: a record without the part evades the rule. */
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

/* between: [a, b] with a > b. */
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
check_path(const struct lint_reading *r, const struct yaml_node *at)
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
check_rule(const struct lint_reading *r, const struct yaml_node *rule)
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

/* The order of rules has no effect, since rules only raise; one of two equal rules is superfluous. */
static void
check_pairs(const struct lint_reading *r, const struct yaml_node *rules)
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
	struct lint_reading r = { .lint = l };
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

/* The value of KEY for a version: its own, or else that of the file. */
static const struct yaml_node *
said(const struct lint_reading *r, const struct yaml_node *version, const char *key)
{
	const struct yaml_node *own = yaml_find(version, key);

	return own != NULL ? own : yaml_find(r->root, key);
}

static bool
says(const struct lint_reading *r, const struct yaml_node *version, const char *key, const char *word)
{
	const struct yaml_node *node = said(r, version, key);

	return node != NULL && node->kind == YAML_STRING && bytes_are(node->text, word);
}

/* The path of an item of `keep`: the item itself, or its `at`; nothing for a list of paths. */
static struct bytes
path_of(const struct yaml_node *item)
{
	const struct yaml_node *at = item->kind == YAML_MAP ? yaml_find(item, "at") : item;

	return at != NULL && at->kind == YAML_STRING ? at->text : (struct bytes)BYTES("");
}

static const struct yaml_node *
kept(const struct yaml_node *keep, const char *path)
{
	for (size_t i = 0; keep != NULL && keep->kind == YAML_MAP && i < keep->count; i++) {
		const struct yaml_node *list = keep->item[i];
		for (size_t k = 0; list->kind == YAML_LIST && k < list->count; k++)
			if (bytes_are(path_of(list->item[k]), path))
				return list->item[k];
	}
	return NULL;
}

/* True if the list of `keep` names that very path. */
static bool
names(const struct yaml_node *list, struct bytes path)
{
	if (list->kind != YAML_LIST)
		return bytes_equal(path_of(list), path);
	for (size_t i = 0; i < list->count; i++)
		if (bytes_equal(path_of(list->item[i]), path))
			return true;
	return false;
}

static void
check_hidden(const struct lint_reading *r, const struct yaml_node *version)
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

/* True if the path OUTER names INNER or a part that holds it. */
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
		if (path_of(list->item[i]).size > 0 && covers(path_of(list->item[i]), path))
			return true;
	return list != NULL && list->kind == YAML_STRING && covers(list->text, path);
}

static void
compare_keep(const struct lint_reading *r, const struct yaml_node *low, const struct yaml_node *high)
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
			if (!covered(yaml_find(higher, lower->key[i]->text.at), path_of(paths->item[k])) &&
			    !covered(yaml_find(higher, "*"), path_of(paths->item[k])))
				lint_error(r->lint, r->file, paths->item[k], "not-monotone",
				    "kept here, but not in the next higher version (line %u)", higher->line);
	}
}

static void
compare_types(const struct lint_reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *lower = yaml_find(low, "types");
	const struct yaml_node *higher = yaml_find(high, "types");

	if (higher == NULL)
		return;
	if (lower == NULL)
		lint_error(r->lint, r->file, low, "not-monotone",
		    "this version has all types, the next higher one only those of line %u", higher->line);
	for (size_t i = 0; lower != NULL && i < lower->count; i++)
		if (!holds(higher, lower->item[i]->text))
			lint_error(r->lint, r->file, lower->item[i], "not-monotone",
			    "a type that the next higher version (line %u) does not have", higher->line);
}

/* True if a rule of classify.yaml gives CATEGORY, or those of a value set, at LEVEL or below. */
static bool
given_at(const struct lint_reading *r, struct bytes category, unsigned level)
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
		bool meets =
		    holds(sensitivity, category) || holds(sensitivity, (struct bytes)BYTES("from_value_set"));
		if (meets && given <= (int)level)
			return true;
	}
	return false;
}

static void
compare_without(const struct lint_reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *lower = yaml_find(low, "without");
	const struct yaml_node *higher = yaml_find(high, "without");
	const struct yaml_node *rl = yaml_find(low, "rl");
	int level = rl != NULL ? policy_level(r->lint->policy, rl->text) : -1;

	for (size_t i = 0; higher != NULL && level >= 0 && i < yaml_strings(higher); i++) {
		const struct yaml_node *category = higher->kind == YAML_LIST ? higher->item[i] : higher;
		if (!holds(lower, category->text) && given_at(r, category->text, (unsigned)level))
			lint_error(r->lint, r->file, category, "not-monotone",
			    "left out here, but not in the next lower version (line %u)", low->line);
	}
}

static const struct yaml_node *
transform_at(const struct yaml_node *version, struct bytes at)
{
	const struct yaml_node *list = yaml_find(version, "transforms");

	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		if (holds(yaml_find(list->item[i], "at"), at))
			return list->item[i];
	}
	return NULL;
}

static void
compare_transform(const struct lint_reading *r, const struct yaml_node *low, const struct yaml_node *at)
{
	const struct yaml_node *keep = yaml_find(low, "keep");

	if (transform_at(low, at->text) != NULL)
		return;
	for (size_t i = 0; i < keep->count; i++)
		if (names(keep->item[i], at->text))
			lint_error(r->lint, r->file, keep->item[i], "not-monotone",
			    "%s is kept here as it is, but changed in the next higher version (line %u)",
			    at->text.at, at->line);
}

/* Finds values that the higher version transforms and the lower version keeps unchanged. */
static void
compare_transforms(const struct lint_reading *r, const struct yaml_node *low, const struct yaml_node *high)
{
	const struct yaml_node *list = yaml_find(high, "transforms");

	for (size_t i = 0; list != NULL && yaml_find(low, "keep") != NULL && i < list->count; i++) {
		const struct yaml_node *at = yaml_find(list->item[i], "at");

		if (at != NULL && at->kind == YAML_STRING)
			compare_transform(r, low, at);
		for (size_t k = 0; at != NULL && at->kind == YAML_LIST && k < at->count; k++)
			compare_transform(r, low, at->item[k]);
	}
}

static void
check_kept(const struct lint_reading *r, const struct yaml_node *version)
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
				if (bytes_end(path_of(list->item[k]), doubts[d].end))
					lint_warn(r->lint, r->file, list->item[k], doubts[d].code, "%s",
					    doubts[d].why);
	}
}

/* The first path of A that B names, too; NULL if there is none. */
static const struct yaml_node *
shared_path(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a == NULL || b == NULL)
		return NULL;
	if (a->kind != YAML_LIST)
		return holds(b, a->text) ? a : NULL;
	for (size_t i = 0; i < a->count; i++)
		if (holds(b, a->item[i]->text))
			return a->item[i];
	return NULL;
}

/* The first transform that matches counts, so one without conditions hides the later ones. */
static void
check_shadowed(const struct lint_reading *r, const struct yaml_node *version)
{
	const struct yaml_node *list = yaml_find(version, "transforms");

	for (size_t i = 1; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		const struct yaml_node *at = yaml_find(list->item[i], "at");
		for (size_t k = 0; k < i; k++) {
			const struct yaml_node *earlier = list->item[k];
			const struct yaml_node *path = shared_path(at, yaml_find(earlier, "at"));

			if (path != NULL && yaml_find(earlier, "where") == NULL &&
			    yaml_find(earlier, "type") == NULL)
				lint_warn(r->lint, r->file, list->item[i], "shadowed",
				    "the transform in line %u takes every such place first", earlier->line);
		}
	}
}

static void
check_without(const struct lint_reading *r, const struct yaml_node *version)
{
	const struct yaml_node *without = yaml_find(version, "without");

	if (holds(without, (struct bytes)BYTES("ETH")) && !holds(without, (struct bytes)BYTES("SUD")))
		lint_warn(r->lint, r->file, without, "eth-without-sud",
		    "ETH stands beside SUD, ETHUD and OPIOIDUD, not above them: those are not left out");
}

static void
check_marks(struct lint_reading *r)
{
	struct fault f = { 0 };
	const struct yaml_node *mark = yaml_find(r->root, "mark");
	const char *file = NULL;
	const struct yaml_node *notify;
	bool reads;

	/* check_notify says what is wrong with the file. */
	if (!notify_policy_reads_marks(r->lint->policy, &reads, &f) || reads == (mark != NULL))
		return;
	if (!reads) {
		lint_warn(r->lint, r->file, mark, "marks-unread",
		    "versions get no marks, since notify.yaml has no `visible_change` that would read them");
		return;
	}
	notify = policy_yaml(r->lint->policy, "notify.yaml", &file, &f);
	lint_warn(r->lint, file, yaml_find(notify, "visible_change"), "marks-missing",
	    "every event counts as a change, since redact.yaml has no `mark`");
}

/*
 * A version must show nothing that the next higher version hides.  A version with `presence: hidden` must
 * show no trace of what is missing.
 */
void
lint_redact(struct lint *l)
{
	struct lint_reading r = { .lint = l };
	struct fault f = { 0 };

	r.root = policy_yaml(l->policy, "redact.yaml", &r.file, &f);
	check_marks(&r);
	const struct yaml_node *versions = yaml_find(r.root, "versions");
	if (versions == NULL || versions->kind != YAML_LIST)
		return;
	for (size_t i = 0; i < versions->count; i++) {
		const struct yaml_node *low = versions->item[i];
		check_shadowed(&r, low);
		check_without(&r, low);
		if (i + 1 == versions->count)
			break;
		check_hidden(&r, low);
		check_kept(&r, low);
		compare_keep(&r, low, versions->item[i + 1]);
		compare_types(&r, low, versions->item[i + 1]);
		compare_without(&r, low, versions->item[i + 1]);
		compare_transforms(&r, low, versions->item[i + 1]);
	}
}
