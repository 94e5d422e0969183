/* SPDX-License-Identifier: ISC */
#include "common/base/base32.h"
#include "common/base/bytes.h"
#include "tests/lib/tap.h"

static bool
gives(const char *data, const char *want)
{
	char text[64];
	size_t size = strlen(data);
	size_t used = base32_encode(text, (const unsigned char *)data, size);

	return used == BASE32_SIZE(size) && bytes_are((struct bytes){ text, used }, want);
}

/* RFC 4648 section 10, in lower case and without its padding. */
int
main(void)
{
	check(gives("", ""));
	check(gives("f", "my"));
	check(gives("fo", "mzxq"));
	check(gives("foo", "mzxw6"));
	check(gives("foob", "mzxw6yq"));
	check(gives("fooba", "mzxw6ytb"));
	check(gives("foobar", "mzxw6ytboi"));
	return tap_end();
}
