/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_SEARCH_MARKS_H
#define EHR_LABEL_SEARCH_MARKS_H

#include "common/base/bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * search_marks: one look at a reference or an address for what stands in searches, because most are none.
 */
/* What a text holds: ? before the parameters, | or % in their values. */
struct search_marks {
	unsigned query, value;
};

/* Reads up to 16 bytes behind TEXT. */
#ifdef __SSE2__
static inline struct search_marks
search_marks_in(struct bytes text)
{
	struct search_marks marks = { 0 };

	for (size_t i = 0; i < text.size; i += 16) {
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text.at + i));
		__m128i value = _mm_or_si128(
		    _mm_cmpeq_epi8(b, _mm_set1_epi8('|')), _mm_cmpeq_epi8(b, _mm_set1_epi8('%')));
		unsigned inside = text.size - i < 16 ? (1U << (text.size - i)) - 1 : 0xffff;

		marks.query |= (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8('?'))) & inside;
		marks.value |= (unsigned)_mm_movemask_epi8(value) & inside;
	}
	return marks;
}
#else
static inline struct search_marks
search_marks_in(struct bytes text)
{
	struct search_marks marks = { 0 };

	for (size_t i = 0; i < text.size; i++) {
		marks.query |= text.at[i] == '?';
		marks.value |= text.at[i] == '|' || text.at[i] == '%';
	}
	return marks;
}
#endif

#endif
