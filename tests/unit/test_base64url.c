/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/base/base64url_wide.h"
#include "tests/lib/tap.h"

#include <stdint.h>
#include <stdlib.h>

static const struct {
	const char *plain;
	const char *coded;
} known[] = {
	/* RFC 4648 section 10, and the two characters that differ from base64 */
	{ "", "" },
	{ "f", "Zg" },
	{ "fo", "Zm8" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg" },
	{ "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "-_-_" },
};

static const char *const refused[] = { "A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9v\n", "Zm 9", "-_+_",
	"-_/_", "Zm9v\x80", "=", "AAA\xc1",
	/* longer than a block: one character too many, and bits that are set and unused */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB" };

/* Bytes that look random and are the same in every run. */
static void
fill(unsigned char *at, size_t size)
{
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		at[i] = (unsigned char)(x >> 11);
	}
}

/* Both ways agree at every length, in exactly as much memory as was promised. */
static bool
all_lengths_agree(const unsigned char *data, size_t most)
{
	for (size_t n = 0; n <= most; n++) {
		struct bytes in = { (const char *)data, n };
		size_t chars = BASE64URL_SIZE(n), size = 0;
		char *fast = malloc(chars + 1), *plain = malloc(chars + 1);
		char *back = malloc(n + 1);
		bool same = base64url_encode(fast, in) == chars &&
			    base64url_encode_plain(plain, in) == chars && memcmp(fast, plain, chars) == 0 &&
			    base64url_decode(back, &size, (struct bytes){ fast, chars }) && size == n &&
			    (n == 0 || memcmp(back, data, n) == 0) && BASE64URL_BYTES(chars) == n &&
			    base64url_valid((struct bytes){ fast, chars });

		free(fast);
		free(plain);
		free(back);
		if (!same)
			return false;
	}
	return true;
}

/* Every byte value at every place of a text: both ways take the same ones. */
static bool
every_byte_judged_alike(const unsigned char *data)
{
	char text[84], out[84];
	size_t chars = base64url_encode(text, (struct bytes){ (const char *)data, 60 }), good = 0;

	for (size_t place = 0; place < chars; place++) {
		char keep = text[place];

		for (unsigned c = 0; c < 256; c++) {
			size_t size;
			bool fast, plain;

			text[place] = (char)c;
			fast = base64url_decode(out, &size, (struct bytes){ text, chars });
			plain = base64url_decode_plain(out, &size, (struct bytes){ text, chars });
			if (base64url_valid((struct bytes){ text, chars }) != plain ||
			    base64url_valid_plain((struct bytes){ text, chars }) != plain)
				return false;
			good += fast;
			if (fast != plain)
				return false;
		}
		text[place] = keep;
	}
	return good == 64 * chars;
}

/* As the processor can at best, or without its widest instructions. */
static void
check_all(bool wide)
{
	unsigned char data[1024];
	char out[64];
	size_t size;

	base64url_allow_wide(wide);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct bytes plain = bytes_of(known[i].plain), coded = bytes_of(known[i].coded);

		check(base64url_encode(out, plain) == coded.size && memcmp(out, coded.at, coded.size) == 0);
		check(base64url_decode(out, &size, coded) && bytes_equal((struct bytes){ out, size }, plain));
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		check(!base64url_decode(out, &size, bytes_of(refused[i])));
		check(!base64url_decode_plain(out, &size, bytes_of(refused[i])));
		check(!base64url_valid(bytes_of(refused[i])));
	}
	fill(data, sizeof data);
	check(all_lengths_agree(data, sizeof data));
	check(every_byte_judged_alike(data));
}

int
main(void)
{
	check_all(true);
	check_all(false);
	return tap_end();
}
