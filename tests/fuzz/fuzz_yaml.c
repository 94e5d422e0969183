/* SPDX-License-Identifier: ISC */
#include "common/policy/yaml.h"
#include "tests/lib/fuzz.h"

/* Every node has a place in the text, a text of UTF-8 without NUL, and keys that differ. */
static void
walk(const struct yaml_node *n, unsigned lines, unsigned depth)
{
	hold(depth <= 64 && n->line >= 1 && n->line <= lines && n->column >= 1);
	hold(n->text.size == 0 || memchr(n->text.at, '\0', n->text.size) == NULL);
	hold(n->kind == YAML_LIST || n->kind == YAML_MAP || n->count == 0);
	for (size_t i = 0; i < n->count; i++) {
		if (n->kind == YAML_MAP) {
			hold(n->key[i]->kind == YAML_STRING);
			hold(i == 0 || !bytes_equal(n->key[i]->text, n->key[i - 1]->text));
			hold(yaml_find(n, n->key[i]->text.at) == n->item[i]);
		}
		walk(n->item[i], lines, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	struct bytes text = { (const char *)data, size };
	unsigned lines = 2;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	const struct yaml_node *root = yaml_read(&a, "f", text, &f);
	hold((root == NULL) == (f.text[0] != '\0'));
	if (root != NULL)
		walk(root, lines, 0);
	else
		hold(f.line >= 1 && f.line <= lines && f.column >= 1);
	arena_release(&a);
	return 0;
}
