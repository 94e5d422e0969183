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
 *
 * Half of the strings have 15 bytes or fewer.  They stand in a table of their own, in pairs, which fits into
 * the processor's nearest cache.  Of the others most have up to 127: profiles and conditional references.
 *
 * The beginning of addresses that end with a UUID (uuid.h) stands there, too, if none of them says anything.
 * Such addresses, a third of the strings, come once or twice and would drive the others out.
 */
enum {
	SILENT_TEXTS_PLACES = 1024,
	SILENT_TEXTS_BYTES = 127,
	SILENT_TEXTS_BRIEF = 15,
	SILENT_TEXTS_SLACK = 32
};

/*
 * Added to the size of a text.  The beginnings stand among texts without codes, the names of members, which
 * are read with blanks for underscores, among those with codes.
 */
enum silent_kind { SILENT_WHOLE = 0, SILENT_BEGIN = 0x80, SILENT_NAME = 0x80 };

struct silent_text {
	uint8_t size; /* with its kind; 0: the place is free */
	char text[SILENT_TEXTS_BYTES];
};

/* A brief text, its size and kind in the last byte.  Zeros: the place is free. */
struct silent_brief {
	uint64_t word[2];
};

struct silent_texts {
	struct silent_text *at; /* each is two lines of the processor's cache; a short text stands in one */
	struct silent_brief *brief;
	void *room;
};

static inline void
silent_texts_init(struct silent_texts *s)
{
	s->room = memory_zeros(SILENT_TEXTS_PLACES + 2, sizeof *s->at);
	s->at = (struct silent_text *)s->room + 1;
	s->at = (struct silent_text *)(void *)((char *)s->at - (uintptr_t)s->at % sizeof *s->at);
	s->brief = memory_zeros(SILENT_TEXTS_PLACES, sizeof *s->brief);
}

static inline void
silent_texts_release(struct silent_texts *s)
{
	free(s->room);
	free(s->brief);
}

static inline uint64_t
silent_texts_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

static inline size_t
silent_texts_mix(uint64_t one, uint64_t two)
{
	one = one * UINT64_C(0x9e3779b97f4a7c15) + two * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (one ^ one >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 54;
}

/* TEXT, which is brief and not empty, with zeros behind it. */
static inline struct silent_brief
silent_texts_brief(struct bytes text, enum silent_kind kind)
{
	unsigned first = text.size < 8 ? 8 * (unsigned)text.size : 64;
	unsigned second = 8 * (unsigned)text.size - first;

	return (struct silent_brief){ {
	    silent_texts_word(text.at) & UINT64_MAX >> (64 - first),
	    (silent_texts_word(text.at + 8) & ((UINT64_C(1) << second) - 1)) | (uint64_t)(text.size | kind)
										   << 56,
	} };
}

/* One of a pair of places; the other one is beside it. */
static inline size_t
silent_texts_brief_place(const struct silent_brief *brief)
{
	return silent_texts_mix(brief->word[0], brief->word[1]);
}

/* The place of TEXT, which is longer. */
static inline struct silent_text *
silent_texts_place(const struct silent_texts *s, struct bytes text, enum silent_kind kind)
{
	return &s->at[silent_texts_mix(silent_texts_word(text.at),
	    silent_texts_word(text.at + text.size - sizeof(uint64_t)) ^ (text.size | kind))];
}

/* Whether the longer TEXT stands at its place E. */
static inline bool
silent_texts_is(const struct silent_text *e, struct bytes text, enum silent_kind kind)
{
	if (e->size != (text.size | kind))
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

/* Whether TEXT of KIND, which is not empty, stands there.  Reads SILENT_TEXTS_SLACK bytes behind it. */
static inline bool
silent_texts_has(const struct silent_texts *s, struct bytes text, enum silent_kind kind)
{
	if (text.size > SILENT_TEXTS_BYTES)
		return false;
	if (text.size > SILENT_TEXTS_BRIEF)
		return silent_texts_is(silent_texts_place(s, text, kind), text, kind);
	struct silent_brief brief = silent_texts_brief(text, kind);
	size_t place = silent_texts_brief_place(&brief);
	const struct silent_brief *first = &s->brief[place], *second = &s->brief[place ^ 1];

	return (first->word[0] == brief.word[0] && first->word[1] == brief.word[1]) ||
	       (second->word[0] == brief.word[0] && second->word[1] == brief.word[1]);
}

/* Notes TEXT if it is not too long. */
static inline void
silent_texts_put(struct silent_texts *s, struct bytes text, enum silent_kind kind)
{
	if (text.size > SILENT_TEXTS_BRIEF && text.size <= SILENT_TEXTS_BYTES) {
		struct silent_text *e = silent_texts_place(s, text, kind);

		memcpy(e->text, text.at, text.size);
		e->size = (uint8_t)(text.size | kind);
	} else if (text.size > 0 && text.size <= SILENT_TEXTS_BRIEF) {
		struct silent_brief brief = silent_texts_brief(text, kind);
		size_t place = silent_texts_brief_place(&brief);

		s->brief[place ^ 1] = s->brief[place];
		s->brief[place] = brief;
	}
}

#endif
