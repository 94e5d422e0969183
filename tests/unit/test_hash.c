/* SPDX-License-Identifier: ISC */
#include "common/base/hash.h"
#include "tests/lib/tap.h"

/*
 * SipHash-1-3 of 00 01 .. under the key 00 01 .. 0f, by a second implementation, which gives the
 * authors' vector of SipHash-2-4.
 */
int
main(void)
{
	static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	static const struct {
		size_t size;
		uint64_t hash;
	} vector[] = {
		{ 0, UINT64_C(0xabac0158050fc4dc) },
		{ 1, UINT64_C(0xc9f49bf37d57ca93) },
		{ 7, UINT64_C(0xd3927d989bb11140) },
		{ 8, UINT64_C(0x369095118d299a8e) },
		{ 9, UINT64_C(0x25a48eb36c063de4) },
		{ 15, UINT64_C(0xd320d86d2a519956) },
	};
	char text[16];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)i;
	for (size_t i = 0; i < sizeof vector / sizeof vector[0]; i++)
		check(hash_keyed(key, (struct bytes){ text, vector[i].size }) == vector[i].hash);
	check(hash_keyed(key, (struct bytes){ NULL, 0 }) == vector[0].hash);
	check((hash_key[0] | hash_key[1]) != 0);
	check(hash_bytes(bytes_of("a")) != hash_bytes(bytes_of("b")));
	return tap_end();
}
