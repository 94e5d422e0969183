/* SPDX-License-Identifier: ISC */
#include "common/base/closest.h"

#include <stdio.h>

/* Longer words are not compared. */
enum { MOST = 64 };

struct closest
closest_to(struct bytes word)
{
	return (struct closest){ .word = word, .best = { "", 0 }, .distance = MOST };
}

static unsigned
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)c | 0x20u : (unsigned char)c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The restricted Damerau-Levenshtein distance, with the rows of the table for the last three letters of A. */
static size_t
distance(struct bytes a, struct bytes b)
{
	size_t rows[3][MOST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t k = 0; k <= b.size; k++)
		last[k] = k;
	for (size_t i = 1; i <= a.size; i++) {
		row[0] = i;
		for (size_t k = 1; k <= b.size; k++) {
			bool same = lower(a.at[i - 1]) == lower(b.at[k - 1]);

			row[k] = least(least(last[k], row[k - 1]) + 1, last[k - 1] + !same);
			if (i > 1 && k > 1 && lower(a.at[i - 1]) == lower(b.at[k - 2]) &&
			    lower(a.at[i - 2]) == lower(b.at[k - 1]))
				row[k] = least(row[k], before[k - 2] + 1);
		}
		size_t *free = before;

		before = last;
		last = row;
		row = free;
	}
	return last[b.size];
}

void
closest_offer(struct closest *c, struct bytes known)
{
	size_t size;

	if (c->word.size == 0 || c->word.size > MOST || known.size == 0 || known.size > MOST)
		return;
	size = distance(c->word, known);
	if (size <= least(c->word.size, known.size) / 3 && size < c->distance) {
		c->best = known;
		c->distance = size;
	}
}

const char *
closest_text(const struct closest *c, const char *prefix, char text[CLOSEST_ROOM])
{
	text[0] = '\0';
	if (c->best.size > 0)
		(void)snprintf(
		    text, CLOSEST_ROOM, ", did you mean '%s%.*s'?", prefix, (int)c->best.size, c->best.at);
	return text;
}
