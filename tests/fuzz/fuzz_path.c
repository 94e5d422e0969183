/* SPDX-License-Identifier: ISC */
#include "common/base/buffer.h"
#include "common/json/path.h"
#include "tests/lib/fuzz.h"

enum { MAX_NODES = 1 << 16 };

struct nodes {
	uint32_t at[MAX_NODES];
	size_t count;
};

static struct nodes one, all;

static bool
note(void *context, uint32_t node)
{
	struct nodes *n = context;

	hold(n->count == 0 || n->at[n->count - 1] < node);
	if (n->count < MAX_NODES)
		n->at[n->count++] = node;
	return true;
}

static void
walk(struct paths *p, const struct json *j, uint32_t node, uint32_t state)
{
	bool members = json_kind(j, node) == JSON_OBJECT;
	uint32_t index = 0;
	size_t count;
	const uint32_t *matched = paths_matched(p, state, &count);

	hold(count <= 1 && (count == 0 || matched[0] == 3));
	if (count == 1)
		(void)note(&all, node);
	if (!members && json_kind(j, node) != JSON_ARRAY)
		return;
	for (uint32_t child = node + 1; child < j->nodes[node].next; child = j->nodes[child].next, index++) {
		uint32_t value = members ? child + 1 : child;

		walk(p, j, value,
		    members ? paths_member(p, state, j, child) : paths_element(p, state, j, child, index));
	}
}

/* An expression, a line end, a text: both ways to evaluate it find the same nodes, in document order. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char zeros[JSON_SLACK];
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	struct bytes expression = { (const char *)data, end != NULL ? (size_t)(end - data) : size };
	struct arena arena = { 0 };
	struct json_keys *keys = json_keys_new();
	struct paths *paths = paths_new(keys);
	struct path *path;
	struct buffer text;
	struct json j;
	const char *why = NULL;
	size_t byte = 0, other = 0;
	enum path_outcome outcome = paths_add(paths, expression, 3, &byte);
	enum path_outcome alone = path_compile(&arena, keys, expression, &path, &other, &why);

	hold(outcome == PATH_PLAIN || (byte >= 1 && byte <= size + 1));
	hold(outcome != PATH_FAULT || paths_fault(paths) != NULL);
	hold(outcome == alone || (outcome == PATH_PLAIN && alone == PATH_FAULT));
	one.count = all.count = 0;
	buffer_init(&text, SIZE_MAX);
	json_init(&j, keys, JSON_MAX_DEPTH);
	if (end != NULL)
		(void)buffer_append(&text, end + 1, size - expression.size - 1);
	(void)buffer_append(&text, zeros, sizeof zeros);
	if (alone == PATH_PLAIN && json_parse(&j, (struct bytes){ text.at, text.used - sizeof zeros })) {
		(void)path_each(path, &j, 0, NULL, note, &one);
		walk(paths, &j, 0, paths_root(paths, &j, 0, 0));
		hold(one.count == all.count && memcmp(one.at, all.at, one.count * sizeof one.at[0]) == 0);
	}
	json_release(&j);
	buffer_release(&text);
	arena_release(&arena);
	paths_free(paths);
	json_keys_free(keys);
	return 0;
}
