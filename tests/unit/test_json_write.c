/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/json/json_write.h"
#include "tests/lib/tap.h"

#include <inttypes.h>

static struct buffer out;

static bool
wrote(const struct json_write *w, const char *text)
{
	bool good = json_write_whole(w) && bytes_are(buffer_bytes(&out), text);

	if (!good)
		printf("# %.*s\n# not %s\n", (int)out.used, out.at, text);
	out.used = 0;
	return good;
}

static void
check_containers(void)
{
	struct json_write w = json_write_to(&out);

	json_write_open(&w, '{');
	json_write_close(&w, '}');
	check(wrote(&w, "{}"));

	w = json_write_to(&out);
	json_write_open(&w, '{');
	json_write_name(&w, "a");
	json_write_open(&w, '[');
	json_write_close(&w, ']');
	json_write_name(&w, "b");
	json_write_open(&w, '[');
	json_write_open(&w, '{');
	json_write_close(&w, '}');
	json_write_open(&w, '[');
	json_write_number(&w, 1);
	json_write_number(&w, 2);
	json_write_close(&w, ']');
	json_write_bool(&w, true);
	json_write_close(&w, ']');
	json_write_name(&w, "c");
	json_write_bool(&w, false);
	json_write_close(&w, '}');
	check(wrote(&w, "{\"a\":[],\"b\":[{},[1,2],true],\"c\":false}"));
}

/* What stands in the buffer before stays; a raw piece has no comma. */
static void
check_pieces(void)
{
	struct json_write w;

	buffer_add(&out, "x=", 2);
	w = json_write_to(&out);
	json_write_open(&w, '[');
	json_write_value(&w, bytes_of("null"));
	json_write_raw(&w, bytes_of(" "));
	json_write_raw(&w, (struct bytes){ NULL, 0 });
	json_write_word(&w, bytes_of("w"));
	json_write_word(&w, (struct bytes){ "", 0 });
	json_write_close(&w, ']');
	check(wrote(&w, "x=[null ,\"w\",\"\"]"));
}

/* A value of several lines stands in one; what a string has stays. */
static void
check_lines(void)
{
	static const char text[] = "{\n\"a\\n\" :\r\n[1,\n2]\n}";
	struct buffer b;
	struct json j;
	struct json_write w = json_write_to(&out);

	buffer_init(&b, BUFFER_UNLIMITED);
	buffer_add(&b, text, sizeof text - 1);
	json_init(&j, NULL, 4);
	check(json_slack(&b) && json_parse(&j, buffer_bytes(&b)));
	json_write_open(&w, '{');
	json_write_copy(&w, &j, 1);
	json_write_name(&w, "b");
	json_write_in_line(&w, json_span(&j, 0));
	json_write_close(&w, '}');
	check(wrote(&w, "{\"a\\n\":[1, 2],\"b\":{ \"a\\n\" :\r [1, 2] }}"));
	json_release(&j);
	buffer_release(&b);
}

static void
check_numbers(void)
{
	struct json_write w = json_write_to(&out);

	json_write_open(&w, '[');
	json_write_number(&w, 0);
	json_write_number(&w, -1);
	json_write_number(&w, 10);
	json_write_number(&w, INT64_MAX);
	json_write_number(&w, INT64_MIN);
	json_write_natural(&w, 0);
	json_write_natural(&w, UINT64_MAX);
	json_write_close(&w, ']');
	check(wrote(&w, "[0,-1,10,9223372036854775807,-9223372036854775808,0,18446744073709551615]"));
}

static void
check_members(void)
{
	struct json_write w = json_write_to(&out);

	json_write_open(&w, '{');
	json_write_member(&w, "text", bytes_of("a\"b"));
	json_write_member_word(&w, "word", bytes_of("low"));
	json_write_member_value(&w, "value", bytes_of("[1]"));
	json_write_member_number(&w, "number", -7);
	json_write_member_base64url(&w, "bytes", "\xff\xfe\xfd\xfc", 4);
	json_write_member_base64url(&w, "none", "", 0);
	json_write_members(&w, (struct bytes){ "", 0 });
	json_write_members(&w, bytes_of("\"c\":1,\"d\":2"));
	json_write_key(&w, bytes_of("k\n"));
	json_write_bool(&w, false);
	json_write_close(&w, '}');
	check(wrote(&w, "{\"text\":\"a\\\"b\",\"word\":\"low\",\"value\":[1],\"number\":-7,"
			"\"bytes\":\"__79_A\",\"none\":\"\",\"c\":1,\"d\":2,\"k\\n\":false}"));
}

/* Control characters, quote and backslash are escaped; all else, UTF-8 and DEL too, stands as it is. */
static void
check_texts(void)
{
	static const char *const shorts[32] = {
		['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"
	};
	struct json_write w;
	char want[16];

	for (unsigned c = 0; c < 32; c++) {
		char one = (char)c;

		(void)snprintf(want, sizeof want, "\"\\u%04x\"", c);
		if (shorts[c] != NULL)
			(void)snprintf(want, sizeof want, "\"%s\"", shorts[c]);
		w = json_write_to(&out);
		json_write_text(&w, (struct bytes){ &one, 1 });
		check(wrote(&w, want));
	}
	w = json_write_to(&out);
	json_write_text(&w, bytes_of("\"\\/\x7f\xc3\xa4\xe2\x82\xac"));
	check(wrote(&w, "\"\\\"\\\\/\x7f\xc3\xa4\xe2\x82\xac\""));
	w = json_write_to(&out);
	json_write_text(&w, (struct bytes){ NULL, 0 });
	check(wrote(&w, "\"\""));
}

/* The one byte that needs an escape at every place of a text longer than the blocks that are looked at. */
static void
check_places(void)
{
	for (size_t place = 0; place < 40; place++) {
		char text[40], want[48];
		struct json_write w = json_write_to(&out);

		memset(text, 'a', sizeof text);
		text[place] = '\n';
		(void)snprintf(want, sizeof want, "\"%.*s\\n%.*s\"", (int)place, text, (int)(39 - place),
		    text + place + 1);
		json_write_text(&w, (struct bytes){ text, sizeof text });
		check(wrote(&w, want));
	}
}

/* Whatever does not fit is remembered, and nothing is written behind it. */
static void
check_full(void)
{
	static const char whole[] = "{\"a\":[12,\"b\\n\",\"_w\",true],\"c\":1}";

	for (size_t limit = 0; limit < sizeof whole; limit++) {
		struct buffer small;
		struct json_write w = json_write_to(&small);

		buffer_init(&small, limit);
		json_write_open(&w, '{');
		json_write_name(&w, "a");
		json_write_open(&w, '[');
		json_write_number(&w, 12);
		json_write_text(&w, bytes_of("b\n"));
		json_write_base64url(&w, "\xff", 1);
		json_write_bool(&w, true);
		json_write_close(&w, ']');
		json_write_member_number(&w, "c", 1);
		json_write_close(&w, '}');
		check(json_write_whole(&w) == (limit == sizeof whole - 1));
		check(
		    small.used <= limit && memcmp(small.at != NULL ? small.at : "", whole, small.used) == 0);
		buffer_release(&small);
	}
}

int
main(void)
{
	buffer_init(&out, BUFFER_UNLIMITED);
	check_containers();
	check_pieces();
	check_numbers();
	check_lines();
	check_members();
	check_texts();
	check_places();
	check_full();
	buffer_release(&out);
	return tap_end();
}
