/* SPDX-License-Identifier: ISC */
#include "common/base/disguise.h"
#include "tests/lib/fuzz.h"

/* Behind what comes out stand the zeros that the next reading needs, and its size has a bound. */
static void
check_plain(struct bytes plain, size_t size)
{
	hold(plain.size <= 3 * size + 3);
	for (size_t i = 0; i < DISGUISE_SLACK && plain.size > 0; i++)
		hold(plain.at[plain.size + i] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + DISGUISE_SLACK, 1);
	struct disguise disguise;
	struct buffer out;

	hold(text != NULL);
	memcpy(text, data, size);
	disguise_init(&disguise);
	buffer_init(&out, BUFFER_UNLIMITED);
	check_plain(disguise_decode(&disguise, (struct bytes){ text, size }), size);
	if (disguise_undo(&disguise, (struct bytes){ text, size }, &out))
		check_plain(buffer_bytes(&out), size);
	buffer_release(&out);
	disguise_release(&disguise);
	free(text);
	return 0;
}
