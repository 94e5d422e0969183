/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_PUT_H
#define EHR_ACCESS_PUT_H

#include "common/base/buffer.h"

/*
 * put: text behind text in a buffer without a limit that matters: an answer is bounded by its request and its
 * policy, and out of memory ends the program.
 */
static inline void
put_bytes(struct buffer *out, struct bytes text)
{
	(void)buffer_append(out, text.at, text.size);
}

static inline void
put(struct buffer *out, const char *text)
{
	(void)buffer_append(out, text, strlen(text));
}

static inline void
put_number(struct buffer *out, unsigned number)
{
	char text[12];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	(void)buffer_append(out, text + at, sizeof text - at);
}

#endif
