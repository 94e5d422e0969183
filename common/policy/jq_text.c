/* SPDX-License-Identifier: ISC */
#include "common/policy/jq_text.h"

#include <string.h>

enum { MAX_TEXT = 65536, MAX_NESTING = 256 };

static const char needs_now[] = "$now is known only where --now is given";
static const char unbalanced[] = "a bracket or string is not closed, or closed and not opened";
static const char too_nested[] = "more than 256 brackets inside one another";
static const char too_long[] = "expression of more than 65536 bytes";
static const char holds_nul[] = "NUL in an expression";

/* Words that could read, print, loop or vary.  The message is a constant that names the word. */
static const struct {
	const char *word;
	const char *why;
} forbidden[] = {
#define FORBIDDEN(word)                                                                                      \
	{                                                                                                    \
		word, "'" word "' is not allowed: it could read, print, loop or vary"                        \
	}
	FORBIDDEN("input"),
	FORBIDDEN("inputs"),
	FORBIDDEN("input_filename"),
	FORBIDDEN("input_line_number"),
	FORBIDDEN("debug"),
	FORBIDDEN("stderr"),
	FORBIDDEN("env"),
	FORBIDDEN("now"),
	FORBIDDEN("localtime"),
	FORBIDDEN("strflocaltime"),
	FORBIDDEN("halt"),
	FORBIDDEN("halt_error"),
	FORBIDDEN("import"),
	FORBIDDEN("include"),
	FORBIDDEN("modulemeta"),
	FORBIDDEN("get_search_list"),
	FORBIDDEN("def"),
	FORBIDDEN("while"),
	FORBIDDEN("until"),
	FORBIDDEN("repeat"),
	FORBIDDEN("infinite"),
#undef FORBIDDEN
};
static const char no_environment[] = "'$ENV' is not allowed: it could read, print, loop or vary";
static const char no_recursion[] = "'recurse(f)' is not allowed: it could read, print, loop or vary";

struct scan {
	struct bytes text;
	size_t next;
	bool has_now;
	char open[MAX_NESTING]; /* the open brackets: ( [ {, or " for an interpolation in a string */
	unsigned depth;
	const char *why;
};

static char
peek(const struct scan *s, size_t ahead)
{
	if (ahead >= s->text.size - s->next)
		return 0;
	return s->text.at[s->next + ahead];
}

/* The first byte from AT on outside of blanks and comments; 0 at the end. */
static char
after_blank(const struct scan *s, size_t at)
{
	for (; at < s->text.size; at++) {
		char c = s->text.at[at];

		if (c == '#')
			while (at + 1 < s->text.size && s->text.at[at + 1] != '\n')
				at++;
		else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c;
	}
	return 0;
}

static bool
refuse(struct scan *s, size_t at, const char *why)
{
	s->next = at;
	s->why = why;
	return false;
}

static bool
open_bracket(struct scan *s, char c)
{
	if (s->depth == MAX_NESTING)
		return refuse(s, s->next, too_nested);
	s->open[s->depth++] = c;
	s->next++;
	return true;
}

/* Inside a string: moves behind its end, or into an interpolation. */
static bool
scan_string(struct scan *s)
{
	while (s->next < s->text.size) {
		char c = s->text.at[s->next++];

		if (c == '"')
			return true;
		if (c == '\\' && s->next < s->text.size && s->text.at[s->next] == '(')
			return open_bracket(s, '"');
		if (c == '\\' && s->next < s->text.size)
			s->next++;
	}
	return refuse(s, s->text.size, unbalanced);
}

static bool
close_bracket(struct scan *s, char c)
{
	static const char pairs[] = "()[]{}\")";
	char was = 0;

	if (s->depth > 0)
		was = s->open[s->depth - 1];
	/* An interpolation in a string ends with ")" too. */
	if (was == 0 || (strchr(pairs, was)[1] != c))
		return refuse(s, s->next, unbalanced);
	s->depth--;
	s->next++;
	return was != '"' || scan_string(s);
}

/* Refuses a forbidden word.  A field (.now) and the key of an object ({now: 1}) are no words of jq. */
static bool
scan_word(struct scan *s)
{
	size_t start = s->next;
	struct bytes word;
	size_t before = start;

	while (ascii_continues_name(peek(s, 0)))
		s->next++;
	word = (struct bytes){ s->text.at + start, s->next - start };
	while (before > 0 && strchr(" \t\r\n", s->text.at[before - 1]) != NULL)
		before--;
	if (before > 0 && s->text.at[before - 1] == '$') {
		if (bytes_are(word, "ENV"))
			return refuse(s, start, no_environment);
		return s->has_now || !bytes_are(word, "now") || refuse(s, start, needs_now);
	}
	if ((start > 0 && s->text.at[start - 1] == '.') || after_blank(s, s->next) == ':')
		return true;
	if (bytes_are(word, "recurse") && after_blank(s, s->next) == '(')
		return refuse(s, start, no_recursion);
	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
		if (bytes_are(word, forbidden[i].word))
			return refuse(s, start, forbidden[i].why);
	return true;
}

static bool
scan_token(struct scan *s)
{
	char c = peek(s, 0);

	if (c == '"') {
		s->next++;
		return scan_string(s);
	}
	if (c == '(' || c == '[' || c == '{')
		return open_bracket(s, c);
	if (c == ')' || c == ']' || c == '}')
		return close_bracket(s, c);
	if (ascii_begins_name(c))
		return scan_word(s);
	if (c == '#')
		while (s->next < s->text.size && s->text.at[s->next] != '\n')
			s->next++;
	else
		s->next++;
	return true;
}

static bool
scan_all(struct scan *s)
{
	const void *nul = s->text.size > 0 ? memchr(s->text.at, 0, s->text.size) : NULL;

	if (s->text.size > MAX_TEXT)
		return refuse(s, 0, too_long);
	if (nul != NULL)
		return refuse(s, (size_t)((const char *)nul - s->text.at), holds_nul);
	while (s->next < s->text.size)
		if (!scan_token(s))
			return false;
	return s->depth == 0 || refuse(s, s->text.size, unbalanced);
}

bool
jq_text_is_allowed(struct bytes text, bool has_now, size_t *byte, const char **why)
{
	struct scan s = { .text = text, .has_now = has_now };

	if (scan_all(&s))
		return true;
	*byte = s.next + 1;
	*why = s.why;
	return false;
}
