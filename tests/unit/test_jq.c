/* SPDX-License-Identifier: ISC */
#include "common/policy/jq.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/policy/jq_child.h"
#include "tests/lib/folder.h"
#include "tests/lib/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct jq_context known = {
	.type = BYTES("Patient"), .id = BYTES("Patient/p1"), .now = BYTES("2026-11-01")
};

static struct json json;
static struct buffer text_of_json;

static bool
parse(const char *text)
{
	static const char zeros[JSON_SLACK];
	size_t size = strlen(text);

	text_of_json.used = 0;
	(void)buffer_append(&text_of_json, text, size);
	(void)buffer_append(&text_of_json, zeros, sizeof zeros);
	return json_parse(&json, (struct bytes){ text_of_json.at, size });
}

static bool
is_wall(void *unused, uint32_t node)
{
	(void)unused;
	return json_member(&json, node, bytes_of("resourceType")) != 0;
}

static const struct path_wall wall = { is_wall, NULL };

/* -1 if it does not compile or the text is none. */
static int
test(const char *expression, const char *text)
{
	size_t byte;
	const char *why;
	struct jq_program *p = jq_compile_text(bytes_of(expression), JQ_CONDITION, true, &byte, &why);
	int outcome = -1;

	if (p != NULL && parse(text)) {
		outcome = (int)jq_test(p, &json, 0, &wall, &known);
		/* A second run must not remember the first. */
		if ((int)jq_test(p, &json, 0, &wall, &known) != outcome)
			outcome = -1;
	}
	jq_program_free(p);
	return outcome;
}

static void
check_conditions(void)
{
	check(test(".a == 1", "{\"a\":1}") == JQ_TRUE);
	check(test(".a == 1", "{\"a\":1.0}") == JQ_TRUE);
	check(test(".a == 1", "{\"a\":2}") == JQ_FALSE);
	check(test(".missing", "{}") == JQ_FALSE);
	check(test("0, false", "{}") == JQ_TRUE);
	check(test("empty", "{}") == JQ_UNKNOWN);
	check(test(".a | keys", "{\"a\":1}") == JQ_UNKNOWN);
	check(test("error(\"x\")", "{}") == JQ_UNKNOWN);
	check(test(".extension // [] | any(.url == \"u\")", "{\"extension\":[{\"url\":\"u\"}]}") == JQ_TRUE);
	check(test(".extension // [] | any(.url == \"u\")", "{\"extension\":[]}") == JQ_FALSE);
	check(test(".extension // [] | any(.url == \"u\")", "{}") == JQ_FALSE);
	check(test("$type == \"Patient\" and $id == \"Patient/p1\" and $subject == null", "{}") == JQ_TRUE);
	check(test("$now > \"2026\"", "{}") == JQ_TRUE);
	check(test(".\"\\u00e9\" == \"\\n\\u0000x\"", "{\"\\u00e9\":\"\\u000a\\u0000x\"}") == JQ_TRUE);
	check(test("[.a[] | type] == "
		   "[\"null\",\"boolean\",\"boolean\",\"number\",\"string\",\"array\",\"object\"]",
		  "{\"a\":[null,true,false,-1.5e3,\"\",[],{}]}") == JQ_TRUE);
	check(test(".a == -1500", "{\"a\":-1.5e3}") == JQ_TRUE);
	check(test(".a > 1e300", "{\"a\":1e999999}") == JQ_TRUE);
	check(test(". == 12", "12") == JQ_TRUE);
	check(test(".a == 1 # a comment", "{\"a\":1}") == JQ_TRUE);
}

/* What a user's own jq begins with would change what a policy says, signed or not. */
static void
check_home(void)
{
	folder_make();
	folder_write(".jq", "def any(f): false; def mine: true;");
	check(setenv("HOME", folder_name, 1) == 0);
	check(test(".a | any", "{\"a\":[true]}") == JQ_TRUE);
	check(setenv("HOME", folder_name, 1) == 0);
	check(test("[.a[] | any(. == 1)] == [true]", "{\"a\":[[1]]}") == JQ_TRUE);
	check(setenv("HOME", folder_name, 1) == 0);
	check(test("mine", "{}") == -1);
	folder_remove();
}

/* An inner root is null from outside, and itself from inside. */
static void
check_walls(void)
{
	static const char text[] =
	    "{\"resourceType\":\"A\",\"x\":1,\"contained\":[{\"resourceType\":\"B\",\"x\":2}]}";

	check(test(".contained == [null] and .x == 1", text) == JQ_TRUE);
	check(test("[..|.x?|numbers] == [1]", text) == JQ_TRUE);
}

/* Expressions that take for ever, or all memory, whatever the machine. */
static const char *const endless[] = {
	"last(range(1e12)) == 1",
	"[range(.n)] | length > 3",
	"reduce range(1e12) as $i (null; [.]) | tojson | length > 2",
	"(\"ab\" * 1e6) | gsub(\"\"; \"x\") | length > 3",
	"[.n] | .[1e8] = 1 | [.[] , .[] , .[] , .[] | [range(1e4)]] | length > 2",
};

static void
check_limit(void)
{
	struct jq_limit limit = { .milliseconds = 50 };
	const struct jq_context context = { .limit = &limit };
	size_t byte;
	const char *why;
	struct jq_program *good = jq_compile_text(bytes_of(".n > 1"), JQ_CONDITION, true, &byte, &why);

	for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
		struct jq_program *p = jq_compile_text(bytes_of(endless[i]), JQ_CONDITION, true, &byte, &why);

		check(p != NULL && parse("{\"n\":1000000000000}"));
		jq_limit_start(&limit);
		check(jq_test(good, &json, 0, NULL, &context) == JQ_TRUE);
		check(jq_test(p, &json, 0, NULL, &context) == JQ_UNKNOWN && limit.passed != JQ_LIMIT_KEPT);
		/* The record has had its time; the next has its own. */
		check(jq_test(good, &json, 0, NULL, &context) == JQ_UNKNOWN && limit.passed != JQ_LIMIT_KEPT);
		jq_limit_start(&limit);
		check(jq_test(good, &json, 0, NULL, &context) == JQ_TRUE && limit.passed == JQ_LIMIT_KEPT);
		jq_program_free(p);
	}
	jq_program_free(good);
}

/* Ends or answers as its request says. */
static void
serve_ends(struct bytes request, struct buffer *reply)
{
	switch (request.at[0]) {
	case 't':
		for (volatile bool on = true; on;)
			continue;
		break;
	case 'm':
		memory_missing(0);
	case 'k':
		(void)raise(SIGKILL);
		break;
	case 'a':
		(void)raise(SIGABRT);
		break;
	case 's':
		(void)raise(SIGSEGV);
		break;
	case 'l':
		while (true)
			buffer_add(reply, "0123456789abcdef", 16);
	default:
		buffer_add(reply, "!", 1);
	}
}

static void
check_ends(void)
{
	static const struct {
		const char *request;
		uint64_t
		    milliseconds; /* a minute where the end is another: a checker's report takes its time */
		enum jq_child_end end;
	} list[] = { { ".", 60000, JQ_CHILD_ANSWERED }, { "t", 200, JQ_CHILD_TIME },
		{ "m", 60000, JQ_CHILD_MEMORY }, { "k", 60000, JQ_CHILD_MEMORY },
		{ "l", 60000, JQ_CHILD_MEMORY }, { "a", 60000, JQ_CHILD_CRASH },
		{ "s", 60000, JQ_CHILD_CRASH } };
	struct buffer reply;

	buffer_init(&reply, BUFFER_UNLIMITED);
	jq_child_stop();
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		struct jq_child_limit limit = {
			.task = 1000 + i, .milliseconds = list[i].milliseconds, .bytes = 64 << 20
		};

		check(jq_child_ask(&limit, bytes_of(list[i].request), &reply, serve_ends) == list[i].end);
		/* The next child answers, and then ends in the same way. */
		check(jq_child_ask(&limit, bytes_of("."), &reply, serve_ends) == JQ_CHILD_ANSWERED);
		limit.task += 500;
		check(jq_child_ask(&limit, bytes_of(list[i].request), &reply, serve_ends) == list[i].end);
	}
	jq_child_stop();
	buffer_release(&reply);
}

/* Evaluations that are each within the limit, and together are not. */
static void
check_sum(void)
{
	struct jq_limit limit = { .milliseconds = 50 };
	const struct jq_context context = { .limit = &limit };
	size_t byte, count = 0;
	const char *why;
	struct jq_program *p =
	    jq_compile_text(bytes_of("last(range(100000)) > 1"), JQ_CONDITION, true, &byte, &why);

	check(p != NULL && parse("{}"));
	jq_limit_start(&limit);
	while (count < 1000000 && jq_test(p, &json, 0, NULL, &context) == JQ_TRUE)
		count++;
	check(limit.passed != JQ_LIMIT_KEPT && count < 1000000);
	jq_program_free(p);
}

static void
check_words(void)
{
	static const struct {
		const char *text;
		size_t byte; /* 0: allowed */
	} list[] = { { "input", 1 }, { ".a | inputs", 6 }, { "[.a, input_filename]", 6 },
		{ "input_line_number", 1 }, { ".a|debug", 4 }, { "stderr", 1 }, { "env.PATH", 1 },
		{ "$ENV.PATH", 2 }, { "$ ENV", 3 }, { "now", 1 }, { "localtime", 1 },
		{ "strflocaltime(\"\")", 1 }, { "halt", 1 }, { "halt_error", 1 },
		{ "import \"a\" as a; .", 1 }, { "include \"a\"; .", 1 }, { "modulemeta", 1 },
		{ "get_search_list", 1 }, { "def f: 1; f", 1 }, { "while(true; .)", 1 },
		{ "until(false; .)", 1 }, { "repeat(.)", 1 }, { "infinite", 1 }, { "recurse(.a)", 1 },
		{ "recurse (.a)", 1 }, { "recurse # x\n(.a)", 1 }, { "\"\\(now)\"", 4 },
		{ "\"a\\(\"b\\(input)\")\"", 9 }, { "{now}", 2 }, { "{(now|tostring): 1}", 3 },
		{ "[1,2|now]", 6 }, { "1) | (2", 2 }, { "(1", 3 }, { "[1}", 3 }, { "\"a", 3 },
		{ "\"\\(1\"", 6 }, { "]", 1 }, { "..now", 0 }, { ".input", 0 }, { ".now.env", 0 },
		{ "{now: 1, \"env\": 2}", 0 }, { "\"input now\"", 0 }, { "# input\n.", 0 }, { "$now", 0 },
		{ "recurse", 0 }, { "inputs_of", 0 }, { ".a as $input | $input", 0 }, { "\"\\\"\" | now", 8 },
		{ "@base64 \"\\(.now)\"", 0 }, { "{\"a\":[1,(2)]}", 0 } };

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		size_t byte = 0;
		const char *why = NULL;
		/* jq itself may still refuse an expression, but it names no byte. */
		struct jq_program *p =
		    jq_compile_text(bytes_of(list[i].text), JQ_CONDITION, true, &byte, &why);

		if (byte != list[i].byte)
			printf("# %s: %zu %s\n", list[i].text, byte, why != NULL ? why : "");
		check(byte == list[i].byte && (p == NULL) == (why != NULL));
		jq_program_free(p);
	}
}

static bool
refused(const char *text, bool has_now, size_t want)
{
	size_t byte = 99;
	const char *why = NULL;
	struct jq_program *p = jq_compile_text(bytes_of(text), JQ_CONDITION, has_now, &byte, &why);

	jq_program_free(p);
	return p == NULL && byte == want && why != NULL;
}

static void
check_refusals(void)
{
	static const char nul[] = ".a\0.b";
	size_t byte = 0;
	const char *why;

	check(refused("$now > \"2026\"", false, 2));
	check(refused("", true, 0));
	check(refused(".a |", true, 0));
	check(refused("unknown_function", true, 0));
	check(refused("$unknown", true, 0));
	check(refused(".a | input", true, 6));
	check(refused("1) | (2", true, 2));
	check(
	    jq_compile_text((struct bytes){ nul, sizeof nul - 1 }, JQ_CONDITION, true, &byte, &why) == NULL &&
	    byte == 3);
}

struct found {
	uint32_t node[16];
	size_t count;
};

static void
note(void *context, uint32_t node)
{
	struct found *f = context;

	if (f->count < 16)
		f->node[f->count++] = node;
}

/* The spans found, with a blank between, behind the outcome. */
static bool
finds(const char *expression, const char *text, enum jq_outcome outcome, const char *want)
{
	size_t byte;
	const char *why;
	struct found f = { .count = 0 };
	struct jq_program *p = jq_compile_text(bytes_of(expression), JQ_PATH, true, &byte, &why);
	struct buffer got;
	bool good = p != NULL && parse(text) && jq_paths(p, &json, 0, &wall, &known, note, &f) == outcome;

	buffer_init(&got, 1000);
	for (size_t i = 0; i < f.count; i++) {
		struct bytes span = json_span(&json, f.node[i]);

		(void)buffer_append(&got, i > 0 ? " " : "", i > 0);
		(void)buffer_append(&got, span.at, span.size);
	}
	good = good && bytes_are(buffer_bytes(&got), want);
	if (!good)
		printf("# %s: %.*s\n", expression, (int)got.used, got.used > 0 ? got.at : "");
	buffer_release(&got);
	jq_program_free(p);
	return good;
}

static void
check_endless_paths(void)
{
	static const char *const list[] = { "limit(1e12; range(1e12) as $x | .a)", ".a[last(range(1e12))]",
		"getpath([\"a\", ([range(1e12)] | length)])" };
	struct jq_limit limit = { .milliseconds = 50 };
	const struct jq_context context = { .limit = &limit };

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		struct found f = { .count = 0 };
		size_t byte;
		const char *why;
		struct jq_program *p = jq_compile_text(bytes_of(list[i]), JQ_PATH, true, &byte, &why);

		check(p != NULL && parse("{\"a\":[1]}"));
		jq_limit_start(&limit);
		check(jq_paths(p, &json, 0, NULL, &context, note, &f) == JQ_UNKNOWN && f.count == 0 &&
		      limit.passed != JQ_LIMIT_KEPT);
		jq_program_free(p);
	}
}

/* Inner roots are sent as null; what stands behind them, and they themselves, are found where they are. */
static void
check_paths_behind_walls(void)
{
	static const char text[] =
	    "{\"c\":[{\"resourceType\":\"X\",\"v\":[9,8]},1,"
	    "{\"resourceType\":\"Y\"},{\"v\":2}],\"d\":{\"resourceType\":\"Z\",\"v\":7},"
	    "\"e\":[3]}";

	check(finds(".e[]", text, JQ_TRUE, "3"));
	check(finds(".c[1], .c[3].v, .e", text, JQ_TRUE, "1 2 [3]"));
	check(finds("..|numbers", text, JQ_TRUE, "1 2 3"));
	check(finds(".c[2]", text, JQ_TRUE, "{\"resourceType\":\"Y\"}"));
	check(finds(".d", text, JQ_TRUE, "{\"resourceType\":\"Z\",\"v\":7}"));
	check(finds(".c[0].v[0]", text, JQ_FALSE, ""));
}

static void
check_paths(void)
{
	static const char text[] =
	    "{\"a\":[{\"v\":1},{\"v\":2},{\"v\":3}],\"n\":null,\"c\":{\"resourceType\":\"X\",\"v\":9}}";

	check(finds(".a[] | select(.v > 1)", text, JQ_TRUE, "{\"v\":2} {\"v\":3}"));
	check(finds(".a | last.v", text, JQ_TRUE, "3"));
	check(finds(".a[-1].v", text, JQ_TRUE, "3"));
	check(finds(".a[$now | length | . - 10].v", text, JQ_TRUE, "1"));
	check(finds(".b.c", text, JQ_FALSE, ""));
	check(finds(".c.v", text, JQ_FALSE, ""));
	check(finds("..|.v?", text, JQ_TRUE, "1 2 3"));
	/* Not over an object with members left: there libjq 1.6 leaks a key. */
	check(finds(".a|..|.v", text, JQ_UNKNOWN, ""));
	check(finds(".n, (.a[]|..|.v)", text, JQ_UNKNOWN, "null 1"));
	check(finds(".a[0], error(\"x\")", text, JQ_UNKNOWN, "{\"v\":1}"));
	check(finds(".a[1:]", text, JQ_UNKNOWN, ""));
	check(finds("1", text, JQ_UNKNOWN, ""));
	check(finds("empty", text, JQ_FALSE, ""));
	check(finds("getpath([\"a\",0,\"v\"])", text, JQ_TRUE, "1"));
	check(finds(".", text, JQ_TRUE, text));
}

int
main(void)
{
	json_init(&json, NULL, JSON_MAX_DEPTH);
	buffer_init(&text_of_json, 1 << 20);
	check_words();
	check_refusals();
	check_conditions();
	check_home();
	check_walls();
	check_paths();
	check_paths_behind_walls();
	check_endless_paths();
	check_limit();
	check_ends();
	check_sum();
	json_release(&json);
	buffer_release(&text_of_json);
	return tap_end();
}
