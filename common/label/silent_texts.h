/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_SILENT_TEXTS_H
#define EHR_LABEL_SILENT_TEXTS_H

#include "common/base/bytes.h"
#include "common/base/memory.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * silent_texts: the last texts that said no term.  Records repeat displays, addresses and references without
 * end: of the strings that are no time three in four stand here.  With it, and with times that are searched
 * for nothing, classifying takes 7 % fewer instructions.  Another text at the same place replaces the first,
 * so texts that were chosen to share one cost as much as without this table.
 */
enum { SILENT_TEXTS_PLACES = 1024, SILENT_TEXTS_BYTES = 63, SILENT_TEXTS_SLACK = 32 };

struct silent_text {
	char text[SILENT_TEXTS_BYTES];
	uint8_t size; /* 0: the place is free */
};

struct silent_texts {
	struct silent_text *at; /* each is one line of the processor's cache */
	void *room;
};

static inline void
silent_texts_init(struct silent_texts *s)
{
	s->room = memory_zeros(SILENT_TEXTS_PLACES + 1, sizeof *s->at);
	s->at = (struct silent_text *)s->room + 1;
	s->at = (struct silent_text *)(void *)((char *)s->at - (uintptr_t)s->at % sizeof *s->at);
}

static inline void
silent_texts_release(struct silent_texts *s)
{
	free(s->room);
}

/* The place of TEXT, which is not empty.  Reads SILENT_TEXTS_SLACK bytes behind it, as the others do. */
static inline struct silent_text *
silent_texts_place(struct silent_texts *s, struct bytes text)
{
	uint64_t first, last = 0;

	memcpy(&first, text.at, sizeof first);
	if (text.size < sizeof first)
		first = le64toh(first) << (8 * (sizeof first - text.size));
	else
		memcpy(&last, text.at + text.size - sizeof last, sizeof last);
	first = first * UINT64_C(0x9e3779b97f4a7c15) + (last ^ text.size) * UINT64_C(0xc2b2ae3d27d4eb4f);
	return &s->at[(first ^ first >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

/* Whether TEXT stands at its place E. */
static inline bool
silent_texts_has(const struct silent_text *e, struct bytes text)
{
	if (e->size != text.size)
		return false;
#ifdef __SSE2__
	for (size_t i = 0; i < text.size; i += 32) {
		const __m128i *ours = (const __m128i *)(const void *)(e->text + i);
		const __m128i *theirs = (const __m128i *)(const void *)(text.at + i);
		__m128i first = _mm_cmpeq_epi8(_mm_loadu_si128(ours), _mm_loadu_si128(theirs));
		__m128i second = _mm_cmpeq_epi8(_mm_loadu_si128(ours + 1), _mm_loadu_si128(theirs + 1));
		uint32_t other =
		    ~((uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(second) << 16);

		if (text.size - i < 32)
			other &= (UINT32_C(1) << (text.size - i)) - 1;
		if (other != 0)
			return false;
	}
	return true;
#else
	return memcmp(e->text, text.at, text.size) == 0;
#endif
}

/* Notes TEXT, of at most SILENT_TEXTS_BYTES, at its place E. */
static inline void
silent_texts_put(struct silent_text *e, struct bytes text)
{
	memcpy(e->text, text.at, text.size);
	e->size = (uint8_t)text.size;
}

#endif
