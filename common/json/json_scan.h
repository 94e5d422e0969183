/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_SCAN_H
#define EHR_JSON_JSON_SCAN_H

/*
 * json_scan: the innermost loop of the index.  It reads 16 bytes at a time with SSE2 (every x86-64), and
 * single bytes elsewhere and where JSON_PORTABLE is defined (by a unit test).
 */

#if defined(__SSE2__) && !defined(JSON_PORTABLE)

#include <emmintrin.h>

/*
 * The first quote, backslash, control character or byte above ASCII from P on; END or a place behind it if
 * there is none.  Reads up to 16 bytes from END on.
 */
static inline const unsigned char *
json_scan_plain(const unsigned char *p, const unsigned char *end)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; p < end; p += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* As signed numbers, control characters and bytes from 0x80 on are less than a space. */
		__m128i stop = _mm_or_si128(_mm_cmplt_epi8(block, space),
		    _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
		unsigned found = (unsigned)_mm_movemask_epi8(stop);

		if (found != 0)
			return p + __builtin_ctz(found);
	}
	return p;
}

#else

static inline const unsigned char *
json_scan_plain(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif

#endif
