/* SPDX-License-Identifier: ISC */
#include "common/label/roots.h"
#include "tests/lib/tap.h"

#include <string.h>

static struct json_keys *keys;
static struct json json;
static struct roots roots;
static char room[4096];

static void
parse(const char *text)
{
	size_t size = strlen(text);

	memset(room, 0, sizeof room);
	memcpy(room, text, size);
	check(json_parse(&json, (struct bytes){ room, size }));
}

/* True if TEXT has COUNT roots, the record first. */
static bool
are(const char *text, bool is_fhir, size_t count)
{
	parse(text);
	roots_find(&roots, &json, 0, is_fhir);
	return roots.count == count && roots.at[0].node == 0 && roots.at[0].parent == 0;
}

static bool
is_root(size_t index, const char *span, uint32_t parent)
{
	return index < roots.count && bytes_are(json_span(&json, roots.at[index].node), span) &&
	       roots.at[index].parent == parent;
}

static void
check_places(void)
{
	check(are("{}", true, 1));
	check(are("{\"contained\":[{\"resourceType\":\"A\"}]}", false, 1));
	check(are(
	    "{\"contained\":[{\"resourceType\":\"A\"},{\"a\":1},7,[{\"resourceType\":\"B\"}]]}", true, 2));
	check(is_root(1, "{\"resourceType\":\"A\"}", 0));
	check(are("{\"contained\":{\"resourceType\":\"A\"}}", true, 2));
	check(are("{\"entry\":{\"resource\":{\"resourceType\":\"A\"}}}", true, 2));
	check(are("{\"parameter\":{\"resource\":{\"resourceType\":\"A\"}}}", true, 2));
	check(are("{\"contained\":{\"a\":1},\"entry\":7,\"parameter\":\"x\"}", true, 1));
	check(are("{\"cont\\u0061ined\":[{\"resource\\u0054ype\":1}]}", true, 2));
	check(are(
	    "{\"entry\":[{\"resource\":{\"resourceType\":\"A\"},\"response\":{\"outcome\":{\"resourceType\":"
	    "\"B\"}}},{\"response\":7},{\"resource\":[]}]}",
	    true, 3));
	check(is_root(2, "{\"resourceType\":\"B\"}", 0));
	check(are("{\"x\":{\"contained\":[{\"resourceType\":\"A\"}]}}", true, 1));
	check(are("{\"parameter\":[{\"part\":[{\"resource\":{\"resourceType\":\"A\"}}]},{\"resource\":{}}]}",
	    true, 2));
}

static void
check_nesting(void)
{
	check(are("{\"entry\":[{\"resource\":{\"resourceType\":\"A\",\"contained\":[{\"resourceType\":\"B\"}]"
		  ",\"x\":1}},"
		  "{\"resource\":{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":"
		  "\"C\"}}]}},"
		  "{\"resource\":{\"resourceType\":\"D\"}}],\"z\":2}",
	    true, 6));
	check(is_root(2, "{\"resourceType\":\"B\"}", 1));
	check(is_root(4, "{\"resourceType\":\"C\"}", 3));
	check(is_root(5, "{\"resourceType\":\"D\"}", 0));
	for (size_t i = 1; i < roots.count; i++) {
		check(roots_inner(&roots, roots.at[i].node) == i);
		check(roots_inner(&roots, roots.at[i].node + 1) == 0);
	}
	check(roots_inner(&roots, 0) == 0);
}

int
main(void)
{
	keys = json_keys_new();
	roots_init(&roots, keys);
	json_init(&json, keys, JSON_MAX_DEPTH);
	check_places();
	check_nesting();
	roots_release(&roots);
	roots_release(&roots);
	json_release(&json);
	json_keys_free(keys);
	return tap_end();
}
