/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_FOLD_PARTS_H
#define EHR_BASE_FOLD_PARTS_H

#include "common/base/block.h"
#include "common/base/fold.h"

/* What fold.c, which folds a text, and fold_words.c, which splits and joins the words of one, share. */

enum { FOLD_SPELLED = 3 }; /* letters that stand alone and make a word */

/* The caller has made room. */
static inline void
fold_put(struct fold *f, char c)
{
	if (c == ' ' && f->cased.used > 0 && f->cased.at[f->cased.used - 1] == ' ')
		return;
	f->cased.at[f->cased.used++] = c;
	f->lower.at[f->lower.used++] = ascii_lower(c);
}

#if defined(__SSE2__) && !defined(BLOCK_PORTABLE)

/* All bits of each byte from FIRST to LAST. */
static inline __m128i
fold_bytes_from(__m128i bytes, char first, char last)
{
	return (__m128i)block_from((block)bytes, first, last);
}

#endif

#endif
