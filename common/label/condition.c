/* SPDX-License-Identifier: ISC */
#include "common/label/condition.h"

#include "common/base/buffer.h"

#include <stdio.h>
#include <string.h>

static const struct condition_members *
know_members(struct condition_words *w)
{
	struct condition_members *m;

	if (w->members != NULL)
		return w->members;
	m = arena_take(w->arena, sizeof *m);
	*m = (struct condition_members){
		.code = json_keys_add(w->keys, (struct bytes)BYTES("code")),
		.system = json_keys_add(w->keys, (struct bytes)BYTES("system")),
		.coding = json_keys_add(w->keys, (struct bytes)BYTES("coding")),
		.concept = json_keys_add(w->keys, (struct bytes)BYTES("concept")),
		.value = json_keys_add(w->keys, (struct bytes)BYTES("value")),
		.unit = json_keys_add(w->keys, (struct bytes)BYTES("unit")),
		.comparator = json_keys_add(w->keys, (struct bytes)BYTES("comparator")),
		.no_system_matches = w->no_system_matches,
	};
	buffer_init(&w->programs, BUFFER_UNLIMITED);
	return w->members = m;
}

void
condition_words_ready(struct condition_words *w)
{
	(void)know_members(w);
}

struct kept_program {
	struct jq_program *program;
};

static struct jq_program *
keep_program(struct condition_words *w, struct jq_program *program)
{
	(void)know_members(w);
	if (program != NULL)
		((struct kept_program *)buffer_more(&w->programs, sizeof(struct kept_program)))->program =
		    program;
	return program;
}

void
condition_words_release(struct condition_words *w)
{
	struct kept_program *kept = (struct kept_program *)(void *)w->programs.at;

	for (size_t i = 0; i < w->programs.used / sizeof *kept; i++)
		jq_program_free(kept[i].program);
	buffer_release(&w->programs);
	w->members = NULL;
}

static bool
compile_path(
    struct condition_words *w, const struct yaml_node *node, struct condition_place *place, struct fault *f)
{
	const char *why = NULL;
	size_t byte = 0;

	if (node->kind != YAML_STRING)
		return fault_at(f, w->file, node, "expected a path");
	switch (path_compile(w->arena, w->keys, node->text, &place->path, &byte, &why)) {
	case PATH_PLAIN:
		if (w->shapes_vary)
			path_vary(place->path);
		return true;
	case PATH_FAULT:
		return fault_at(f, w->file, node, "bad-path: at byte %zu: %s", byte, why);
	case PATH_NOT_PLAIN:
		break;
	}
	place->program = keep_program(w, jq_compile_text(node->text, JQ_PATH, w->has_now, &byte, &why));
	if (place->program == NULL)
		return fault_at(f, w->file, node, "bad-path: at byte %zu: %s", byte, why);
	return true;
}

struct condition_place *
condition_compile_place(struct condition_words *w, const struct yaml_node *at, struct fault *f)
{
	struct condition_place *p = arena_take(w->arena, sizeof *p);

	return compile_path(w, at, p, f) ? p : NULL;
}

struct jq_program *
condition_compile_when(struct condition_words *w, const struct yaml_node *when, struct fault *f)
{
	const char *why = NULL;
	size_t byte = 0;
	struct jq_program *program;

	if (when->kind != YAML_STRING) {
		(void)fault_at(f, w->file, when, "expected a jq expression");
		return NULL;
	}
	program = keep_program(w, jq_compile_text(when->text, JQ_CONDITION, w->has_now, &byte, &why));
	if (program == NULL)
		(void)fault_at(f, w->file, when, "bad-jq: at byte %zu: %s", byte, why);
	return program;
}

static bool
read_scalar(
    struct condition_words *w, const struct yaml_node *node, struct condition_scalar *s, struct fault *f)
{
	s->text = node->text;
	switch (node->kind) {
	case YAML_NULL:
		if (node->text.size == 0)
			return fault_at(f, w->file, node, "no value; write null where null is meant");
		s->kind = JSON_NULL;
		return true;
	case YAML_BOOLEAN:
		s->kind = node->truth ? JSON_TRUE : JSON_FALSE;
		return true;
	case YAML_NUMBER:
		s->kind = JSON_NUMBER;
		if (decimal_parse(node->text, &s->number))
			return true;
		return fault_at(f, w->file, node, "a number out of reach");
	case YAML_STRING:
		s->kind = JSON_STRING;
		return true;
	case YAML_LIST:
	case YAML_MAP:
		break;
	}
	return fault_at(f, w->file, node, "expected a string, a number, true, false or null");
}

static bool
read_scalars(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	bool is_list = node->kind == YAML_LIST;

	t->scalars = is_list ? node->count : 1;
	if (t->scalars == 0)
		return fault_at(
		    f, w->file, node, "an empty list: nothing could be equal to one of its items");
	t->scalar = arena_array(w->arena, t->scalars, sizeof *t->scalar);
	for (size_t i = 0; i < t->scalars; i++)
		if (!read_scalar(w, is_list ? node->item[i] : node, &t->scalar[i], f))
			return false;
	return true;
}

static bool
read_is(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_IS;
	return read_scalars(w, node, t, f);
}

static bool
read_prefix(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_PREFIX;
	if (!read_scalars(w, node, t, f))
		return false;
	for (size_t i = 0; i < t->scalars; i++)
		if (t->scalar[i].kind != JSON_STRING || t->scalar[i].text.size == 0)
			return fault_at(
			    f, w->file, node, "expected a string that is not empty, or a list of them");
	return true;
}

/* The value sets that NODE names, of codes or of terms. */
/* ARE_SAID: for `says`, which asks for terms, and for codes that stand in a text. */
static bool
read_sets(struct condition_words *w, const struct yaml_node *node, bool are_said, struct condition_test *t,
    struct fault *f)
{
	size_t count = yaml_strings(node);

	if (count == 0)
		return fault_at(f, w->file, node, "expected the name of a value set, or a list of names");
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->item[i] : node;
		struct bytes name;
		int set;

		if (!yaml_item_string(w->file, node, i, &name, f))
			return false;
		if (w->codes == NULL || (set = codes_set(w->codes, name)) < 0)
			return fault_at(f, w->file, item,
			    "unknown-set: no value set '%.*s': it is not in value_sets", (int)name.size,
			    name.at);
		bool are_terms = codes_is_terms(w->codes, (unsigned)set);

		if (are_terms && !are_said)
			return fault_at(f, w->file, item,
			    "the value set '%.*s' holds terms, for which one asks with says", (int)name.size,
			    name.at);
		if (!are_terms && are_said && codes_terms(w->codes) == NULL)
			return fault_at(f, w->file, item,
			    "texts are searched for the codes of '%.*s' only beside terms, and no value set "
			    "has any",
			    (int)name.size, name.at);
		w->tells |= are_said && !are_terms;
		code_bits_add(&t->sets, (unsigned)set);
	}
	return true;
}

static bool
read_in(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_IN;
	return read_sets(w, node, false, t, f);
}

static bool
read_says(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_SAYS;
	if (!w->has_terms)
		return fault_at(f, w->file, node, "says can stand in rules of classify.yaml only");
	return read_sets(w, node, true, t, f);
}

static bool
read_codes(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	unsigned set;

	t->kind = CONDITION_TEST_IN;
	if (w->codes == NULL)
		return fault_at(f, w->file, node, "codes cannot be asked for here");
	if (!codes_inline(w->codes, w->file, node, &set, f))
		return false;
	code_bits_add(&t->sets, set);
	return true;
}

static bool
read_bound(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, bool is_upper,
    bool is_included, struct fault *f)
{
	struct quantity_bound *b = &t->bound[t->bounds++];
	const char *why = NULL;

	t->kind = CONDITION_TEST_RANGE;
	if (node->kind != YAML_NUMBER && node->kind != YAML_STRING)
		return fault_at(f, w->file, node, "expected a number with or without a unit");
	if (!quantity_parse_bound(node->text, b, &why))
		return fault_at(f, w->file, node, "%s: '%.*s'", why, (int)node->text.size, node->text.at);
	b->is_upper = is_upper;
	b->is_included = is_included;
	return true;
}

static bool
read_below(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, true, false, f);
}

static bool
read_at_most(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, true, true, f);
}

static bool
read_above(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, false, false, f);
}

static bool
read_at_least(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, false, true, f);
}

static bool
read_between(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	if (node->kind != YAML_LIST || node->count != 2)
		return fault_at(f, w->file, node, "expected the two ends: [a, b]");
	if (!read_bound(w, node->item[0], t, false, true, f) ||
	    !read_bound(w, node->item[1], t, true, true, f))
		return false;
	if ((t->bound[0].unit == NULL) != (t->bound[1].unit == NULL) ||
	    (t->bound[0].unit != NULL &&
		!bytes_equal(unit_dimension(t->bound[0].unit), unit_dimension(t->bound[1].unit))))
		return fault_at(f, w->file, node, "both ends in units of one dimension, or both without");
	return true;
}

static bool
read_date(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, bool is_after,
    struct fault *f)
{
	enum date_precision precision;

	t->kind = CONDITION_TEST_DATE;
	t->is_after = is_after;
	if ((node->kind != YAML_STRING && node->kind != YAML_NUMBER) ||
	    !clock_parse_date(node->text, &t->date, &precision))
		return fault_at(
		    f, w->file, node, "expected a date such as 2026, 2026-11-21 or 2026-11-21T10:00:00Z");
	return true;
}

static bool
read_before(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_date(w, node, t, false, f);
}

static bool
read_after(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_date(w, node, t, true, f);
}

static bool
read_where(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_WHERE;
	return (t->where = condition_compile(w, node, f)) != NULL;
}

/* Tests of one node.  `present` and `not` are about all nodes of a path: compile_tests reads them. */
static const struct {
	const char *name;
	bool (*read)(struct condition_words *w, const struct yaml_node *node, struct condition_test *t,
	    struct fault *f);
} tests[] = {
	{ "is", read_is },
	{ "present", NULL },
	{ "not", NULL },
	{ "in", read_in },
	{ "codes", read_codes },
	{ "says", read_says },
	{ "prefix", read_prefix },
	{ "below", read_below },
	{ "at_most", read_at_most },
	{ "above", read_above },
	{ "at_least", read_at_least },
	{ "between", read_between },
	{ "before", read_before },
	{ "after", read_after },
	{ "where", read_where },
};

#define TESTS (sizeof tests / sizeof tests[0])

static bool
unknown_test(const struct condition_words *w, const struct yaml_node *name, struct fault *f)
{
	char names[160];
	size_t used = 0;

	for (size_t i = 0; i < TESTS && used < sizeof names; i++)
		used += (size_t)snprintf(
		    names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", tests[i].name);
	return fault_at(f, w->file, name, "unknown test '%.*s', expected one of %s", (int)name->text.size,
	    name->text.at, names);
}

static bool
read_test(struct condition_words *w, const struct yaml_node *name, const struct yaml_node *value,
    struct condition_test *t, struct fault *f)
{
	for (size_t i = 0; i < TESTS; i++)
		if (tests[i].read != NULL && bytes_are(name->text, tests[i].name))
			return tests[i].read(w, value, t, f);
	return unknown_test(w, name, f);
}

static struct condition *
new_condition(struct condition_words *w, enum condition_kind kind, size_t children)
{
	struct condition *c = arena_take(w->arena, sizeof *c);

	*c = (struct condition){ .kind = kind, .members = know_members(w) };
	if (children > 0)
		c->child = arena_array(w->arena, children, sizeof(void *));
	return c;
}

static void
add_child(struct condition *c, struct condition *child)
{
	c->child[c->children++] = child;
}

static struct condition *
negate(struct condition_words *w, struct condition *c)
{
	struct condition *not = new_condition(w, CONDITION_NOT, 1);

	add_child(not, c);
	return not ;
}

static struct condition *
new_leaf(struct condition_words *w, const struct condition_place *place, size_t most)
{
	struct condition *c = new_condition(w, CONDITION_SOME, 0);

	c->place = *place;
	c->test = arena_array(w->arena, most, sizeof *c->test);
	return c;
}

static struct condition *compile_test(struct condition_words *w, const struct condition_place *place,
    const struct yaml_node *test, struct fault *f);

static bool
add_presence(struct condition_words *w, const struct condition_place *place, const struct yaml_node *node,
    struct condition *all, struct fault *f)
{
	struct condition *leaf = new_leaf(w, place, 1);
	bool present = true;

	if (!yaml_boolean(w->file, node, &present, f))
		return false;
	leaf->test[leaf->tests++].kind = CONDITION_TEST_PRESENT;
	add_child(all, present ? leaf : negate(w, leaf));
	return true;
}

/* A map of tests.  One node must pass all tests of nodes; `not` and `present` are judged each for itself. */
static struct condition *
compile_tests(struct condition_words *w, const struct condition_place *place, const struct yaml_node *map,
    struct fault *f)
{
	struct condition *all = new_condition(w, CONDITION_ALL, map->count + 1);
	struct condition *leaf = new_leaf(w, place, map->count);

	for (size_t i = 0; i < map->count; i++) {
		struct bytes name = map->key[i]->text;

		if (bytes_are(name, "present")) {
			if (!add_presence(w, place, map->item[i], all, f))
				return NULL;
			continue;
		}
		if (bytes_are(name, "not")) {
			struct condition *c = compile_test(w, place, map->item[i], f);

			if (c == NULL)
				return NULL;
			add_child(all, negate(w, c));
			continue;
		}
		if (!read_test(w, map->key[i], map->item[i], &leaf->test[leaf->tests++], f))
			return NULL;
	}
	if (map->count == 0)
		return (void)fault_at(f, w->file, map, "an empty test"), NULL;
	if (leaf->tests > 0)
		add_child(all, leaf);
	return all->children == 1 ? all->child[0] : all;
}

static struct condition *
compile_test(struct condition_words *w, const struct condition_place *place, const struct yaml_node *test,
    struct fault *f)
{
	struct condition *leaf;

	if (test->kind == YAML_MAP)
		return compile_tests(w, place, test, f);
	leaf = new_leaf(w, place, 1);
	return read_is(w, test, &leaf->test[leaf->tests++], f) ? leaf : NULL;
}

static struct condition *
compile_list(
    struct condition_words *w, enum condition_kind kind, const struct yaml_node *list, struct fault *f)
{
	struct condition *c;

	if (list->kind != YAML_LIST || list->count == 0) {
		(void)fault_at(f, w->file, list, "expected a list of conditions");
		return NULL;
	}
	c = new_condition(w, kind, list->count);
	for (size_t i = 0; i < list->count; i++) {
		struct condition *child = condition_compile(w, list->item[i], f);

		if (child == NULL)
			return NULL;
		add_child(c, child);
	}
	return c;
}

static bool
is_test(struct bytes name)
{
	for (size_t i = 0; i < TESTS; i++)
		if (bytes_are(name, tests[i].name))
			return true;
	return false;
}

/* One line of a `where:` map: a path or any, all, none, anywhere; and what is asked there. */
static struct condition *
compile_line(
    struct condition_words *w, const struct yaml_node *key, const struct yaml_node *value, struct fault *f)
{
	struct condition_place place = { .expression = key->text };
	struct condition *c;

	if (bytes_are(key->text, "any"))
		return compile_list(w, CONDITION_ANY, value, f);
	if (bytes_are(key->text, "all"))
		return compile_list(w, CONDITION_ALL, value, f);
	if (bytes_are(key->text, "none"))
		return (c = compile_list(w, CONDITION_ANY, value, f)) == NULL ? NULL : negate(w, c);
	if (bytes_are(key->text, "anywhere")) {
		place.anywhere = true;
		place.expression = (struct bytes)BYTES("..");
	} else if (is_test(key->text)) {
		(void)fault_at(f, w->file, key,
		    "a test stands below a path or below anywhere: {anywhere: {%.*s: ..}}",
		    (int)key->text.size, key->text.at);
		return NULL;
	} else if (!compile_path(w, key, &place, f)) {
		return NULL;
	}
	return compile_test(w, &place, value, f);
}

struct condition *
condition_compile(struct condition_words *w, const struct yaml_node *where, struct fault *f)
{
	struct condition *all;

	if (where->kind == YAML_LIST)
		return compile_list(w, CONDITION_ALL, where, f);
	if (where->kind != YAML_MAP || where->count == 0) {
		(void)fault_at(f, w->file, where, "expected a map from paths to tests");
		return NULL;
	}
	all = new_condition(w, CONDITION_ALL, where->count);
	for (size_t i = 0; i < where->count; i++) {
		struct condition *c = compile_line(w, where->key[i], where->item[i], f);

		if (c == NULL)
			return NULL;
		add_child(all, c);
	}
	return all->children == 1 ? all->child[0] : all;
}

void
condition_sets(const struct condition *c, struct code_bits *sets)
{
	for (size_t i = 0; i < c->children; i++)
		condition_sets(c->child[i], sets);
	for (size_t i = 0; i < c->tests; i++) {
		if (c->test[i].kind == CONDITION_TEST_WHERE)
			condition_sets(c->test[i].where, sets);
		for (unsigned n = 0; n < CODE_BITS / 64; n++)
			sets->word[n] |= c->test[i].sets.word[n];
	}
}
