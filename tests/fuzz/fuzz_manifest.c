/* SPDX-License-Identifier: ISC */
#include "common/line/manifest.h"
#include "tests/lib/fuzz.h"

static unsigned char
digit(char c)
{
	return (unsigned char)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
}

/* The digest at the end of a line, before "} and after the number. */
static uint64_t
read_line(struct bytes line, unsigned char digest[MANIFEST_DIGEST])
{
	const char *hex = line.at + line.size - 2 - MANIFEST_HEX;

	for (size_t i = 0; i < MANIFEST_DIGEST; i++)
		digest[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return strtoull(line.at + sizeof "{\"seq\":" - 1, NULL, 10);
}

static struct bytes
batch_of(struct bytes text)
{
	const char *at = memmem(text.at, text.size, "\"batch\":\"", 9);

	hold(at != NULL);
	at += 9;
	return (struct bytes){ at, (size_t)((const char *)memchr(at, '"', 1024) - at) };
}

/*
 * Whatever is read as a manifest, its lines in order hold, each of them once, and then none is missing; a
 * line of another batch or digest never holds.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct bytes text = { copy, size }, line, batch;
	unsigned char digest[MANIFEST_DIGEST];
	struct manifest *m;
	const char *why;
	uint64_t seq, lines = 0;
	size_t number;

	hold(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = '\0';
	m = manifest_read(text, &number, &why);
	hold((m == NULL) == (why != NULL));
	if (m != NULL)
		batch = batch_of(text);
	while (m != NULL && bytes_line(&text, &line)) {
		if (!bytes_begin(line, "{\"seq\":"))
			continue;
		seq = read_line(line, digest);
		digest[31] ^= 1;
		hold(manifest_take(m, batch, seq, digest) == MANIFEST_FOREIGN);
		digest[31] ^= 1;
		hold(manifest_take(m, (struct bytes)BYTES("?"), seq, digest) == MANIFEST_FOREIGN ||
		     bytes_are(batch, "?"));
		hold(manifest_missing(m) + lines == manifest_lines(m));
		hold(manifest_take(m, batch, seq, digest) == MANIFEST_HOLDS);
		hold(manifest_take(m, batch, seq, digest) == MANIFEST_ORDER);
		lines++;
	}
	hold(m == NULL || (manifest_missing(m) == 0 && manifest_lines(m) == lines));
	manifest_free(m);
	free(copy);
	return 0;
}
