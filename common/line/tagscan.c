/* SPDX-License-Identifier: ISC */
#include "common/line/tagscan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { WORD_MOST = 128, SMALL_MOST = 99, EPOCH_MOST = 2147483647, TAGS_MOST = 16 };
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

static const bool in_word[256] = {
	['0'] = true,
	['1'] = true,
	['2'] = true,
	['3'] = true,
	['4'] = true,
	['5'] = true,
	['6'] = true,
	['7'] = true,
	['8'] = true,
	['9'] = true,
	['A'] = true,
	['B'] = true,
	['C'] = true,
	['D'] = true,
	['E'] = true,
	['F'] = true,
	['G'] = true,
	['H'] = true,
	['I'] = true,
	['J'] = true,
	['K'] = true,
	['L'] = true,
	['M'] = true,
	['N'] = true,
	['O'] = true,
	['P'] = true,
	['Q'] = true,
	['R'] = true,
	['S'] = true,
	['T'] = true,
	['U'] = true,
	['V'] = true,
	['W'] = true,
	['X'] = true,
	['Y'] = true,
	['Z'] = true,
	['a'] = true,
	['b'] = true,
	['c'] = true,
	['d'] = true,
	['e'] = true,
	['f'] = true,
	['g'] = true,
	['h'] = true,
	['i'] = true,
	['j'] = true,
	['k'] = true,
	['l'] = true,
	['m'] = true,
	['n'] = true,
	['o'] = true,
	['p'] = true,
	['q'] = true,
	['r'] = true,
	['s'] = true,
	['t'] = true,
	['u'] = true,
	['v'] = true,
	['w'] = true,
	['x'] = true,
	['y'] = true,
	['z'] = true,
	['.'] = true,
	['_'] = true,
	[':'] = true,
	['/'] = true,
	['@'] = true,
	['+'] = true,
	['-'] = true,
};

#if defined(__x86_64__)

/*
 * A byte may not stand in a word if a bit stands in both tables: the one for its high half says which group
 * of 16 it is in (bits: 0x20s, 0x30s and so on to 0x70s, all others), the one for its low half in which
 * groups that is none.
 */
static const unsigned char group[16] = { 64, 64, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64, 64, 64 };
static const unsigned char wrong_in[16] = { 81, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 106, 107, 106, 106,
	98 };

/* How many bytes at the front stand in words, as far as whole blocks of 32 tell. */
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

	while (n < text.size && in_word[(unsigned char)text.at[n]])
		n++;
	return n;
}

/* A word and the quote behind it; the one before it is read. */
static bool
word(struct rest *r, struct bytes *to)
{
	size_t n = tags_word_size((struct bytes){ r->at, left(r) });

	*to = (struct bytes){ r->at, n };
	r->at += n;
	return n > 0 && n <= WORD_MOST && SKIP(r, "\"");
}

/* Digits without a leading zero, and a comma or brace that stays. */
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

/* {"name":"word",...}, at most 16 and no name twice; its brace is read. */
static bool
words(struct rest *r, struct bytes *to)
{
	struct bytes name[TAGS_MOST], value;
	const char *from = r->at - 1;

	for (size_t n = 0; n < TAGS_MOST; n++) {
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

/* The members of which it is asked whether they were there. */
enum member {
	ID = 1,
	RL = 2,
	AL = 4,
	N = 8,
	OF = 16,
	CRITICALITY = 32,
	POLICY = 64,
	DOMAIN = 128,
	EPOCH = 256,
	TO = 512,
	BATCH = 1024,
	SEQ = 2048,
	DELETED = 4096,
	OTHER = 8192
};

/* If TEXT is next, so must be what READ reads. */
#define IF(member, text, read) (!SKIP(r, text) || (*seen |= (member), (read)))

/* The members in their order, each with what stands before its value. */
static bool
members(struct rest *r, struct tags *t, unsigned *seen)
{
	return IF(ID, ",\"id\":\"", word(r, &t->id)) && IF(OTHER, ",\"subject\":\"", word(r, &t->subject)) &&
	       IF(RL, ",\"rl\":\"", word(r, &t->rl)) && IF(AL, ",\"al\":", small(r, SMALL_MOST, &t->al)) &&
	       IF(N, ",\"n\":", small(r, SMALL_MOST, &t->n)) &&
	       IF(OF, ",\"of\":", small(r, SMALL_MOST, &t->of)) &&
	       IF(CRITICALITY, ",\"criticality\":\"", word(r, &t->criticality)) &&
	       IF(DOMAIN, ",\"domain\":\"", word(r, &t->domain)) &&
	       IF(EPOCH, ",\"epoch\":", small(r, EPOCH_MOST, &t->epoch) && t->epoch > 0) &&
	       IF(TO, ",\"to\":\"", word(r, &t->to)) && IF(BATCH, ",\"batch\":\"", word(r, &t->batch)) &&
	       IF(SEQ, ",\"seq\":", number(r, LARGE_MOST, &t->seq)) &&
	       IF(POLICY, ",\"policy\":\"", word(r, &t->policy)) &&
	       IF(OTHER, ",\"mark\":\"", word(r, &t->mark)) && IF(OTHER, ",\"view\":\"", word(r, &t->view)) &&
	       IF(OTHER, ",\"tags\":{", words(r, &t->tags)) &&
	       IF(DELETED, ",\"deleted\":true", t->deleted = true);
}

enum {
	VERSIONED = ID | RL | AL | N | OF | CRITICALITY | POLICY,
	CLOSED = DOMAIN | BATCH | SEQ,
	WHERE = EPOCH | TO,
};

/* As tags_read has it: what a stage needs, and what it may not have. */
static bool
fits(const struct tags *t, unsigned seen)
{
	if (t->n > t->of || ((seen & OF) != 0 && t->n == 0))
		return false;
	switch (t->stage) {
	case STAGE_VERSION:
		return (seen & VERSIONED) == VERSIONED && (seen & (CLOSED | WHERE | DELETED)) == 0;
	case STAGE_DELETED:
		return (seen & ID) != 0 && (seen & (CLOSED | WHERE | DELETED)) == 0;
	case STAGE_SEALED:
	case STAGE_OPENED:
		if ((seen & CLOSED) != CLOSED || (seen & WHERE) == 0 || (seen & WHERE) == WHERE)
			return false;
		return (seen & TO) != 0 || (seen & VERSIONED) == VERSIONED;
	case STAGE_RAW:
	case STAGE_INGESTED:
	case STAGE_LABELLED:
	case STAGE_OTHER:
		break;
	}
	return false;
}

static bool
stage(struct rest *r, struct tags *t)
{
	static const enum stage known[] = { STAGE_SEALED, STAGE_VERSION, STAGE_OPENED, STAGE_DELETED };
	struct bytes name;

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
	unsigned seen = 0;

	*t = (struct tags){ 0 };
	if (!stage(&r, t))
		return false;
	if (!members(&r, t, &seen) || !SKIP(&r, "}") || !fits(t, seen))
		return false;
	*end = (size_t)(r.at - text.at);
	return true;
}
