/* SPDX-License-Identifier: ISC */
#include "common/base/bytes.h"
#include "tests/lib/tap.h"

static void
check_ends(void)
{
	const struct bytes name = BYTES("a\0b.yaml");

	check(bytes_end(name, ".yaml"));
	check(bytes_end(name, ""));
	check(!bytes_end(name, ".yml"));
	check(bytes_end(bytes_of(".yaml"), ".yaml"));
	check(!bytes_end(bytes_of("yaml"), ".yaml"));
	check(bytes_end(bytes_of(""), ""));
	check(!bytes_end(bytes_of(""), "x"));
	check(bytes_begin(name, "a") && !bytes_begin(name, "ab") && !bytes_begin(bytes_of("a"), "ab"));
}

static void
check_pieces(void)
{
	check(bytes_are(bytes_behind(bytes_of("v1.2"), 1), "1.2"));
	check(bytes_behind(bytes_of("v"), 1).size == 0);
	check(bytes_digits(bytes_of("v12.3"), 1) == 2);
	check(bytes_digits(bytes_of("v12"), 1) == 2);
	check(bytes_digits(bytes_of("v12"), 0) == 0);
	check(bytes_digits(bytes_of("v12"), 3) == 0 && bytes_digits(bytes_of("v12"), 9) == 0);
}

static bool
is_among(int c, const char *letters)
{
	return c != '\0' && strchr(letters, c) != NULL;
}

static void
check_ascii(void)
{
	static const char digits[] = "0123456789";
	static const char small[] = "abcdefghijklmnopqrstuvwxyz";
	static const char capital[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool digit = true, letter = true, lower = true;

	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		const char *at = i != 0 ? strchr(capital, i) : NULL;

		digit = digit && ascii_is_digit(c) == is_among(i, digits);
		letter = letter && ascii_is_letter(c) == (is_among(i, small) || is_among(i, capital));
		lower = lower && ascii_lower(c) == (at != NULL ? small[at - capital] : c);
	}
	check(digit);
	check(letter);
	check(lower);
}

static void
check_order(void)
{
	check(bytes_compare(bytes_of("a"), bytes_of("a")) == 0);
	check(bytes_compare(bytes_of("a"), bytes_of("ab")) < 0);
	check(bytes_compare(bytes_of("b"), bytes_of("ab")) > 0);
	check(bytes_compare(bytes_of("\x7f"), bytes_of("\x80")) < 0);
	check(bytes_compare((struct bytes){ NULL, 0 }, bytes_of("")) == 0);
	check(bytes_equal((struct bytes){ NULL, 0 }, bytes_of("")));
	check(!bytes_equal(bytes_of("ab"), bytes_of("ac")) && !bytes_equal(bytes_of("a"), bytes_of("ab")));
}

int
main(void)
{
	check_ends();
	check_pieces();
	check_ascii();
	check_order();
	return tap_end();
}
