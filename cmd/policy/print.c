/* SPDX-License-Identifier: ISC */
#include "cmd/policy/print.h"

#include "common/base/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum { ROOM = 4096 };

static struct bytes __attribute__((format(printf, 2, 0)))
compose(char text[ROOM], const char *format, va_list list)
{
	int size = vsnprintf(text, ROOM, format, list);

	if (size < 0 || size >= ROOM)
		diag_bug("a line is longer than its room");
	return (struct bytes){ text, (size_t)size };
}

void
print(struct sink *out, const char *format, ...)
{
	char text[ROOM];
	va_list list;

	va_start(list, format);
	(void)sink_put(out, compose(text, format, list));
	va_end(list);
}

void
print_into(struct buffer *out, const char *format, ...)
{
	char text[ROOM];
	va_list list;

	va_start(list, format);
	struct bytes line = compose(text, format, list);
	va_end(list);
	buffer_add(out, line.at, line.size);
}

/* The size (at least 1) and code of the character of TEXT at AT.  A byte that is not UTF-8 is a character. */
static size_t
character(struct bytes text, size_t at, uint32_t *code)
{
	const unsigned char *t = (const unsigned char *)text.at + at;
	size_t size = t[0] < 0xc2 ? 1 : t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : t[0] < 0xf5 ? 4 : 1;

	if (size > text.size - at)
		size = 1;
	*code = size == 1 ? (t[0] < 0x80 ? t[0] : 0xfffd) : t[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++)
		*code = *code << 6 | (t[i] & 0x3fu);
	return size;
}

static const struct {
	uint32_t first;
	uint32_t last;
	unsigned width; /* 0: shares the column before it; 9: replaced by ? */
} widths[] = {
	{ 0x0, 0x1f, 9 },        /* controls */
	{ 0x7f, 0x9f, 9 },       /* controls */
	{ 0x300, 0x36f, 0 },     /* combining marks */
	{ 0x1100, 0x115f, 2 },   /* Hangul */
	{ 0x200b, 0x200f, 9 },   /* invisible, direction */
	{ 0x2028, 0x202e, 9 },   /* line separators, direction */
	{ 0x2060, 0x206f, 9 },   /* invisible, direction */
	{ 0x2e80, 0xa4cf, 2 },   /* Chinese, Japanese, Korean, Yi */
	{ 0xac00, 0xd7a3, 2 },   /* Hangul */
	{ 0xf900, 0xfaff, 2 },   /* Chinese */
	{ 0xfe30, 0xfe6f, 2 },   /* forms for vertical writing, small forms */
	{ 0xfeff, 0xfeff, 9 },   /* byte order mark */
	{ 0xff00, 0xff60, 2 },   /* full width */
	{ 0xfffd, 0xfffd, 9 },   /* replacement character */
	{ 0x1f300, 0x1faff, 2 }, /* pictures */
	{ 0x20000, 0x3fffd, 2 }, /* Chinese */
	{ 0xe0000, 0xe007f, 9 }, /* tags */
};

/* The columns of a character; *SHOWN false: a '?' replaces it. */
static size_t
columns(uint32_t code, bool *shown)
{
	*shown = true;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		if (code < widths[i].first || code > widths[i].last)
			continue;
		*shown = widths[i].width != 9;
		return *shown ? widths[i].width : 1;
	}
	return 1;
}

size_t
print_width(struct bytes text)
{
	size_t width = 0;
	uint32_t code;
	bool shown;

	for (size_t at = 0; at < text.size;) {
		at += character(text, at, &code);
		width += columns(code, &shown);
	}
	return width;
}

size_t
print_cut(struct sink *out, struct bytes text, size_t width)
{
	bool cut = print_width(text) > width;
	size_t room = cut && width > 0 ? width - 1 : width;
	size_t used = 0;
	uint32_t code;
	bool shown;

	for (size_t at = 0; at < text.size;) {
		size_t size = character(text, at, &code);
		size_t wide = columns(code, &shown);
		if (used + wide > room)
			break;
		(void)sink_put(out, shown ? (struct bytes){ text.at + at, size } : (struct bytes)BYTES("?"));
		used += wide;
		at += size;
	}
	if (cut && width > 0) {
		(void)sink_put(out, (struct bytes)BYTES("\xe2\x80\xa6"));
		used++;
	}
	return used;
}

void
print_blanks(struct sink *out, size_t count)
{
	while (count-- > 0)
		(void)sink_put(out, (struct bytes)BYTES(" "));
}

void
print_cell(struct sink *out, struct bytes text, size_t width)
{
	print_blanks(out, width - print_cut(out, text, width));
}

void
print_bar(struct sink *out, size_t count)
{
	while (count-- > 0)
		(void)sink_put(out, (struct bytes)BYTES("\xe2\x96\x88"));
}
