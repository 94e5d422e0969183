/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

#include <string.h>

/*
 * opaque: strings that nobody can look into.  A run of 256 base64 characters, also with line ends between
 * them: base64 or base64url, so much of it that it is no word.
 */
enum { OPAQUE_LENGTH = 256 };

static bool
is_base64(unsigned char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10 || c == '+' || c == '/' ||
	       c == '-' || c == '_' || c == '=';
}

/*
 * With escapes left as they are: \n, \/ and \u002f are runs of these characters too, so a long run of what is
 * unescaped is at least as long here.
 */
static bool
is_base64_escaped(unsigned char c)
{
	return is_base64(c) || c == '\\' || c == '\n' || c == '\r';
}

/* A run that long covers every 256th byte, so look there, and backwards from it. */
static bool
may_hold_run(struct bytes text)
{
	size_t at = OPAQUE_LENGTH - 1;

	while (at < text.size) {
		size_t i = at;

		while (is_base64_escaped((unsigned char)text.at[i])) {
			if (at - i == OPAQUE_LENGTH - 1)
				return true;
			i--;
		}
		at = i + OPAQUE_LENGTH;
	}
	return false;
}

static bool
holds_run(struct bytes text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (is_base64(c))
			run++;
		else if (c != '\n' && c != '\r')
			run = 0;
		if (run >= OPAQUE_LENGTH)
			return true;
	}
	return false;
}

bool
opaque_string(const struct json *j, uint32_t node, struct buffer *room)
{
	struct bytes text = json_inside(j, node);

	/* An attachment that is its own address. */
	if (bytes_begin(text, "data:") && memchr(text.at, ',', text.size) != NULL)
		return true;
	return text.size >= OPAQUE_LENGTH && may_hold_run(text) && holds_run(json_string(j, node, room));
}
