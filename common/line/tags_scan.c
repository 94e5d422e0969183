/* SPDX-License-Identifier: ISC */
#include "common/line/tags_table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LARGE_MOST ((UINT64_C(1) << 53) - 1)

/* What is left to read. */
struct rest {
	const char *at;
	const char *end;
};

static size_t
left(const struct rest *r)
{
	return (size_t)(r->end - r->at);
}

/* Inline, so that comparing with a constant is an instruction or two. */
static inline __attribute__((always_inline)) bool
skip(struct rest *r, const char *text, size_t size)
{
	if (left(r) < size || memcmp(r->at, text, size) != 0)
		return false;
	r->at += size;
	return true;
}

#define SKIP(r, text) skip((r), (text), sizeof(text) - 1)

#if defined(__x86_64__)

/*
 * A byte may not stand in a word if the entries of its two halves have a bit in common.  A bit stands for a
 * group of 16 bytes: 0x20s, 0x30s and so on to 0x70s, and all others.  GROUP gives the bit of a high half,
 * WRONG_IN the groups in which a low half is no part of a word.
 */
static const unsigned char group[16] = { 64, 64, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64, 64, 64 };
static const unsigned char wrong_in[16] = { 81, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 106, 107, 106, 106,
	98 };

/* As tags_word_size, but stops where less than 32 bytes are left. */
__attribute__((target("avx2"))) static size_t
word_blocks(struct bytes text)
{
	const __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)group));
	const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)wrong_in));
	const __m256i nibble = _mm256_set1_epi8(15);
	size_t n = 0;

	for (; text.size - n >= 32; n += 32) {
		__m256i in = _mm256_loadu_si256((const void *)(text.at + n));
		__m256i wrong = _mm256_and_si256(
		    _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi32(in, 4), nibble)),
		    _mm256_shuffle_epi8(low, _mm256_and_si256(in, nibble)));
		unsigned good =
		    (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(wrong, _mm256_setzero_si256()));

		if (good != UINT32_MAX)
			return n + (size_t)__builtin_ctz(~good);
	}
	return n;
}

static bool
has_blocks(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

#else

static size_t
word_blocks(struct bytes text)
{
	(void)text;
	return 0;
}

static bool
has_blocks(void)
{
	return false;
}

#endif

size_t
tags_word_size(struct bytes text)
{
	size_t n = has_blocks() ? word_blocks(text) : 0;

	while (n < text.size && tags_in_word[(unsigned char)text.at[n]])
		n++;
	return n;
}

/* A word and the quote behind it. */
static bool
word(struct rest *r, struct bytes *to)
{
	size_t n = tags_word_size((struct bytes){ r->at, left(r) });

	*to = (struct bytes){ r->at, n };
	r->at += n;
	return n > 0 && n <= TAGS_WORD_MOST && SKIP(r, "\"");
}

/* Digits without a leading zero, in front of a comma or brace. */
static bool
number(struct rest *r, uint64_t most, uint64_t *to)
{
	const char *from = r->at;
	uint64_t value = 0;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		value = value * 10 + (uint64_t)(*r->at - '0');
		if (value > most)
			return false;
	}
	*to = value;
	return r->at > from && (*from != '0' || r->at == from + 1) && r->at < r->end &&
	       (*r->at == ',' || *r->at == '}');
}

/* "name":"word",...} behind a brace: at most 16, no name twice. */
static bool
words(struct rest *r, struct bytes *to)
{
	struct bytes name[TAGS_WORDS_MOST], value;
	const char *from = r->at - 1;

	for (size_t n = 0; n < TAGS_WORDS_MOST; n++) {
		if (!SKIP(r, "\"") || !word(r, &name[n]) || !SKIP(r, ":\"") || !word(r, &value))
			return false;
		for (size_t i = 0; i < n; i++)
			if (bytes_equal(name[i], name[n]))
				return false;
		if (SKIP(r, "}")) {
			*to = (struct bytes){ from, (size_t)(r->at - from) };
			return true;
		}
		if (!SKIP(r, ","))
			return false;
	}
	return false;
}

static bool
small(struct rest *r, uint64_t most, unsigned *to)
{
	uint64_t value;

	if (!number(r, most, &value))
		return false;
	*to = (unsigned)value;
	return true;
}

/* LEAD need not be next; but if it is, READ must succeed. */
#define IF(tag, lead, read) (!SKIP(r, lead) || (*seen |= TAGS_BIT(TAG_##tag), (read)))
#define IF_WORD(tag, name) IF(tag, ",\"" #name "\":\"", word(r, &t->name))
#define IF_NAME(tag, name) IF_WORD(tag, name)
#define IF_SMALL(tag, name) IF(tag, ",\"" #name "\":", small(r, TAGS_SMALL_MOST, &t->name))
#define IF_EPOCH(tag, name) IF(tag, ",\"" #name "\":", small(r, TAGS_EPOCH_MOST, &t->name) && t->name > 0)
#define IF_LARGE(tag, name) IF(tag, ",\"" #name "\":", number(r, LARGE_MOST, &t->name))
#define IF_TRUTH(tag, name) IF(tag, ",\"" #name "\":true", t->name = true)
#define IF_WORDS(tag, name) IF(tag, ",\"" #name "\":{", words(r, &t->name))
#define IF_LIST(tag, name) false

/* The tags that versions may have, in their order. */
static bool
members(struct rest *r, struct tags *t, uint32_t *seen)
{
	return true
#define TAG(tag, name, kind, may, must) &&(((may)&TAGS_VERSIONS) == 0 || IF_##kind(tag, name))
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
	    ;
}

static bool
stage(struct rest *r, struct tags *t)
{
	static const enum stage known[] = { STAGE_SEALED, STAGE_VERSION, STAGE_OPENED, STAGE_DELETED };
	struct bytes name;

	if (SKIP(r, TAGS_HEAD_SEALED)) {
		t->stage = STAGE_SEALED;
		return true;
	}
	if (!SKIP(r, "{\"v\":1,\"stage\":\"") || !word(r, &name))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (bytes_are(name, stage_name(known[i]))) {
			t->stage = known[i];
			return true;
		}
	return false;
}

bool
tags_scan(struct bytes text, struct tags *t, size_t *end)
{
	struct rest r = { text.at, text.at + text.size };
	uint32_t seen = 0;

	*t = (struct tags){ 0 };
	if (!stage(&r, t))
		return false;
	if (!members(&r, t, &seen) || !SKIP(&r, "}") || !tags_complete(t, seen))
		return false;
	*end = (size_t)(r.at - text.at);
	return true;
}
