/* SPDX-License-Identifier: ISC */
/* The readers of a tree.  A fault says what was expected. */
#include "common/policy/yaml.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/closest.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 80, MAP_KEYS = 256, LIST_ROOM = 300 };

static const char *const kind_name[] = {
	[YAML_NULL] = "nothing",
	[YAML_BOOLEAN] = "true or false",
	[YAML_NUMBER] = "a number",
	[YAML_STRING] = "a string",
	[YAML_LIST] = "a list",
	[YAML_MAP] = "a map",
};

static bool
not_expected(const char *file, const struct yaml_node *node, const char *expected, struct fault *f)
{
	return fault_at(f, file, node, "%s, expected %s", kind_name[node->kind], expected);
}

static int
shown(struct bytes text)
{
	return (int)(text.size < SHOWN ? text.size : SHOWN);
}

bool
yaml_open(struct yaml_map *m, const char *file, const struct yaml_node *node, struct fault *f)
{
	*m = (struct yaml_map){ .file = file, .node = node, .fault = f };
	if (node == NULL)
		return fault_at(f, file, NULL, "expected a map");
	if (node->kind != YAML_MAP)
		return not_expected(file, node, kind_name[YAML_MAP], f);
	if (node->count > MAP_KEYS)
		return fault_at(
		    f, file, node, "a map of %zu keys, expected at most %d", node->count, MAP_KEYS);
	return true;
}

struct yaml_node *
yaml_take(struct yaml_map *m, const char *key)
{
	const struct bytes asked = bytes_of(key);

	if (m->asks < sizeof(m->asked) / sizeof(m->asked[0]))
		m->asked[m->asks++] = key;
	for (size_t i = 0; i < m->node->count; i++) {
		if (bytes_equal(m->node->key[i]->text, asked)) {
			m->taken[i / 64] |= UINT64_C(1) << (i % 64);
			return m->node->item[i];
		}
	}
	return NULL;
}

struct yaml_node *
yaml_need(struct yaml_map *m, const char *key)
{
	struct yaml_node *value = yaml_take(m, key);
	struct closest c = closest_to(bytes_of(key));
	char near[CLOSEST_ROOM];

	if (value != NULL && value->kind != YAML_NULL)
		return value;
	if (value != NULL) {
		(void)fault_at(m->fault, m->file, value, "'%s' is missing: it has no value", key);
		return NULL;
	}
	for (size_t i = 0; i < m->node->count; i++)
		if ((m->taken[i / 64] >> (i % 64) & 1) == 0)
			closest_offer(&c, m->node->key[i]->text);
	if (*closest_text(&c, "", near) == '\0')
		(void)fault_at(m->fault, m->file, m->node, "'%s' is missing", key);
	else
		(void)fault_at(m->fault, m->file, m->node, "'%s' is missing; does '%.*s' stand for it?", key,
		    shown(c.best), c.best.at);
	return NULL;
}

/* " a b c": the keys that the reader asked for, each once. */
static void
list_asked(const struct yaml_map *m, char text[LIST_ROOM])
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < m->asks; i++) {
		size_t size = strlen(m->asked[i]);
		bool seen = false;
		for (unsigned k = 0; k < i && !seen; k++)
			seen = strcmp(m->asked[k], m->asked[i]) == 0;
		if (seen || used + size + 2 > LIST_ROOM)
			continue;
		used += (size_t)snprintf(text + used, LIST_ROOM - used, " %s", m->asked[i]);
	}
}

bool
yaml_close(struct yaml_map *m)
{
	char expected[LIST_ROOM], near[CLOSEST_ROOM];

	if (m->fault->text[0] != '\0')
		return false;
	for (size_t i = 0; i < m->node->count; i++) {
		const struct yaml_node *key = m->node->key[i];
		if ((m->taken[i / 64] >> (i % 64) & 1) != 0)
			continue;
		struct closest c = closest_to(key->text);

		for (unsigned k = 0; k < m->asks; k++)
			closest_offer(&c, bytes_of(m->asked[k]));
		list_asked(m, expected);
		return fault_at(m->fault, m->file, key, "unknown key '%.*s', expected one of%s%s",
		    shown(key->text), key->text.at, expected, closest_text(&c, "", near));
	}
	return true;
}

struct yaml_node *
yaml_find(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (bytes_are(map->key[i]->text, key))
			return map->item[i];
	return NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as yaml_read() allows */
bool
yaml_sound(const char *file, const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *again = node->again;
	size_t first = 0;

	if (node->refused)
		return fault_at(f, file, node, "%s", node->refused);
	while (again && !bytes_equal(node->key[first]->text, again->text))
		first++;
	if (again)
		return fault_at(f, file, again, "key '%.*s' seen twice, first in line %u", shown(again->text),
		    again->text.at, node->key[first]->line);
	for (size_t i = 0; node->kind >= YAML_LIST && i < node->count; i++)
		if ((node->key && !yaml_sound(file, node->key[i], f)) || !yaml_sound(file, node->item[i], f))
			return false;
	return true;
}

bool
yaml_string(const char *file, const struct yaml_node *node, struct bytes *value, struct fault *f)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_STRING)
		return not_expected(file, node,
		    node->kind == YAML_LIST || node->kind == YAML_MAP ? "a string" : "a string (in quotes)",
		    f);
	*value = node->text;
	return true;
}

bool
yaml_boolean(const char *file, const struct yaml_node *node, bool *value, struct fault *f)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_BOOLEAN)
		return not_expected(file, node, kind_name[YAML_BOOLEAN], f);
	*value = node->truth;
	return true;
}

/* Digits only: 1e3 and 3.0 are no integers in a policy. */
static bool
integer_of(struct bytes text, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.at[i]) || __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text.at[i] - '0'), value))
			return false;
	}
	return text.size > 0;
}

bool
yaml_integer(const char *file, const struct yaml_node *node, uint64_t least, uint64_t most, uint64_t *value,
    struct fault *f)
{
	uint64_t number;

	if (node == NULL)
		return true;
	bool good =
	    node->kind == YAML_NUMBER && integer_of(node->text, &number) && number >= least && number <= most;
	if (!good && least == most)
		return fault_at(f, file, node, "expected the number %llu", (unsigned long long)least);
	if (!good)
		return fault_at(f, file, node, "expected a whole number from %llu to %llu",
		    (unsigned long long)least, (unsigned long long)most);
	*value = number;
	return true;
}

bool
yaml_duration(const char *file, const struct yaml_node *node, int64_t *seconds, struct fault *f)
{
	struct bytes text = { "", 0 };

	if (node == NULL)
		return true;
	return yaml_string(file, node, &text, f) &&
	       (clock_parse_duration(text, seconds) ||
		   fault_at(f, file, node, "expected a duration such as 60s, 5m, 4h or 30d"));
}

bool
yaml_word(const char *file, const struct yaml_node *node, const char *const *words, unsigned *position,
    struct fault *f)
{
	char expected[LIST_ROOM] = "", near[CLOSEST_ROOM];
	size_t used = 0;

	if (node == NULL)
		return true;
	struct closest c = closest_to(node->text);

	for (unsigned i = 0; words[i] != NULL && node->kind == YAML_STRING; i++)
		if (bytes_are(node->text, words[i])) {
			*position = i;
			return true;
		}
	for (unsigned i = 0; words[i] != NULL; i++) {
		closest_offer(&c, bytes_of(words[i]));
		if (used + strlen(words[i]) + 2 <= sizeof(expected))
			used += (size_t)snprintf(expected + used, sizeof(expected) - used, " %s", words[i]);
	}
	if (node->kind != YAML_STRING)
		return fault_at(f, file, node, "%s, expected one of%s", kind_name[node->kind], expected);
	return fault_at(f, file, node, "unknown word '%.*s', expected one of%s%s", shown(node->text),
	    node->text.at, expected, closest_text(&c, "", near));
}

size_t
yaml_strings(const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_NULL)
		return 0;
	return node->kind == YAML_LIST ? node->count : 1;
}

bool
yaml_item_string(
    const char *file, const struct yaml_node *node, size_t i, struct bytes *value, struct fault *f)
{
	return yaml_string(file, node->kind == YAML_LIST ? node->item[i] : node, value, f);
}

/* A tree of JSON in the making: its nodes, the lists of their children, and a copy of its text. */
struct of_json {
	struct arena *arena;
	const struct json *j;
	unsigned line;
	struct yaml_node *node;   /* the next free one */
	struct yaml_node **child; /* the same */
	char *text;
	size_t from; /* where in the JSON text the copy begins */
};

/*
 * The text of a scalar, in the copy, where a NUL takes the place of the byte behind it.  An unescaped string
 * is never longer than the escaped one, so the buffer never reaches its limit.
 */
static struct bytes
copied(struct of_json *t, uint32_t node, bool quoted)
{
	struct bytes span = quoted ? json_inside(t->j, node) : json_span(t->j, node);
	char *at = t->text + ((size_t)(span.at - t->j->text.at) - t->from);
	struct buffer room;
	struct bytes text;

	at[span.size] = '\0';
	if (!quoted || memchr(at, '\\', span.size) == NULL)
		return (struct bytes){ at, span.size };
	buffer_init(&room, span.size + 8);
	text = arena_copy(t->arena, json_string(t->j, node, &room));
	buffer_release(&room);
	return text;
}

static struct yaml_node *
scalar(struct of_json *t, uint32_t node)
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
	struct yaml_node *n = t->node++;
	enum json_kind kind = json_kind(t->j, node);

	n->kind = kinds[kind];
	n->line = t->line;
	n->column = t->j->nodes[node].start + 1;
	n->truth = kind == JSON_TRUE;
	if (kind == JSON_STRING || kind == JSON_KEY)
		n->text = copied(t, node, true);
	else if (kind <= JSON_NUMBER)
		n->text = copied(t, node, false);
	return n;
}

/* The depth limit of the index bounds this recursion. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static struct yaml_node *
tree_of(struct of_json *t, uint32_t node)
{
	const struct json_node *nodes = t->j->nodes;
	struct yaml_node *n = scalar(t, node);
	bool map = n->kind == YAML_MAP;

	if (!map && n->kind != YAML_LIST)
		return n;
	n->count = json_count(t->j, node);
	n->item = t->child;
	t->child += n->count + 1;
	n->key = map ? t->child : NULL;
	t->child += map ? n->count + 1 : 0;
	for (uint32_t c = node + 1, i = 0; c < nodes[node].next; c = nodes[c].next, i++) {
		if (map)
			n->key[i] = scalar(t, c);
		n->item[i] = tree_of(t, map ? c + 1 : c);
	}
	return n;
}

struct yaml_node *
yaml_of_json(struct arena *a, const struct json *j, uint32_t node, unsigned line)
{
	struct bytes span = json_span(j, node);
	size_t count = j->nodes[node].next - node;
	struct of_json t = { .arena = a, .j = j, .line = line, .from = j->nodes[node].start };

	/* Each node is the child of one list at most, and each list ends with a NULL. */
	t.node = arena_array(a, count, sizeof *t.node);
	t.child = arena_array(a, count, 3 * sizeof(struct yaml_node *));
	t.text = arena_take(a, span.size + 1);
	memcpy(t.text, span.at, span.size);
	return tree_of(&t, node);
}

/* NOLINTNEXTLINE(misc-no-recursion): the reader of YAML bounds the depth */
static void
write_node(const struct yaml_node *node, struct json_write *w)
{
	switch (node->kind) {
	case YAML_NULL:
		json_write_value(w, (struct bytes)BYTES("null"));
		break;
	case YAML_BOOLEAN:
	case YAML_NUMBER:
		json_write_value(w, node->text);
		break;
	case YAML_STRING:
		json_write_text(w, node->text);
		break;
	case YAML_LIST:
		json_write_open(w, '[');
		for (size_t i = 0; i < node->count; i++)
			write_node(node->item[i], w);
		json_write_close(w, ']');
		break;
	case YAML_MAP:
	default:
		json_write_open(w, '{');
		for (size_t i = 0; i < node->count; i++) {
			json_write_key(w, node->key[i]->text);
			write_node(node->item[i], w);
		}
		json_write_close(w, '}');
		break;
	}
}

bool
yaml_to_json(const struct yaml_node *node, struct buffer *out)
{
	struct json_write w = json_write_to(out);

	write_node(node, &w);
	return json_write_whole(&w);
}

bool
yaml_same(const struct yaml_node *a, const struct yaml_node *b) /* NOLINT(misc-no-recursion): a tree */
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->count != b->count || !bytes_equal(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		size_t k = i;

		if (a->kind == YAML_MAP)
			for (k = 0; k < b->count && !bytes_equal(a->key[i]->text, b->key[k]->text); k++)
				continue;
		if (k == b->count || !yaml_same(a->item[i], b->item[k]))
			return false;
	}
	return true;
}
