/* SPDX-License-Identifier: ISC */
#include "common/base/decimal.h"
#include "tests/lib/tap.h"

#include <string.h>

static bool
reads(const char *text)
{
	struct decimal d;

	return decimal_parse(bytes_of(text), &d);
}

static void
check_grammar(void)
{
	static const char *const good[] = { "0", "-0", "0.0", "-0.0e5", "1", "-1", "10", "1.0", "1e5", "1E+5",
		"1.5e-7", "123456789012345678901234567890", "1e99999999999999999",
		"0e99999999999999999999999" };
	static const char *const bad[] = { "", "-", "+1", "01", "-01", "00", ".5", "1.", "1.e5", "1e", "1e+",
		"0x1", "NaN", "Infinity", "1 ", " 1", "1,5", "--1", "1e5.0", "\"1\"",
		"1e999999999999999999999", "1e-100000000000000001" };
	char longest[DECIMAL_MAX_SIZE + 2];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		check(reads(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(!reads(bad[i]));
	memset(longest, '7', sizeof longest);
	longest[DECIMAL_MAX_SIZE] = 0;
	check(reads(longest));
	longest[DECIMAL_MAX_SIZE] = '7';
	longest[DECIMAL_MAX_SIZE + 1] = 0;
	check(!reads(longest));
}

static int
compare(const char *a, const char *b)
{
	struct decimal x, y;

	if (!decimal_parse(bytes_of(a), &x) || !decimal_parse(bytes_of(b), &y))
		return 99;
	return decimal_compare(&x, &y);
}

static void
check_order(void)
{
	/* Ascending; equal ones stand beside one another, told apart by the flag. */
	static const struct {
		const char *text;
		bool as_before;
	} list[] = { { "-1e999999", false }, { "-12345678901234567891", false },
		{ "-12345678901234567890", false }, { "-10", false }, { "-1e1", true }, { "-9.99", false },
		{ "-0.1", false }, { "-1e-999999", false }, { "0", false }, { "-0", true }, { "0.00", true },
		{ "0e7", true }, { "1e-999999", false }, { "0.0001", false }, { "1e-4", true },
		{ "0.00010", true }, { "7.4", false }, { "7.40", true }, { "74e-1", true },
		{ "0.074e2", true }, { "7.400000000000000000000000001", false }, { "92", false },
		{ "92.0", true }, { "9.2e1", true }, { "920e-1", true }, { "100", false }, { "1E+2", true },
		{ "1.0e2", true }, { "110", false }, { "1.1E+2", true }, { "12345678901234567890", false },
		{ "12345678901234567891", false }, { "1e999999", false }, { "10e999998", true },
		{ "1.0000000001e999999", false } };
	size_t count = sizeof list / sizeof list[0];
	unsigned rank[sizeof list / sizeof list[0]];

	for (size_t i = 0; i < count; i++)
		rank[i] = i == 0 ? 0 : rank[i - 1] + !list[i].as_before;
	for (size_t i = 0; i < count; i++) {
		bool good = true;

		for (size_t k = 0; k < count; k++)
			good = good && compare(list[i].text, list[k].text) ==
					   (rank[i] > rank[k]) - (rank[i] < rank[k]);
		if (!good)
			printf("# %s\n", list[i].text);
		check(good);
	}
}

static bool
rounds(const char *value, const char *step, const char *want)
{
	struct decimal v, s;
	struct buffer out;
	bool good;

	buffer_init(&out, 10000);
	good = decimal_parse(bytes_of(value), &v) && decimal_parse(bytes_of(step), &s);
	good = good && decimal_round(&v, &s, &out) && bytes_are(buffer_bytes(&out), want);
	if (!good)
		printf("# %s to %s: %.*s\n", value, step, (int)out.used, out.at);
	buffer_release(&out);
	return good;
}

static void
check_rounding(void)
{
	static const struct {
		const char *value, *step, *want;
	} list[] = { { "7.26", "0.5", "7.5" }, { "7", "0.5", "7.0" }, { "7.24", "0.5", "7.0" },
		{ "0.25", "0.1", "0.2" }, { "0.35", "0.1", "0.4" },
		{ "0.250000000000000000001", "0.1", "0.3" }, { "-0.25", "0.1", "-0.2" },
		{ "-0.04", "0.1", "0.0" }, { "2.5", "1", "2" }, { "3.5", "1", "4" }, { "12", "5", "10" },
		{ "13", "5", "15" }, { "1234567890123456789012", "1000", "1234567890123456789000" },
		{ "123456789.5", "1e-3", "123456789.500" }, { "1e-900", "0.001", "0.000" },
		{ "7.5e2", "100", "800" }, { "0", "0.01", "0.00" }, { "99.996", "0.01", "100.00" },
		{ "0.3", "0.25", "0.25" }, { "999999999.95", "0.1", "1000000000.0" },
		{ "1000000000000000000", "1e18", "1000000000000000000" } };
	struct decimal v, s;
	struct buffer out;

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		check(rounds(list[i].value, list[i].step, list[i].want));
	buffer_init(&out, 3);
	check(decimal_parse(bytes_of("1e1001"), &v) && decimal_parse(bytes_of("1"), &s));
	check(!decimal_round(&v, &s, &out));
	check(decimal_parse(bytes_of("1e-1001"), &v) && !decimal_round(&v, &s, &out));
	check(decimal_parse(bytes_of("5"), &v) && decimal_parse(bytes_of("0"), &s));
	check(!decimal_round(&v, &s, &out));
	check(decimal_parse(bytes_of("-1"), &s) && !decimal_round(&v, &s, &out));
	check(decimal_parse(bytes_of("1000"), &v) && decimal_parse(bytes_of("1"), &s));
	check(!decimal_round(&v, &s, &out) && out.used == 0);
	buffer_release(&out);
}

static void
check_floor(void)
{
	static const struct {
		const char *value, *step, *want;
	} list[] = { { "7.26", "0.5", "7.0" }, { "7.99", "0.5", "7.5" }, { "-7.26", "0.5", "-7.5" },
		{ "-7.5", "0.5", "-7.5" }, { "89", "10", "80" }, { "90", "10", "90" }, { "0", "5", "0" },
		{ "-0.01", "5", "-5" }, { "1e2", "30", "90" } };
	struct decimal v, s;
	struct buffer out;

	buffer_init(&out, 100);
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		out.used = 0;
		check(decimal_parse(bytes_of(list[i].value), &v) &&
		      decimal_parse(bytes_of(list[i].step), &s) && decimal_floor(&v, &s, &out) &&
		      bytes_are(buffer_bytes(&out), list[i].want));
	}
	check(decimal_parse(bytes_of("-1"), &s) && !decimal_floor(&v, &s, &out));
	buffer_release(&out);
}

static void
check_line(void)
{
	static const struct {
		const char *offset, *factor, *value, *want;
	} list[] = { { "0", "0.1", "374", "37.4" }, { "20", "0.5", "-3", "18.5" },
		{ "-1.25", "2", "0.5", "-0.25" }, { "1.25", "-2", "0.5", "0.25" }, { "0", "-1", "7", "-7" },
		{ "5", "0", "7", "5" }, { "-5", "3", "0", "-5" }, { "1e2", "1e-2", "12", "100.12" },
		{ "-1", "1", "1", "0" }, { "0.001", "1e3", "1e3", "1000000.001" } };
	struct decimal offset, factor, value;
	struct buffer out;

	buffer_init(&out, 1000);
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		out.used = 0;
		check(decimal_parse(bytes_of(list[i].offset), &offset) &&
		      decimal_parse(bytes_of(list[i].factor), &factor) &&
		      decimal_parse(bytes_of(list[i].value), &value) &&
		      decimal_line(&offset, &factor, &value, &out) &&
		      bytes_are(buffer_bytes(&out), list[i].want));
	}
	out.used = 0;
	check(decimal_parse(bytes_of("1e199"), &offset) && decimal_parse(bytes_of("1e-200"), &factor) &&
	      decimal_line(&offset, &factor, &factor, &out) && out.used == 200 + 1 + 400);
	out.used = 0;
	check(decimal_parse(bytes_of("1e200"), &value) && !decimal_line(&offset, &factor, &value, &out) &&
	      out.used == 0);
	buffer_release(&out);
}

int
main(void)
{
	check_line();
	check_grammar();
	check_floor();
	check_order();
	check_rounding();
	return tap_end();
}
