/* SPDX-License-Identifier: ISC */
/*
 * Most of a sealed line is base64url, so this file decides the speed of sealing and opening.  The best of
 * three ways is chosen at run time: base64url_wide, AVX2, or a table of 4,096 pairs of characters.
 */
#include "common/base/base64url.h"

#include "common/base/base64url_wide.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define WITH_AVX2 __attribute__((target("avx2")))
#endif

enum { PAIRS = 4096, NONE = 0xff, BLOCK = 32, HALF = 16 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char pair[PAIRS][2];
static unsigned char value[256]; /* of a character; NONE if it is not in the alphabet */

static void
make_tables(void)
{
	if (pair[0][0] != '\0')
		return;
	memset(value, NONE, sizeof value);
	for (unsigned i = 0; i < 64; i++)
		value[(unsigned char)alphabet[i]] = (unsigned char)i;
	for (unsigned i = PAIRS; i-- > 0;) {
		pair[i][1] = alphabet[i & 63];
		pair[i][0] = alphabet[i >> 6];
	}
}

static unsigned
octet(struct bytes data, size_t i)
{
	return (unsigned char)data.at[i];
}

size_t
base64url_encode_plain(char *to, struct bytes data)
{
	char *start = to;

	make_tables();
	for (; data.size >= 3; data.at += 3, data.size -= 3, to += 4) {
		unsigned word = octet(data, 0) << 16 | octet(data, 1) << 8 | octet(data, 2);

		memcpy(to, pair[word >> 12], 2);
		memcpy(to + 2, pair[word & 4095], 2);
	}
	if (data.size > 0) {
		unsigned word = octet(data, 0) << 16 | (data.size > 1 ? octet(data, 1) << 8 : 0);

		memcpy(to, pair[word >> 12], 2);
		to += 2;
		if (data.size > 1)
			*to++ = pair[word & 4095][0];
	}
	return (size_t)(to - start);
}

static bool
all_known(struct bytes text)
{
	unsigned bad = 0;

	make_tables();
	for (size_t i = 0; i < text.size; i++)
		bad |= value[octet(text, i)];
	return bad <= 63;
}

static bool
ends_well(struct bytes text)
{
	static const unsigned char unused[4] = { 0, 0, 15, 3 };

	make_tables();
	return text.size == 0 || (value[octet(text, text.size - 1)] & unused[text.size % 4]) == 0;
}

bool
base64url_valid_plain(struct bytes text)
{
	return text.size % 4 != 1 && all_known(text) && ends_well(text);
}

/* Decodes the last 0 to 3 characters. */
static bool
decode_rest(unsigned char *to, struct bytes text)
{
	unsigned a, b, c;

	if (text.size == 0)
		return true;
	if (text.size == 1)
		return false;
	a = value[octet(text, 0)];
	b = value[octet(text, 1)];
	c = text.size == 3 ? value[octet(text, 2)] : 0;
	if ((a | b | c) > 63 || (text.size == 2 ? b & 15 : c & 3) != 0)
		return false;
	to[0] = (unsigned char)(a << 2 | b >> 4);
	if (text.size == 3)
		to[1] = (unsigned char)(b << 4 | c >> 2);
	return true;
}

bool
base64url_decode_plain(void *to, size_t *size, struct bytes text)
{
	unsigned char *out = to;
	unsigned bad = 0;

	make_tables();
	*size = BASE64URL_BYTES(text.size);
	for (; text.size >= 4; text.at += 4, text.size -= 4, out += 3) {
		unsigned a = value[octet(text, 0)], b = value[octet(text, 1)];
		unsigned c = value[octet(text, 2)], d = value[octet(text, 3)];

		bad |= a | b | c | d;
		out[0] = (unsigned char)(a << 2 | b >> 4);
		out[1] = (unsigned char)(b << 4 | c >> 2);
		out[2] = (unsigned char)(c << 6 | d);
	}
	return decode_rest(out, text) && bad <= 63;
}

#if defined(WITH_AVX2)

static bool
has_avx2(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

/* The same 16 bytes in both halves. */
WITH_AVX2 static __m256i
both(const void *table)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128(table));
}

/* 32 numbers -> characters */
WITH_AVX2 static __m256i
to_characters(__m256i numbers)
{
	static const signed char shift[16] = { 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
		'0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '-' - 62, '_' - 63, 'A', 0, 0 };
	__m256i range = _mm256_subs_epu8(numbers, _mm256_set1_epi8(51));
	__m256i capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), numbers);

	range = _mm256_or_si256(range, _mm256_and_si256(capital, _mm256_set1_epi8(13)));
	return _mm256_add_epi8(numbers, _mm256_shuffle_epi8(both(shift), range));
}

/* In each half 12 bytes -> 32 characters. */
WITH_AVX2 static __m256i
encode_both(__m256i in)
{
	static const signed char spread[16] = { 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10 };
	__m256i first, second;

	/* Of the four groups of six bits in three bytes, two are moved down and two up. */
	in = _mm256_shuffle_epi8(in, both(spread));
	first = _mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00));
	first = _mm256_mulhi_epu16(first, _mm256_set1_epi32(0x04000040));
	second = _mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0));
	second = _mm256_mullo_epi16(second, _mm256_set1_epi32(0x01000010));
	return to_characters(_mm256_or_si256(first, second));
}

/* Returns how many bytes were encoded.  A step of 24 bytes reads 28. */
WITH_AVX2 static size_t
encode_blocks(char *to, struct bytes data)
{
	size_t taken = 0;

	for (; data.size - taken >= 28; taken += 24, to += 32) {
		__m128i low = _mm_loadu_si128((const void *)(data.at + taken));
		__m128i high = _mm_loadu_si128((const void *)(data.at + taken + 12));

		_mm256_storeu_si256((void *)to, encode_both(_mm256_set_m128i(high, low)));
	}
	for (; data.size - taken >= 12; taken += 12, to += 16) {
		__m128i eight = _mm_loadl_epi64((const void *)(data.at + taken));
		__m128i four = _mm_loadu_si32(data.at + taken + 8);
		__m256i text = encode_both(_mm256_castsi128_si256(_mm_unpacklo_epi64(eight, four)));

		_mm_storeu_si128((void *)to, _mm256_castsi256_si128(text));
	}
	return taken;
}

/*
 * A character is bad if both tables have a bit in common for it.  By its high half `group` gives its row in
 * ASCII (one bit each: 0x20, 0x30, 0x40 and 0x60, 0x50, 0x70, all others); by its low half `wrong_in` gives
 * the rows in which this column is not in the alphabet.
 */
static const unsigned char group[16] = { 32, 32, 1, 2, 4, 8, 4, 16, 32, 32, 32, 32, 32, 32, 32, 32 };
static const unsigned char wrong_in[16] = { 37, 33, 33, 33, 33, 33, 33, 33, 33, 33, 35, 59, 59, 58, 59, 51 };

/* Nonzero at each of 32 characters that is not in the alphabet. */
WITH_AVX2 static __m256i
wrong(__m256i text)
{
	__m256i nibble = _mm256_set1_epi8(15);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), nibble);
	__m256i low = _mm256_and_si256(text, nibble);

	return _mm256_and_si256(
	    _mm256_shuffle_epi8(both(group), high), _mm256_shuffle_epi8(both(wrong_in), low));
}

/* 32 characters -> numbers; bad ones set bits in *BAD. */
WITH_AVX2 static __m256i
to_numbers(__m256i text, __m256i *bad)
{
	static const signed char shift[16] = { 0, 0, 62 - '-', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0,
		0, 0, 0, 0, 0, 0 };
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), _mm256_set1_epi8(15));
	__m256i line = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('_'));
	__m256i numbers = _mm256_add_epi8(text, _mm256_shuffle_epi8(both(shift), high));

	*bad = _mm256_or_si256(*bad, wrong(text));
	/* The table takes '_' for a capital letter; its number is 63. */
	return _mm256_add_epi8(numbers, _mm256_and_si256(line, _mm256_set1_epi8(63 - '_' + 'A')));
}

/* 32 characters -> 12 bytes in each half. */
WITH_AVX2 static __m256i
decode_both(__m256i text, __m256i *bad)
{
	static const signed char gather[16] = { 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1 };
	__m256i in = to_numbers(text, bad);

	in = _mm256_maddubs_epi16(in, _mm256_set1_epi32(0x01400140));
	in = _mm256_madd_epi16(in, _mm256_set1_epi32(0x00011000));
	return _mm256_shuffle_epi8(in, both(gather));
}

/* Returns how many characters were decoded.  A step of 32 characters writes 28 bytes. */
WITH_AVX2 static size_t
decode_blocks(unsigned char *to, struct bytes text, bool *good)
{
	__m256i bad = _mm256_setzero_si256();
	size_t taken = 0;

	for (; text.size - taken >= 40; taken += 32, to += 24) {
		__m256i in = decode_both(_mm256_loadu_si256((const void *)(text.at + taken)), &bad);

		_mm_storeu_si128((void *)to, _mm256_castsi256_si128(in));
		_mm_storeu_si128((void *)(to + 12), _mm256_extracti128_si256(in, 1));
	}
	for (; text.size - taken >= HALF; taken += HALF, to += 12) {
		__m128i in = _mm256_castsi256_si128(decode_both(both(text.at + taken), &bad));

		_mm_storel_epi64((void *)to, in);
		_mm_storeu_si32(to + 8, _mm_srli_si128(in, 8));
	}
	*good = _mm256_testz_si256(bad, bad) != 0;
	return taken;
}

/* TEXT has at least 16 characters.  Some of the last ones are checked twice. */
WITH_AVX2 static bool
all_known_blocks(struct bytes text)
{
	const char *end = text.at + text.size;
	__m256i bad;

	if (text.size < BLOCK) {
		bad = wrong(_mm256_set_m128i(
		    _mm_loadu_si128((const void *)text.at), _mm_loadu_si128((const void *)(end - HALF))));
	} else {
		bad = wrong(_mm256_loadu_si256((const void *)(end - BLOCK)));
		for (; end - text.at > BLOCK; text.at += BLOCK)
			bad = _mm256_or_si256(bad, wrong(_mm256_loadu_si256((const void *)text.at)));
	}
	return _mm256_testz_si256(bad, bad) != 0;
}

#else

static bool
has_avx2(void)
{
	return false;
}

static size_t
encode_blocks(char *to, struct bytes data)
{
	(void)to;
	(void)data;
	return 0;
}

static size_t
decode_blocks(unsigned char *to, struct bytes text, bool *good)
{
	(void)to;
	(void)text;
	*good = true;
	return 0;
}

static bool
all_known_blocks(struct bytes text)
{
	return base64url_valid_plain(text);
}

#endif

size_t
base64url_encode(char *to, struct bytes data)
{
	size_t taken = 0;

	if (base64url_is_wide())
		return base64url_encode_wide(to, data);
	if (data.size >= 12 && has_avx2())
		taken = encode_blocks(to, data);
	to += taken / 3 * 4;
	return taken / 3 * 4 +
	       base64url_encode_plain(to, (struct bytes){ data.at + taken, data.size - taken });
}

bool
base64url_decode(void *to, size_t *size, struct bytes text)
{
	unsigned char *out = to;
	size_t taken = 0;
	bool good = true;

	if (base64url_is_wide()) {
		*size = BASE64URL_BYTES(text.size);
		return text.size % 4 != 1 && base64url_decode_wide(out, text) && ends_well(text);
	}
	if (text.size >= HALF && has_avx2())
		taken = decode_blocks(out, text, &good);
	out += taken / 4 * 3;
	if (!base64url_decode_plain(out, size, (struct bytes){ text.at + taken, text.size - taken }))
		good = false;
	*size += taken / 4 * 3;
	return good;
}

bool
base64url_valid(struct bytes text)
{
	if (base64url_is_wide())
		return text.size % 4 != 1 && base64url_known_wide(text) && ends_well(text);
	if (text.size < HALF || !has_avx2())
		return base64url_valid_plain(text);
	return text.size % 4 != 1 && all_known_blocks(text) && ends_well(text);
}
