/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"

#include "common/base/diag.h"
#include "common/json/json_parts.h"
#include "common/json/json_scan.h"

#include <errno.h>

/*
 * Each step takes the place where it begins and returns the place where it ends, or NULL after a failure.
 * The place so stays in a register.  A step may read up to JSON_SLACK bytes behind the end of the text, but
 * compares its place with the end before it uses what it read.
 */

enum { NUMBER_MAX = 1000 };
#define TEXT_MAX ((size_t)UINT32_MAX - JSON_SLACK)

/* An open container. */
struct container {
	uint64_t seen; /* of an object: a bit for each key, chosen by its hash */
	uint32_t node;
	uint32_t count; /* of an object: its keys */
};

struct scan {
	struct json *j;
	const struct json_keys *keys;
	const unsigned char *begin;
	const unsigned char *end;
	struct container *level; /* the innermost open one; the entry before the first if none is open */
	struct container *top;   /* the deepest that max_depth allows */
	struct json_node *nodes;
	struct json_node *free; /* the next node goes here */
	struct json_node *limit;
	unsigned char closer; /* of the innermost container; 0 outside of all */
};

static const unsigned char *
fail(struct scan *s, enum reason reason, const unsigned char *p)
{
	s->j->reason = reason;
	s->j->byte = (size_t)(p - s->begin) + 1;
	return NULL;
}

static const unsigned char *
cut_off(struct scan *s)
{
	return fail(s, REASON_TRUNCATED, s->end);
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Not inline: most texts hold no white space. */
static __attribute__((noinline)) const unsigned char *
skip_spaces(struct scan *s, const unsigned char *p)
{
	while (p < s->end && is_space(*p)) {
		s->j->spaced = true;
		p++;
	}
	return p;
}

static inline const unsigned char *
skip_space(struct scan *s, const unsigned char *p)
{
	return *p > ' ' ? p : skip_spaces(s, p);
}

static __attribute__((noinline)) void
grow(struct scan *s)
{
	struct buffer *b = &s->j->node_room;
	size_t count = (size_t)(s->free - s->nodes);

	b->used = b->room;
	if (!buffer_reserve(b, sizeof *s->nodes))
		diag_bug("more nodes than bytes");
	s->nodes = (struct json_node *)(void *)b->at;
	s->free = s->nodes + count;
	s->limit = s->nodes + b->room / sizeof *s->nodes;
}

/* The number of the next node. */
static inline uint32_t
next_node(const struct scan *s)
{
	return (uint32_t)(s->free - s->nodes);
}

static inline struct json_node *
add(struct scan *s, const unsigned char *start, const unsigned char *end, enum json_kind kind, unsigned flags)
{
	if (s->free == s->limit)
		grow(s);
	struct json_node *n = s->free++;

	n->start = (uint32_t)(start - s->begin);
	n->end = (uint32_t)(end - s->begin);
	n->next = next_node(s);
	n->key = 0;
	n->kind = (uint8_t)kind;
	n->flags = (uint8_t)flags;
	return n;
}

/*
 * The size of the UTF-8 sequence of two bytes or more at P, 0 if it is malformed (Unicode Standard, table
 * 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static size_t
sequence(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	switch (*p) {
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	default:
		break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return size;
}

/* The reason for a byte that begins no token. */
static const unsigned char *
fail_token(struct scan *s, const unsigned char *p)
{
	if (p >= s->end)
		return cut_off(s);
	if (*p == '\0')
		return fail(s, REASON_NUL_BYTE, p);
	if (s->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return fail(s, REASON_BOM_INSIDE, p);
	return fail(s, *p >= 0x80 && sequence(p) == 0 ? REASON_BAD_UTF8 : REASON_BAD_SYNTAX, p);
}

/* A run of sequences.  A sequence that the end of the text cuts is bad UTF-8, not truncated. */
static const unsigned char *
skip_sequences(struct scan *s, const unsigned char *p)
{
	do {
		size_t size = sequence(p);

		if (size == 0 || size > (size_t)(s->end - p))
			return fail(s, REASON_BAD_UTF8, p);
		p += size;
	} while (p < s->end && *p >= 0x80);
	return p;
}

static bool
is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The four digits of the \u at P. */
static const unsigned char *
take_hex(struct scan *s, const unsigned char *p, unsigned *unit)
{
	*unit = 0;
	for (const unsigned char *digit = p + 2; digit < p + 6; digit++) {
		if (digit >= s->end)
			return cut_off(s);
		if (!is_hex(*digit))
			return fail(s, REASON_BAD_STRING, digit);
		*unit = *unit << 4 | (*digit <= '9' ? *digit - (unsigned)'0' : (*digit | 0x20u) - 'a' + 10u);
	}
	return p + 6;
}

static const unsigned char *
skip_unicode(struct scan *s, const unsigned char *start)
{
	unsigned unit;
	unsigned low;
	const unsigned char *p = take_hex(s, start, &unit);

	if (p == NULL || unit < 0xd800 || unit > 0xdfff)
		return p;
	if (p >= s->end || (p + 1 >= s->end && *p == '\\'))
		return cut_off(s);
	if (unit > 0xdbff || p[0] != '\\' || p[1] != 'u')
		return fail(s, REASON_LONE_SURROGATE, start);
	p = take_hex(s, p, &low);
	if (p != NULL && (low < 0xdc00 || low > 0xdfff))
		return fail(s, REASON_LONE_SURROGATE, start);
	return p;
}

static const unsigned char *
skip_escape(struct scan *s, const unsigned char *p)
{
	if (p + 1 >= s->end)
		return cut_off(s);
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		return skip_unicode(s, p);
	default:
		return fail(s, REASON_BAD_STRING, p + 1);
	}
}

/* From the opening quote at P to behind the closing one. */
static inline const unsigned char *
take_string(struct scan *s, const unsigned char *p, unsigned *flags)
{
	*flags = 0;
	for (p++;;) {
		p = json_scan_plain(p, s->end);
		if (p >= s->end)
			return cut_off(s);
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			*flags = JSON_ESCAPED;
			p = skip_escape(s, p);
		} else if (*p >= 0x80)
			p = skip_sequences(s, p);
		else
			return fail(s, *p == '\0' ? REASON_NUL_BYTE : REASON_BAD_STRING, p);
		if (p == NULL)
			return NULL;
	}
}

static inline const unsigned char *
skip_digits(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* One digit or more. */
static const unsigned char *
take_digits(struct scan *s, const unsigned char *p)
{
	const unsigned char *end = skip_digits(p, s->end);

	if (end > p)
		return end;
	return p < s->end ? fail(s, REASON_BAD_NUMBER, p) : cut_off(s);
}

/* May not follow a number: 01, 1.2.3, 0x1, 1e5e5 and 1-2 are refused. */
static bool
goes_on(unsigned char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static const unsigned char *
take_number(struct scan *s, const unsigned char *start)
{
	const unsigned char *p = *start == '-' ? start + 1 : start;
	unsigned flags = JSON_INTEGER;

	if (p < s->end && *p == '0')
		p++;
	else if ((p = take_digits(s, p)) == NULL)
		return NULL;
	if (p < s->end && *p == '.') {
		flags = 0;
		if ((p = take_digits(s, p + 1)) == NULL)
			return NULL;
	}
	if (p < s->end && (*p | 0x20) == 'e') {
		flags = 0;
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		if ((p = take_digits(s, p)) == NULL)
			return NULL;
	}
	if (p < s->end && goes_on(*p))
		return fail(s, REASON_BAD_NUMBER, p);
	if (p - start > NUMBER_MAX)
		return fail(s, REASON_BAD_NUMBER, start + NUMBER_MAX);
	add(s, start, p, JSON_NUMBER, flags);
	return p;
}

static const unsigned char *
take_word(struct scan *s, const unsigned char *start, const char *word, enum json_kind kind)
{
	const unsigned char *p = start;

	for (; *word != '\0'; p++, word++) {
		if (p >= s->end)
			return cut_off(s);
		if (*p != (unsigned char)*word)
			return fail_token(s, p);
	}
	add(s, start, p, kind, 0);
	return p;
}

static const unsigned char *
open_container(struct scan *s, const unsigned char *p)
{
	if (s->level == s->top)
		return fail(s, REASON_TOO_DEEP, p);
	*++s->level = (struct container){ .node = next_node(s) };
	s->closer = (unsigned char)(*p + 2); /* ] is [ + 2, } is { + 2 */
	add(s, p, p, *p == '{' ? JSON_OBJECT : JSON_ARRAY, 0);
	return p + 1;
}

static const unsigned char *
fail_duplicate(struct scan *s, uint32_t key)
{
	return fail(s, REASON_DUPLICATE_KEY, s->begin + s->nodes[key].start);
}

/* An object of many members. */
static __attribute__((noinline)) bool
check_members(struct scan *s)
{
	s->j->nodes = s->nodes;
	uint32_t key = json_members_all(s->j, s->level->node, s->level->count);

	return key == 0 || fail_duplicate(s, key) != NULL;
}

/* The closing bracket at P. */
static const unsigned char *
close_container(struct scan *s, const unsigned char *p)
{
	struct json_node *n = &s->nodes[s->level->node];

	n->end = (uint32_t)(p + 1 - s->begin);
	n->next = next_node(s);
	if (s->level->count > JSON_MEMBERS_FEW && !check_members(s))
		return NULL;
	s->level--;
	if (s->level->node == UINT32_MAX)
		s->closer = 0;
	else
		s->closer = s->nodes[s->level->node].kind == JSON_OBJECT ? '}' : ']';
	if (s->closer == '}')
		n[-1].next = next_node(s);
	return p + 1;
}

/* Whether one of the few keys before NODE in its object is the same. */
static __attribute__((noinline)) bool
repeats(struct scan *s, uint32_t node)
{
	s->j->nodes = s->nodes;
	return json_members_repeat(s->j, s->level->node, node);
}

static __attribute__((noinline)) struct bytes
unescape(struct scan *s, uint32_t node)
{
	s->j->nodes = s->nodes;
	return json_unescaped(s->j, node);
}

/*
 * Gives the key NODE, just added, its number.  NAME stands in the text.  False if the object holds the key
 * already.
 */
static inline bool
enter_key(struct scan *s, uint32_t node, struct bytes name, unsigned flags)
{
	struct container *object = s->level;

	if ((flags & JSON_ESCAPED) != 0)
		name = unescape(s, node);
	struct json_name n = json_name(name);
	uint64_t bit = (uint64_t)1 << (n.hash >> 58);

	s->nodes[node].key = json_keys_look_up(s->keys, name, &n);
	if ((object->seen & bit) != 0 && object->count < JSON_MEMBERS_FEW && repeats(s, node))
		return fail_duplicate(s, node) != NULL;
	object->seen |= bit;
	object->count++;
	return true;
}

/* The key at P and its colon, up to the value. */
static inline const unsigned char *
take_key(struct scan *s, const unsigned char *p)
{
	unsigned flags;
	const unsigned char *end;

	if (p >= s->end || *p != '"')
		return fail_token(s, p);
	end = take_string(s, p, &flags);
	if (end == NULL)
		return NULL;
	uint32_t node = next_node(s);

	/* Right for a value of one node; close_container corrects it. */
	add(s, p, end, JSON_KEY, flags)->next = node + 2;
	if (!enter_key(s, node, (struct bytes){ (const char *)p + 1, (size_t)(end - p) - 2 }, flags))
		return NULL;
	p = skip_space(s, end);
	if (p >= s->end || *p != ':')
		return fail_token(s, p);
	return skip_space(s, p + 1);
}

static inline const unsigned char *
take_text_value(struct scan *s, const unsigned char *p)
{
	unsigned flags;
	const unsigned char *end = take_string(s, p, &flags);

	if (end != NULL)
		add(s, p, end, JSON_STRING, flags);
	return end;
}

/* Any value but strings, objects and arrays. */
static const unsigned char *
take_scalar(struct scan *s, const unsigned char *p)
{
	if (p >= s->end)
		return cut_off(s);
	switch (*p) {
	case 't':
		return take_word(s, p, "true", JSON_TRUE);
	case 'f':
		return take_word(s, p, "false", JSON_FALSE);
	case 'n':
		return take_word(s, p, "null", JSON_NULL);
	case '+':
	case '.':
	case 'N':
	case 'I':
		return fail(s, REASON_BAD_NUMBER, p);
	default:
		return *p == '-' || (*p >= '0' && *p <= '9') ? take_number(s, p) : fail_token(s, p);
	}
}

/* Reads up to the first value or key in the container, or over an empty one. */
static inline const unsigned char *
begin_container(struct scan *s, const unsigned char *p, bool *empty)
{
	p = open_container(s, p);
	if (p == NULL)
		return NULL;
	p = skip_space(s, p);
	*empty = p < s->end && *p == s->closer;
	return *empty ? close_container(s, p) : p;
}

/* Reads from behind a value up to the next or its key, or to the end of the outermost container (*DONE). */
static inline const unsigned char *
next_value(struct scan *s, const unsigned char *p, bool *done)
{
	for (;;) {
		*done = s->closer == 0;
		if (*done)
			return p;
		p = skip_space(s, p);
		if (p >= s->end)
			return cut_off(s);
		if (*p == ',')
			return skip_space(s, p + 1);
		if (*p != s->closer)
			return fail_token(s, p);
		p = close_container(s, p);
		if (p == NULL)
			return NULL;
	}
}

static const unsigned char *
take_text(struct scan *s)
{
	const unsigned char *p = skip_space(s, s->begin);
	bool done = false;

	while (!done) {
		bool whole = true; /* a value was read to its end */

		if (p < s->end && *p == '"')
			p = take_text_value(s, p);
		else if (p < s->end && (*p == '{' || *p == '['))
			p = begin_container(s, p, &whole);
		else
			p = take_scalar(s, p);
		if (p != NULL && whole)
			p = next_value(s, p, &done);
		if (p != NULL && s->closer == '}' && !done)
			p = take_key(s, p);
		if (p == NULL)
			return NULL;
	}
	p = skip_space(s, p);
	return p < s->end ? fail(s, REASON_TRAILING_DATA, p) : p;
}

void
json_init(struct json *j, const struct json_keys *keys, unsigned max_depth)
{
	size_t levels = (size_t)max_depth + 1;

	*j = (struct json){ .keys = keys, .max_depth = max_depth };
	buffer_init(&j->node_room, BUFFER_UNLIMITED);
	buffer_init(&j->levels, levels * sizeof(struct container));
	buffer_init(&j->members, BUFFER_UNLIMITED);
	buffer_init(&j->slots, BUFFER_UNLIMITED);
	buffer_init(&j->one, BUFFER_UNLIMITED);
	buffer_init(&j->two, BUFFER_UNLIMITED);
	(void)buffer_reserve(&j->levels, levels * sizeof(struct container));
}

void
json_release(struct json *j)
{
	buffer_release(&j->node_room);
	buffer_release(&j->levels);
	buffer_release(&j->members);
	buffer_release(&j->slots);
	buffer_release(&j->one);
	buffer_release(&j->two);
	*j = (struct json){ 0 };
}

bool
json_slack(struct buffer *text)
{
	if (!buffer_reserve(text, JSON_SLACK)) {
		errno = EFBIG;
		return false;
	}
	memset(text->at + text->used, 0, JSON_SLACK);
	return true;
}

bool
json_parse(struct json *j, struct bytes text)
{
	struct container *levels = (struct container *)(void *)j->levels.at;
	struct scan s = {
		.j = j,
		.keys = j->keys,
		.begin = (const unsigned char *)text.at,
		.end = (const unsigned char *)text.at + text.size,
		.level = levels,
		.top = levels + j->max_depth,
		.nodes = (struct json_node *)(void *)j->node_room.at,
	};

	s.free = s.nodes;
	if (s.nodes != NULL)
		s.limit = s.nodes + j->node_room.room / sizeof *s.nodes;
	j->text = text;
	j->reason = REASON_NONE;
	j->spaced = false;
	if (text.size == 0)
		return cut_off(&s) != NULL;
	if (text.size >= TEXT_MAX)
		return fail(&s, REASON_TOO_LONG, s.begin + TEXT_MAX) != NULL;
	/* The entry for the place outside of all containers. */
	*levels = (struct container){ .node = UINT32_MAX };
	const unsigned char *end = take_text(&s);

	j->nodes = s.nodes;
	j->count = next_node(&s);
	return end != NULL;
}
