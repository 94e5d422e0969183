/* SPDX-License-Identifier: ISC */
#include "common/base/utf8.h"
#include "common/json/json_parts.h"

#include "common/base/diag.h"

static unsigned
hex(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];
		unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - (unsigned)'a' + 10;

		value = value << 4 | digit;
	}
	return value;
}

const char *
json_escape(const char *p, char utf8[4], size_t *size)
{
	static const char shorts[] = "b\bf\fn\nr\rt\t";

	*size = 1;
	if (p[1] != 'u') {
		const char *s = memchr(shorts, p[1], sizeof shorts - 1);

		utf8[0] = *(s != NULL ? s + 1 : p + 1);
		return p + 2;
	}
	unsigned point = hex(p + 2);

	p += 6;
	if (point >= 0xd800 && point < 0xdc00) {
		point = 0x10000 + ((point - 0xd800) << 10) + (hex(p + 2) - 0xdc00);
		p += 6;
	}
	*size = utf8_write(point, utf8);
	return p;
}

/* True if the bytes from P to END, unescaped, are TEXT. */
static bool
unescapes_to(const char *p, const char *end, struct bytes text)
{
	size_t done = 0;
	char utf8[4];
	size_t size;

	while (p < end) {
		if (*p == '\\')
			p = json_escape(p, utf8, &size);
		else {
			utf8[0] = *p++;
			size = 1;
		}
		if (text.size - done < size || memcmp(text.at + done, utf8, size) != 0)
			return false;
		done += size;
	}
	return done == text.size;
}

bool
json_is(const struct json *j, uint32_t node, struct bytes text)
{
	const struct json_node *n = &j->nodes[node];
	struct bytes inside;

	if (n->kind != JSON_STRING && n->kind != JSON_KEY)
		return false;
	inside = json_inside(j, node);
	if ((n->flags & JSON_ESCAPED) == 0)
		return bytes_equal(inside, text);
	return inside.size > text.size && unescapes_to(inside.at, inside.at + inside.size, text);
}

struct bytes
json_unescape(const struct json *j, uint32_t node, struct buffer *room)
{
	struct bytes inside = json_inside(j, node);
	const char *p = inside.at;
	const char *end = p + inside.size;
	size_t size;

	/* No escape stands for more bytes than it is long. */
	if (!buffer_reserve(room, inside.size))
		diag_bug("no room for an unescaped string");
	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((escape != NULL ? escape : end) - p);

		memcpy(room->at + room->used, p, plain);
		room->used += plain;
		p += plain;
		if (escape == NULL)
			break;
		char utf8[4];

		p = json_escape(p, utf8, &size);
		memcpy(room->at + room->used, utf8, size);
		room->used += size;
	}
	return buffer_bytes(room);
}

uint32_t
json_count(const struct json *j, uint32_t node)
{
	uint32_t count = 0;

	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at].next)
		count++;
	return count;
}

uint32_t
json_member(const struct json *j, uint32_t node, struct bytes name)
{
	const struct json_node *n = j->nodes;

	if (n[node].kind != JSON_OBJECT)
		return 0;
	for (uint32_t key = node + 1; key < n[node].next; key = n[key].next)
		if (json_is(j, key, name))
			return key + 1;
	return 0;
}

uint32_t
json_member_key(const struct json *j, uint32_t node, uint16_t key)
{
	const struct json_node *n = j->nodes;

	if (n[node].kind != JSON_OBJECT || key == 0)
		return 0;
	for (uint32_t i = node + 1; i < n[node].next; i = n[i].next)
		if (n[i].key == key)
			return i + 1;
	return 0;
}

bool
json_integer(const struct json *j, uint32_t node, uint64_t *value)
{
	struct bytes text = json_span(j, node);
	uint64_t sum = 0;

	if (j->nodes[node].kind != JSON_NUMBER || (j->nodes[node].flags & JSON_INTEGER) == 0 ||
	    text.at[0] == '-' || text.size > 16)
		return false;
	for (size_t i = 0; i < text.size; i++)
		sum = sum * 10 + (uint64_t)(text.at[i] - '0');
	if (sum >= (uint64_t)1 << 53)
		return false;
	*value = sum;
	return true;
}

bool
json_blank(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return false;
	}
	return true;
}
