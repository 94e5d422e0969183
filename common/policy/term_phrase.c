/* SPDX-License-Identifier: ISC */
#include "common/policy/term_phrase.h"

#include "common/base/fold.h"

/* Between two parts of a phrase. */
static const char stop[] = " * ";

enum { GAP_WORDS = 4, MAX_GAP = 8 }; /* MAX_GAP: signs and blanks between two words */

/* What may stand for a blank: any number of BLANKS, or one of SIGNS without a blank beside it. */
struct gap {
	const char *blanks, *signs;
};

/* Emphasis, and what joins words in addresses and lists. */
static const struct gap in_term = { " *~`", "+/.|=^&" };

/* What cancels a term must be its neighbour: most signs part two thoughts (skin/depression). */
static const struct gap in_phrase = { " *`", "+" };

struct bytes
term_phrase_first(struct bytes phrase)
{
	const char *end = memmem(phrase.at, phrase.size, stop, sizeof stop - 1);

	return (struct bytes){ phrase.at, end == NULL ? phrase.size : (size_t)(end - phrase.at) };
}

/* Steps over what stands for a blank at *AT, forwards or backwards.  False: nothing does. */
static bool
step_over(const struct gap *gap, struct bytes text, size_t *at, int step)
{
	bool is_blank = false;
	size_t signs = 0, size = 0;
	size_t i = *at;

	for (; i < text.size && !fold_is_word(text.at[i]); i += (size_t)step, size++) {
		bool is_sign = strchr(gap->signs, text.at[i]) != NULL;

		is_blank |= text.at[i] == ' ';
		signs += is_sign;
		if ((!is_sign && strchr(gap->blanks, text.at[i]) == NULL) || size > MAX_GAP)
			return false;
	}
	*at = i;
	return size > 0 && (signs == 0 || (signs == 1 && !is_blank));
}

/* Whether PART stands in TEXT from its byte I at *AT to its end or, backwards, its begin; moves *AT. */
static bool
stands_along(const struct gap *gap, struct bytes part, size_t i, struct bytes text, size_t *at, int step)
{
	for (; i < part.size; i += (size_t)step) {
		if (part.at[i] == ' ') {
			if (!step_over(gap, text, at, step))
				return false;
		} else if (*at >= text.size || text.at[*at] != part.at[i]) {
			return false;
		} else {
			*at += (size_t)step;
		}
	}
	return true;
}

/* Whether PART, a term or a phrase, stands in TEXT with its byte I at *AT; moves *AT to its end. */
static bool
stands(const struct gap *gap, struct bytes part, size_t i, struct bytes text, size_t *at, bool is_open)
{
	size_t before = *at - 1;

	return stands_along(gap, part, i, text, at, 1) && stands_along(gap, part, i - 1, text, &before, -1) &&
	       *at < text.size && (is_open || !fold_is_word(text.at[*at])) && before < text.size &&
	       !fold_is_word(text.at[before]);
}

/* Finds PART behind up to four words from *AT on, where the one before ended; moves *AT to its end. */
static bool
find_behind(struct bytes part, struct bytes text, size_t *at)
{
	for (unsigned words = 0; words <= GAP_WORDS && step_over(&in_phrase, text, at, 1); words++) {
		size_t end = *at;

		if (stands(&in_phrase, part, 0, text, &end, false)) {
			*at = end;
			return true;
		}
		*at += fold_word(text, *at).size;
	}
	return false;
}

bool
term_phrase_stands(const struct term_phrase *phrase, struct bytes text, size_t at)
{
	struct bytes part = term_phrase_first(phrase->text);
	struct bytes rest = bytes_behind(phrase->text, part.size);

	if (!stands(&in_phrase, part, phrase->offset, text, &at, false))
		return false;
	while (rest.size > 0) {
		rest = bytes_behind(rest, sizeof stop - 1);
		part = term_phrase_first(rest);
		if (!find_behind(part, text, &at))
			return false;
		rest = bytes_behind(rest, part.size);
	}
	return true;
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

bool
term_phrase_parted(struct bytes term, size_t anchor, struct bytes text, size_t at, bool is_open)
{
	return stands(&in_term, term, anchor, text, &at, is_open);
}
