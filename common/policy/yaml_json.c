/* SPDX-License-Identifier: ISC */
#include "common/policy/yaml_json.h"

/* Strings grow no longer when their escapes go, so a text never passes the limit. */
static struct bytes
unescaped(struct arena *a, const struct json *j, uint32_t node)
{
	struct buffer room;

	buffer_init(&room, (size_t)j->nodes[node].end - j->nodes[node].start + 8);
	struct bytes text = arena_copy(a, json_string(j, node, &room));
	buffer_release(&room);
	return text;
}

static struct yaml_node *
scalar(struct arena *a, const struct json *j, uint32_t node, unsigned line)
{
	static const enum yaml_kind kinds[] = {
		[JSON_NULL] = YAML_NULL,
		[JSON_FALSE] = YAML_BOOLEAN,
		[JSON_TRUE] = YAML_BOOLEAN,
		[JSON_NUMBER] = YAML_NUMBER,
		[JSON_STRING] = YAML_STRING,
		[JSON_ARRAY] = YAML_LIST,
		[JSON_OBJECT] = YAML_MAP,
		[JSON_KEY] = YAML_STRING,
	};
	struct yaml_node *n = arena_take(a, sizeof *n);
	enum json_kind kind = json_kind(j, node);

	n->kind = kinds[kind];
	n->line = line;
	n->column = j->nodes[node].start + 1;
	n->truth = kind == JSON_TRUE;
	if (kind == JSON_STRING || kind == JSON_KEY)
		n->text = unescaped(a, j, node);
	else if (kind <= JSON_NUMBER)
		n->text = arena_copy(a, json_span(j, node));
	return n;
}

static size_t
count_children(const struct json *j, uint32_t node)
{
	size_t count = 0;

	for (uint32_t c = node + 1; c < j->nodes[node].next; c = j->nodes[c].next)
		count++;
	return count;
}

/* The index has a depth limit, and so has this recursion. */
/* NOLINTNEXTLINE(misc-no-recursion) */
struct yaml_node *
yaml_of_json(struct arena *a, const struct json *j, uint32_t node, unsigned line)
{
	struct yaml_node *n = scalar(a, j, node, line);
	bool map = n->kind == YAML_MAP;

	if (!map && n->kind != YAML_LIST)
		return n;
	size_t room = count_children(j, node) + 1;
	n->item = arena_array(a, room, sizeof(struct yaml_node *));
	if (map)
		n->key = arena_array(a, room, sizeof(struct yaml_node *));
	for (uint32_t c = node + 1; c < j->nodes[node].next; c = j->nodes[c].next, n->count++) {
		if (map)
			n->key[n->count] = scalar(a, j, c, line);
		n->item[n->count] = yaml_of_json(a, j, map ? c + 1 : c, line);
	}
	return n;
}
