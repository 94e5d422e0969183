/* SPDX-License-Identifier: ISC */
#include "common/base/utf8.h"
#include "tests/lib/tap.h"

#define valid(text) utf8_valid((struct bytes)BYTES(text))

int
main(void)
{
	check(valid(""));
	check(valid("plain"));
	check(valid("a\0b"));
	check(valid("\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\x8a"));
	check(valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
	check(!valid("\x80"));
	check(!valid("\xc0\x80"));
	check(!valid("\xc1\xbf"));
	check(!valid("\xe0\x9f\xbf"));
	check(!valid("\xed\xa0\x80"));
	check(!valid("\xf0\x8f\xbf\xbf"));
	check(!valid("\xf4\x90\x80\x80"));
	check(!valid("\xf5\x80\x80\x80"));
	check(!valid("\xff"));
	check(!valid("\xe2\x82"));
	check(!valid("x\xe2\x82x"));
	return tap_end();
}
