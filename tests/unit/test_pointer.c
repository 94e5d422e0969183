/* SPDX-License-Identifier: ISC */
#include "common/json/pointer.h"
#include "tests/lib/tap.h"

#include <string.h>

/* Element 0 is what the pointers, element 1, are looked for in: RFC 6901 section 5, and what else may go
 * wrong. */
static const char text[] =
    "[{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" "
    "\":7,"
    "\"m~n\":8,\"d\\u0065ep\\/er\":[[],{\"x\":[0,1,2,3,4,5,6,7,8,9,{\"\\u0001\":[]}]}]},"
    "[\"\",\"/foo\",\"/foo/0\",\"/\",\"/a~1b\",\"/c%d\",\"/e^f\",\"/g|h\",\"/i\\\\j\",\"/k\\\"l\",\"/ "
    "\",\"/m~0n\","
    "\"/deep~1er/1/x/10/\\u0001\","
    "\"foo\",\"/foo/2\",\"/foo/00\",\"/foo/01\",\"/foo/-\",\"/foo/+1\",\"/foo/\",\"/foo/0/x\",\"/m~n\",\"/"
    "m~\",\"/m~2n\","
    "\"/bar\",\"/foo/4294967296\",\"/foo/99999999999\",7],"
    "\"\"]                                                                                    ";
enum { GOOD = 13 };

static const char *const names[GOOD] = { NULL, "[\"bar\",\"baz\"]", "\"bar\"", "0", "1", "2", "3", "4", "5",
	"6", "7", "8", "[]" };

static uint32_t
element(const struct json *j, uint32_t array, unsigned index)
{
	uint32_t node = array + 1;

	while (index-- > 0)
		node = j->nodes[node].next;
	return node;
}

static void
parse(struct json *j)
{
	json_init(j, NULL, JSON_MAX_DEPTH);
	check(json_parse(j, (struct bytes){ text, sizeof text - 1 - JSON_SLACK }));
}

/* With a cursor of its own. */
static bool
find(const struct json *j, uint32_t root, uint32_t at, uint32_t *node)
{
	struct pointer_cursor *c = pointer_cursor_new();
	bool found;

	pointer_cursor_start(c, j, root);
	found = pointer_cursor_find(c, at, node);
	pointer_cursor_free(c);
	return found;
}

static void
check_find(void)
{
	struct json j;
	uint32_t node;
	uint32_t where;

	parse(&j);
	uint32_t pointers = element(&j, 0, 1);

	where = element(&j, pointers, 0);
	check(find(&j, 1, where, &node) && node == 1);
	for (unsigned i = 1; i < GOOD; i++) {
		where = element(&j, pointers, i);
		check(find(&j, 1, where, &node) && bytes_are(json_span(&j, node), names[i]));
	}
	for (where = element(&j, pointers, GOOD); where < j.nodes[pointers].next; where = j.nodes[where].next)
		check(!find(&j, 1, where, &node));
	json_release(&j);
}

/* In order, backwards, and after pointers that name nothing. */
static void
check_cursor(void)
{
	struct pointer_cursor *c = pointer_cursor_new();
	struct json j;
	uint32_t node;
	bool all = true;

	parse(&j);
	uint32_t pointers = element(&j, 0, 1);

	pointer_cursor_start(c, &j, 1);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 1; i < GOOD; i++) {
			unsigned which = round == 1 ? GOOD - i : i;

			all = all && pointer_cursor_find(c, element(&j, pointers, which), &node) &&
			      bytes_are(json_span(&j, node), names[which]);
			if (round == 2)
				all = all && !pointer_cursor_find(c, element(&j, pointers, GOOD + i), &node);
		}
	check(all);
	pointer_cursor_start(c, &j, 0);
	check(!pointer_cursor_find(c, element(&j, pointers, 1), &node));
	check(!pointer_cursor_find(c, pointers, &node));
	json_release(&j);
	pointer_cursor_free(c);
	pointer_cursor_free(NULL);
}

/* The pointer of every value leads back to it, written by itself or one after the other in any order. */
static bool
leads_back(struct pointer_cursor *c, const struct json *j, uint32_t node)
{
	struct buffer alone, text_of, again;
	struct json one;
	uint32_t found = 0;

	buffer_init(&alone, 1024);
	buffer_init(&text_of, 4096);
	buffer_init(&again, 1024);
	bool same = pointer_write(j, 0, node, &alone) && pointer_cursor_write(c, node, &again) &&
		    bytes_equal(buffer_bytes(&alone), buffer_bytes(&again));

	(void)buffer_append(&text_of, "[", 1);
	(void)buffer_append(&text_of, text, sizeof text - 1 - JSON_SLACK);
	(void)buffer_append(&text_of, ",\"", 2);
	(void)buffer_append(&text_of, alone.at, alone.used);
	(void)buffer_append(&text_of, "\"]", 2);
	size_t size = text_of.used;
	(void)buffer_append(&text_of, text + sizeof text - 1 - JSON_SLACK, JSON_SLACK);
	json_init(&one, NULL, JSON_MAX_DEPTH);
	same = same && json_parse(&one, (struct bytes){ text_of.at, size }) &&
	       find(&one, 1, element(&one, 0, 1), &found) && found == node + 1;
	json_release(&one);
	buffer_release(&alone);
	buffer_release(&text_of);
	buffer_release(&again);
	return same;
}

static void
check_write(void)
{
	struct pointer_cursor *c = pointer_cursor_new();
	struct buffer out;
	struct json j;
	bool all = true;

	parse(&j);
	pointer_cursor_start(c, &j, 0);
	for (uint32_t i = 0; i < j.count; i++)
		if (json_kind(&j, i) != JSON_KEY)
			all = all && leads_back(c, &j, i);
	check(all);
	for (uint32_t i = j.count; i-- > 0;)
		if (json_kind(&j, i) != JSON_KEY)
			all = all && leads_back(c, &j, i);
	check(all);
	buffer_init(&out, 4096);
	uint32_t last;

	check(find(&j, 1, element(&j, element(&j, 0, 1), GOOD - 1), &last));
	check(pointer_write(&j, 1, last, &out) && bytes_are(buffer_bytes(&out), "/deep~1er/1/x/10/\\u0001"));
	out.used = out.limit - 3;
	check(!pointer_write(&j, 1, last, &out));
	buffer_release(&out);
	json_release(&j);
	pointer_cursor_free(c);
}

/* 200,000 labels into one object and as many into one array: one walk each, not one for each of them. */
static void
check_speed(void)
{
	enum { MANY = 200000 };
	struct pointer_cursor *c = pointer_cursor_new();
	struct buffer big;
	struct json j;
	char word[64];
	bool all = true;

	buffer_init(&big, (size_t)1 << 26);
	(void)buffer_append(&big, "[[", 2);
	for (unsigned i = 0; i < MANY; i++)
		(void)buffer_append(
		    &big, word, (size_t)snprintf(word, sizeof word, "%s%u", i > 0 ? "," : "", i));
	(void)buffer_append(&big, "]", 1);
	for (unsigned i = 0; i < MANY; i++)
		(void)buffer_append(&big, word, (size_t)snprintf(word, sizeof word, ",\"/%u\"", i));
	(void)buffer_append(&big, "]", 1);
	(void)buffer_reserve(&big, JSON_SLACK);
	memset(big.at + big.used, 0, JSON_SLACK);
	json_init(&j, NULL, JSON_MAX_DEPTH);
	check(json_parse(&j, buffer_bytes(&big)));
	pointer_cursor_start(c, &j, 1);
	uint32_t node;

	for (uint32_t i = 0; i < MANY; i++)
		all = all && pointer_cursor_find(c, j.nodes[1].next + i, &node) && node == i + 2;
	check(all);
	json_release(&j);
	buffer_release(&big);
	pointer_cursor_free(c);
}

int
main(void)
{
	check_find();
	check_cursor();
	check_write();
	check_speed();
	return tap_end();
}
