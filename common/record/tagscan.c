/* SPDX-License-Identifier: ISC */
#include "common/record/tagscan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
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

static bool
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

#if defined(__SSE2__)

/* Of 16 bytes, those greater than BEFORE and less than BEHIND. */
static __m128i
between(__m128i text, char before, char behind)
{
	return _mm_and_si128(
	    _mm_cmpgt_epi8(text, _mm_set1_epi8(before)), _mm_cmplt_epi8(text, _mm_set1_epi8(behind)));
}

/* How many bytes at the front stand in words, as far as whole blocks of 16 tell. */
static size_t
word_blocks(struct bytes text)
{
	size_t n = 0;

	for (; text.size - n >= 16; n += 16) {
		__m128i block = _mm_loadu_si128((const void *)(text.at + n));
		__m128i good = _mm_or_si128(between(block, ',', ';'), between(block, '?', '['));

		good = _mm_or_si128(good, _mm_or_si128(between(block, '`', '{'), between(block, '^', '`')));
		good = _mm_or_si128(good, _mm_cmpeq_epi8(block, _mm_set1_epi8('+')));
		unsigned others = ~(unsigned)_mm_movemask_epi8(good) & 0xffff;
		if (others != 0)
			return n + (size_t)__builtin_ctz(others);
	}
	return n;
}

#else

static size_t
word_blocks(struct bytes text)
{
	(void)text;
	return 0;
}

#endif

size_t
tags_word_size(struct bytes text)
{
	size_t n = word_blocks(text);

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

/* The members in their order, each with what stands before its value. */
enum member {
	ID,
	SUBJECT,
	RL,
	AL,
	N,
	OF,
	CRITICALITY,
	DOMAIN,
	EPOCH,
	TO,
	BATCH,
	SEQ,
	POLICY,
	MARK,
	VIEW,
	TAGS,
	DELETED
};

#define BIT(member) (1u << (member))

static const struct {
	const char *text;
	size_t size;
} before[] = {
#define BEFORE(text)                                                                                         \
	{                                                                                                    \
		text, sizeof(text) - 1                                                                       \
	}
	[ID] = BEFORE(",\"id\":\""),
	[SUBJECT] = BEFORE(",\"subject\":\""),
	[RL] = BEFORE(",\"rl\":\""),
	[AL] = BEFORE(",\"al\":"),
	[N] = BEFORE(",\"n\":"),
	[OF] = BEFORE(",\"of\":"),
	[CRITICALITY] = BEFORE(",\"criticality\":\""),
	[DOMAIN] = BEFORE(",\"domain\":\""),
	[EPOCH] = BEFORE(",\"epoch\":"),
	[TO] = BEFORE(",\"to\":\""),
	[BATCH] = BEFORE(",\"batch\":\""),
	[SEQ] = BEFORE(",\"seq\":"),
	[POLICY] = BEFORE(",\"policy\":\""),
	[MARK] = BEFORE(",\"mark\":\""),
	[VIEW] = BEFORE(",\"view\":\""),
	[TAGS] = BEFORE(",\"tags\":{"),
	[DELETED] = BEFORE(",\"deleted\":true"),
#undef BEFORE
};

static bool
small(struct rest *r, uint64_t most, unsigned *to)
{
	uint64_t value;

	if (!number(r, most, &value))
		return false;
	*to = (unsigned)value;
	return true;
}

static bool
value(struct rest *r, enum member m, struct tags *t)
{
	switch (m) {
	case ID:
		return word(r, &t->id);
	case SUBJECT:
		return word(r, &t->subject);
	case RL:
		return word(r, &t->rl);
	case AL:
		return small(r, SMALL_MOST, &t->al);
	case N:
		return small(r, SMALL_MOST, &t->n);
	case OF:
		return small(r, SMALL_MOST, &t->of);
	case CRITICALITY:
		return word(r, &t->criticality);
	case DOMAIN:
		return word(r, &t->domain);
	case EPOCH:
		return small(r, EPOCH_MOST, &t->epoch) && t->epoch > 0;
	case TO:
		return word(r, &t->to);
	case BATCH:
		return word(r, &t->batch);
	case SEQ:
		return number(r, LARGE_MOST, &t->seq);
	case POLICY:
		return word(r, &t->policy);
	case MARK:
		return word(r, &t->mark);
	case VIEW:
		return word(r, &t->view);
	case TAGS:
		return words(r, &t->tags);
	case DELETED:
		t->deleted = true;
		return true;
	}
	return false;
}

enum {
	VERSIONED = BIT(ID) | BIT(RL) | BIT(AL) | BIT(N) | BIT(OF) | BIT(CRITICALITY) | BIT(POLICY),
	CLOSED = BIT(DOMAIN) | BIT(BATCH) | BIT(SEQ),
	WHERE = BIT(EPOCH) | BIT(TO),
};

/* As tags_read has it: what a stage needs, and what it may not have. */
static bool
fits(const struct tags *t, unsigned seen)
{
	if (t->n > t->of || ((seen & BIT(OF)) != 0 && t->n == 0))
		return false;
	switch (t->stage) {
	case STAGE_VERSION:
		return (seen & VERSIONED) == VERSIONED && (seen & (CLOSED | WHERE | BIT(DELETED))) == 0;
	case STAGE_DELETED:
		return (seen & BIT(ID)) != 0 && (seen & (CLOSED | WHERE | BIT(DELETED))) == 0;
	case STAGE_SEALED:
	case STAGE_OPENED:
		if ((seen & CLOSED) != CLOSED || (seen & WHERE) == 0 || (seen & WHERE) == WHERE)
			return false;
		return (seen & BIT(TO)) != 0 || (seen & VERSIONED) == VERSIONED;
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
	for (unsigned m = ID; m <= DELETED; m++) {
		if (!skip(&r, before[m].text, before[m].size))
			continue;
		if (!value(&r, (enum member)m, t))
			return false;
		seen |= BIT(m);
	}
	if (!SKIP(&r, "}") || !fits(t, seen))
		return false;
	*end = (size_t)(r.at - text.at);
	return true;
}
