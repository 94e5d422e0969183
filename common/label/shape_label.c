/* SPDX-License-Identifier: ISC */
#include "common/label/shape.h"

#include <string.h>

/* The last segment of URL, without a version and slashes at the end. */
static struct bytes
last_segment(struct bytes url)
{
	const char *bar = url.size == 0 ? NULL : memchr(url.at, '|', url.size);
	size_t start;

	if (bar != NULL)
		url.size = (size_t)(bar - url.at);
	while (url.size > 0 && url.at[url.size - 1] == '/')
		url.size--;
	for (start = url.size; start > 0 && strchr("/:#", url.at[start - 1]) == NULL; start--)
		;
	return (struct bytes){ url.at + start, url.size - start };
}

bool
shape_may_be_label(struct bytes escaped)
{
	return memmem(escaped.at, escaped.size, "abel", 4) != NULL ||
	       memmem(escaped.at, escaped.size, "ABEL", 4) != NULL ||
	       memchr(escaped.at, '\\', escaped.size) != NULL;
}

bool
shape_is_inline_label(struct bytes url)
{
	static const struct bytes name[] = { BYTES("extension-inline-sec-label"), BYTES("inline-sec-label"),
		BYTES("inline-security-label"), BYTES("sec-label"), BYTES("security-label"),
		BYTES("securityLabel") };
	struct bytes last = last_segment(url);

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (bytes_equal_folded(last, name[i]))
			return true;
	return false;
}
