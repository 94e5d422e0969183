/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/json/json_write.h"
#include "tests/lib/fuzz.h"

/* Between the values stands nothing but structure; keys, values and gaps together are the text. */
static void
hold_gap(const struct json *j, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		hold(memchr(" \t\r\n{}[]:,", j->text.at[i], 10) != NULL);
}

static void
hold_nodes(const struct json *j)
{
	size_t at = 0;

	for (uint32_t i = 0; i < j->count; i++) {
		const struct json_node *n = &j->nodes[i];
		bool container = n->kind == JSON_ARRAY || n->kind == JSON_OBJECT;
		uint32_t child = i + 1;

		hold(n->start >= at && n->end > n->start && n->end <= j->text.size && n->next > i &&
		     n->next <= j->count);
		hold_gap(j, at, n->start);
		at = container ? n->start : n->end;
		if (n->kind == JSON_KEY)
			hold(n->next == j->nodes[i + 1].next);
		else
			while (child < n->next)
				child = j->nodes[child].next;
		hold(n->kind == JSON_KEY || child == n->next);
	}
	hold_gap(j, at, j->text.size);
}

/* Each string, unescaped and written again, is the same string. */
static void
hold_strings(const struct json *j, struct buffer *room, struct buffer *again, struct json *second)
{
	for (uint32_t i = 0; i < j->count; i++) {
		if (j->nodes[i].kind != JSON_STRING && j->nodes[i].kind != JSON_KEY)
			continue;
		struct bytes plain = json_string(j, i, room);

		hold(json_is(j, i, plain));
		again->used = 0;
		hold(json_write_string(again, plain) && buffer_reserve(again, JSON_SLACK));
		hold(json_parse(second, buffer_bytes(again)) && second->count == 1);
		hold(json_is(second, 0, plain));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json j, second;
	static struct buffer text, room, again;

	if (text.limit == 0) {
		json_init(&j, NULL, 16);
		json_init(&second, NULL, 16);
		buffer_init(&text, (size_t)1 << 24);
		buffer_init(&room, (size_t)1 << 24);
		buffer_init(&again, (size_t)1 << 26);
	}
	text.used = 0;
	hold(buffer_append(&text, data, size) && buffer_reserve(&text, JSON_SLACK));
	memset(text.at + size, size % 2 == 0 ? '"' : '0', JSON_SLACK);
	if (!json_parse(&j, buffer_bytes(&text))) {
		hold(j.reason != REASON_NONE && j.byte > 0 && j.byte <= size + 1);
		return 0;
	}
	hold_nodes(&j);
	hold_strings(&j, &room, &again, &second);
	return 0;
}
