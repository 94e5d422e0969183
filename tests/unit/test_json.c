/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/json/json_named.h"
#include "common/json/json_parts.h"
#include "common/json/json_write.h"
#include "tests/lib/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The texts that the suite at https://github.com/nst/JSONTestSuite made usual, written anew, with the reason
 * and the byte that each must give.  The suite itself is used where it lies (EHR_ROOT/../shared/data).
 */
struct sample {
	const char *text;
	enum reason reason;
	size_t byte;
};

static const struct sample good[] = {
	{ "{}", 0, 0 },
	{ "[]", 0, 0 },
	{ " [ ] ", 0, 0 },
	{ "\t\r\n {\n}\n", 0, 0 },
	{ "null", 0, 0 },
	{ "true", 0, 0 },
	{ "false", 0, 0 },
	{ "\"\"", 0, 0 },
	{ "0", 0, 0 },
	{ "-0", 0, 0 },
	{ "[0e1,0E+1,-0.0e-0,1e999999,123456789012345678901234567890,7.40]", 0, 0 },
	{ "{\"a\":1,\"b\":[true,false,null,{\"c\":{}}],\"A\":\"x\"}", 0, 0 },
	{ "{\"\":0}", 0, 0 },
	{ "[\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\\uD834\\uDD1E\\uFFFF\"]", 0, 0 },
	{ "[\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"]", 0, 0 },
	{ "[\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xef\xbb\xbf\"]", 0, 0 },
	{ "[\"a string longer than one block of the scan, and than two\",\"0123456789abcdef\"]", 0, 0 },
};

static const struct sample bad[] = {
	{ "{\"a\" 1}", REASON_BAD_SYNTAX, 6 },
	{ "{\"a\":1,}", REASON_BAD_SYNTAX, 8 },
	{ "{a:1}", REASON_BAD_SYNTAX, 2 },
	{ "{1:1}", REASON_BAD_SYNTAX, 2 },
	{ "{'a':1}", REASON_BAD_SYNTAX, 2 },
	{ "{\"a\":1 \"b\":2}", REASON_BAD_SYNTAX, 8 },
	{ "{\"a\"}", REASON_BAD_SYNTAX, 5 },
	{ "[1,]", REASON_BAD_SYNTAX, 4 },
	{ "[,1]", REASON_BAD_SYNTAX, 2 },
	{ "[1 2]", REASON_BAD_SYNTAX, 4 },
	{ "[1}", REASON_BAD_SYNTAX, 3 },
	{ "{\"a\":1]", REASON_BAD_SYNTAX, 7 },
	{ "]", REASON_BAD_SYNTAX, 1 },
	{ "[tru]", REASON_BAD_SYNTAX, 5 },
	{ "[True]", REASON_BAD_SYNTAX, 2 },
	{ "[1/**/]", REASON_BAD_SYNTAX, 3 },
	{ "[\f]", REASON_BAD_SYNTAX, 2 },
	{ "[\xc3\xa9]", REASON_BAD_SYNTAX, 2 },
	{ "[NaN]", REASON_BAD_NUMBER, 2 },
	{ "[-Infinity]", REASON_BAD_NUMBER, 3 },
	{ "[Infinity]", REASON_BAD_NUMBER, 2 },
	{ "[01]", REASON_BAD_NUMBER, 3 },
	{ "[-01]", REASON_BAD_NUMBER, 4 },
	{ "[+1]", REASON_BAD_NUMBER, 2 },
	{ "[.5]", REASON_BAD_NUMBER, 2 },
	{ "[1.]", REASON_BAD_NUMBER, 4 },
	{ "[-]", REASON_BAD_NUMBER, 3 },
	{ "[- 1]", REASON_BAD_NUMBER, 3 },
	{ "[1e]", REASON_BAD_NUMBER, 4 },
	{ "[1e+]", REASON_BAD_NUMBER, 5 },
	{ "[1.5.2]", REASON_BAD_NUMBER, 5 },
	{ "[0x1F]", REASON_BAD_NUMBER, 3 },
	{ "[1-2]", REASON_BAD_NUMBER, 3 },
	{ "[\"a\tb\"]", REASON_BAD_STRING, 4 },
	{ "[\"a\nb\"]", REASON_BAD_STRING, 4 },
	{ "[\"\x1f\"]", REASON_BAD_STRING, 3 },
	{ "[\"\\x41\"]", REASON_BAD_STRING, 4 },
	{ "[\"\\u00g0\"]", REASON_BAD_STRING, 7 },
	{ "[\"\\U0041\"]", REASON_BAD_STRING, 4 },
	{ "[\"\\uD834\\u00\"]", REASON_BAD_STRING, 13 },
	{ "[\"\xc0\xaf\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xc1\xbf\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xe0\x9f\xbf\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xed\xa0\x80\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xf0\x8f\xbf\xbf\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xf4\x90\x80\x80\"]", REASON_BAD_UTF8, 3 },
	{ "[\"\xf5\x80\x80\x80\"]", REASON_BAD_UTF8, 3 },
	{ "[\"ab\x80\"]", REASON_BAD_UTF8, 5 },
	{ "[\"\xc3\"]", REASON_BAD_UTF8, 3 },
	{ "[\"0123456789abcdef\xe9\"]", REASON_BAD_UTF8, 19 },
	{ "[\xff]", REASON_BAD_UTF8, 2 },
	{ "[\"\\ud800\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\udc00\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\ud800\\ud800\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\ud800\\ue000\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\udc00\\udc00\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\udc00\\ud800\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\udfff\\udfff\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\ud800\\n\"]", REASON_LONE_SURROGATE, 3 },
	{ "[\"\\ud800x\"]", REASON_LONE_SURROGATE, 3 },
	{ "{\"\\ude00\":1}", REASON_LONE_SURROGATE, 3 },
	{ "\xef\xbb\xbf{}", REASON_BOM_INSIDE, 1 },
	{ "{\xef\xbb\xbf\"a\":1}", REASON_BOM_INSIDE, 2 },
	{ "{\"a\":1,\"a\":2}", REASON_DUPLICATE_KEY, 8 },
	{ "{\"\":1,\"\":1}", REASON_DUPLICATE_KEY, 7 },
	{ "[{\"x\":{\"a\":1,\"b\":{\"a\":1},\"a\":2}}]", REASON_DUPLICATE_KEY, 26 },
	{ "{\"resourceType\":1,\"resourc\\u0065Type\":2}", REASON_DUPLICATE_KEY, 19 },
	{ "{\"resourc\\u0065Type\":1,\"resourceType\":2}", REASON_DUPLICATE_KEY, 24 },
	{ "{\"\\u00e9\":1,\"\xc3\xa9\":2}", REASON_DUPLICATE_KEY, 13 },
	{ "{\"\\ud834\\udd1e\":1,\"\xf0\x9d\x84\x9e\":2}", REASON_DUPLICATE_KEY, 19 },
	{ "{\"a/b\":1,\"\\u0061\\/\\u0062\":2}", REASON_DUPLICATE_KEY, 10 },
	{ "", REASON_TRUNCATED, 1 },
	{ "  ", REASON_TRUNCATED, 3 },
	{ "{", REASON_TRUNCATED, 2 },
	{ "{\"a", REASON_TRUNCATED, 4 },
	{ "{\"a\"", REASON_TRUNCATED, 5 },
	{ "{\"a\":", REASON_TRUNCATED, 6 },
	{ "{\"a\":1", REASON_TRUNCATED, 7 },
	{ "{\"a\":1,", REASON_TRUNCATED, 8 },
	{ "[1", REASON_TRUNCATED, 3 },
	{ "[1,", REASON_TRUNCATED, 4 },
	{ "[-", REASON_TRUNCATED, 3 },
	{ "[1.", REASON_TRUNCATED, 4 },
	{ "[1e", REASON_TRUNCATED, 4 },
	{ "[1e-", REASON_TRUNCATED, 5 },
	{ "[tr", REASON_TRUNCATED, 4 },
	{ "\"", REASON_TRUNCATED, 2 },
	{ "\"\\", REASON_TRUNCATED, 3 },
	{ "\"\\u12", REASON_TRUNCATED, 6 },
	{ "\"\\ud800", REASON_TRUNCATED, 8 },
	{ "\"\\ud800\\", REASON_TRUNCATED, 9 },
	{ "\"0123456789abcde", REASON_TRUNCATED, 17 },
	{ "{}{}", REASON_TRAILING_DATA, 3 },
	{ "{} 1", REASON_TRAILING_DATA, 4 },
	{ "[]]", REASON_TRAILING_DATA, 3 },
	{ "\"a\"x", REASON_TRAILING_DATA, 4 },
	{ "1 2", REASON_TRAILING_DATA, 3 },
};

/* What stands behind a text must never matter: each is tried before bytes that would go on with it. */
static const char fillers[] = "\0"
			      "0\" }]:,eu\\\n\x80\xbf";

static bool
try_parse(struct json *j, const char *text, size_t size, char filler)
{
	static char *room;
	static size_t have;

	if (have < size + JSON_SLACK) {
		have = size + JSON_SLACK;
		free(room);
		room = malloc(have);
		if (room == NULL)
			exit(2);
	}
	memcpy(room, text, size);
	memset(room + size, filler, JSON_SLACK);
	return json_parse(j, (struct bytes){ room, size });
}

/* The children of each container must fill it: what a walk relies on. */
static bool
sound(const struct json *j)
{
	for (uint32_t i = 0; i < j->count; i++) {
		const struct json_node *n = &j->nodes[i];
		uint32_t child = i + 1;

		if (n->end <= n->start || n->end > j->text.size || n->next <= i || n->next > j->count)
			return false;
		if (n->kind == JSON_KEY)
			child = n->next == j->nodes[i + 1].next ? n->next : 0;
		else
			while (child < n->next)
				child = j->nodes[child].next;
		if (child != n->next)
			return false;
	}
	return j->count > 0 && j->nodes[0].next == j->count;
}

static bool
gives(const struct sample *s, struct json *j)
{
	for (size_t i = 0; i < sizeof fillers - 1; i++) {
		bool ok = try_parse(j, s->text, strlen(s->text), fillers[i]);

		if (s->reason == REASON_NONE && ok && sound(j))
			continue;
		if (s->reason == REASON_NONE || ok || j->reason != s->reason || j->byte != s->byte) {
			printf("# %s: %s at %zu\n", s->text, ok ? "good" : reason_code(j->reason), j->byte);
			return false;
		}
	}
	return true;
}

static void
check_samples(void)
{
	struct json j;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		check(gives(&good[i], &j));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(gives(&bad[i], &j));
	json_release(&j);
	json_release(&j);
}

/* Every beginning of a good text is bad, at its very end or before; with NUL in any place it is bad. */
static void
check_every_cut(void)
{
	static const char text[] =
	    "{\"a\":[1.5e3,\"\\ud834\\udd1e \xe2\x82\xac\",{\"b\":null}],\"long enough key\":false}";
	struct json j;
	bool cut = true;
	bool nul = true;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	for (size_t size = 0; size < sizeof text - 1; size++) {
		char with[sizeof text];

		for (size_t f = 0; f < sizeof fillers - 1; f++)
			cut = cut && !try_parse(&j, text, size, fillers[f]) && j.byte <= size + 1 &&
			      (j.reason == REASON_TRUNCATED || j.reason == REASON_BAD_UTF8);
		memcpy(with, text, sizeof text);
		with[size] = '\0';
		nul = nul && !try_parse(&j, with, sizeof text - 1, 0) && j.byte <= size + 1;
	}
	check(cut);
	check(nul);
	check(try_parse(&j, text, sizeof text - 1, 0));
	json_release(&j);
}

static bool
nested(struct json *j, unsigned depth, const char *opening, const char *closing)
{
	static char text[4096];
	size_t size = 0;

	for (unsigned i = 0; i < depth; i++)
		size += (size_t)snprintf(text + size, 8, "%s", opening);
	size += (size_t)snprintf(text + size, 8, "0");
	for (unsigned i = 0; i < depth; i++)
		size += (size_t)snprintf(text + size, 8, "%s", closing);
	return try_parse(j, text, size, ' ');
}

/* libjq 1.6 takes 256 containers within each other and no more, so what passed here passes there. */
static void
check_depth(void)
{
	struct json j;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	check(nested(&j, JSON_MAX_DEPTH, "[", "]"));
	check(!nested(&j, JSON_MAX_DEPTH + 1, "[", "]") && j.reason == REASON_TOO_DEEP && j.byte == 257);
	check(nested(&j, JSON_MAX_DEPTH, "{\"a\":", "}") && sound(&j));
	check(!nested(&j, JSON_MAX_DEPTH + 1, "{\"a\":", "}") && j.reason == REASON_TOO_DEEP);
	json_release(&j);
	json_init(&j, NULL, 1);
	check(gives(&(struct sample){ "{\"a\":1}", 0, 0 }, &j));
	check(gives(&(struct sample){ "{\"a\":[]}", REASON_TOO_DEEP, 6 }, &j));
	json_release(&j);
}

static void
check_nodes(void)
{
	static const char text[] = " {\"a\" : [1,\"x\\n\"] , \"k\":{},\"n\":-1.50}";
	static const struct {
		enum json_kind kind;
		uint32_t next;
		const char *span;
	} want[] = {
		{ JSON_OBJECT, 9, "{\"a\" : [1,\"x\\n\"] , \"k\":{},\"n\":-1.50}" },
		{ JSON_KEY, 5, "\"a\"" },
		{ JSON_ARRAY, 5, "[1,\"x\\n\"]" },
		{ JSON_NUMBER, 4, "1" },
		{ JSON_STRING, 5, "\"x\\n\"" },
		{ JSON_KEY, 7, "\"k\"" },
		{ JSON_OBJECT, 7, "{}" },
		{ JSON_KEY, 9, "\"n\"" },
		{ JSON_NUMBER, 9, "-1.50" },
	};
	struct json j;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	check(try_parse(&j, text, sizeof text - 1, 0) && j.count == 9);
	for (uint32_t i = 0; i < 9 && i < j.count; i++)
		check(json_kind(&j, i) == want[i].kind && j.nodes[i].next == want[i].next &&
		      bytes_are(json_span(&j, i), want[i].span));
	check(j.nodes[3].flags == JSON_INTEGER && j.nodes[8].flags == 0 && j.nodes[4].flags == JSON_ESCAPED);
	check(bytes_are(json_inside(&j, 1), "a"));
	check(json_member(&j, 0, bytes_of("n")) == 8 && json_member(&j, 0, bytes_of("x")) == 0);
	check(json_member(&j, 2, bytes_of("a")) == 0);
	json_release(&j);
}

static void
check_strings(void)
{
	static const char text[] = "[\"a\\u0062\\ud83d\\ude00\\/\",\"plain\",7,\"\\u0000\",{\"\\u006b\":1}]";
	struct json j;
	struct buffer room;

	buffer_init(&room, 1024);
	json_init(&j, NULL, JSON_MAX_DEPTH);
	check(try_parse(&j, text, sizeof text - 1, 0));
	check(bytes_are(json_string(&j, 1, &room), "ab\xf0\x9f\x98\x80/"));
	check(bytes_are(json_string(&j, 2, &room), "plain"));
	check(bytes_equal(json_string(&j, 4, &room), (struct bytes){ "\0", 1 }));
	check(json_is(&j, 1, bytes_of("ab\xf0\x9f\x98\x80/")) &&
	      !json_is(&j, 1, bytes_of("ab\xf0\x9f\x98\x80")));
	check(!json_is(&j, 1, bytes_of("ab\xf0\x9f\x98\x80/x")) && !json_is(&j, 1, bytes_of("")));
	check(json_is(&j, 2, bytes_of("plain")) && !json_is(&j, 2, bytes_of("plai")));
	check(!json_is(&j, 3, bytes_of("7")));
	check(json_member(&j, 5, bytes_of("k")) == 7);
	buffer_release(&room);
	json_release(&j);
}

static void
check_keys(void)
{
	static const char text[] =
	    "{\"code\":1,\"c\\u006fde2\":2,\"other\":3,\"a key of more than sixteen bytes\":4,\"\":5}";
	struct json_keys *keys = json_keys_new();
	struct json j;
	char name[16];
	bool all = true;

	uint16_t code2 = json_keys_add(keys, bytes_of("code2"));
	uint16_t code = json_keys_add(keys, bytes_of("code"));
	uint16_t longer = json_keys_add(keys, bytes_of("a key of more than sixteen bytes"));
	uint16_t empty = json_keys_add(keys, bytes_of(""));

	check(code2 == 1 && code == 2 && longer == 3 && empty == 4);
	check(json_keys_add(keys, bytes_of("code")) == code &&
	      json_keys_find(keys, bytes_of("code2")) == code2);
	check(json_keys_find(keys, bytes_of("other")) == 0);
	json_init(&j, keys, JSON_MAX_DEPTH);
	for (int round = 0; round < 2; round++) {
		check(try_parse(&j, text, sizeof text - 1, 'x'));
		check(json_member_key(&j, 0, code) == 2 && json_member_key(&j, 0, code2) == 4);
		check(j.nodes[5].key == 0 && json_member_key(&j, 0, longer) == 8);
		check(json_member_key(&j, 0, empty) == 10 && json_member_key(&j, 0, 0) == 0);
		/* The second round finds them in a table that has grown. */
		for (int i = 0; i < 70000; i++) {
			struct bytes n = { name, (size_t)snprintf(name, sizeof name, "k%d", i) };
			uint16_t number = json_keys_add(keys, n);

			all = all && number == (i + 5 <= 65535 ? i + 5 : 0);
		}
		check(all);
	}
	json_release(&j);
	json_keys_free(keys);
	json_keys_free(NULL);
}

/* An object of COUNT members k0, k1, ...; the last is named k<LAST>. */
static size_t
many(char **text, unsigned count, unsigned last)
{
	size_t size = 1;

	*text = malloc((size_t)count * 16 + 16);
	if (*text == NULL)
		exit(2);
	(*text)[0] = '{';
	for (unsigned i = 0; i < count; i++)
		size += (size_t)snprintf(*text + size, 16, "\"k%u\":1,", i + 1 < count ? i : last);
	(*text)[size - 1] = '}';
	return size;
}

static void
check_many_members(void)
{
	static const unsigned counts[] = { 2, 3, 8, 9, 31, 32, 33, 34, 64, 65, 1000, 100000 };
	struct json j;
	char *text;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		unsigned n = counts[i];
		size_t size = many(&text, n, n - 1);

		check(try_parse(&j, text, size, 0) && sound(&j));
		free(text);
		size = many(&text, n, 0);
		check(!try_parse(&j, text, size, 0) && j.reason == REASON_DUPLICATE_KEY);
		check(j.byte > size - 10);
		free(text);
		size = many(&text, n, n - 2);
		check(!try_parse(&j, text, size, 0) && j.reason == REASON_DUPLICATE_KEY);
		free(text);
	}
	json_release(&j);
}

/* Keys chosen to meet in one slot of the table, as somebody could who knows the hash. */
static size_t
flood(char *text, unsigned count)
{
	char name[JSON_SLACK] = "";
	size_t size = 1;

	text[0] = '{';
	for (unsigned i = 0; count > 0; i++) {
		struct bytes n = { name, (size_t)snprintf(name, sizeof name, "k%u", i) };

		if ((json_name(n).hash & 1023) != 0)
			continue;
		size += (size_t)snprintf(text + size, 24, "\"%s\":1,", name);
		count--;
	}
	return size;
}

static void
check_flood(void)
{
	static char text[8192];
	struct json j;
	size_t size = flood(text, 300);

	json_init(&j, NULL, JSON_MAX_DEPTH);
	text[size - 1] = '}';
	check(try_parse(&j, text, size, 0) && sound(&j) && j.count == 601);
	text[size - 1] = ',';
	memcpy(text + size, text + 1, 16);
	char *end = memchr(text + size, ',', 16);
	*end = '}';
	check(!try_parse(&j, text, (size_t)(end + 1 - text), 0) && j.reason == REASON_DUPLICATE_KEY);
	check(j.byte == size + 1);
	json_release(&j);
}

static void
check_numbers(void)
{
	static const char text[] =
	    "[0,9007199254740991,9007199254740992,-1,1.0,1e3,\"1\",99999999999999999999]";
	struct json j;
	uint64_t value = 7;
	char digits[1100];

	json_init(&j, NULL, JSON_MAX_DEPTH);
	check(try_parse(&j, text, sizeof text - 1, 0));
	check(json_integer(&j, 1, &value) && value == 0);
	check(json_integer(&j, 2, &value) && value == 9007199254740991);
	for (uint32_t i = 3; i < j.count; i++)
		check(!json_integer(&j, i, &value));
	memset(digits, '9', sizeof digits);
	check(try_parse(&j, digits, 1000, 0));
	check(!try_parse(&j, digits, 1001, 0) && j.reason == REASON_BAD_NUMBER && j.byte == 1001);
	json_release(&j);
}

static void
check_write(void)
{
	struct buffer out;

	buffer_init(&out, 64);
	check(json_write_string(&out, (struct bytes){ "a\"\\\n\x01\0/\xc3\xa9\x7f", 10 }));
	check(bytes_are(buffer_bytes(&out), "\"a\\\"\\\\\\n\\u0001\\u0000/\xc3\xa9\x7f\""));
	out.used = 0;
	check(json_write_string(&out, (struct bytes){ NULL, 0 }) && bytes_are(buffer_bytes(&out), "\"\""));
	out.used = 60;
	check(!json_write_string(&out, bytes_of("abc")));
	buffer_release(&out);
	check(json_blank(bytes_of(" \t\r\n")) && json_blank((struct bytes){ NULL, 0 }) &&
	      !json_blank(bytes_of(" x")));
	check(!json_blank(bytes_of("\v")) && !json_blank((struct bytes){ "\0", 1 }));
}

static bool
suite_file(struct json *j, int folder, const char *name)
{
	static char text[300000];
	int fd = openat(folder, name, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
	bool ok = size >= 0 && try_parse(j, text, (size_t)size, ' ');

	if (fd >= 0)
		(void)close(fd);
	if (size < 0)
		return false;
	/* The suite leaves double keys to the reader; here they are refused, by name. */
	if (strncmp(name, "y_object_duplicated_key", 23) == 0)
		return !ok && j->reason == REASON_DUPLICATE_KEY;
	return name[0] == 'i' || ok == (name[0] == 'y');
}

static void
check_suite(void)
{
	const char *root = getenv("EHR_ROOT"); /* a test may ask where it is run */
	char path[4096];
	struct json j;
	int files = 0;

	(void)snprintf(
	    path, sizeof path, "%s/../shared/data/json-test-suite/test_parsing", root != NULL ? root : ".");
	DIR *folder = opendir(path);
	if (folder == NULL) {
		skip("the JSON suite", "../shared/data is not there");
		return;
	}
	json_init(&j, NULL, JSON_MAX_DEPTH);
	for (struct dirent *e; (e = readdir(folder)) != NULL;)
		if (e->d_name[0] != '.') {
			bool right = suite_file(&j, dirfd(folder), e->d_name);

			if (!right)
				printf("# %s\n", e->d_name);
			check(right);
			files++;
		}
	check(files > 300);
	json_release(&j);
	(void)closedir(folder);
}

/* Many members x and _x, with and without escapes, and _x without x. */
static void
check_twins(void)
{
	enum { PAIRS = 500, LONE = 1 + 4 * PAIRS };
	static const char *const plain[] = { "a", "\\u0061", "a", "\\u0061" };
	static const char *const twin[] = { "_a", "_a", "\\u005fa", "_\\u0061" };
	static char text[PAIRS * 48 + 64 + JSON_SLACK] = "{";
	char *at = text + 1, *end = text + sizeof text - JSON_SLACK;
	struct json_named named;
	struct json j;
	int right = 0, wrong = 0;

	for (int i = 0; i < PAIRS; i++)
		at += snprintf(
		    at, (size_t)(end - at), "\"%s%d\":1,\"%s%d\":2,", plain[i % 4], i, twin[i % 4], i);
	at += snprintf(at, (size_t)(end - at), "\"_\":1,\"_b\":1,\"c\":{\"_a1\":2}}");
	json_init(&j, NULL, 10);
	json_named_init(&named);
	check(json_parse(&j, (struct bytes){ text, (size_t)(at - text) }));
	for (int turn = 0; turn < 2; turn++) {
		json_named_clear(&named);
		for (uint32_t k = 1; k < LONE; k += 4) {
			right += json_named_twin(&named, &j, 0, k + 2) == k;
			wrong += json_named_twin(&named, &j, 0, k) != 0;
		}
	}
	check(right == 2 * PAIRS);
	check(wrong == 0);
	check(json_named_twin(&named, &j, 0, LONE) == 0);
	check(json_named_twin(&named, &j, 0, LONE + 2) == 0);
	check(json_named_twin(&named, &j, LONE + 5, LONE + 6) == 0);
	json_named_release(&named);
	json_release(&j);
}

int
main(void)
{
	check_samples();
	check_every_cut();
	check_depth();
	check_nodes();
	check_strings();
	check_keys();
	check_many_members();
	check_twins();
	check_flood();
	check_numbers();
	check_write();
	check_suite();
	return tap_end();
}
