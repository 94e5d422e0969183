/* SPDX-License-Identifier: ISC */
#include "common/base/base32.h"

size_t
base32_encode(char *to, const unsigned char *data, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned held = 0;
	unsigned bits = 0;
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		held = (held & 0x1f) << 8 | data[i];
		for (bits += 8; bits >= 5; bits -= 5)
			to[used++] = letters[held >> (bits - 5) & 0x1f];
	}
	if (bits > 0)
		to[used++] = letters[held << (5 - bits) & 0x1f];
	return used;
}
