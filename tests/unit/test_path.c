/* SPDX-License-Identifier: ISC */
#include "common/json/path.h"

#include "common/base/buffer.h"
#include "common/policy/jq.h"
#include "tests/lib/tap.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 4096 };

struct nodes {
	uint32_t at[MAX_NODES];
	size_t count;
};

static void
note(void *context, uint32_t node)
{
	struct nodes *n = context;

	if (n->count < MAX_NODES)
		n->at[n->count++] = node;
}

static bool
note_and_go_on(void *context, uint32_t node)
{
	note(context, node);
	return true;
}

static bool
same(const struct nodes *a, const struct nodes *b)
{
	return a->count == b->count && memcmp(a->at, b->at, a->count * sizeof a->at[0]) == 0;
}

/* Walks as a program does, depth first, and notes the nodes that match NUMBER. */
static void
walk(struct paths *p, const struct json *j, uint32_t node, uint32_t state, uint32_t number,
    const struct path_wall *wall, unsigned depth, struct nodes *out)
{
	size_t count;
	const uint32_t *matched = paths_matched(p, state, &count);

	for (size_t i = 0; i < count; i++)
		if (matched[i] == number)
			note(out, node);
	if (state == PATHS_DEAD || (depth > 0 && path_walled(wall, node)))
		return;
	uint32_t index = 0;
	for (uint32_t child = node + 1; child < j->nodes[node].next; child = j->nodes[child].next, index++) {
		if (json_kind(j, node) == JSON_OBJECT)
			walk(p, j, child + 1, paths_member(p, state, j, child), number, wall, depth + 1, out);
		else if (json_kind(j, node) == JSON_ARRAY)
			walk(p, j, child, paths_element(p, state, j, child, index), number, wall, depth + 1,
			    out);
	}
}

/* An object that has a member "w" is an inner root. */
static bool
is_inner(void *context, uint32_t node)
{
	const struct json *j = *(const struct json **)context;

	return json_kind(j, node) == JSON_OBJECT && json_member(j, node, bytes_of("w")) != 0;
}

static struct bytes
slack(struct buffer *b, const char *text)
{
	static const char zeros[JSON_SLACK];
	size_t size = strlen(text);

	b->used = 0;
	(void)buffer_append(b, text, size);
	(void)buffer_append(b, zeros, sizeof zeros);
	return (struct bytes){ b->at, size };
}

/* The spans that EXPRESSION matches in TEXT, one after another with a blank between;
 * the same by both ways. */
static bool
found(const char *text, const char *expression, bool vary, const char *want)
{
	struct arena arena = { 0 };
	struct json_keys *keys = json_keys_new();
	struct paths *paths = paths_new(keys);
	struct buffer room, got;
	struct json j;
	struct path *path;
	struct nodes one = { .count = 0 }, all = { .count = 0 };
	const char *fault;
	size_t byte;
	bool good;

	buffer_init(&room, 1 << 20);
	buffer_init(&got, 1 << 20);
	good = path_compile(&arena, keys, bytes_of(expression), &path, &byte, &fault) == PATH_PLAIN;
	good = good && paths_add(paths, bytes_of(expression), 7, &byte) == PATH_PLAIN;
	if (good && vary) {
		path_vary(path);
		paths_vary(paths);
	}
	json_init(&j, keys, JSON_MAX_DEPTH);
	good = good && json_parse(&j, slack(&room, text));
	if (good) {
		good = path_each(path, &j, 0, NULL, note_and_go_on, &one);
		walk(paths, &j, 0, paths_root(paths, &j, 0, 0), 7, NULL, 0, &all);
		good = good && same(&one, &all);
	}
	for (size_t i = 0; i < one.count; i++) {
		struct bytes span = json_span(&j, one.at[i]);

		(void)buffer_append(&got, i > 0 ? " " : "", i > 0);
		(void)buffer_append(&got, span.at, span.size);
	}
	good = good && bytes_are(buffer_bytes(&got), want);
	if (!good)
		printf("# %s of %s: %.*s\n", expression, text, (int)got.used, got.used > 0 ? got.at : "");
	json_release(&j);
	paths_free(paths);
	json_keys_free(keys);
	arena_release(&arena);
	buffer_release(&room);
	buffer_release(&got);
	return good;
}

static bool
matches(const char *text, const char *expression, const char *want)
{
	return found(text, expression, false, want);
}

/* One value in place of a list, and the reverse. */
static void
check_shapes(void)
{
	check(found("{\"a\":{\"b\":1}}", ".a[].b", true, "1"));
	check(found("{\"a\":[{\"b\":1},{\"b\":2}]}", ".a[].b", true, "1 2"));
	check(found("{\"a\":[{\"b\":1},[{\"b\":2}]]}", ".a.b", true, "1 2"));
	check(found("{\"a\":1}", ".a[]", true, "1"));
	check(found("{\"a\":{\"b\":{\"c\":1}}}", ".a[].b[].c", true, "1"));
	check(found("{\"a\":{\"b\":\"x\",\"c\":1}}", ".a[] | select(.b == \"x\") | .c", true, "1"));
	check(found("{\"a\":[1,2]}", ".a", true, "[1,2]"));
	check(found("{\"a\":[{\"b\":1}]}", ".a[0].b", true, "1"));
	check(found("{\"a\":{\"b\":1}}", ".a[].c", true, ""));
	check(found("{\"a\":{\"b\":1}}", ".a[].b", false, ""));
	check(found("{\"a\":[{\"b\":1}]}", ".a.b", false, ""));
}

static void
check_forms(void)
{
	static const char text[] = "{\"a\":{\"b\":[1,2,{\"c\":3}]},\"odd key\":4,\"\\u0061x\":5,\"n\":null}";
	static const char ids[] =
	    "{\"identifier\":[{\"system\":\"s\",\"value\":1},{\"system\":\"t\",\"value\":2},{\"value\":3},"
	    "{\"system\":\"s\",\"value\":4.0}]}";

	check(matches("[]", ".", "[]"));
	check(matches(text, ".a.b[0]", "1"));
	check(matches(text, ".a[\"b\"][1]", "2"));
	check(matches(text, ".[\"a\"].b[2].c", "3"));
	check(matches(text, ".a?.b?[]?", "1 2 {\"c\":3}"));
	check(matches(text, ".\"odd key\"", "4"));
	check(matches(text, ".a.b[3]", ""));
	check(matches(text, ".ax, .\"\\u0061x\"", "5"));
	check(matches(text, ".missing, .n", "null"));
	check(matches(text, ".a.b | .[] | .c?", "3"));
	check(matches(text, " ( .a | .b ) [ 0 ] # the first\n , .n", "1 null"));
	check(matches(text, "..|.c?", "3"));
	check(matches("[[1,[2]],3]", "..", "[[1,[2]],3] [1,[2]] 1 [2] 2 3"));
	check(matches("[[1,[2]],3]", "..[0]", "[1,[2]] 1 2"));
	check(matches("{\"a\":1,\"b\":{\"a\":2}}", "..|.a?", "1 2"));
	check(matches("{\"a\":1,\"b\":{\"a\":2}}", ".[]", "1 {\"a\":2}"));
	check(matches("{\"\":1}", ".\"\"", "1"));
	check(matches(ids, ".identifier[] | select(.system == \"s\") | .value", "1 4.0"));
	check(matches(ids, ".identifier[] | select(.system == null).value", "3"));
	check(matches(ids, ".identifier[] | select(.system == \"s\" and .value == 4)",
	    "{\"system\":\"s\",\"value\":4.0}"));
	check(matches(ids, "select(.identifier[].system == \"t\") | .identifier[0].value", "1"));
	check(matches(ids, "select(.identifier[].system == \"u\") | .identifier[0].value", ""));
	check(matches(ids, "select(.identifier[3].value == 40e-1) | .identifier[1].system", "\"t\""));
	check(matches(ids, "..|select(. == 4)", "4.0"));
	check(matches("[true,false,null,\"x\"]", ".[]|select(.==true)", "true"));
	check(matches("[true,false,null,\"x\"]", ".[]|select(.==false)", "false"));
	check(matches("[true,false,null,\"x\"]", ".[]|select(. == null)", "null"));
	check(matches("[\"\\u0078\",\"y\"]", ".[]|select(. == \"x\")", "\"\\u0078\""));
	check(matches("[-5,5]", ".[]|select(. == -5)", "-5"));
	check(matches("[{\"a\":[{\"b\":1},{\"b\":2}]}]", ".[]|select(.a[].b == 2)|.a[0]", "{\"b\":1}"));
}

static void
check_outcomes(void)
{
	static const struct {
		const char *text;
		enum path_outcome outcome;
		size_t byte;
	} list[] = { { "", PATH_NOT_PLAIN, 1 }, { ".a[-1]", PATH_FAULT, 4 }, { ".a[1:2]", PATH_FAULT, 6 },
		{ ".a[:2]", PATH_FAULT, 4 }, { ".a | length", PATH_NOT_PLAIN, 6 },
		{ ".a.", PATH_NOT_PLAIN, 3 }, { "a", PATH_NOT_PLAIN, 1 }, { ".a[1.5]", PATH_NOT_PLAIN, 5 },
		{ ".a[.b]", PATH_NOT_PLAIN, 4 }, { "..a", PATH_NOT_PLAIN, 3 }, { "...a", PATH_NOT_PLAIN, 1 },
		{ "(.a", PATH_NOT_PLAIN, 4 }, { ".a)", PATH_NOT_PLAIN, 3 },
		{ ".\"a\\(.b)\"", PATH_NOT_PLAIN, 5 }, { ".\"\\ud800\"", PATH_NOT_PLAIN, 9 },
		{ "select(.a)", PATH_NOT_PLAIN, 10 }, { "select(.a != 1)", PATH_NOT_PLAIN, 11 },
		{ "select(..|.a == 1)", PATH_NOT_PLAIN, 8 },
		{ "select(.a == 1 or .b == 2)", PATH_NOT_PLAIN, 16 },
		{ "select(.a == .b)", PATH_NOT_PLAIN, 14 }, { "selected(.a == 1)", PATH_NOT_PLAIN, 1 },
		{ ".a, ", PATH_NOT_PLAIN, 5 }, { ".a | ", PATH_NOT_PLAIN, 6 }, { ".1", PATH_NOT_PLAIN, 1 },
		{ ".a.[0]", PATH_NOT_PLAIN, 3 }, { ". a", PATH_NOT_PLAIN, 3 },
		{ ".[99999999999]", PATH_NOT_PLAIN, 12 } };
	struct json_keys *keys = json_keys_new();
	struct paths *paths = paths_new(keys);

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		size_t byte = 0;
		enum path_outcome outcome = paths_add(paths, bytes_of(list[i].text), 1, &byte);

		if (outcome != list[i].outcome || byte != list[i].byte)
			printf("# %s: %d at %zu\n", list[i].text, (int)outcome, byte);
		check(outcome == list[i].outcome && byte == list[i].byte);
		check((paths_fault(paths) != NULL) == (outcome == PATH_FAULT) || outcome != PATH_FAULT);
	}
	paths_free(paths);
	json_keys_free(keys);
}

/* Parentheses, steps, and the sixty-fourth step that path_compile does not take. */
static void
check_limits(void)
{
	struct arena arena = { 0 };
	struct json_keys *keys = json_keys_new();
	struct path *path;
	const char *fault;
	size_t byte;
	char text[1000];
	char deep[200];

	memset(text, 0, sizeof text);
	for (size_t i = 0; i < 63; i++)
		memcpy(text + 2 * i, ".a", 2);
	check(path_compile(&arena, keys, bytes_of(text), &path, &byte, &fault) == PATH_PLAIN);
	memcpy(text + 126, ".a", 2);
	check(
	    path_compile(&arena, keys, bytes_of(text), &path, &byte, &fault) == PATH_FAULT && fault != NULL);
	memset(deep, 0, sizeof deep);
	memset(deep, '(', 65);
	deep[65] = '.';
	memset(deep + 66, ')', 65);
	check(path_compile(&arena, keys, bytes_of(deep), &path, &byte, &fault) == PATH_FAULT);
	check(path_compile(&arena, keys, bytes_of(deep + 1), &path, &byte, &fault) == PATH_NOT_PLAIN);
	deep[130] = 0;
	check(path_compile(&arena, keys, bytes_of(deep + 1), &path, &byte, &fault) == PATH_PLAIN);
	json_keys_free(keys);
	arena_release(&arena);
}

enum { EXPRESSIONS = 150, DOCUMENTS = 40, TEXT = 4000 };

static uint64_t seed = 42;

static unsigned
draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

struct text {
	char at[TEXT];
	size_t used;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	int size = vsnprintf(t->at + t->used, TEXT - t->used, format, list);
	va_end(list);
	t->used += size > 0 ? (size_t)size : 0;
	t->used = t->used < TEXT ? t->used : TEXT - 1;
}

static const char *const names[] = { "a", "b", "c", "w", "odd key", "\\u00e9" };
static const char *const scalars[] = { "1", "2", "2.0", "-1", "\"x\"", "\"\\u0078y\"", "\"\"", "true",
	"false", "null" };

static void
put_document(struct text *t, unsigned depth)
{
	unsigned kind = depth == 0 ? 0 : depth == 5 ? 1 + draw(2) : draw(4) % 3;
	unsigned count = 5 - draw(4) % 5;
	unsigned first = draw(6);

	if (kind == 0) {
		put(t, "%s", scalars[draw(10)]);
		return;
	}
	put(t, kind == 1 ? "[" : "{");
	for (unsigned i = 0; i < count; i++) {
		put(t, "%s", i > 0 ? "," : "");
		if (kind == 2)
			put(t, "\"%s\":", names[(first + i) % 6]);
		put_document(t, depth - 1);
	}
	put(t, kind == 1 ? "]" : "}");
}

/* Every step with its ?, so that jq means what a plain path means. */
static void
put_steps(struct text *t, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		switch (draw(6)) {
		case 0:
			put(t, "[]?");
			break;
		case 1:
			put(t, "[%u]?", draw(3));
			break;
		case 2:
			put(t, "[\"%s\"]?", names[draw(6)]);
			break;
		case 3:
			put(t, ".\"%s\"?", names[draw(6)]);
			break;
		default:
			put(t, ".%s?", names[draw(4)]);
		}
	}
}

static void
put_select(struct text *t)
{
	put(t, "select(");
	for (unsigned i = draw(4) > 0;; i++) {
		put(t, ". ");
		put_steps(t, draw(2));
		put(t, " == %s", scalars[draw(10)]);
		if (i > 0)
			break;
		put(t, " and ");
	}
	put(t, ")");
}

static void put_expression(struct text *t, unsigned depth);

static void
put_term(struct text *t, unsigned depth)
{
	switch (draw(depth > 0 ? 7 : 4)) {
	case 0:
		put(t, ".. ");
		break;
	case 1:
		put_select(t);
		break;
	case 4:
	case 5:
		put(t, "(");
		put_expression(t, depth - 1);
		put(t, ")");
		break;
	default:
		put(t, ". ");
	}
	put_steps(t, draw(3));
}

static void
put_expression(struct text *t, unsigned depth)
{
	put_term(t, depth);
	for (unsigned i = draw(3); i > 0; i--) {
		put(t, draw(3) > 0 ? " | " : ", ");
		put_term(t, depth);
	}
}

static int
order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
sort(struct nodes *n)
{
	size_t kept = 0;

	qsort(n->at, n->count, sizeof n->at[0], order);
	for (size_t i = 0; i < n->count; i++)
		if (kept == 0 || n->at[i] != n->at[kept - 1])
			n->at[kept++] = n->at[i];
	n->count = kept;
}

struct differential {
	struct arena arena;
	struct json_keys *keys;
	struct paths *paths;
	struct path *path[EXPRESSIONS];
	struct text expression[EXPRESSIONS];
	struct jq_program *jq;
	size_t cases;
	size_t found;
};

/* One libjq program for all, since compiling takes long: $id says which is meant. */
static bool
compile_all(struct differential *d)
{
	struct buffer all;
	const char *why = "";
	size_t byte = 0;
	bool good = true;

	buffer_init(&all, 1 << 20);
	for (unsigned i = 0; i < EXPRESSIONS; i++) {
		struct text *t = &d->expression[i];
		char head[64];
		int size = snprintf(head, sizeof head, "%s $id == \"%u\" then ", i > 0 ? " elif" : "if", i);

		put_expression(t, 2);
		good = good && paths_add(d->paths, bytes_of(t->at), i, &byte) == PATH_PLAIN;
		good = good && path_compile(&d->arena, d->keys, bytes_of(t->at), &d->path[i], &byte, &why) ==
				   PATH_PLAIN;
		if (!good) {
			printf("# %s: %s at %zu\n", t->at, why, byte);
			break;
		}
		(void)buffer_append(&all, head, (size_t)size);
		(void)buffer_append(&all, t->at, t->used);
	}
	(void)buffer_append(&all, " else empty end", 15);
	if (good)
		d->jq = jq_compile_text(buffer_bytes(&all), JQ_PATH, false, &byte, &why);
	buffer_release(&all);
	if (d->jq == NULL)
		printf("# %s at %zu\n", why, byte);
	return d->jq != NULL;
}

static bool
agree(struct differential *d, const struct json *j, unsigned i, const struct path_wall *wall)
{
	static struct nodes native, walked, foreign;
	char id[16];
	struct jq_context context = { .id = { id, (size_t)snprintf(id, sizeof id, "%u", i) } };

	native.count = walked.count = foreign.count = 0;
	(void)path_each(d->path[i], j, 0, wall, note_and_go_on, &native);
	if (jq_paths(d->jq, j, 0, wall, &context, note, &foreign) == JQ_UNKNOWN)
		return false;
	sort(&foreign);
	d->cases++;
	d->found += native.count;
	if (!same(&native, &foreign))
		return false;
	/* The automaton knows no wall. */
	foreign.count = 0;
	walk(d->paths, j, 0, paths_root(d->paths, j, 0, 0), i, NULL, 0, &walked);
	if (jq_paths(d->jq, j, 0, NULL, &context, note, &foreign) == JQ_UNKNOWN)
		return false;
	sort(&foreign);
	return same(&walked, &foreign);
}

static void
check_against_libjq(void)
{
	struct differential *d = calloc(1, sizeof *d);
	struct buffer room;
	struct json j;
	const struct json *borrowed = &j;
	struct path_wall wall = { is_inner, &borrowed };
	bool good = true;

	d->keys = json_keys_new();
	d->paths = paths_new(d->keys);
	buffer_init(&room, 1 << 20);
	check(compile_all(d));
	json_init(&j, d->keys, JSON_MAX_DEPTH);
	for (unsigned k = 0; k < DOCUMENTS && d->jq != NULL; k++) {
		struct text document = { .used = 0 };

		put_document(&document, 5);
		good = good && json_parse(&j, slack(&room, document.at));
		for (unsigned i = 0; i < EXPRESSIONS && good; i++) {
			good = agree(d, &j, i, &wall);
			if (!good)
				printf("# %s of %s\n", d->expression[i].at, document.at);
		}
	}
	check(good);
	printf("# %zu cases, %zu nodes\n", d->cases, d->found);
	check(d->cases == (size_t)EXPRESSIONS * DOCUMENTS && d->found > d->cases / 4);
	json_release(&j);
	buffer_release(&room);
	jq_program_free(d->jq);
	paths_free(d->paths);
	json_keys_free(d->keys);
	arena_release(&d->arena);
	free(d);
}

/*
 * Many `..` behind keys and a document that takes them in ever new combinations: more sets than are kept.
 * What is matched past the limit must be what it was before.
 */
static void
check_many_states(void)
{
	enum { PATHS = 24 };
	struct json_keys *keys = json_keys_new();
	struct paths *paths = paths_new(keys);
	struct arena arena = { 0 };
	struct path *path[PATHS];
	struct buffer room, text;
	struct json j;
	const char *fault;
	size_t byte;
	bool good = true;

	for (unsigned i = 0; i < PATHS; i++) {
		char expression[64];

		(void)snprintf(expression, sizeof expression, "..|.k%u?|..|select(.v == %u)", i, i % 3);
		good = good && paths_add(paths, bytes_of(expression), i, &byte) == PATH_PLAIN;
		good = good && path_compile(&arena, keys, bytes_of(expression), &path[i], &byte, &fault) ==
				   PATH_PLAIN;
	}
	buffer_init(&room, 1 << 24);
	buffer_init(&text, 1 << 24);
	(void)buffer_append(&text, "[", 1);
	for (unsigned k = 0; k < 1500; k++) {
		char piece[64];

		(void)buffer_append(&text, ",", k > 0);
		for (unsigned depth = 0; depth < 8; depth++) {
			int size = snprintf(piece, sizeof piece, "{\"v\":%u,\"k%u\":", draw(3), draw(PATHS));

			(void)buffer_append(&text, piece, (size_t)size);
		}
		(void)buffer_append(&text, "0}}}}}}}}", 9);
	}
	(void)buffer_append(&text, "]", 2);
	json_init(&j, keys, JSON_MAX_DEPTH);
	good = good && json_parse(&j, slack(&room, text.at));
	check(good);
	for (unsigned i = 0; i < PATHS && good; i++) {
		static struct nodes one, all;

		one.count = all.count = 0;
		(void)path_each(path[i], &j, 0, NULL, note_and_go_on, &one);
		walk(paths, &j, 0, paths_root(paths, &j, 0, 0), i, NULL, 0, &all);
		good = one.count > 20 && same(&one, &all);
	}
	check(good);
	json_release(&j);
	buffer_release(&room);
	buffer_release(&text);
	paths_free(paths);
	json_keys_free(keys);
	arena_release(&arena);
}

int
main(void)
{
	check_forms();
	check_shapes();
	check_outcomes();
	check_limits();
	check_against_libjq();
	check_many_states();
	return tap_end();
}
