/* SPDX-License-Identifier: ISC */
#include "common/policy/term_phrase.h"

#include "common/base/fold.h"

/* Whether PART stands at AT of TEXT and ends there with a word. */
static bool
stands_with(struct bytes part, struct bytes text, size_t at)
{
	return at + part.size < text.size && memcmp(text.at + at, part.at, part.size) == 0 &&
	       !fold_is_word(text.at[at + part.size]);
}

/* Between two parts of a phrase. */
static const char gap[] = " * ";

enum { GAP_WORDS = 4 };

struct bytes
term_phrase_first(struct bytes phrase)
{
	const char *stop = memmem(phrase.at, phrase.size, gap, sizeof gap - 1);

	return (struct bytes){ phrase.at, stop == NULL ? phrase.size : (size_t)(stop - phrase.at) };
}

/* Finds PART behind up to four words from AT on, where the one before ended; 0: it is not there. */
static size_t
find_behind(struct bytes part, struct bytes text, size_t at)
{
	for (unsigned words = 0; words <= GAP_WORDS && at < text.size && text.at[at] == ' '; words++) {
		at++;
		if (stands_with(part, text, at))
			return at + part.size;
		at += fold_word(text, at).size;
	}
	return 0;
}

/* Whether the rest of a phrase, behind its first part, stands in TEXT from AT on. */
static bool
rest_stands(struct bytes rest, struct bytes text, size_t at)
{
	while (rest.size > 0) {
		struct bytes part = term_phrase_first(bytes_behind(rest, sizeof gap - 1));

		at = find_behind(part, text, at);
		if (at == 0)
			return false;
		rest = (struct bytes){ part.at + part.size,
			(size_t)(rest.at + rest.size - (part.at + part.size)) };
	}
	return true;
}

bool
term_phrase_stands(const struct term_phrase *phrase, struct bytes text, size_t at)
{
	struct bytes first = term_phrase_first(phrase->text);
	struct bytes rest = { first.at + first.size, phrase->text.size - first.size };
	size_t from = at - phrase->offset;

	return phrase->offset < at && stands_with(first, text, from) && !fold_is_word(text.at[from - 1]) &&
	       rest_stands(rest, text, from + first.size);
}

bool
term_phrase_take(struct bytes *list, struct bytes *phrase)
{
	const char *end = list->size == 0 ? NULL : memmem(list->at, list->size, " ; ", 3);

	if (list->size == 0)
		return false;
	*phrase = (struct bytes){ list->at, end == NULL ? list->size : (size_t)(end - list->at) };
	list->at += phrase->size + (end == NULL ? 0 : 3);
	list->size -= phrase->size + (end == NULL ? 0 : 3);
	return true;
}

enum { MAX_GAP = 8 }; /* signs and blanks between two words */

/* Steps over what stands for a blank at *AT, forwards or backwards.  False: nothing does. */
static bool
step_over_gap(struct bytes text, size_t *at, int step)
{
	bool is_blank = false;
	size_t signs = 0, size = 0;
	size_t i = *at;

	for (; i < text.size && !fold_is_word(text.at[i]); i += (size_t)step, size++) {
		is_blank |= text.at[i] == ' ';
		signs += strchr("+/.|=^&", text.at[i]) != NULL;
		if (strchr(" *~`+/.|=^&", text.at[i]) == NULL || size > MAX_GAP)
			return false;
	}
	*at = i;
	return size > 0 && (signs == 0 || (signs == 1 && !is_blank));
}

bool
term_phrase_parted(struct bytes term, size_t anchor, struct bytes text, size_t at, bool is_open)
{
	size_t from = at - 1, end = at;

	for (size_t i = anchor; i < term.size; i++) {
		if (term.at[i] == ' ' ? !step_over_gap(text, &end, 1)
				      : end >= text.size || text.at[end++] != term.at[i])
			return false;
	}
	for (size_t i = anchor; i > 0; i--) {
		if (term.at[i - 1] == ' ' ? !step_over_gap(text, &from, -1)
					  : from >= text.size || text.at[from--] != term.at[i - 1])
			return false;
	}
	return from < text.size && end < text.size && !fold_is_word(text.at[from]) &&
	       (is_open || !fold_is_word(text.at[end]));
}
