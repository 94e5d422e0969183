/* SPDX-License-Identifier: ISC */
#include "common/access/ndjson.h"

#include "common/policy/yaml.h"

void
ndjson_init(struct ndjson *n, struct reader *r, struct bytes text)
{
	*n = (struct ndjson){ .reader = r, .rest = text };
	json_init(&n->json, NULL, JSON_MAX_DEPTH);
	buffer_init(&n->room, SIZE_MAX / 2);
}

void
ndjson_release(struct ndjson *n)
{
	json_release(&n->json);
	buffer_release(&n->room);
}

static bool
fault_here(struct ndjson *n, size_t byte, const char *text)
{
	struct yaml_node place = { .line = n->line, .column = (unsigned)byte };

	return fault_at(n->reader->fault, n->reader->file, &place, "%s", text);
}

bool
ndjson_fault(struct ndjson *n, uint32_t node, const char *text)
{
	return fault_here(n, n->json.nodes[node].start + 1, text);
}

bool
ndjson_next(struct ndjson *n)
{
	while (n->rest.size > 0) {
		const char *end = memchr(n->rest.at, '\n', n->rest.size);
		struct bytes line = { n->rest.at, end ? (size_t)(end - n->rest.at) : n->rest.size };
		size_t used = line.size + (end != NULL);

		n->rest = (struct bytes){ n->rest.at + used, n->rest.size - used };
		n->line++;
		if (json_blank(line))
			continue;
		if (!json_parse(&n->json, line))
			return fault_here(n, n->json.byte, reason_text(n->json.reason));
		if (json_kind(&n->json, 0) != JSON_OBJECT)
			return fault_here(n, 1, "expected an object");
		return true;
	}
	return false;
}

bool
ndjson_whole(struct ndjson *n)
{
	n->line = 1;
	if (!json_parse(&n->json, n->rest))
		return fault_here(n, n->json.byte, reason_text(n->json.reason));
	return json_kind(&n->json, 0) == JSON_OBJECT || fault_here(n, 1, "expected an object");
}

bool
ndjson_string(struct ndjson *n, const char *key, bool optional, struct bytes *text)
{
	uint32_t node = json_member(&n->json, 0, bytes_of(key));

	*text = (struct bytes){ "", 0 };
	if (node == 0) {
		if (optional)
			return true;
		return fault_here(n, 1, arena_format(n->reader->arena, "missing member '%s'", key));
	}
	if (json_kind(&n->json, node) != JSON_STRING)
		return ndjson_fault(n, node, "expected a string");
	*text = arena_copy(n->reader->arena, json_string(&n->json, node, &n->room));
	return text->size > 0 || ndjson_fault(n, node, "an empty string");
}

bool
ndjson_instant(struct ndjson *n, const char *key, struct instant *t, bool *has)
{
	uint32_t node = json_member(&n->json, 0, bytes_of(key));

	*has = node != 0;
	if (node == 0)
		return true;
	if (json_kind(&n->json, node) == JSON_STRING &&
	    clock_parse_instant(json_string(&n->json, node, &n->room), t))
		return true;
	return ndjson_fault(n, node, "expected a date-time with offset, such as 2026-03-01T00:00:00Z");
}

struct yaml_node *
ndjson_tree(struct ndjson *n, struct arena *a)
{
	return yaml_of_json(a, &n->json, 0, n->line);
}
