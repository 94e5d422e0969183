/* SPDX-License-Identifier: ISC */
#include "common/base/fold.h"
#include "common/base/fold_parts.h"

#if defined(__SSE2__) && !defined(BLOCK_PORTABLE)

static inline uint64_t
letters_at(const char *at, char first, char last)
{
	return (unsigned)_mm_movemask_epi8(
	    fold_bytes_from(_mm_loadu_si128((const __m128i *)(const void *)at), first, last));
}

/* A bit for each byte of the block from I of TEXT on where a word begins by its case.  Reads two blocks. */
static inline unsigned
begins_from(struct bytes text, size_t i, enum fold_split how)
{
	const char *at = text.at + i;
	uint64_t big = letters_at(at, 'A', 'Z') << BLOCK_SIZE;
	uint64_t small, begin;

	if (text.size - i < 3 || (big == 0 && (i == 0 || !fold_is_capital(at[-1]))))
		return 0;
	small = letters_at(at, 'a', 'z') << BLOCK_SIZE | letters_at(at + BLOCK_SIZE, 'a', 'z')
							     << 2 * BLOCK_SIZE;
	if (i > 0) {
		big |= letters_at(at - BLOCK_SIZE, 'A', 'Z');
		small |= letters_at(at - BLOCK_SIZE, 'a', 'z');
	}
	begin = big & small << 1;
	begin |= how == FOLD_CAMEL ? big & big << 1 & small >> 1
				   : small & small >> 1 & small >> 2 & big << 1 & big << 2 & big << 3;
	begin >>= BLOCK_SIZE;
	return (unsigned)begin &
	       ((1U << (text.size - i - 2 < BLOCK_SIZE ? text.size - i - 2 : BLOCK_SIZE)) - 1);
}

/* A bit for each letter of the two blocks at AT that stands alone, the first and the last byte left out. */
static inline uint32_t
alone_in(const char *at)
{
	uint32_t words = 0, letters = 0;

	for (int i = 0; i < 2; i++) {
		__m128i part = _mm_loadu_si128((const __m128i *)(const void *)at + i);
		__m128i small = fold_bytes_from(_mm_or_si128(part, _mm_set1_epi8(' ')), 'a', 'z');

		letters |= (uint32_t)_mm_movemask_epi8(small) << i * BLOCK_SIZE;
		words |= (uint32_t)_mm_movemask_epi8(_mm_or_si128(part, fold_bytes_from(part, '0', '9')))
			 << i * BLOCK_SIZE;
	}
	words |= letters;
	return letters & ~(words << 1) & ~(words >> 1) & 0x7ffffffe;
}

/* Puts SIZE bytes, at most a block. */
static inline void
put_run(struct fold *f, const char *at, size_t size)
{
	__m128i part = _mm_loadu_si128((const __m128i *)(const void *)at);

	_mm_storeu_si128((__m128i *)(void *)(f->cased.at + f->cased.used), part);
	part = _mm_or_si128(part, _mm_and_si128(fold_bytes_from(part, 'A', 'Z'), _mm_set1_epi8(' ')));
	_mm_storeu_si128((__m128i *)(void *)(f->lower.at + f->lower.used), part);
	f->cased.used += size;
	f->lower.used += size;
}

#else

/* Whether a word begins at I of TEXT, which has a letter before and behind it, by its case. */
static bool
begins_word(const char *text, size_t i, enum fold_split how)
{
	if (fold_is_capital(text[i])) {
		return fold_is_small(text[i - 1]) ||
		       (how == FOLD_CAMEL && fold_is_capital(text[i - 1]) && fold_is_small(text[i + 1]));
	}
	return how == FOLD_CAPITALS && i > 3 && fold_is_small(text[i]) && fold_is_small(text[i + 1]) &&
	       fold_is_small(text[i + 2]) && fold_is_capital(text[i - 1]) && fold_is_capital(text[i - 2]) &&
	       fold_is_capital(text[i - 3]);
}

static unsigned
begins_from(struct bytes text, size_t i, enum fold_split how)
{
	unsigned begin = 0;

	for (size_t k = 0; k < BLOCK_SIZE && i + k + 2 < text.size; k++)
		if (i + k > 0 && begins_word(text.at, i + k, how))
			begin |= 1U << k;
	return begin;
}

static uint32_t
alone_in(const char *at)
{
	uint32_t alone = 0;

	for (size_t k = 1; k < 31; k++)
		if (ascii_is_letter(at[k]) && !fold_is_word(at[k - 1]) && !fold_is_word(at[k + 1]))
			alone |= UINT32_C(1) << k;
	return alone;
}

static void
put_run(struct fold *f, const char *at, size_t size)
{
	while (size-- > 0)
		fold_put(f, *at++);
}

#endif

static inline size_t
next_hump(struct bytes text, size_t from, enum fold_split how)
{
	for (size_t i = from - from % BLOCK_SIZE; i < text.size; i += BLOCK_SIZE) {
		unsigned begin = begins_from(text, i, how);

		if (i < from)
			begin &= ~0U << (from - i);
		if (begin != 0)
			return i + (size_t)__builtin_ctz(begin);
	}
	return text.size;
}

size_t
fold_hump(struct bytes text, size_t from)
{
	return next_hump(text, from, FOLD_CAMEL);
}

/* The text as it was folded, of which F becomes another form that is at most SIZE bytes longer. */
static struct bytes
keep_whole(struct fold *f, size_t size)
{
	if (f->whole.used == 0) {
		size_t used = f->cased.used;

		buffer_add(&f->whole, f->cased.at, used);
		(void)buffer_more(&f->whole, FOLD_SLACK);
		f->whole.used = used;
	}
	f->lower.used = 0;
	f->cased.used = 0;
	size += f->whole.used + FOLD_SLACK;
	if (!buffer_reserve(&f->lower, size) || !buffer_reserve(&f->cased, size))
		memory_missing(size);
	return buffer_bytes(&f->whole);
}

bool
fold_split(struct fold *f, enum fold_split how)
{
	struct bytes whole = buffer_bytes(f->whole.used > 0 ? &f->whole : &f->cased);
	size_t first = next_hump(whole, 0, how);
	size_t i = 0;

	if (first == whole.size)
		return false;
	whole = keep_whole(f, whole.size);
	for (; i + BLOCK_SIZE <= first; i += BLOCK_SIZE)
		put_run(f, whole.at + i, BLOCK_SIZE);
	for (; i < whole.size; i += BLOCK_SIZE) {
		size_t end = whole.size - i < BLOCK_SIZE ? whole.size : i + BLOCK_SIZE;
		size_t from = i;

		for (unsigned begin = begins_from(whole, i, how); begin != 0; begin &= begin - 1) {
			size_t word = i + (size_t)__builtin_ctz(begin);

			put_run(f, whole.at + from, word - from);
			fold_put(f, ' ');
			from = word;
		}
		put_run(f, whole.at + from, end - from);
	}
	return true;
}

/* How many letters stand alone from FROM of TEXT on, with one and the same sign between them. */
static size_t
spelled_at(struct bytes text, size_t from)
{
	size_t letters = 0;

	for (size_t at = from; at + 1 < text.size; at += 2) {
		if (!ascii_is_letter(text.at[at]) || fold_is_word(text.at[at + 1]))
			break;
		letters++;
		if (text.at[at + 1] != text.at[from + 1])
			break;
	}
	return letters;
}

/* Where the next word is spelled, at FROM of the folded TEXT, which is not 0, or behind it; else its size. */
static size_t
next_spelled(struct bytes text, size_t from)
{
	enum {
		STEP = 2 * BLOCK_SIZE - 6
	}; /* behind the first letter stand two, and the byte before and behind them */

	for (; from < text.size; from += STEP) {
		uint32_t alone = alone_in(text.at + from - 1);

		for (alone &= alone >> 2 & alone >> 4; alone != 0; alone &= alone - 1) {
			size_t at = from - 1 + (size_t)__builtin_ctz(alone);

			if (at < text.size && spelled_at(text, at) >= FOLD_SPELLED)
				return at;
		}
	}
	return text.size;
}

bool
fold_join(struct fold *f)
{
	struct bytes text = buffer_bytes(f->whole.used > 0 ? &f->whole : &f->cased);
	size_t word = next_spelled(text, 1);
	size_t from = 1;

	if (word == text.size)
		return false;
	text = keep_whole(f, 0);
	fold_put(f, ' ');
	while (from < text.size) {
		while (from < word)
			fold_put(f, text.at[from++]);
		size_t letters = spelled_at(text, word);

		for (size_t k = 0; k < letters; k++)
			fold_put(f, text.at[word + 2 * k]);
		if (letters > 0)
			from += 2 * letters - 1;
		word = next_spelled(text, from);
	}
	return true;
}
