/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "tests/lib/fuzz.h"

/* Both ways agree on every text, and what decodes encodes to the same text: it has one form only. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	char *fast = malloc(BASE64URL_BYTES(size) + 1), *plain = malloc(BASE64URL_BYTES(size) + 1);
	char *again = malloc(BASE64URL_SIZE(size) + 1);
	size_t n, m;
	bool good;

	hold(fast != NULL && plain != NULL && again != NULL);
	good = base64url_decode(fast, &n, text);
	hold(good == base64url_decode_plain(plain, &m, text));
	if (good) {
		hold(n == m && memcmp(fast, plain, n) == 0);
		hold(base64url_encode(again, (struct bytes){ fast, n }) == size &&
		     memcmp(again, data, size) == 0);
	}
	n = base64url_encode(again, text);
	hold(n == BASE64URL_SIZE(size) && memchr(again, '=', n) == NULL);
	free(fast);
	free(plain);
	free(again);
	return 0;
}
