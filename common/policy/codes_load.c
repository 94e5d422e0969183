/* SPDX-License-Identifier: ISC */
/* Fills the table.  A TSV file is read once, however many sets share it. */
#include "common/base/memory.h"
#include "common/policy/codes_table.h"

#include <stdio.h>
#include <stdlib.h>

enum { NO_GROUP = 0xffff, KNOWN_GROUPS = 64 };

/* A file while it is read into the table. */
struct load {
	struct codes *c;
	const struct policy_file *file;
	struct fault *fault;
	int only_set; /* of a JSON file, whose rows get the category of this set; else -1 */
	struct bytes category;
	/* Of the last row: rows of one system stand together. */
	struct bytes last_system_name;
	unsigned last_system;
	/* The groups of this file by category; most files have few. */
	struct known_group {
		struct bytes category;
		unsigned group;
	} known[KNOWN_GROUPS];
	unsigned knows;
};

static bool
too_many(struct fault *f, const char *shown, const struct yaml_node *node, const char *what)
{
	return fault_at(f, shown, node, "more than %d %s", CODE_BITS, what);
}

/* The categories that a set takes from its file; NULL: all. */
static const struct yaml_node *
wanted(const struct code_set *set)
{
	return yaml_find(set->node, "category");
}

static bool
wants(const struct code_set *set, struct bytes category)
{
	const struct yaml_node *list = wanted(set);
	struct bytes item;

	if (list == NULL)
		return true;
	for (size_t i = 0; i < yaml_strings(list); i++)
		if (yaml_item_string("", list, i, &item, NULL) && bytes_equal(item, category))
			return true;
	return false;
}

static const struct policy_file *
file_of_set(const struct codes *c, const char *shown, const struct yaml_node *file, struct fault *f)
{
	const struct policy_file *found;
	struct bytes name = { NULL, 0 };
	char path[512];
	int size;

	if (!yaml_string(shown, file, &name, f))
		return NULL;
	size = snprintf(path, sizeof path, "valuesets/%.*s", code_shown(name), name.at);
	found = size > 0 && (size_t)size == name.size + 10 ? policy_file(c->policy, path) : NULL;
	if (found == NULL)
		(void)fault_at(f, shown, file, "there is no file '%s' in the policy", path);
	return found;
}

static bool
check_categories(const char *shown, const struct yaml_node *list, bool is_json, struct fault *f)
{
	struct bytes item;

	if (is_json && (list == NULL || yaml_strings(list) != 1))
		return fault_at(f, shown, list, "a JSON value set has one category of its own");
	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++)
		if (!yaml_item_string(shown, list, i, &item, f))
			return false;
	return list == NULL || yaml_strings(list) > 0 || fault_at(f, shown, list, "expected categories");
}

static bool
declare_set(
    struct codes *c, const char *shown, struct bytes name, const struct yaml_node *node, struct fault *f)
{
	struct code_set *set = &c->set[c->sets];
	struct yaml_map m;
	const struct yaml_node *file, *terms, *categories;
	uint64_t rows = 0;

	if (c->sets == CODE_BITS)
		return too_many(f, shown, node, "value sets");
	if (!yaml_open(&m, shown, node, f))
		return false;
	*set = (struct code_set){ .name = name, .complete = true, .node = node };
	terms = yaml_take(&m, "terms");
	file = terms != NULL ? terms : yaml_need(&m, "file");
	set->is_terms = terms != NULL;
	categories = yaml_take(&m, "category");
	if (file == NULL || !yaml_integer(shown, yaml_take(&m, "rows"), 1, UINT32_MAX, &rows, f) ||
	    !yaml_boolean(shown, yaml_take(&m, "complete"), &set->complete, f) || !yaml_close(&m))
		return false;
	set->file = file_of_set(c, shown, file, f);
	if (set->file == NULL ||
	    !check_categories(shown, categories, !set->is_terms && valueset_is_json(set->file), f))
		return false;
	c->sets++;
	return true;
}

static bool
category_of(struct load *l, struct bytes name, unsigned *category)
{
	int known = codes_category(l->c, name);

	*category = known >= 0 ? (unsigned)known : l->c->categories;
	if (known >= 0)
		return true;
	if (l->c->categories == CODE_BITS)
		return too_many(l->fault, l->file->shown, NULL, "categories");
	l->c->category[l->c->categories++] = name;
	return true;
}

/* Fills in the sets that a group belongs to; false if there are none. */
static bool
sets_of(const struct load *l, struct bytes category, struct code_group *group)
{
	bool any = false;

	for (unsigned i = 0; i < l->c->sets; i++) {
		const struct code_set *set = &l->c->set[i];

		if (set->file != l->file || !wants(set, category) ||
		    (l->only_set >= 0 && (int)i != l->only_set))
			continue;
		code_bits_add(&group->sets, i);
		group->is_partial = group->is_partial || !set->complete;
		any = true;
	}
	return any;
}

/* The group of a row; NO_GROUP if no set wants its category. */
static bool
group_of(struct load *l, const char *at, struct bytes name, unsigned *group)
{
	struct codes *c = l->c;
	struct code_group new = { .file = l->file, .first = at };

	*group = NO_GROUP;
	if (!sets_of(l, name, &new))
		return true;
	if (!category_of(l, name, &new.category))
		return false;
	for (unsigned i = 0; i < c->groups; i++) {
		if (c->group[i].file == l->file &&
		    c->group[i].category ==
			new.category &&memcmp(&c->group[i].sets, &new.sets, sizeof new.sets) == 0) {
			*group = i;
			return true;
		}
	}
	if (c->groups == CODE_BITS)
		return too_many(l->fault, l->file->shown, NULL, "groups of rows by file and category");
	*group = c->groups;
	c->group[c->groups++] = new;
	return true;
}

static bool
known_group_of(struct load *l, const char *at, struct bytes category, unsigned *group)
{
	for (unsigned i = 0; i < l->knows; i++) {
		if (bytes_equal(l->known[i].category, category)) {
			*group = l->known[i].group;
			return true;
		}
	}
	if (!group_of(l, at, category, group))
		return false;
	if (l->knows < KNOWN_GROUPS)
		l->known[l->knows++] = (struct known_group){ category, *group };
	return true;
}

static bool
system_of(struct load *l, const struct valueset_row *row, unsigned *system)
{
	if (l->last_system_name.size > 0 && bytes_equal(row->system, l->last_system_name)) {
		*system = l->last_system;
		return true;
	}
	*system = codesystems_add(&l->c->systems, row->system);
	if (*system == CODESYSTEM_NONE)
		return valueset_fault(l->fault, l->file, row->at, "a system that is none, or one too many");
	codes_note_systems(l->c);
	l->last_system_name = row->system;
	l->last_system = *system;
	return true;
}

static bool
load_row(void *context, const struct valueset_row *row)
{
	struct load *l = context;
	struct bytes category = l->only_set >= 0 ? l->category : row->category;
	struct code_row new = {
		.code = row->code.at, .from = row->from, .until = row->until, .is_prefix = row->is_prefix
	};
	struct code_group *group;
	unsigned system, number;

	if (!known_group_of(l, row->at, category, &number) || !system_of(l, row, &system))
		return false;
	if (number == NO_GROUP)
		return true;
	group = &l->c->group[number];
	new.code_size = (uint16_t)row->code.size;
	new.system = (uint16_t)system;
	new.group = (uint16_t)number;
	if (!codes_add(l->c, &new))
		return valueset_fault(l->fault, l->file, row->at, "the same row twice");
	group->rows++;
	l->c->facts[system].rows++;
	l->c->facts[system].is_partial = l->c->facts[system].is_partial || group->is_partial;
	return true;
}

static int
load_term(void *context, const struct terms_row *row)
{
	struct load *l = context;
	unsigned number;

	if (!known_group_of(l, row->at, row->category, &number))
		return TERMS_FAULT;
	if (number == NO_GROUP)
		return TERMS_LEAVE_OUT;
	l->c->group[number].rows++;
	return (int)number;
}

static bool
load_file(struct codes *c, const struct policy_file *file, bool is_terms, int only_set, struct fault *f)
{
	struct load l = { .c = c, .file = file, .fault = f, .only_set = only_set };

	if (is_terms)
		return terms_read(&c->terms, file, f, load_term, &l);
	if (only_set >= 0)
		(void)yaml_item_string("", wanted(&c->set[only_set]), 0, &l.category, NULL);
	codes_reserve(c, valueset_most_rows(file));
	return valueset_read(file, &c->arena, f, load_row, &l);
}

static bool
load_files(struct codes *c, struct fault *f)
{
	for (unsigned i = 0; i < c->sets; i++) {
		bool is_json = !c->set[i].is_terms && valueset_is_json(c->set[i].file);
		bool is_first = true;

		for (unsigned k = 0; k < i; k++)
			is_first = is_first && c->set[k].file != c->set[i].file;
		if ((is_json || is_first) &&
		    !load_file(c, c->set[i].file, c->set[i].is_terms, is_json ? (int)i : -1, f))
			return false;
	}
	return true;
}

static bool
has_category(const struct codes *c, unsigned set, struct bytes name)
{
	struct code_bits categories = { 0 };
	int category = codes_category(c, name);

	codes_set_categories(c, set, &categories);
	return category >= 0 && code_bits_has(&categories, (unsigned)category);
}

static bool
check_set(struct codes *c, unsigned i, const char *shown, struct fault *f)
{
	struct code_set *set = &c->set[i];
	const struct yaml_node *list = wanted(set);
	const struct yaml_node *rows = yaml_find(set->node, "rows");
	uint64_t stated = 0;
	struct bytes name;

	for (unsigned g = 0; g < c->groups; g++)
		if (code_bits_has(&c->group[g].sets, i))
			set->rows += c->group[g].rows;
	for (size_t k = 0; list != NULL && k < yaml_strings(list); k++)
		if (yaml_item_string(shown, list, k, &name, f) && !has_category(c, i, name))
			return fault_at(f, shown, list, "empty-set: no row of category '%.*s' in %s",
			    code_shown(name), name.at, set->file->shown);
	if (set->rows == 0)
		return fault_at(f, shown, set->node, "empty-set: no row in %s", set->file->shown);
	if (rows == NULL)
		return true;
	return yaml_integer(shown, rows, 1, UINT32_MAX, &stated, f) &&
	       (stated == set->rows || fault_at(f, shown, rows, "row-count: %zu rows in %s, expected %zu",
					   set->rows, set->file->shown, (size_t)stated));
}

static bool
check_aliases(const char *shown, const struct yaml_node *aliases, struct fault *f)
{
	struct bytes uri;

	if (aliases == NULL || aliases->kind == YAML_NULL)
		return true;
	if (aliases->kind != YAML_MAP)
		return fault_at(f, shown, aliases, "expected a map from aliases to code systems");
	for (size_t i = 0; i < aliases->count; i++)
		if (!yaml_string(shown, aliases->item[i], &uri, f))
			return false;
	return true;
}

static bool
load_all(struct codes *c, const char *shown, const struct yaml_node *value_sets, struct fault *f)
{
	if (value_sets == NULL || value_sets->kind == YAML_NULL)
		return true;
	if (value_sets->kind != YAML_MAP)
		return fault_at(f, shown, value_sets, "expected a map of value sets");
	for (size_t i = 0; i < value_sets->count; i++)
		if (!declare_set(c, shown, value_sets->key[i]->text, value_sets->item[i], f))
			return false;
	if (!load_files(c, f))
		return false;
	for (unsigned i = 0; i < c->sets; i++)
		if (!check_set(c, i, shown, f))
			return false;
	return true;
}

struct codes *
codes_load(const struct policy *p, const char *shown, const struct yaml_node *systems,
    const struct yaml_node *value_sets, struct fault *f)
{
	struct codes *c = memory_zeros(1, sizeof *c);

	c->policy = p;
	c->aliases = systems;
	codesystems_init(&c->systems);
	codes_note_systems(c);
	if (check_aliases(shown, systems, f) && load_all(c, shown, value_sets, f))
		return c;
	codes_free(c);
	return NULL;
}

void
codes_free(struct codes *c)
{
	if (c == NULL)
		return;
	terms_release(&c->terms);
	arena_release(&c->arena);
	codesystems_release(&c->systems);
	free(c->facts);
	free(c->used_system);
	free(c->row);
	free(c->slot);
	free(c->slot_hash);
	free(c);
}

/* The URI before the bar, or the URI of the alias there; empty after a fault. */
static struct bytes
inline_system(const struct codes *c, const char *shown, const struct yaml_node *node, struct bytes name,
    struct fault *f)
{
	const struct yaml_node *aliases = c->aliases;

	for (size_t i = 0; aliases != NULL && aliases->kind == YAML_MAP && i < aliases->count; i++)
		if (bytes_equal(aliases->key[i]->text, name))
			return aliases->item[i]->text;
	if (name.size > 0 && memchr(name.at, ':', name.size) != NULL)
		return name;
	(void)fault_at(f, shown, node, "unknown alias '%.*s', expected one of systems: or a URI",
	    code_shown(name), name.at);
	return (struct bytes){ NULL, 0 };
}

/* TEXT, "system|code", as a row of the newest group. */
static bool
inline_code(
    struct codes *c, const char *shown, const struct yaml_node *node, struct bytes text, struct fault *f)
{
	const char *bar = text.size > 0 ? memchr(text.at, '|', text.size) : NULL;
	struct code_row row = { .from = VALUESET_FIRST_DAY, .until = VALUESET_LAST_DAY };
	struct bytes name, code;
	unsigned system;

	if (bar == NULL)
		return fault_at(f, shown, node, "expected system|code");
	code = (struct bytes){ bar + 1, text.size - (size_t)(bar - text.at) - 1 };
	row.is_prefix = code.size > 0 && code.at[code.size - 1] == '*';
	code.size -= row.is_prefix;
	if ((code.size == 0 && !row.is_prefix) ||
	    code.size > (row.is_prefix ? CODE_MAX_PREFIX : CODE_MAX_FOLDED))
		return fault_at(
		    f, shown, node, "expected a code of 1 to 255 bytes, or a prefix of at most 63");
	name = inline_system(c, shown, node, (struct bytes){ text.at, (size_t)(bar - text.at) }, f);
	if (name.size == 0)
		return false;
	system = codesystems_add(&c->systems, name);
	if (system == CODESYSTEM_NONE)
		return fault_at(f, shown, node, "expected a code system before |");
	codes_note_systems(c);
	row.code = code.at;
	row.code_size = (uint16_t)code.size;
	row.system = (uint16_t)system;
	row.group = (uint16_t)(c->groups - 1);
	return codes_add(c, &row) || fault_at(f, shown, node, "the same code twice");
}

bool
codes_inline(struct codes *c, const char *shown, const struct yaml_node *node, unsigned *set, struct fault *f)
{
	struct bytes text;

	if (c->sets == CODE_BITS || c->groups == CODE_BITS)
		return too_many(f, shown, node, "value sets and lists of codes");
	if (yaml_strings(node) == 0)
		return fault_at(f, shown, node, "expected codes as system|code");
	*set = c->sets++;
	c->set[*set] = (struct code_set){ .complete = true, .node = node };
	c->group[c->groups] = (struct code_group){ .category = CODE_NO_CATEGORY };
	code_bits_add(&c->group[c->groups].sets, *set);
	c->groups++;
	codes_reserve(c, yaml_strings(node));
	for (size_t i = 0; i < yaml_strings(node); i++)
		if (!yaml_item_string(shown, node, i, &text, f) || !inline_code(c, shown, node, text, f))
			return false;
	return true;
}
