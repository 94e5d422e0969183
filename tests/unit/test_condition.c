/* SPDX-License-Identifier: ISC */
#include "common/label/condition.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

/* Every test in three values: a `where:`, a record, what comes out. */
static struct policy policy;
static struct codes *codes;
static struct json_keys *keys;
static struct shape *shape;
static struct roots roots;
static struct json json;
static struct condition_words words;
static struct condition_record record;
static struct buffer room;
static struct fault fault;
static char text[8192];
static uint32_t matched[16];
static size_t matches;

static struct condition *
compile(const char *where)
{
	struct yaml_node *node;

	fault = (struct fault){ 0 };
	node = yaml_read(&policy.arena, "test", bytes_of(where), &fault);
	return node == NULL ? NULL : condition_compile(&words, node, &fault);
}

static void
parse(const char *json_text)
{
	size_t size = strlen(json_text);

	memset(text, 0, sizeof text);
	memcpy(text, json_text, size);
	if (!json_parse(&json, (struct bytes){ text, size }))
		exit(99);
	roots_find(&roots, &json, 0, true);
}

static void
note(void *context, uint32_t node)
{
	(void)context;
	if (matches < sizeof matched / sizeof matched[0])
		matched[matches++] = node;
}

static enum truth
judge(const char *where, const char *json_text)
{
	struct condition *c = compile(where);

	if (c == NULL) {
		fault_print(&fault);
		exit(99);
	}
	/* New paths may bring new keys: the record is indexed with all of them. */
	parse(json_text);
	matches = 0;
	condition_matches(c, &record, 0, note, NULL);
	return condition_judge(c, &record, 0);
}

#define T TRUTH_TRUE
#define F TRUTH_FALSE
#define U TRUTH_UNKNOWN

static const struct {
	const char *where;
	const char *record;
	enum truth truth;
	unsigned matches;
} cases[] = {
	/* equality: strings by code point, numbers by value */
	{ "{.a: x}", "{\"a\":\"x\"}", T, 1 },
	{ "{.a: x}", "{\"a\":\"\\u0078\"}", T, 1 },
	{ "{.a: x}", "{\"a\":\"X\"}", F, 0 },
	{ "{.a: x}", "{}", F, 0 },
	{ "{.a: [x, y]}", "{\"a\":\"y\"}", T, 1 },
	{ "{.a: 7.4}", "{\"a\":7.40}", T, 1 },
	{ "{.a: 7.4}", "{\"a\":74e-1}", T, 1 },
	{ "{.a: \"7.4\"}", "{\"a\":7.4}", F, 0 },
	{ "{.a: 12345678901234567890}", "{\"a\":12345678901234567891}", F, 0 },
	{ "{.a: true}", "{\"a\":true}", T, 1 },
	{ "{.a: true}", "{\"a\":\"true\"}", F, 0 },
	{ "{.a: null}", "{\"a\":null}", T, 1 },
	{ "{.a: {is: x}}", "{\"a\":\"x\"}", T, 1 },
	/* several must hold, of several nodes one */
	{ "{\".a[]\": 2, .b: 1}", "{\"a\":[1,2,2],\"b\":1}", T, 3 },
	{ "{\".a[]\": 2, .b: 1}", "{\"a\":[1],\"b\":1}", F, 1 },
	{ "[{.a: 1}, {.b: 1}]", "{\"a\":1,\"b\":1}", T, 2 },
	/* presence and absence */
	{ "{.a: {present: true}}", "{\"a\":null}", F, 0 },
	{ "{.a: {present: true}}", "{\"a\":[]}", T, 1 },
	{ "{.a: {present: false}}", "{\"a\":null}", T, 0 },
	{ "{.a: {present: false}}", "{\"a\":0}", F, 0 },
	{ "{.a: {not: x}}", "{}", T, 0 },
	{ "{\".a[]\": {not: x}}", "{\"a\":[\"y\",\"x\"]}", F, 0 },
	{ "{.a: {not: {below: 5}}}", "{\"a\":\"4\"}", U, 0 },
	{ "{.a: {not: {not: 1}}}", "{\"a\":1}", T, 0 },
	{ "{none: [{.a: 1}, {.b: 1}]}", "{\"b\":1}", F, 0 },
	{ "{none: [{.a: 1}, {.b: {above: 1}}]}", "{\"b\":\"2\"}", U, 0 },
	/* three values upwards */
	{ "{any: [{.a: 1}, {.b: {above: 1}}]}", "{\"a\":1,\"b\":\"2\"}", T, 2 },
	{ "{any: [{.a: 1}, {.b: {above: 1}}]}", "{\"a\":2,\"b\":\"2\"}", U, 1 },
	{ "{all: [{.a: 1}, {.b: {above: 1}}]}", "{\"a\":2,\"b\":\"2\"}", F, 1 },
	{ "{all: [{.a: 1}, {.b: {above: 1}}]}", "{\"a\":1,\"b\":\"2\"}", U, 2 },
	/* one element */
	{ "{\".a[]\": {where: {.b: 1, .c: 2}}}", "{\"a\":[{\"b\":1},{\"c\":2}]}", F, 0 },
	{ "{\".a[]\": {where: {.b: 1, .c: 2}}}", "{\"a\":[{\"b\":1},{\"c\":2,\"b\":1}]}", T, 1 },
	{ "{.a: {prefix: [x, yz]}}", "{\"a\":\"yzx\"}", T, 1 },
	{ "{.a: {prefix: [x, yz]}}", "{\"a\":\"y\"}", F, 0 },
	{ "{.a: {prefix: x, not: xx}}", "{\"a\":\"xy\"}", T, 1 },
	/* numbers */
	{ "{.a: {below: 5}}", "{\"a\":4.999999999999999999999}", T, 1 },
	{ "{.a: {below: 5}}", "{\"a\":5}", F, 0 },
	{ "{.a: {at_most: 5}}", "{\"a\":5.0}", T, 1 },
	{ "{.a: {above: 5}}", "{\"a\":1e999999}", T, 1 },
	{ "{.a: {at_least: 5}}", "{\"a\":-1e999999}", F, 0 },
	{ "{.a: {between: [1, 2]}}", "{\"a\":2}", T, 1 },
	{ "{.a: {between: [1, 2]}}", "{\"a\":0.9}", F, 0 },
	{ "{.a: {below: 5}}", "{\"a\":\"4\"}", U, 1 },
	{ "{.a: {below: 5}}", "{\"a\":{}}", U, 1 },
	{ "{.a: {below: 5}}", "{\"a\":{\"value\":4}}", T, 1 },
	{ "{.a: {below: 5}}", "{\"a\":{\"value\":4,\"unit\":\"kg\"}}", U, 1 },
	{ "{.a: {below: 5}}", "{}", F, 0 },
	/* units */
	{ "{.a: {below: 37.0 Cel}}", "{\"a\":{\"value\":98.6,\"code\":\"[degF]\"}}", F, 0 },
	{ "{.a: {at_most: 37.0 Cel}}", "{\"a\":{\"value\":98.6,\"code\":\"[degF]\"}}", T, 1 },
	{ "{.a: {below: 5 kWh}}", "{\"a\":{\"value\":4999,\"unit\":\"W.h\"}}", T, 1 },
	{ "{.a: {below: 5 kWh}}", "{\"a\":4}", U, 1 },
	{ "{.a: {below: 5 kWh}}", "{\"a\":{\"value\":4,\"unit\":\"Cel\"}}", U, 1 },
	{ "{.a: {below: 5 kWh}}", "{\"a\":{\"value\":4,\"unit\":\"kWh\",\"code\":\"Cel\"}}", U, 1 },
	/* comparators */
	{ "{.a: {below: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\"<\"}}", T, 1 },
	{ "{.a: {below: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\"<=\"}}", U, 1 },
	{ "{.a: {at_most: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\"<=\"}}", T, 1 },
	{ "{.a: {below: 92 %}}", "{\"a\":{\"value\":95,\"code\":\"%\",\"comparator\":\"<\"}}", U, 1 },
	{ "{.a: {below: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\">=\"}}", F, 0 },
	{ "{.a: {below: 92 %}}", "{\"a\":{\"value\":91,\"code\":\"%\",\"comparator\":\">\"}}", U, 1 },
	{ "{.a: {above: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\">\"}}", T, 1 },
	{ "{.a: {above: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\">=\"}}", U, 1 },
	{ "{.a: {at_least: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\"<\"}}", F, 0 },
	{ "{.a: {at_least: 92 %}}", "{\"a\":{\"value\":92,\"code\":\"%\",\"comparator\":\"<=\"}}", U, 1 },
	{ "{.a: {above: 92 %}}", "{\"a\":{\"value\":99,\"code\":\"%\",\"comparator\":\"ad\"}}", U, 1 },
	/* dates */
	{ "{.a: {before: \"2020-06\"}}", "{\"a\":\"2020-05-31\"}", T, 1 },
	{ "{.a: {before: \"2020-06\"}}", "{\"a\":\"2020-06\"}", F, 0 },
	{ "{.a: {before: \"2020-06\"}}", "{\"a\":\"2020\"}", U, 1 },
	{ "{.a: {after: \"2020-06\"}}", "{\"a\":\"2020-06-30\"}", F, 0 },
	{ "{.a: {after: \"2020-06\"}}", "{\"a\":\"2020-07\"}", T, 1 },
	{ "{.a: {after: 2020}}", "{\"a\":\"2021-01-01T00:30:00+01:00\"}", F, 0 },
	{ "{.a: {after: \"2020-06\"}}", "{\"a\":\"2020\"}", U, 1 },
	{ "{.a: {after: \"2020-06\"}}", "{\"a\":2020}", U, 1 },
	/* codes */
	{ "{.a: {in: hiv}}",
	    "{\"a\":{\"coding\":[{\"code\":\"x\"},{\"system\":\"http://loinc.org\",\"code\":\"7917-8\"}]}}",
	    T, 1 },
	{ "{.a: {in: hiv}}", "{\"a\":{\"system\":\"http://loinc.org\",\"code\":\"7917-8\"}}", T, 1 },
	{ "{.a: {in: hiv}}",
	    "{\"a\":{\"concept\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"7917-8\"}]}}}", T,
	    1 },
	{ "{.a: {in: hiv}}", "{\"a\":{\"code\":\"b20\"}}", T, 1 },
	{ "{.a: {in: [hiv, substance]}}", "{\"a\":{\"code\":\"F10.9\"}}", T, 1 },
	{ "{.a: {in: hiv}}", "{\"a\":{\"coding\":[{\"code\":7}]}}", U, 1 },
	{ "{.a: {in: hiv}}", "{\"a\":\"B20\"}", F, 0 },
	{ "{.a: {codes: [\"http://x|*\"]}}", "{\"a\":{\"system\":\"http://x\",\"code\":\"q\"}}", T, 1 },
	{ "{.a: {codes: [\"http://x|*\"]}}", "{\"a\":{\"system\":\"http://y\",\"code\":\"q\"}}", F, 0 },
	{ "{anywhere: {in: hiv}}", "{\"a\":[{\"b\":{\"coding\":[{\"code\":\"B20\"}]}}]}", T, 2 },
	{ "{anywhere: x}", "{\"a\":[{\"b\":\"x\"}],\"c\":\"x\"}", T, 2 },
	/* an inner root is not seen from outside */
	{ "{anywhere: x}", "{\"contained\":[{\"resourceType\":\"x\"}],\"b\":\"y\"}", F, 0 },
	{ "{\"..|.resourceType?\": x}", "{\"contained\":[{\"resourceType\":\"x\"}]}", F, 0 },
	{ "{\".contained[0]\": {present: true}}", "{\"contained\":[{\"resourceType\":\"x\"}]}", F, 0 },
	/* paths for libjq */
	{ "{\".a[] | select(. > 1)\": 2}", "{\"a\":[1,2]}", T, 1 },
	{ "{\".a[] | select(. > 1)\": 3}", "{\"a\":[1,2]}", F, 0 },
	{ "{\".a | select(startswith(\\\"x\\\"))\": xy}", "{\"a\":7}", U, 0 },
};

static void
check_cases(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool good =
		    judge(cases[i].where, cases[i].record) == cases[i].truth && matches == cases[i].matches;

		if (!good)
			printf("# %s of %s: %d, %zu\n", cases[i].where, cases[i].record,
			    (int)condition_judge(compile(cases[i].where), &record, 0), matches);
		check(good);
	}
}

static const struct {
	const char *where;
	const char *why;
} faults[] = {
	{ "{}", "map from paths" },
	{ "7", "map from paths" },
	{ "{.a: {}}", "empty test" },
	{ "{.a: []}", "empty list" },
	{ "{.a: {like: x}}", "unknown test 'like'" },
	{ "{says: x}", "a test stands below a path or below anywhere: {anywhere: {says: ..}}" },
	{ "{.a: {in: nothing}}", "no value set 'nothing'" },
	{ "{.a: {in: 7}}", "" },
	{ "{.a: {below: x}}", "number" },
	{ "{.a: {below: 5 parsec}}", "unit" },
	{ "{.a: {between: [1 kWh, 2 Cel]}}", "one dimension" },
	{ "{.a: {between: [1]}}", "two ends" },
	{ "{.a: {before: soon}}", "date" },
	{ "{.a: {present: maybe}}", "" },
	{ "{.a: {prefix: 7}}", "string" },
	{ "{\".a[\": x}", "bad-path" },
	{ "{\".a[-1]\": x}", "bad-path" },
	{ "{\"input\": x}", "bad-path" },
	{ "{any: []}", "list of conditions" },
	{ "{any: {.a: 1}}", "list of conditions" },
};

static void
check_faults(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		check(compile(faults[i].where) == NULL);
		if (fault.line == 0 || strstr(fault.text, faults[i].why) == NULL)
			printf("# %s: %u: %s\n", faults[i].where, fault.line, fault.text);
		check(fault.line > 0 && strstr(fault.text, faults[i].why) != NULL);
	}
}

static void
start(void)
{
	const char *root = getenv("EHR_ROOT");
	char path[1024];
	const struct yaml_node *classify;
	const char *shown;

	(void)snprintf(path, sizeof path, "%s/testdata/policies/labels", root == NULL ? "." : root);
	if (!policy_load(&policy, path, &fault) ||
	    (classify = policy_yaml(&policy, "classify.yaml", &shown, &fault)) == NULL)
		exit(99);
	keys = json_keys_new();
	codes = codes_load(
	    &policy, shown, yaml_find(classify, "systems"), yaml_find(classify, "value_sets"), &fault);
	shape = shape_load(&policy, keys, &fault);
	if (codes == NULL || shape == NULL)
		exit(99);
	roots_init(&roots, keys);
	json_init(&json, keys, JSON_MAX_DEPTH);
	buffer_init(&room, 1 << 20);
	words = (struct condition_words){ .arena = &policy.arena,
		.keys = keys,
		.codes = codes,
		.file = "test",
		.no_system_matches = true };
	record = (struct condition_record){
		.json = &json, .roots = &roots, .shape = shape, .codes = codes, .room = &room
	};
}

int
main(void)
{
	start();
	check_cases();
	check_faults();
	condition_words_release(&words);
	buffer_release(&room);
	json_release(&json);
	roots_release(&roots);
	shape_free(shape);
	codes_free(codes);
	json_keys_free(keys);
	policy_release(&policy);
	return tap_end();
}
