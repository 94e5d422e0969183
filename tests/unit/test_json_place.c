/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

static const struct json_keys *known;

static bool
place_is(const char *text, const char *at, const char *expected)
{
	char room[1024] = "", place[JSON_PLACE_ROOM];
	size_t size = strlen(text);

	memcpy(room, text, size);
	json_place((struct bytes){ room, size }, (size_t)(strstr(text, at) - text) + 1, known, place);
	return strcmp(place, expected) == 0;
}

static bool
parse_fails_at(const char *text, const char *expected)
{
	char room[1024] = "", place[JSON_PLACE_ROOM];
	struct json j;
	bool same;

	memcpy(room, text, strlen(text));
	json_init(&j, NULL, 100);
	same = !json_parse(&j, (struct bytes){ room, strlen(text) }) && j.reason == REASON_DUPLICATE_KEY;
	json_place((struct bytes){ room, strlen(text) }, j.byte, known, place);
	json_release(&j);
	return same && strcmp(place, expected) == 0;
}

int
main(void)
{
	struct json_keys *keys = json_keys_new();
	char deep[200] = "";

	json_keys_add(keys, (struct bytes)BYTES("entry"));
	json_keys_add(keys, (struct bytes)BYTES("resource"));
	json_keys_add(keys, (struct bytes)BYTES("a/b"));
	known = keys;
	check(place_is("{\"a\":1,\"@\":2}", "\"@", ""));
	check(place_is("{\"entry\":{\"@\":2}}", "\"@", "/entry"));
	check(place_is("{\"jansen\":{\"@\":2}}", "\"@", "/*"));
	check(place_is("{\"a/b\":{\"@\":2}}", "\"@", "/*"));
	check(place_is("{\"\":{\"@\":2}}", "\"@", "/*"));
	check(place_is("{\"entry\":[1,[2],{\"x\":[3,4]},{\"resource\":{\"q\":{\"@\":1}}}]}", "\"@",
	    "/entry/3/resource/*"));
	check(place_is("[{\"a\":\"},{\\\"[\"},{\"@\":1}]", "\"@", "/1"));
	check(place_is("{\"a\\\"b\":{\"@\":1}}", "\"@", "/*"));
	check(place_is("{\"\\u0065ntry\":{\"@\":1}}", "\"@", "/*"));
	for (int i = 0; i < 30; i++)
		strcat(deep, "[");
	strcat(deep, "@");
	check(place_is(deep, "@", "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/..."));
	check(parse_fails_at("{\"entry\":[0,{\"x\":1,\"y\":2,\"x\":3}]}", "/entry/1"));
	check(parse_fails_at("{\"a\":1,\"a\":2}", ""));
	known = NULL;
	check(place_is("{\"entry\":{\"@\":2}}", "\"@", "/*"));
	json_keys_free(keys);
	return tap_end();
}
