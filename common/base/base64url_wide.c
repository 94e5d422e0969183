/* SPDX-License-Identifier: ISC */
#include "common/base/base64url_wide.h"

#include "common/base/base64url.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vbmi")))
#endif

static bool forbidden;

void
base64url_allow_wide(bool allowed)
{
	forbidden = !allowed;
}

#if defined(WIDE)

enum { CHARS = 64, OCTETS = 48, NO = 0x80 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const unsigned char number[128] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, 62, NO, NO, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0, 1, 2,
	3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO,
	63, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
	49, 50, 51, NO, NO, NO, NO, NO };

bool
base64url_is_wide(void)
{
	return !forbidden && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
}

static __mmask64
first(size_t n)
{
	return (UINT64_C(1) << n) - 1;
}

/* 48 bytes -> 64 characters. */
WIDE static __m512i
to_text(__m512i in)
{
#define FOUR(n) 3 * (n) + 1, 3 * (n), 3 * (n) + 2, 3 * (n) + 1
#define SIXTEEN(n) FOUR(n), FOUR((n) + 1), FOUR((n) + 2), FOUR((n) + 3)
	static const unsigned char spread[CHARS] = { SIXTEEN(0), SIXTEEN(4), SIXTEEN(8), SIXTEEN(12) };
	/* in eight bytes, spread so, the bit at which each of their characters begins */
	const __m512i begin = _mm512_set1_epi64(0x3036242a1016040a);

	in = _mm512_permutexvar_epi8(_mm512_loadu_si512(spread), in);
	in = _mm512_multishift_epi64_epi8(begin, in);
	return _mm512_permutexvar_epi8(in, _mm512_loadu_si512(alphabet));
}

/* SIZE bytes (below 64), followed by zeros. */
WIDE static __m512i
load(const char *at, size_t size)
{
	return _mm512_maskz_loadu_epi8(first(size), at);
}

WIDE size_t
base64url_encode_wide(char *to, struct bytes data)
{
	size_t size = BASE64URL_SIZE(data.size);

	for (; data.size >= OCTETS; data.at += OCTETS, data.size -= OCTETS, to += CHARS)
		_mm512_storeu_si512(to, to_text(load(data.at, OCTETS)));
	_mm512_mask_storeu_epi8(to, first(BASE64URL_SIZE(data.size)), to_text(load(data.at, data.size)));
	return size;
}

/* 64 characters -> numbers; bad ones set their high bit in *BAD. */
WIDE static __m512i
to_numbers(__m512i text, __m512i *bad)
{
	__m512i in =
	    _mm512_permutex2var_epi8(_mm512_loadu_si512(number), text, _mm512_loadu_si512(number + CHARS));

	*bad = _mm512_or_si512(*bad, _mm512_or_si512(in, text));
	return in;
}

/* The last characters (fewer than 64), followed by 'A', whose number is 0. */
WIDE static __m512i
last(struct bytes text)
{
	return _mm512_mask_loadu_epi8(_mm512_set1_epi8('A'), first(text.size), text.at);
}

/* 64 numbers of six bits -> 48 bytes at the front. */
WIDE static __m512i
pack(__m512i numbers)
{
#define THREE(n) 4 * (n) + 2, 4 * (n) + 1, 4 * (n)
#define TWELVE(n) THREE(n), THREE((n) + 1), THREE((n) + 2), THREE((n) + 3)
	static const unsigned char gather[CHARS] = { TWELVE(0), TWELVE(4), TWELVE(8), TWELVE(12) };
	__m512i in = _mm512_maddubs_epi16(numbers, _mm512_set1_epi32(0x01400140));

	in = _mm512_madd_epi16(in, _mm512_set1_epi32(0x00011000));
	return _mm512_permutexvar_epi8(_mm512_loadu_si512(gather), in);
}

WIDE bool
base64url_decode_wide(unsigned char *to, struct bytes text)
{
	__m512i bad = _mm512_setzero_si512();

	for (; text.size >= CHARS; text.at += CHARS, text.size -= CHARS, to += OCTETS)
		_mm512_mask_storeu_epi8(
		    to, first(OCTETS), pack(to_numbers(_mm512_loadu_si512(text.at), &bad)));
	_mm512_mask_storeu_epi8(to, first(BASE64URL_BYTES(text.size)), pack(to_numbers(last(text), &bad)));
	return _mm512_movepi8_mask(bad) == 0;
}

WIDE bool
base64url_known_wide(struct bytes text)
{
	__m512i bad = _mm512_setzero_si512();

	for (; text.size >= CHARS; text.at += CHARS, text.size -= CHARS)
		(void)to_numbers(_mm512_loadu_si512(text.at), &bad);
	(void)to_numbers(last(text), &bad);
	return _mm512_movepi8_mask(bad) == 0;
}

#else

bool
base64url_is_wide(void)
{
	return false;
}

size_t
base64url_encode_wide(char *to, struct bytes data)
{
	return base64url_encode_plain(to, data);
}

bool
base64url_decode_wide(unsigned char *to, struct bytes text)
{
	size_t size;

	return base64url_decode_plain(to, &size, text);
}

bool
base64url_known_wide(struct bytes text)
{
	return base64url_valid_plain(text);
}

#endif
