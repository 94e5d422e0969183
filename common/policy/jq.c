/* SPDX-License-Identifier: ISC */
#include "common/policy/jq.h"

#include "common/base/buffer.h"
#include "common/base/diag.h"
#include "common/base/memory.h"

#include <jq.h>
#include <stdlib.h>
#include <string.h>

/*
 * jq_compile of libjq 1.6 takes 21 ms, since it reads its library of functions each time; a run takes
 * microseconds.  So each program is compiled once, and a policy without jq never calls libjq.  libjq binds
 * variables when it compiles; the values that vary from record to record therefore stand beside the root in
 * an array, which is the input of the program.
 *
 * A path() that ends with an error in the middle of an object leaks one key inside libjq, about 20 bytes a
 * record.  An `at:` with ? cannot fail and leaks nothing.
 *
 * Every jv has one owner.  A comment marks each call that takes a jv other than a temporary.
 */
enum { MAX_TEXT = 65536, MAX_NESTING = 256, MAX_NUMBER = 1000 };

struct jq_program {
	jq_state *jq;
	bool has_now;
	struct buffer room;
};

static const char not_understood[] = "jq does not understand this expression";
static const char needs_now[] = "$now is known only where --now is given";
static const char unbalanced[] = "a bracket or string is not closed, or closed and not opened";
static const char too_nested[] = "more than 256 brackets inside one another";
static const char too_long[] = "expression of more than 65536 bytes";
static const char holds_nul[] = "NUL in an expression";

/* Words that could read, print, loop or vary.  The message is a constant that names the word. */
static const struct {
	const char *word;
	const char *why;
} forbidden[] = {
#define FORBIDDEN(word)                                                                                      \
	{                                                                                                    \
		word, "'" word "' is not allowed: it could read, print, loop or vary"                        \
	}
	FORBIDDEN("input"),
	FORBIDDEN("inputs"),
	FORBIDDEN("input_filename"),
	FORBIDDEN("input_line_number"),
	FORBIDDEN("debug"),
	FORBIDDEN("stderr"),
	FORBIDDEN("env"),
	FORBIDDEN("now"),
	FORBIDDEN("localtime"),
	FORBIDDEN("strflocaltime"),
	FORBIDDEN("halt"),
	FORBIDDEN("halt_error"),
	FORBIDDEN("import"),
	FORBIDDEN("include"),
	FORBIDDEN("modulemeta"),
	FORBIDDEN("get_search_list"),
	FORBIDDEN("def"),
	FORBIDDEN("while"),
	FORBIDDEN("until"),
	FORBIDDEN("repeat"),
	FORBIDDEN("infinite"),
#undef FORBIDDEN
};
static const char no_environment[] = "'$ENV' is not allowed: it could read, print, loop or vary";
static const char no_recursion[] = "'recurse(f)' is not allowed: it could read, print, loop or vary";

struct jq_scan {
	struct bytes text;
	size_t next;
	bool has_now;
	char open[MAX_NESTING]; /* the open brackets: ( [ {, or " for an interpolation in a string */
	unsigned depth;
	const char *why;
};

static char
peek(const struct jq_scan *s, size_t ahead)
{
	if (ahead >= s->text.size - s->next)
		return 0;
	return s->text.at[s->next + ahead];
}

static bool
is_letter(char c)
{
	return ascii_is_letter(c) || c == '_';
}

static bool
is_part(char c)
{
	return is_letter(c) || ascii_is_digit(c);
}

/* The first byte from AT on outside of blanks and comments; 0 at the end. */
static char
after_blank(const struct jq_scan *s, size_t at)
{
	for (; at < s->text.size; at++) {
		char c = s->text.at[at];

		if (c == '#')
			while (at + 1 < s->text.size && s->text.at[at + 1] != '\n')
				at++;
		else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c;
	}
	return 0;
}

static bool
refuse(struct jq_scan *s, size_t at, const char *why)
{
	s->next = at;
	s->why = why;
	return false;
}

static bool
open_bracket(struct jq_scan *s, char c)
{
	if (s->depth == MAX_NESTING)
		return refuse(s, s->next, too_nested);
	s->open[s->depth++] = c;
	s->next++;
	return true;
}

/* Inside a string: moves behind its end, or into an interpolation. */
static bool
scan_string(struct jq_scan *s)
{
	while (s->next < s->text.size) {
		char c = s->text.at[s->next++];

		if (c == '"')
			return true;
		if (c == '\\' && s->next < s->text.size && s->text.at[s->next] == '(')
			return open_bracket(s, '"');
		if (c == '\\' && s->next < s->text.size)
			s->next++;
	}
	return refuse(s, s->text.size, unbalanced);
}

static bool
close_bracket(struct jq_scan *s, char c)
{
	static const char pairs[] = "()[]{}\")";
	char was = 0;

	if (s->depth > 0)
		was = s->open[s->depth - 1];
	/* An interpolation in a string ends with ")" too. */
	if (was == 0 || (strchr(pairs, was)[1] != c))
		return refuse(s, s->next, unbalanced);
	s->depth--;
	s->next++;
	return was != '"' || scan_string(s);
}

/* Refuses a forbidden word.  A field (.now) and the key of an object ({now: 1}) are no words of jq. */
static bool
scan_word(struct jq_scan *s)
{
	size_t start = s->next;
	struct bytes word;
	size_t before = start;

	while (is_part(peek(s, 0)))
		s->next++;
	word = (struct bytes){ s->text.at + start, s->next - start };
	while (before > 0 && strchr(" \t\r\n", s->text.at[before - 1]) != NULL)
		before--;
	if (before > 0 && s->text.at[before - 1] == '$') {
		if (bytes_are(word, "ENV"))
			return refuse(s, start, no_environment);
		return s->has_now || !bytes_are(word, "now") || refuse(s, start, needs_now);
	}
	if ((start > 0 && s->text.at[start - 1] == '.') || after_blank(s, s->next) == ':')
		return true;
	if (bytes_are(word, "recurse") && after_blank(s, s->next) == '(')
		return refuse(s, start, no_recursion);
	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
		if (bytes_are(word, forbidden[i].word))
			return refuse(s, start, forbidden[i].why);
	return true;
}

static bool
scan_token(struct jq_scan *s)
{
	char c = peek(s, 0);

	if (c == '"') {
		s->next++;
		return scan_string(s);
	}
	if (c == '(' || c == '[' || c == '{')
		return open_bracket(s, c);
	if (c == ')' || c == ']' || c == '}')
		return close_bracket(s, c);
	if (is_letter(c))
		return scan_word(s);
	if (c == '#')
		while (s->next < s->text.size && s->text.at[s->next] != '\n')
			s->next++;
	else
		s->next++;
	return true;
}

static bool
scan_all(struct jq_scan *s)
{
	const void *nul = s->text.size > 0 ? memchr(s->text.at, 0, s->text.size) : NULL;

	if (s->text.size > MAX_TEXT)
		return refuse(s, 0, too_long);
	if (nul != NULL)
		return refuse(s, (size_t)((const char *)nul - s->text.at), holds_nul);
	while (s->next < s->text.size)
		if (!scan_token(s))
			return false;
	return s->depth == 0 || refuse(s, s->text.size, unbalanced);
}

static void
swallow(void *context, jv message) /* takes MESSAGE */
{
	(void)context;
	jv_free(message);
}

static void
die_of_memory(void *context)
{
	(void)context;
	memory_missing(0);
}

/* The line end closes a comment in TEXT.  The brackets in TEXT pair, so it cannot close those around it. */
static void
write_program(struct buffer *out, struct bytes text, enum jq_use use, bool has_now)
{
	static const struct bytes head = BYTES(". as [$type, $id, $subject, ");
	static const struct bytes with = BYTES("$now, ");
	static const struct bytes rest = BYTES("$__ehr_root] | $__ehr_root | ");
	static const struct bytes path = BYTES("path");

	buffer_add(out, head.at, head.size);
	if (has_now)
		buffer_add(out, with.at, with.size);
	buffer_add(out, rest.at, rest.size);
	if (use == JQ_PATH)
		buffer_add(out, path.at, path.size);
	buffer_add(out, "(", 1);
	buffer_add(out, text.at, text.size);
	buffer_add(out, "\n)", 3); /* and the NUL */
}

struct jq_program *
jq_compile_text(struct bytes text, enum jq_use use, bool has_now, size_t *byte, const char **why)
{
	struct jq_scan s = { .text = text, .has_now = has_now };
	struct jq_program *p;
	struct buffer source;
	bool good;

	if (!scan_all(&s)) {
		*byte = s.next + 1;
		*why = s.why;
		return NULL;
	}
	jv_nomem_handler(die_of_memory, NULL);
	p = memory_zeros(1, sizeof *p);
	p->jq = jq_init();
	if (p->jq == NULL)
		memory_missing(0);
	jq_set_error_cb(p->jq, swallow, NULL);
	jq_set_nomem_handler(p->jq, die_of_memory, NULL);
	p->has_now = has_now;
	buffer_init(&p->room, BUFFER_UNLIMITED);
	buffer_init(&source, BUFFER_UNLIMITED);
	write_program(&source, text, use, has_now);
	good = jq_compile(p->jq, source.at) != 0;
	buffer_release(&source);
	if (good)
		return p;
	*byte = 0;
	*why = not_understood;
	jq_program_free(p);
	return NULL;
}

void
jq_program_free(struct jq_program *p)
{
	if (p == NULL)
		return;
	jq_teardown(&p->jq);
	buffer_release(&p->room);
	free(p);
}

struct jq_builder {
	struct jq_program *program;
	const struct json *j;
	const struct path_wall *wall;
	uint32_t root;
};

static jv build(const struct jq_builder *b, uint32_t node);

static jv
build_string(const struct jq_builder *b, uint32_t node)
{
	struct bytes text = json_string(b->j, node, &b->program->room);

	return jv_string_sized(text.size > 0 ? text.at : "", (int)text.size);
}

/* strtod needs a NUL behind the number. */
static jv
build_number(const struct jq_builder *b, uint32_t node)
{
	struct bytes text = json_span(b->j, node);
	char copy[MAX_NUMBER + 1];

	if (text.size > MAX_NUMBER)
		diag_bug("a number is longer than an index allows");
	memcpy(copy, text.at, text.size);
	copy[text.size] = 0;
	return jv_number(strtod(copy, NULL));
}

static jv
build_array(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	jv array = jv_array();

	for (uint32_t at = node + 1; at < b->j->nodes[node].next; at = b->j->nodes[at].next)
		array = jv_array_append(array, build(b, at)); /* takes both */
	return array;
}

static jv
build_object(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	jv object = jv_object();

	for (uint32_t key = node + 1; key < b->j->nodes[node].next; key = b->j->nodes[key].next) {
		jv name = build_string(b, key);

		object = jv_object_set(object, name, build(b, key + 1)); /* takes all three */
	}
	return object;
}

/* The caller owns the result. */
static jv
build(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	if (node != b->root && path_walled(b->wall, node))
		return jv_null();
	switch (json_kind(b->j, node)) {
	case JSON_NULL:
		return jv_null();
	case JSON_FALSE:
		return jv_false();
	case JSON_TRUE:
		return jv_true();
	case JSON_NUMBER:
		return build_number(b, node);
	case JSON_STRING:
		return build_string(b, node);
	case JSON_ARRAY:
		return build_array(b, node);
	case JSON_OBJECT:
		return build_object(b, node);
	case JSON_KEY:
		break;
	}
	diag_bug("a key where a value belongs");
}

static jv
text_or_null(struct bytes text)
{
	return text.at == NULL ? jv_null() : jv_string_sized(text.at, (int)text.size);
}

/* Starts P on [type, id, subject, now?, root]. */
static void
start(const struct jq_builder *b, const struct jq_context *context)
{
	jv input = jv_array();

	input = jv_array_append(input, text_or_null(context->type));
	input = jv_array_append(input, text_or_null(context->id));
	input = jv_array_append(input, text_or_null(context->subject));
	if (b->program->has_now)
		input = jv_array_append(input, text_or_null(context->now));
	input = jv_array_append(input, build(b, b->root));
	jq_start(b->program->jq, input, 0); /* takes INPUT */
}

/* Frees the values of the run. */
static void
stop(const struct jq_program *p)
{
	jq_start(p->jq, jv_null(), 0);
}

enum jq_outcome
jq_test(struct jq_program *p, const struct json *j, uint32_t root, const struct path_wall *wall,
    const struct jq_context *context)
{
	struct jq_builder b = { p, j, wall, root };
	enum jq_outcome outcome = JQ_UNKNOWN;
	jv output;

	start(&b, context);
	output = jq_next(p->jq);
	if (jv_is_valid(output)) {
		jv_kind kind = jv_get_kind(output);

		outcome = kind == JV_KIND_NULL || kind == JV_KIND_FALSE ? JQ_FALSE : JQ_TRUE;
	}
	jv_free(output);
	stop(p);
	return outcome;
}

/* The element INDEX of ARRAY (counted from the end if negative), 0 if there is none. */
static uint32_t
element(const struct json *j, uint32_t array, double index)
{
	uint32_t count = 0;
	uint32_t node = array + 1;

	if (json_kind(j, array) != JSON_ARRAY)
		return 0;
	for (uint32_t at = node; at < j->nodes[array].next; at = j->nodes[at].next)
		count++;
	index = index < 0 ? index + count : index;
	if (!(index >= 0 && index < count))
		return 0;
	for (uint32_t left = (uint32_t)index; left > 0; left--)
		node = j->nodes[node].next;
	return node;
}

/* Moves *NODE one step; takes STEP.  False for a slice, which is no node. */
static bool
follow(const struct jq_builder *b, jv step, uint32_t *node)
{
	jv_kind kind = jv_get_kind(step);
	bool good = true;

	if (*node != b->root && path_walled(b->wall, *node)) {
		*node = 0;
	} else if (kind == JV_KIND_STRING) {
		struct bytes name = { jv_string_value(step), (size_t)jv_string_length_bytes(jv_copy(step)) };

		*node = json_member(b->j, *node, name);
	} else if (kind == JV_KIND_NUMBER) {
		*node = element(b->j, *node, jv_number_value(step));
	} else {
		good = false;
	}
	jv_free(step);
	return good;
}

enum jq_place { PLACE_FOUND, PLACE_ABSENT, PLACE_NONE };

/* Follows PATH, an array of steps; takes it. */
static enum jq_place
resolve(const struct jq_builder *b, jv path, uint32_t *node)
{
	enum jq_place place = PLACE_FOUND;
	int steps = jv_get_kind(path) == JV_KIND_ARRAY ? jv_array_length(jv_copy(path)) : 0;

	*node = b->root;
	for (int i = 0; i < steps && place == PLACE_FOUND; i++) {
		if (!follow(b, jv_array_get(jv_copy(path), i), node))
			place = PLACE_NONE;
		else if (*node == 0)
			place = PLACE_ABSENT;
	}
	jv_free(path);
	return place;
}

enum jq_outcome // NOLINTNEXTLINE(readability-function-size): where, seen how, and whom to tell are two each
jq_paths(struct jq_program *p, const struct json *j, uint32_t root, const struct path_wall *wall,
    const struct jq_context *context, void (*found)(void *context, uint32_t node), void *found_context)
{
	struct jq_builder b = { p, j, wall, root };
	enum jq_outcome outcome = JQ_FALSE;
	jv output;

	start(&b, context);
	while (jv_is_valid(output = jq_next(p->jq))) {
		uint32_t node;
		enum jq_place place = resolve(&b, output, &node); /* takes OUTPUT */

		if (place == PLACE_NONE)
			outcome = JQ_UNKNOWN;
		if (place != PLACE_FOUND)
			continue;
		found(found_context, node);
		if (outcome == JQ_FALSE)
			outcome = JQ_TRUE;
	}
	if (jv_invalid_has_msg(output)) /* takes OUTPUT */
		outcome = JQ_UNKNOWN;
	stop(p);
	return outcome;
}
