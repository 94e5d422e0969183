/* SPDX-License-Identifier: ISC */
/*
 * Properties of pairs of records, tried on some thousands that a seed makes up.
 *
 *	P1  values above a version's level do not change a byte of it, tags and mark included
 *	P2  where presence is hidden, neither does it matter whether anything above the level is there
 *	P12 a record's versions do not depend on the record before
 */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"
#include "tests/lib/tree.h"

enum { ROUNDS = 1500 };

static bool
run_line(void)
{
	if (redactor_run(redact.redactor, (struct bytes){ tree_line, tree_size }, &redact.result))
		return true;
	printf("# refused %d at %zu: %.*s\n", (int)redact.result.reason, redact.result.byte, (int)tree_size,
	    tree_line);
	return false;
}

static bool
run_tree(void)
{
	tree_write();
	return run_line();
}

static bool
same_version(unsigned v, const struct redact_text *before)
{
	static struct redact_text after;

	redact_take(v, &after);
	if (after.size == before->size && memcmp(after.at, before->at, after.size) == 0)
		return true;
	printf("# %.*s\n# version %u was %s\n# and is now  %s\n", (int)tree_size, tree_line, v, before->at,
	    after.at);
	return false;
}

/* OF_ITS_KIND: strings stay strings and numbers numbers, because a mask tells the two apart. */
static void
change_values(unsigned level, bool of_its_kind)
{
	for (unsigned i = 0; i < tree_count; i++)
		if (tree[i].kind == TREE_SCALAR && tree_level_of[i] > level &&
		    tree[i].number != TREE_NO_NUMBER) {
			static const char *const others[] = { "null", "true", "1e999", "\"\"", "\"#x\"",
				"\"2020\"" };

			if (of_its_kind)
				(void)snprintf(tree[i].text, sizeof tree[i].text,
				    tree[i].text[0] == '"' ? "\"new\"" : "-7e5");
			else if (tree_chance(2) == 0)
				tree_fill_scalar(&tree[i]);
			else
				(void)snprintf(
				    tree[i].text, sizeof tree[i].text, "%s", others[tree_chance(6)]);
		}
}

/* Adds entries above LEVEL to objects and arrays, each labelled as such. */
static void
add_entries(unsigned level)
{
	unsigned had = tree_count;

	for (unsigned i = 0; i < had && tree_count < TREE_NODES - 20; i++) {
		struct tree_node *n = &tree[i];

		/* Another element would shift the elements behind it against those of `_x`. */
		if (n->kind == TREE_SCALAR || n->children > 20 || tree_chance(3) != 0 ||
		    (n->kind == TREE_ARRAY &&
			(strstr(n->key, "given") != NULL || strstr(n->key, "birthDate") != NULL)))
			continue;
		unsigned child = tree_count++;
		unsigned place = tree_chance(n->children + 1);

		tree[child] = (struct tree_node){ .kind = (enum tree_kind)tree_chance(3),
			.base = TREE_NO_LABEL,
			.raise = (unsigned char)(level + 1 + tree_chance(TREE_LEVELS - 1 - level)) };
		if (n->kind == TREE_OBJECT)
			(void)snprintf(tree[child].key, sizeof tree[child].key, "new%u", child);
		tree_fill_scalar(&tree[child]);
		memmove(&n->child[place + 1], &n->child[place], (n->children - place) * sizeof n->child[0]);
		n->child[place] = child;
		n->children++;
	}
}

/*
 * Removes entries above LEVEL, but for those that share their labels or their fate with a node beside them.
 */
static void
take_entries(unsigned level)
{
	for (unsigned i = 0; i < tree_count; i++) {
		struct tree_node *n = &tree[i];
		unsigned kept = 0;

		for (unsigned k = 0; k < n->children; k++) {
			const struct tree_node *child = &tree[n->child[k]];
			bool bound = strstr(child->key, "given") != NULL ||
				     strstr(child->key, "birthDate") != NULL ||
				     strcmp(child->key, "data") == 0 || strcmp(child->key, "resource") == 0 ||
				     strstr(n->key, "given") != NULL || strstr(n->key, "birthDate") != NULL;

			if (bound || child->raise == TREE_NO_LABEL || child->raise <= level)
				n->child[kept++] = n->child[k];
		}
		n->children = kept;
	}
}

static bool
not_interfered(bool hidden, bool masks)
{
	static struct redact_text before;
	unsigned level = tree_chance(TREE_LEVELS - 1);

	redact_take(level, &before);
	change_values(level, masks);
	if (!run_tree() || !same_version(level, &before))
		return false;
	if (!hidden)
		return true;
	add_entries(level);
	if (!run_tree() || !same_version(level, &before))
		return false;
	take_entries(level);
	return run_tree() && same_version(level, &before);
}

static bool
repeats(void)
{
	static struct redact_text before[TREE_LEVELS];
	static char first[REDACT_TEXT];
	size_t first_size = tree_size;

	for (unsigned v = 0; v < TREE_LEVELS; v++)
		redact_take(v, &before[v]);
	memcpy(first, tree_line, tree_size);
	tree_make(true);
	if (!run_tree())
		return false;
	memcpy(tree_line, first, first_size);
	tree_size = first_size;
	if (!run_line())
		return false;
	for (unsigned v = 0; v < TREE_LEVELS; v++)
		if (!same_version(v, &before[v]))
			return false;
	return true;
}

static void
try_policy(const char *name, bool fhir, bool hidden, bool masks)
{
	bool still = true;
	bool again = true;

	printf("# %s, %s\n", name, fhir ? "FHIR" : "plain");
	redact_copy(fhir ? "policy.yaml" : "plain/policy.yaml", "policy.yaml");
	check(redact_load(name) == REDACTOR_READY);
	for (unsigned round = 0; round < ROUNDS && still && again; round++) {
		tree_make(fhir);
		tree_find_levels(fhir);
		if (!run_tree())
			still = false;
		else if (round % 8 == 0)
			again = repeats();
		else
			still = not_interfered(hidden, masks);
	}
	check(still);
	check(again);
}

int
main(void)
{
	redact_begin();
	try_policy("ladder-shown", false, false, false);
	try_policy("ladder-hidden", false, true, false);
	try_policy("ladder-stubs", false, true, false);
	try_policy("ladder-shown", true, false, false);
	try_policy("ladder-absent", true, false, true);
	try_policy("ladder-hidden", true, true, false);
	try_policy("ladder-keep", true, false, false);
	try_policy("ladder-forms", true, true, false);
	redact_end();
	return tap_end();
}
