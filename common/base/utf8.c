/* SPDX-License-Identifier: ISC */
#include "common/base/utf8.h"

#include <stdint.h>

/* The forms of a character, by its first byte (RFC 3629 section 4). */
static const struct {
	unsigned char first, last; /* of the first byte */
	unsigned char least, most; /* of the second */
	unsigned char more;        /* bytes after the first */
} forms[] = {
	{ 0x00, 0x7f, 0, 0, 0 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 1 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },
	{ 0xe1, 0xec, 0x80, 0xbf, 2 },
	{ 0xed, 0xed, 0x80, 0x9f, 2 },
	{ 0xee, 0xef, 0x80, 0xbf, 2 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 3 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
};

/* 0 if it is malformed */
static size_t
character(const unsigned char *at, size_t left)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (forms[i].more >= left)
			return 0;
		if (forms[i].more > 0 && (at[1] < forms[i].least || at[1] > forms[i].most))
			return 0;
		for (size_t k = 2; k <= forms[i].more; k++)
			if (at[k] < 0x80 || at[k] > 0xbf)
				return 0;
		return (size_t)forms[i].more + 1;
	}
	return 0;
}

bool
utf8_valid(struct bytes text)
{
	const unsigned char *at = (const unsigned char *)text.at;

	for (size_t i = 0; i < text.size;) {
		uint64_t block;

		/* Most texts are ASCII, which is checked eight bytes at a time. */
		if (text.size - i >= sizeof block) {
			memcpy(&block, at + i, sizeof block);
			if ((block & UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof block;
				continue;
			}
		}
		size_t n = character(at + i, text.size - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t
utf8_write(unsigned point, char utf8[4])
{
	if (point < 0x80) {
		utf8[0] = (char)point;
		return 1;
	}
	size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = size - 1; i > 0; i--, point >>= 6)
		utf8[i] = (char)(0x80 | (point & 0x3f));
	utf8[0] = (char)(lead[size] | point);
	return size;
}
