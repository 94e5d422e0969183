/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"

#include <stdio.h>

enum { LEVELS = 16 };

struct level {
	struct bytes key; /* of an object: the last one */
	size_t index;     /* of an array: of the element at hand */
	bool is_array;
};

struct place {
	struct level level[LEVELS];
	size_t depth;
	struct bytes string;
};

static struct level *
innermost(struct place *p)
{
	return p->depth > 0 && p->depth <= LEVELS ? &p->level[p->depth - 1] : NULL;
}

/* The byte C outside of all strings. */
static void
step(struct place *p, char c)
{
	struct level *top = innermost(p);

	if (c == '{' || c == '[') {
		if (p->depth++ < LEVELS)
			p->level[p->depth - 1] = (struct level){ .is_array = c == '[', .key = { "", 0 } };
	} else if (c == '}' || c == ']') {
		p->depth -= p->depth > 0;
	} else if (c == ',' && top != NULL) {
		top->index++;
	} else if (c == ':' && top != NULL) {
		top->key = p->string;
	}
}

static size_t
skip_string(struct bytes text, size_t at)
{
	for (at++; at < text.size && text.at[at] != '"'; at++)
		at += text.at[at] == '\\';
	return at;
}

static void
find(struct place *p, struct bytes text, size_t end)
{
	for (size_t i = 0; i < end && i < text.size; i++) {
		size_t from = i;

		if (text.at[i] != '"') {
			step(p, text.at[i]);
			continue;
		}
		i = skip_string(text, i);
		if (i < end)
			p->string = (struct bytes){ text.at + from + 1, i - from - 1 };
	}
}

static bool
may_be_named(const struct json_keys *known, struct bytes key)
{
	return known != NULL && key.size > 0 && memchr(key.at, '/', key.size) == NULL &&
	       memchr(key.at, '~', key.size) == NULL && json_keys_find(known, key) != 0;
}

void
json_place(struct bytes text, size_t byte, const struct json_keys *known, char to[JSON_PLACE_ROOM])
{
	struct place p = { .depth = 0, .string = { "", 0 } };
	size_t used = 0;

	find(&p, text, byte > 0 ? byte - 1 : 0);
	to[0] = '\0';
	for (size_t i = 0; i + 1 < p.depth && used + 64 < JSON_PLACE_ROOM; i++) {
		const struct level *l = &p.level[i];
		size_t room = JSON_PLACE_ROOM - used;

		if (i == LEVELS - 1)
			used += (size_t)snprintf(to + used, room, "/...");
		else if (l->is_array)
			used += (size_t)snprintf(to + used, room, "/%zu", l->index);
		else if (may_be_named(known, l->key) && l->key.size < 48)
			used += (size_t)snprintf(to + used, room, "/%.*s", (int)l->key.size, l->key.at);
		else
			used += (size_t)snprintf(to + used, room, "/*");
		if (i == LEVELS - 1)
			return;
	}
}
