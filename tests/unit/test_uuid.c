/* SPDX-License-Identifier: ISC */
#include "common/base/uuid.h"
#include "tests/lib/tap.h"

#define PLAIN "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

static bool
ends(const char *text)
{
	return uuid_ends(bytes_of(text));
}

/* Each byte of the UUID and the one before it, changed to each other byte. */
static void
check_bytes(void)
{
	char text[] = "Encounter/" PLAIN;
	size_t sign = sizeof text - 1 - UUID_SIZE - 1;
	bool good = true;

	for (size_t i = sign; i < sizeof text - 1; i++) {
		char before = text[i];

		for (int c = 1; c < 256; c++) {
			text[i] = (char)c;
			bool is_hyphen = before == '-';
			bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			bool fits = i == sign   ? c == '/' || c == ':' || c == '|'
				    : is_hyphen ? c == '-'
						: is_digit;

			good = good && ends(text) == fits;
		}
		text[i] = before;
	}
	check(good);
}

int
main(void)
{
	check(ends("Encounter/" PLAIN));
	check(ends("urn:uuid:" PLAIN));
	check(ends("/" PLAIN));
	check(!ends(PLAIN));
	check(!ends("Encounter/"));
	check(!ends(""));
	check(!ends("Encounter/" PLAIN "/_history/1"));
	check(!ends("x/F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"));
	/* "HIV s " in hexadecimal, and with a byte that is no ASCII */
	check(!ends("Encounter/f81d4fae-7dec-11d0-a765-484956207320"));
	check(ends("Encounter/f81d4fae-7dec-11d0-a765-484956c07320"));
	check_bytes();
	return tap_end();
}
