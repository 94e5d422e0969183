/* SPDX-License-Identifier: ISC */
#include "common/label/condition_parts.h"

#include "common/base/buffer.h"

#include <string.h>

/* ---- what all conditions of a policy share ---------------------------------------------------------------
 */

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

/* ---- places ----------------------------------------------------------------------------------------------
 */

static bool
compile_path(struct condition_words *w, const struct yaml_node *node, struct path **path,
    struct jq_program **program, struct fault *f)
{
	const char *why = NULL;
	size_t byte = 0;

	*path = NULL;
	*program = NULL;
	if (node->kind != YAML_STRING)
		return fault_at(f, w->file, node, "expected a path");
	switch (path_compile(w->arena, w->keys, node->text, path, &byte, &why)) {
	case PATH_PLAIN:
		return true;
	case PATH_FAULT:
		return fault_at(f, w->file, node, "bad-path: at byte %zu: %s", byte, why);
	case PATH_NOT_PLAIN:
		break;
	}
	*program = keep_program(w, jq_compile_text(node->text, JQ_PATH, w->has_now, &byte, &why));
	if (*program == NULL)
		return fault_at(f, w->file, node, "bad-path: at byte %zu: %s", byte, why);
	return true;
}

struct condition_place {
	struct path *path;
	struct jq_program *program;
};

struct condition_place *
condition_compile_place(struct condition_words *w, const struct yaml_node *at, struct fault *f)
{
	struct condition_place *p = arena_take(w->arena, sizeof *p);

	return compile_path(w, at, &p->path, &p->program, f) ? p : NULL;
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

/* ---- the tree --------------------------------------------------------------------------------------------
 */

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

/* The place of a leaf, which several leaves may share. */
struct spot {
	bool anywhere;
	struct path *path;
	struct jq_program *program;
	struct bytes expression;
};

static struct condition *
new_leaf(struct condition_words *w, const struct spot *spot, size_t most)
{
	struct condition *c = new_condition(w, CONDITION_SOME, 0);

	c->anywhere = spot->anywhere;
	c->path = spot->path;
	c->program = spot->program;
	c->expression = spot->expression;
	c->test = arena_array(w->arena, most, sizeof *c->test);
	return c;
}

static struct condition *compile_test(
    struct condition_words *w, const struct spot *spot, const struct yaml_node *test, struct fault *f);

static bool
add_presence(struct condition_words *w, const struct spot *spot, const struct yaml_node *node,
    struct condition *all, struct fault *f)
{
	struct condition *leaf = new_leaf(w, spot, 1);
	bool present = true;

	if (!yaml_boolean(w->file, node, &present, f))
		return false;
	leaf->test[leaf->tests++].kind = CONDITION_TEST_PRESENT;
	add_child(all, present ? leaf : negate(w, leaf));
	return true;
}

/* A map of tests: those of a node must hold at one and the same, the others each for itself. */
static struct condition *
compile_tests(
    struct condition_words *w, const struct spot *spot, const struct yaml_node *map, struct fault *f)
{
	struct condition *all = new_condition(w, CONDITION_ALL, map->count + 1);
	struct condition *leaf = new_leaf(w, spot, map->count);

	for (size_t i = 0; i < map->count; i++) {
		struct bytes name = map->key[i]->text;

		if (bytes_are(name, "present")) {
			if (!add_presence(w, spot, map->item[i], all, f))
				return NULL;
			continue;
		}
		if (bytes_are(name, "not")) {
			struct condition *c = compile_test(w, spot, map->item[i], f);

			if (c == NULL)
				return NULL;
			add_child(all, negate(w, c));
			continue;
		}
		if (!test_read(w, map->key[i], map->item[i], &leaf->test[leaf->tests++], f))
			return NULL;
	}
	if (map->count == 0)
		return (void)fault_at(f, w->file, map, "an empty test"), NULL;
	if (leaf->tests > 0)
		add_child(all, leaf);
	return all->children == 1 ? all->child[0] : all;
}

static struct condition *
compile_test(
    struct condition_words *w, const struct spot *spot, const struct yaml_node *test, struct fault *f)
{
	struct condition *leaf;

	if (test->kind == YAML_MAP)
		return compile_tests(w, spot, test, f);
	leaf = new_leaf(w, spot, 1);
	return test_read_is(w, test, &leaf->test[leaf->tests++], f) ? leaf : NULL;
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

/* One line of a `where:` map: a path or one of four words, and what is asked there. */
static struct condition *
compile_line(
    struct condition_words *w, const struct yaml_node *key, const struct yaml_node *value, struct fault *f)
{
	struct spot spot = { .expression = key->text };
	struct condition *c;

	if (bytes_are(key->text, "any"))
		return compile_list(w, CONDITION_ANY, value, f);
	if (bytes_are(key->text, "all"))
		return compile_list(w, CONDITION_ALL, value, f);
	if (bytes_are(key->text, "none"))
		return (c = compile_list(w, CONDITION_ANY, value, f)) == NULL ? NULL : negate(w, c);
	if (bytes_are(key->text, "anywhere")) {
		spot.anywhere = true;
		spot.expression = (struct bytes)BYTES("..");
	} else if (!compile_path(w, key, &spot.path, &spot.program, f)) {
		return NULL;
	}
	return compile_test(w, &spot, value, f);
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

/* ---- what a condition is about ---------------------------------------------------------------------------
 */

bool
condition_asks_absence(const struct condition *c)
{
	if (c->kind == CONDITION_NOT)
		return true;
	for (size_t i = 0; i < c->children; i++)
		if (condition_asks_absence(c->child[i]))
			return true;
	for (size_t i = 0; i < c->tests; i++)
		if (c->test[i].kind == CONDITION_TEST_WHERE && condition_asks_absence(c->test[i].where))
			return true;
	return false;
}

void
condition_sets(const struct condition *c, struct code_bits *sets)
{
	for (size_t i = 0; i < c->children; i++)
		condition_sets(c->child[i], sets);
	for (size_t i = 0; i < c->tests; i++) {
		if (c->test[i].kind == CONDITION_TEST_WHERE)
			condition_sets(c->test[i].where, sets);
		for (unsigned n = 0; c->test[i].kind == CONDITION_TEST_IN && n < CODE_BITS / 64; n++)
			sets->word[n] |= c->test[i].sets.word[n];
	}
}

bool
condition_each_place(const struct condition_place *p, const struct condition_record *r,
    void (*found)(void *context, uint32_t node), void *context)
{
	const struct condition some = { .kind = CONDITION_SOME, .path = p->path, .program = p->program };

	return condition_each_node(&some, r, r->roots->at[r->root].node, found, context);
}
