/* SPDX-License-Identifier: ISC */
/*
 * Properties of single records, tried on some thousands that a seed makes up.
 *
 *	P3  no value above the level is in a version
 *	P4  what a version shows, each higher one shows
 *	P7  what is not redacted is as it came; without FHIR's places a version is exactly what the tree says
 */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"
#include "tests/lib/tree.h"

enum { ROUNDS = 1500 };

static bool
run_tree(void)
{
	tree_write();
	if (redactor_run(redact.redactor, (struct bytes){ tree_line, tree_size }, &redact.result))
		return true;
	printf("# refused %d at %zu: %.*s\n", (int)redact.result.reason, redact.result.byte, (int)tree_size,
	    tree_line);
	return false;
}

static char expected[REDACT_TEXT];
static size_t expected_size;

static void
expect(const char *text)
{
	size_t length = strlen(text);

	memcpy(expected + expected_size, text, length + 1);
	expected_size += length;
}

/* Writes what LEVEL may know of a node; false, and nothing written, if that is nothing. */
static bool
expect_node(unsigned at, unsigned level, bool hidden)
{
	const struct tree_node *n = &tree[at];
	size_t start = expected_size;
	bool any = false;

	if (n->kind == TREE_SCALAR) {
		if (tree_level_of[at] <= level)
			expect(n->text);
		return tree_level_of[at] <= level;
	}
	expect(n->kind == TREE_OBJECT ? "{" : "[");
	for (unsigned i = 0; i < n->children; i++) {
		size_t before = expected_size;

		expect(any ? "," : "");
		if (n->kind == TREE_OBJECT) {
			expect("\"");
			expect(tree[n->child[i]].key);
			expect("\":");
		}
		if (expect_node(n->child[i], level, hidden))
			any = true;
		else
			expected_size = before;
	}
	expect(n->kind == TREE_OBJECT ? "}" : "]");
	if (any || (n->children == 0 && tree_level_of[at] <= level && !hidden))
		return true;
	expected_size = start;
	return false;
}

static bool
as_expected(unsigned level, bool hidden)
{
	static struct redact_text got;
	static char whole[REDACT_TEXT];
	size_t used = 0;

	redact_take(level, &got);
	expected_size = 0;
	expected[0] = '\0';
	if (level + 1 == TREE_LEVELS)
		hidden = false;
	if (!expect_node(0, level, hidden) && level + 1 < TREE_LEVELS)
		return redact_state(level) == VERSION_NONE || redact_state(level) == VERSION_STUB;
	/* White space outside of strings is the only thing that may differ; no string here holds any. */
	for (size_t i = 0; i < got.size && strncmp(got.at + i, " {\"v\":1", 7) != 0; i++)
		if (strchr(" \t", got.at[i]) == NULL)
			whole[used++] = got.at[i];
	whole[used] = '\0';
	expected[expected_size] = '\0';
	if (strcmp(whole, expected) == 0)
		return true;
	printf("# %.*s\n# level %u is        %s\n# and should be %s\n", (int)tree_size, tree_line, level,
	    whole, expected);
	return false;
}

static bool
shows(const struct redact_text *t, const struct tree_node *n)
{
	char value[16];

	(void)snprintf(value, sizeof value, n->text[0] == '"' ? "v%04uq" : "7%04u.", n->number);
	return strstr(t->at, value) != NULL;
}

static bool
tells_nothing(void)
{
	static struct redact_text version[TREE_LEVELS];
	bool good = true;

	for (unsigned v = 0; v < TREE_LEVELS; v++)
		redact_take(v, &version[v]);
	for (unsigned i = 0; i < tree_count; i++) {
		if (tree[i].kind != TREE_SCALAR || tree[i].number == TREE_NO_NUMBER)
			continue;
		for (unsigned v = 0; v < TREE_LEVELS; v++) {
			good = good && !(tree_level_of[i] > v && shows(&version[v], &tree[i]));
			good = good &&
			       !(v > 0 && shows(&version[v - 1], &tree[i]) && !shows(&version[v], &tree[i]));
		}
		good = good && shows(&version[TREE_LEVELS - 1], &tree[i]);
	}
	if (!good)
		printf("# %.*s\n# N: %s\n", (int)tree_size, tree_line, version[1].at);
	return good;
}

static void
try_policy(const char *name, bool fhir, bool hidden, bool exact)
{
	bool levels = true;
	bool secret = true;

	printf("# %s, %s\n", name, fhir ? "FHIR" : "plain");
	redact_copy(fhir ? "policy.yaml" : "plain/policy.yaml", "policy.yaml");
	check(redact_load(name) == REDACTOR_READY);
	for (unsigned round = 0; round < ROUNDS && levels && secret; round++) {
		tree_make(fhir);
		tree_spaced = tree_chance(2) == 0;
		tree_find_levels(fhir);
		levels = run_tree();
		for (unsigned v = 0; exact && v < TREE_LEVELS; v++)
			levels = levels && as_expected(v, hidden);
		secret = levels && tells_nothing();
	}
	check(levels);
	check(secret);
}

int
main(void)
{
	redact_begin();
	try_policy("ladder-shown", false, false, true);
	try_policy("ladder-hidden", false, true, true);
	try_policy("ladder-stubs", false, true, true);
	try_policy("ladder-shown", true, false, false);
	try_policy("ladder-absent", true, false, false);
	try_policy("ladder-hidden", true, true, false);
	try_policy("ladder-keep", true, false, false);
	try_policy("ladder-forms", true, true, false);
	redact_end();
	return tap_end();
}
