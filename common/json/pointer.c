/* SPDX-License-Identifier: ISC */
#include "common/json/pointer.h"

#include "common/base/memory.h"
#include "common/json/json_parts.h"
#include "common/json/json_write.h"

#include <stdlib.h>

/* The place of the search in one container. */
struct pointer_frame {
	uint32_t container;
	uint32_t child; /* a key or an element, or the node behind the last */
	uint32_t index; /* of the element */
};

struct pointer_cursor {
	const struct json *j;
	uint32_t root;
	struct buffer frames; /* of the containers, from the root inwards */
	struct buffer text;   /* the pointer, unescaped */
	struct buffer token;
};

static void
init(struct pointer_cursor *c)
{
	*c = (struct pointer_cursor){ 0 };
	buffer_init(&c->frames, BUFFER_UNLIMITED);
	buffer_init(&c->text, BUFFER_UNLIMITED);
	buffer_init(&c->token, BUFFER_UNLIMITED);
}

static void
release(struct pointer_cursor *c)
{
	buffer_release(&c->frames);
	buffer_release(&c->text);
	buffer_release(&c->token);
}

struct pointer_cursor *
pointer_cursor_new(void)
{
	struct pointer_cursor *c = memory_zeros(1, sizeof *c);

	init(c);
	return c;
}

void
pointer_cursor_free(struct pointer_cursor *c)
{
	if (c == NULL)
		return;
	release(c);
	free(c);
}

void
pointer_cursor_start(struct pointer_cursor *c, const struct json *j, uint32_t root)
{
	c->j = j;
	c->root = root;
	c->frames.used = 0;
}

/* The frame at DEPTH, made anew if it is of another container. */
static struct pointer_frame *
frame_of(struct pointer_cursor *c, size_t depth, uint32_t container)
{
	size_t end = (depth + 1) * sizeof(struct pointer_frame);
	struct pointer_frame fresh = { container, container + 1, 0 };

	if (end > c->frames.used)
		buffer_add(&c->frames, &fresh, sizeof fresh);
	struct pointer_frame *f = (struct pointer_frame *)(void *)(c->frames.at + end - sizeof *f);

	if (f->container != container) {
		*f = fresh;
		c->frames.used = end;
	}
	return f;
}

static void
restart(struct pointer_frame *f)
{
	f->child = f->container + 1;
	f->index = 0;
}

/* RFC 6901 section 4: digits without a leading zero.  "-" names no element. */
static bool
index_of(struct bytes token, uint32_t *index)
{
	uint64_t value = 0;

	if (token.size == 0 || token.size > 10 || (token.size > 1 && token.at[0] == '0'))
		return false;
	for (size_t i = 0; i < token.size; i++) {
		if (token.at[i] < '0' || token.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(token.at[i] - '0');
	}
	*index = (uint32_t)value;
	return value < UINT32_MAX;
}

static bool
find_element(const struct json *j, struct pointer_frame *f, struct bytes token, uint32_t *node)
{
	uint32_t end = j->nodes[f->container].next;
	uint32_t index;

	if (!index_of(token, &index))
		return false;
	if (index < f->index)
		restart(f);
	for (; f->child < end && f->index < index; f->index++)
		f->child = j->nodes[f->child].next;
	*node = f->child;
	return f->child < end;
}

/* From the place of the search to END. */
static bool
seek_member(const struct json *j, struct pointer_frame *f, uint32_t end, struct bytes token)
{
	for (; f->child < end; f->child = j->nodes[f->child].next)
		if (json_is(j, f->child, token))
			return true;
	return false;
}

static bool
find_member(const struct json *j, struct pointer_frame *f, struct bytes token, uint32_t *node)
{
	uint32_t begin = f->child;
	bool found = seek_member(j, f, j->nodes[f->container].next, token);

	if (!found) {
		restart(f);
		found = seek_member(j, f, begin, token);
	}
	*node = f->child + 1;
	return found;
}

/* The token at *P with ~0 and ~1 decoded; *P moves behind it.  False if another ~ stands in it. */
static bool
next_token(struct pointer_cursor *c, const char **p, const char *end, struct bytes *token)
{
	const char *stop = *p;
	bool escaped = false;

	for (; stop < end && *stop != '/'; stop++)
		escaped |= *stop == '~';
	*token = (struct bytes){ *p, (size_t)(stop - *p) };
	*p = stop;
	if (!escaped)
		return true;
	c->token.used = 0;
	for (const char *q = token->at; q < stop; q++) {
		bool tilde = *q == '~';

		if (tilde && (q + 1 == stop || (q[1] != '0' && q[1] != '1')))
			return false;
		const char *byte = !tilde ? q : *++q == '0' ? "~" : "/";

		buffer_add(&c->token, byte, 1);
	}
	*token = buffer_bytes(&c->token);
	return true;
}

bool
pointer_cursor_find(struct pointer_cursor *c, uint32_t at, uint32_t *node)
{
	const struct json *j = c->j;

	*node = c->root;
	if (json_kind(j, at) != JSON_STRING)
		return false;
	struct bytes text = json_string(j, at, &c->text);
	const char *end = text.at + text.size;
	size_t depth = 0;

	for (const char *p = text.at; p < end; depth++) {
		enum json_kind kind = json_kind(j, *node);
		struct bytes token;
		struct pointer_frame *f;

		if (*p++ != '/' || (kind != JSON_OBJECT && kind != JSON_ARRAY) ||
		    !next_token(c, &p, end, &token))
			return false;
		f = frame_of(c, depth, *node);
		if (kind == JSON_ARRAY ? !find_element(j, f, token, node) : !find_member(j, f, token, node))
			return false;
	}
	return true;
}

static bool
write_byte(struct buffer *out, char byte)
{
	char escaped[6];

	if (byte == '~')
		return buffer_append(out, "~0", 2);
	if (byte == '/')
		return buffer_append(out, "~1", 2);
	return buffer_append(out, escaped, json_escaped((unsigned char)byte, escaped));
}

/* Decodes and escapes the key, so that each spelling of a key gives one pointer. */
static bool
write_key(const struct json *j, uint32_t key, struct buffer *out)
{
	struct bytes inside = json_inside(j, key);
	const char *end = inside.at + inside.size;
	char utf8[4];
	size_t size;

	for (const char *p = inside.at; p < end;) {
		const char *plain = p;

		while (p < end && *p != '\\' && *p != '~' && *p != '/')
			p++;
		if (!buffer_append(out, plain, (size_t)(p - plain)))
			return false;
		if (p == end)
			break;
		if (*p == '\\')
			p = json_escape(p, utf8, &size);
		else {
			utf8[0] = *p++;
			size = 1;
		}
		for (size_t i = 0; i < size; i++)
			if (!write_byte(out, utf8[i]))
				return false;
	}
	return true;
}

static bool
write_index(uint32_t index, struct buffer *out)
{
	struct json_write w = json_write_to(out);

	json_write_natural(&w, index);
	return json_write_whole(&w);
}

bool
pointer_cursor_write(struct pointer_cursor *c, uint32_t node, struct buffer *out)
{
	const struct json *j = c->j;
	uint32_t here = c->root;

	for (size_t depth = 0; here < node; depth++) {
		struct pointer_frame *f = frame_of(c, depth, here);
		bool object = json_kind(j, here) == JSON_OBJECT;

		if (node < f->child)
			restart(f);
		for (; node >= j->nodes[f->child].next; f->index++)
			f->child = j->nodes[f->child].next;
		here = object ? f->child + 1 : f->child;
		if (!buffer_append(out, "/", 1) ||
		    !(object ? write_key(j, f->child, out) : write_index(f->index, out)))
			return false;
	}
	return true;
}

bool
pointer_write(const struct json *j, uint32_t root, uint32_t node, struct buffer *out)
{
	struct pointer_cursor c;

	init(&c);
	pointer_cursor_start(&c, j, root);
	bool whole = pointer_cursor_write(&c, node, out);

	release(&c);
	return whole;
}
