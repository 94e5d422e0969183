/* SPDX-License-Identifier: ISC */
#include "common/json/pathcode.h"

#include "common/base/utf8.h"
#include "common/json/json_parts.h"

#include <string.h>

/*
 * Reads the part of jq's grammar that is plain (jq 1.6: | binds least, then the comma, then what follows a
 * term) and writes code while it reads.  The comma moves code that is written already; jumps are relative, so
 * it stays right.  The reader stops at anything else without a judgement, which is left to libjq.
 */
enum { MAX_NESTING = 64, MAX_EXPRESSION = 65536, FIRST_ROOM = 4 };

static const char too_long[] = "path of more than 65536 bytes";
static const char too_nested[] = "more than 64 parentheses inside one another";
static const char too_many_keys[] = "too many different keys";
static const char negative_index[] = "negative index";
static const char slice[] = "slice";

struct path_reader {
	struct path_code *code;
	struct bytes text;
	size_t next;
	unsigned nesting;
	bool refused; /* code->fault says why */
};

static bool read_pipe(struct path_reader *r);

/* False, for the reader to return. */
static bool
refuse(struct path_reader *r, const char *why)
{
	r->refused = true;
	r->code->fault = why;
	return false;
}

/*
 * AT with room for one more element of SIZE behind COUNT of them.  An arena cannot grow a piece: the old one
 * stays until the arena is released.
 */
static void *
one_more(struct arena *a, void *at, size_t count, size_t *room, size_t size)
{
	void *larger;

	if (count < *room)
		return at;
	*room = *room > 0 ? 2 * *room : FIRST_ROOM;
	larger = arena_array(a, *room, size);
	if (count > 0)
		memcpy(larger, at, count * size);
	return larger;
}

static void
emit(struct path_code *code, enum path_op op, uint32_t value)
{
	code->at = one_more(code->arena, code->at, code->count, &code->room, sizeof *code->at);
	code->at[code->count++] = (struct path_instruction){ op, value };
}

static uint32_t
add_select(struct path_code *code, struct path_select select)
{
	code->select =
	    one_more(code->arena, code->select, code->selects, &code->select_room, sizeof *code->select);
	code->select[code->selects] = select;
	return (uint32_t)code->selects++;
}

/* White space and comments, as in jq. */
static void
skip_blank(struct path_reader *r)
{
	for (; r->next < r->text.size; r->next++) {
		char c = r->text.at[r->next];

		if (c == '#') {
			while (r->next + 1 < r->text.size && r->text.at[r->next + 1] != '\n')
				r->next++;
		} else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
			return;
		}
	}
}

/* The byte AHEAD of the next one; 0 behind the end.  No expression holds a 0. */
static char
peek(const struct path_reader *r, size_t ahead)
{
	if (ahead >= r->text.size - r->next)
		return 0;
	return r->text.at[r->next + ahead];
}

static bool
take(struct path_reader *r, char c)
{
	skip_blank(r);
	if (peek(r, 0) != c)
		return false;
	r->next++;
	return true;
}

/* The word at the next byte; empty if there is none. */
static struct bytes
word(const struct path_reader *r)
{
	size_t size = 0;

	if (ascii_begins_name(peek(r, 0)))
		while (ascii_continues_name(peek(r, size)))
			size++;
	return (struct bytes){ r->text.at + r->next, size };
}

static bool
take_word(struct path_reader *r, const char *text)
{
	skip_blank(r);
	if (!bytes_are(word(r), text))
		return false;
	r->next += strlen(text);
	return true;
}

static bool
hex_digits(const struct path_reader *r, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = peek(r, i);

		if (ascii_is_digit(c))
			*value = *value * 16 + (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value * 16 + (uint32_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			*value = *value * 16 + (uint32_t)(c - 'A') + 10;
		else
			return false;
	}
	return true;
}

/* Behind "\u": four digits, or a surrogate pair.  A lone surrogate is not plain. */
static bool
read_code_point(struct path_reader *r, uint32_t *c)
{
	uint32_t low;

	if (!hex_digits(r, c))
		return false;
	r->next += 4;
	if (*c < 0xd800 || *c > 0xdfff)
		return true;
	if (*c > 0xdbff || peek(r, 0) != '\\' || peek(r, 1) != 'u')
		return false;
	r->next += 2;
	if (!hex_digits(r, &low) || low < 0xdc00 || low > 0xdfff)
		return false;
	r->next += 4;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* Behind a backslash.  Interpolation \(..) is not plain. */
static bool
read_escape(struct path_reader *r, char *to, size_t *size)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	char c = peek(r, 0);
	const char *found = c != 0 ? strchr(from, c) : NULL;
	uint32_t point;

	if (found != NULL) {
		r->next++;
		to[(*size)++] = into[found - from];
		return true;
	}
	if (c != 'u')
		return false;
	r->next++;
	if (!read_code_point(r, &point))
		return false;
	*size += utf8_write(point, to + *size);
	return true;
}

/* A string literal at the next byte, unescaped into the arena. */
static bool
read_string(struct path_reader *r, struct bytes *value)
{
	char *to = arena_take(r->code->arena, r->text.size - r->next + 1);
	size_t size = 0;

	if (peek(r, 0) != '"')
		return false;
	for (r->next++; r->next < r->text.size;) {
		char c = r->text.at[r->next++];

		if (c == '"') {
			*value = (struct bytes){ to, size };
			return true;
		}
		if (c != '\\')
			to[size++] = c;
		else if (!read_escape(r, to, &size))
			return false;
	}
	return false;
}

static bool
emit_member(struct path_reader *r, struct bytes name)
{
	uint16_t key = json_keys_add(r->code->keys, name);

	if (key == 0)
		return refuse(r, too_many_keys);
	emit(r->code, PATH_MEMBER, key);
	return true;
}

/* Digits alone; 1.5 and 1e2 are not plain. */
static bool
read_index(struct path_reader *r, uint32_t *index)
{
	uint64_t value = 0;

	if (!ascii_is_digit(peek(r, 0)))
		return false;
	for (; ascii_is_digit(peek(r, 0)); r->next++) {
		value = value * 10 + (uint64_t)(peek(r, 0) - '0');
		if (value > INT32_MAX)
			return false;
	}
	*index = (uint32_t)value;
	return true;
}

/* Behind "[". */
static bool
read_brackets(struct path_reader *r)
{
	struct bytes name;
	uint32_t index;

	skip_blank(r);
	if (take(r, ']')) {
		emit(r->code, PATH_EACH, 0);
		return true;
	}
	if (peek(r, 0) == ':')
		return refuse(r, slice);
	if (peek(r, 0) == '-')
		return refuse(r, negative_index);
	if (peek(r, 0) == '"')
		return read_string(r, &name) && emit_member(r, name) && take(r, ']');
	if (!read_index(r, &index))
		return false;
	if (take(r, ':'))
		return refuse(r, slice);
	emit(r->code, PATH_ELEMENT, index);
	return take(r, ']');
}

/* .name, ."name" or [..] at the next byte; else *STEP is false and nothing is taken. */
static bool
read_step(struct path_reader *r, bool *step)
{
	struct bytes name;
	size_t start;

	*step = true;
	skip_blank(r);
	start = r->next;
	if (take(r, '['))
		return read_brackets(r);
	if (take(r, '.')) {
		name = word(r);
		if (name.size > 0) {
			r->next += name.size;
			return emit_member(r, name);
		}
		skip_blank(r);
		if (peek(r, 0) == '"')
			return read_string(r, &name) && emit_member(r, name);
		r->next = start;
	}
	*step = false;
	return true;
}

/* The steps behind a term.  A ? changes nothing. */
static bool
read_steps(struct path_reader *r)
{
	bool step = true;

	while (step) {
		if (take(r, '?'))
			continue;
		if (!read_step(r, &step))
			return false;
	}
	return true;
}

static bool
read_number(struct path_reader *r, struct decimal *number)
{
	size_t start = r->next;
	struct bytes text;

	while (ascii_is_digit(peek(r, 0)) || (peek(r, 0) != 0 && strchr("+-.eE", peek(r, 0)) != NULL))
		r->next++;
	text = arena_copy(r->code->arena, (struct bytes){ r->text.at + start, r->next - start });
	if (decimal_parse(text, number))
		return true;
	r->next = start;
	return false;
}

static bool
read_literal(struct path_reader *r, struct path_test *test)
{
	static const struct {
		const char *word;
		enum json_kind kind;
	} named[] = { { "null", JSON_NULL }, { "true", JSON_TRUE }, { "false", JSON_FALSE } };

	skip_blank(r);
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		test->kind = named[i].kind;
		if (take_word(r, named[i].word))
			return true;
	}
	if (peek(r, 0) == '"') {
		test->kind = JSON_STRING;
		return read_string(r, &test->string);
	}
	test->kind = JSON_NUMBER;
	return read_number(r, &test->number);
}

/* `.a.b[]` or `.`, then == and a literal.  The steps move from the code into TEST. */
static bool
read_test(struct path_reader *r, struct path_test *test)
{
	struct path_code *code = r->code;
	size_t start = code->count;

	skip_blank(r);
	if (peek(r, 0) != '.' || peek(r, 1) == '.')
		return false;
	/* The point belongs to the name behind it, or stands for the node itself. */
	if (word(&(struct path_reader){ .text = r->text, .next = r->next + 1 }).size == 0)
		r->next++;
	skip_blank(r);
	if (peek(r, 0) == '"') {
		struct bytes name;

		if (!read_string(r, &name) || !emit_member(r, name))
			return false;
	}
	if (!read_steps(r))
		return false;
	test->steps = code->count - start;
	test->step = arena_array(code->arena, test->steps + 1, sizeof *test->step);
	if (test->steps > 0)
		memcpy(test->step, code->at + start, test->steps * sizeof *test->step);
	code->count = start;
	return take(r, '=') && peek(r, 0) == '=' && take(r, '=') && read_literal(r, test);
}

/* Behind the word select. */
static bool
read_select(struct path_reader *r)
{
	struct path_select select = { 0 };
	size_t room = 0;

	if (!take(r, '('))
		return false;
	do {
		select.test = one_more(r->code->arena, select.test, select.tests, &room, sizeof *select.test);
		if (!read_test(r, &select.test[select.tests++]))
			return false;
	} while (take_word(r, "and"));
	if (!take(r, ')'))
		return false;
	emit(r->code, PATH_SELECT, add_select(r->code, select));
	return true;
}

static bool
read_parentheses(struct path_reader *r)
{
	if (++r->nesting > MAX_NESTING)
		return refuse(r, too_nested);
	if (!read_pipe(r) || !take(r, ')'))
		return false;
	r->nesting--;
	return true;
}

/* `.`, `..`, `.a`, `(p)`, `select(..)`, and the steps behind it. */
static bool
read_term(struct path_reader *r)
{
	struct bytes name;

	skip_blank(r);
	if (take(r, '('))
		return read_parentheses(r) && read_steps(r);
	if (take_word(r, "select"))
		return read_select(r) && read_steps(r);
	if (peek(r, 0) != '.' || ascii_is_digit(peek(r, 1)))
		return false;
	if (peek(r, 1) == '.') {
		/* jq reads three points as a number */
		if (peek(r, 2) == '.' || ascii_is_digit(peek(r, 2)))
			return false;
		r->next += 2;
		emit(r->code, PATH_DESCEND, 0);
		return read_steps(r);
	}
	if (ascii_begins_name(peek(r, 1)))
		return read_steps(r);
	r->next++;
	skip_blank(r);
	if (peek(r, 0) == '"' && !(read_string(r, &name) && emit_member(r, name)))
		return false;
	return read_steps(r);
}

/* Inserts INSTRUCTION at START. */
static void
insert(struct path_code *code, size_t start, struct path_instruction instruction)
{
	emit(code, PATH_JUMP, 0);
	memmove(&code->at[start + 1], &code->at[start], (code->count - 1 - start) * sizeof *code->at);
	code->at[start] = instruction;
}

/* p, q: split(q) p jump(end) q end */
static bool
read_comma(struct path_reader *r)
{
	struct path_code *code = r->code;
	size_t start = code->count;

	if (!read_term(r))
		return false;
	while (take(r, ',')) {
		size_t jump;

		insert(code, start,
		    (struct path_instruction){ PATH_SPLIT, (uint32_t)(code->count - start + 2) });
		jump = code->count;
		emit(code, PATH_JUMP, 0);
		if (!read_term(r))
			return false;
		code->at[jump].value = (uint32_t)(code->count - jump);
	}
	return true;
}

static bool
read_pipe(struct path_reader *r)
{
	do {
		if (!read_comma(r))
			return false;
	} while (take(r, '|'));
	return true;
}

enum path_outcome
pathcode_add(struct path_code *code, struct bytes expression, uint32_t number, size_t *byte)
{
	struct path_reader r = { .code = code, .text = expression };
	size_t count = code->count;
	size_t selects = code->selects;
	bool good;

	if (expression.size > MAX_EXPRESSION)
		(void)refuse(&r, too_long);
	good = !r.refused && read_pipe(&r);
	skip_blank(&r);
	if (good && r.next == expression.size) {
		emit(code, PATH_MATCH, number);
		return PATH_PLAIN;
	}
	code->count = count;
	code->selects = selects;
	*byte = r.next + 1;
	return r.refused ? PATH_FAULT : PATH_NOT_PLAIN;
}

static bool
is_literal(const struct path_test *test, const struct json *j, uint32_t node, bool is_null)
{
	struct decimal number;

	if (is_null || test->kind == JSON_NULL)
		return test->kind == JSON_NULL && (is_null || json_kind(j, node) == JSON_NULL);
	if (json_kind(j, node) != test->kind)
		return false;
	if (test->kind == JSON_STRING)
		return json_is(j, node, test->string);
	if (test->kind == JSON_NUMBER)
		return decimal_parse(json_span(j, node), &number) &&
		       decimal_compare(&number, &test->number) == 0;
	return true;
}

/* The element INDEX of an array, 0 if it has none. */
static uint32_t
element(const struct json *j, uint32_t array, uint32_t index)
{
	uint32_t node = array + 1;

	while (node < j->nodes[array].next && index-- > 0)
		node = j->nodes[node].next;
	return node < j->nodes[array].next ? node : 0;
}

/* *TO is where STEP leads from NODE; 0: to an absent value, which is null.  False where jq's step fails. */
static bool
one_step(const struct path_instruction *step, const struct json *j, uint32_t node, uint32_t *to)
{
	enum json_kind kind = json_kind(j, node);

	*to = 0;
	if (step->op == PATH_MEMBER && kind == JSON_OBJECT)
		*to = json_member_key(j, node, (uint16_t)step->value);
	else if (step->op == PATH_ELEMENT && kind == JSON_ARRAY)
		*to = element(j, node, step->value);
	else
		return kind == JSON_NULL;
	return true;
}

/* Whether some output of the steps from STEP on is the literal.  The recursion is as deep as TEST is long. */
static bool
test_holds(const struct path_test *test, size_t step, const struct json *j, uint32_t node, bool is_null,
    const struct path_wall *wall)
{
	for (; step < test->steps; step++) {
		const struct path_instruction *s = &test->step[step];

		if (s->op == PATH_EACH)
			break;
		if (is_null)
			continue;
		if (!one_step(s, j, node, &node))
			return false;
		is_null = node == 0 || path_walled(wall, node);
	}
	if (step == test->steps)
		return is_literal(test, j, node, is_null);
	if (is_null || (json_kind(j, node) != JSON_ARRAY && json_kind(j, node) != JSON_OBJECT))
		return false;
	bool members = json_kind(j, node) == JSON_OBJECT;
	for (uint32_t child = node + 1; child < j->nodes[node].next; child = j->nodes[child].next) {
		uint32_t value = members ? child + 1 : child;

		if (test_holds(test, step + 1, j, value, path_walled(wall, value), wall))
			return true;
	}
	return false;
}

bool
pathcode_holds(const struct path_select *select, const struct json *j, uint32_t node, bool as_null,
    const struct path_wall *wall)
{
	for (size_t i = 0; i < select->tests; i++)
		if (!test_holds(&select->test[i], 0, j, node, as_null, wall))
			return false;
	return true;
}
