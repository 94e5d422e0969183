/* SPDX-License-Identifier: ISC */
#include "common/base/block.h"

#include "common/base/bytes.h"
#include "tests/lib/tap.h"

/* All 256 bytes, in sixteen blocks, against the same questions about one byte. */
int
main(void)
{
	char text[256];

	for (unsigned i = 0; i < sizeof text; i++)
		text[i] = (char)i;
	for (unsigned from = 0; from < sizeof text; from += BLOCK_SIZE) {
		block b = block_at(text + from);
		uint32_t high = 0, blanks = 0, digits = 0, letters = 0, signs = 0;

		for (unsigned i = 0; i < BLOCK_SIZE; i++) {
			char c = text[from + i];

			high |= (uint32_t)((unsigned char)c >= 0x80) << i;
			blanks |= (uint32_t)((unsigned char)c <= ' ') << i;
			digits |= (uint32_t)ascii_is_digit(c) << i;
			letters |= (uint32_t)ascii_is_letter(c) << i;
			signs |= (uint32_t)(c == '&' || c == '\x7f') << i;
		}
		check(block_bits(b) == high);
		check(block_bits(block_from(b, '\0', ' ')) == blanks);
		check(block_bits(block_from(b, '0', '9')) == digits);
		check(block_bits(block_letters(b)) == letters);
		check(block_bits(block_is(b, '&') | block_from(b, '\x7f', '\x7f')) == signs);
	}
	check(block_inside(1) == 1 && block_inside(15) == 0x7fff);
	check(block_inside(16) == BLOCK_ALL && block_inside(1000) == BLOCK_ALL);
	return tap_end();
}
