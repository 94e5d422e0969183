/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

#include "tests/lib/tap.h"

#include <string.h>

static char room[4096];

static struct bytes
slack(const char *text)
{
	memset(room, 0, sizeof(room));
	memcpy(room, text, strlen(text));
	return (struct bytes){ room, strlen(text) };
}

static bool
same(const char *yaml, const char *json)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	struct json j;

	json_init(&j, NULL, 64);
	const struct yaml_node *want = yaml_read(&a, "x", bytes_of(yaml), &f);
	bool good = want != NULL && json_parse(&j, slack(json)) && cases_expect(want, &j, 0);
	json_release(&j);
	arena_release(&a);
	return good;
}

static bool
writes(const char *yaml, const char *json)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	struct buffer out;

	buffer_init(&out, 4096);
	const struct yaml_node *node = yaml_read(&a, "x", bytes_of(yaml), &f);
	yaml_to_json(node, &out);
	bool good = bytes_are(buffer_bytes(&out), json);
	if (!good)
		printf("# %.*s\n", (int)out.used, out.at);
	buffer_release(&out);
	arena_release(&a);
	return good;
}

/* The value that POINTER leads to, NULL if it leads nowhere. */
static bool
leads(const char *json, const char *pointer, const char *value)
{
	struct json j;
	uint32_t node;

	json_init(&j, NULL, 64);
	bool found = json_parse(&j, slack(json)) && cases_find(&j, 0, bytes_of(pointer), &node);
	bool good = found ? value != NULL && bytes_are(json_span(&j, node), value) : value == NULL;
	json_release(&j);
	return good;
}

int
main(void)
{
	check(same("a", "\"a\"") && same("'1'", "\"1\"") && same("\"\\u00e9\"", "\"\\u00e9\""));
	check(same("1", "1") && !same("1", "\"1\"") && !same("1.0", "1") && same("7.40", "7.40"));
	check(same("true", "true") && !same("true", "false") && same("~", "null") && !same("~", "0"));
	check(same("[a, 1]", "[\"a\",1]") && !same("[a]", "[\"a\",1]") && !same("[a, 1]", "[\"a\"]"));
	check(same("[]", "[]") && !same("[]", "[1]") && !same("[]", "{}"));
	check(same("{a: 1}", "{\"b\":2,\"a\":1}") && !same("{a: 1}", "{\"a\":2}") && !same("{a: 1}", "{}"));
	check(same("{a: ~}", "{}") && same("{a: ~}", "{\"a\":null}") && !same("{a: ~}", "{\"a\":0}"));
	check(
	    same("{a: {b: [{c: d}]}}", "{\"a\":{\"b\":[{\"c\":\"d\",\"e\":1}]}}") && !same("{a: 1}", "[1]"));
	check(
	    writes("{a: [1.0, true, ~, 'x\"y'], b c: {}}", "{\"a\":[1.0,true,null,\"x\\\"y\"],\"b c\":{}}"));
	check(
	    leads("{\"a\":[1,{\"b/c\":2,\"d~\":3,\"\":4}]}", "", "{\"a\":[1,{\"b/c\":2,\"d~\":3,\"\":4}]}"));
	check(leads("{\"a\":[1,{\"b/c\":2}]}", "/a/0", "1") &&
	      leads("{\"a\":[1,{\"b/c\":2}]}", "/a/1/b~1c", "2"));
	check(leads("{\"d~\":3}", "/d~0", "3") && leads("{\"\":4}", "/", "4"));
	check(leads("{\"a\":[1]}", "/a/1", NULL) && leads("{\"a\":[1]}", "/a/00", NULL));
	check(leads("{\"a\":[1]}", "/a/-", NULL) && leads("{\"a\":[1]}", "/b", NULL));
	check(leads("{\"a\":[1]}", "a", NULL) && leads("{\"a\":1}", "/a/b", NULL) &&
	      leads("{\"~\":1}", "/~", NULL));
	check(leads("{\"\\u0061\":1}", "/a", "1"));
	return tap_end();
}
