/* SPDX-License-Identifier: ISC */
#include "common/policy/numbers.h"

#include "common/base/block.h"
#include "common/policy/number_forms.h"

#include <string.h>

enum { LONGEST = 40, FEWEST_DIGITS = 5 };

static char
capital(char c)
{
	if ((unsigned)c - 'a' >= 26)
		return c;
	return (char)(c - 'a' + 'A');
}

/* Letters of other scripts join, too. */
static bool
is_joined(char c)
{
	return ascii_continues_name(c) || ((unsigned char)c & 0x80) != 0;
}

static bool
fits(char form, char c)
{
	switch (form) {
	case 'd':
		return ascii_is_digit(c);
	case 'A':
		return ascii_is_letter(c);
	case 'w':
		return ascii_is_alnum(c);
	default:
		return form == c;
	}
}

/* The rest of an account at FROM; S has its first four characters.  Returns its end; FROM: it is none. */
static size_t
take_account(struct bytes text, size_t from, char s[LONGEST], size_t *size)
{
	size_t length = number_forms_account(s);
	bool has_blanks = from < text.size && text.at[from] == ' ';
	size_t i = from;

	while (*size < length) {
		if (has_blanks && *size % 4 == 0 && (i == text.size || text.at[i++] != ' '))
			return from;
		if (i == text.size || !fits('w', text.at[i]))
			return from;
		s[(*size)++] = capital(text.at[i++]);
	}
	return i;
}

/* Where a number of that form ends that begins at FROM of TEXT; FROM if none does. */
static size_t
end_of(const struct number_form *f, struct bytes text, size_t from)
{
	char s[LONGEST];
	size_t size = 0;
	size_t i = from;

	for (const char *form = f->form; *form != '\0'; form++) {
		if (*form == '*') {
			size_t end = take_account(text, i, s, &size);

			if (end == i)
				return from;
			i = end;
			continue;
		}
		if (i == text.size || !fits(*form, text.at[i]))
			return from;
		if (fits('w', text.at[i]))
			s[size++] = capital(text.at[i]);
		i++;
	}
	return f->holds(s, size) ? i : from;
}

static bool
is_joint(char c)
{
	return c == '-' || c == '.' || c == '+';
}

static bool
begins_number(struct bytes text, size_t i)
{
	if (i == 0)
		return true;
	if (is_joined(text.at[i - 1]) || is_joint(text.at[i - 1]) || text.at[i - 1] == '/')
		return false;
	/* A group of digits before the blank makes it a series. */
	return text.at[i - 1] != ' ' || i == 1 || !ascii_is_digit(text.at[i - 2]);
}

static bool
ends_number(struct bytes text, size_t end)
{
	if (end == text.size)
		return true;
	if (is_joined(text.at[end]) || text.at[end] == '/')
		return false;
	return (text.at[end] != ' ' && !is_joint(text.at[end])) || end + 1 == text.size ||
	       !ascii_is_digit(text.at[end + 1]);
}

/*
 * Adds a form by the run that it begins with.  Where w follows, it ends a run of digits, or all of the run
 * goes on to where no d or w follows; of letters it may go on anywhere.
 */
static void
add_form(uint64_t by_run[NUMBERS_RUN + 1], const char *form, bool of_digits, uint64_t bit)
{
	size_t fixed = strspn(form, of_digits ? "d0123456789" : "A");
	size_t most = fixed + strspn(form + fixed, of_digits ? "dw" : "Aw");

	for (size_t run = fixed; run <= most && run <= NUMBERS_RUN; run++)
		if (!of_digits || run == fixed || run == most)
			by_run[run] |= bit;
}

void
numbers_add(struct numbers *n, uint64_t kinds)
{
	n->kinds |= kinds;
	for (size_t f = 0; f < number_forms_count; f++) {
		const char *form = number_forms[f].form;

		if ((kinds >> number_forms[f].kind & 1) == 0)
			continue;
		if (*form == 'A')
			add_form(n->letters, form, false, UINT64_C(1) << f);
		else
			add_form(n->digits, form, true, UINT64_C(1) << f);
	}
}

/* TEXT without the UUID that it ends with, as references do. */
static struct bytes
without_uuid(struct bytes text)
{
	const char *end = text.at + text.size;

	if (text.size >= 36 && end[-13] == '-' && end[-18] == '-' && end[-23] == '-' && end[-28] == '-')
		text.size -= 36;
	return text;
}

/* Bit i: byte FROM + i of TEXT, of 16, stands from FIRST to LAST. */
static inline unsigned
bytes_from(struct bytes text, size_t from, char first, char last)
{
	return block_bits(block_from(block_at(text.at + from), first, last)) & block_inside(text.size - from);
}

static inline unsigned
digits_at(struct bytes text, size_t from)
{
	return bytes_from(text, from, '0', '9');
}

/* Whether TEXT, of at most 32 bytes, is digits, colons and what joins the seconds and the zone to them. */
static bool
is_clock(struct bytes text)
{
	for (size_t i = 0; i < text.size; i += 16) {
		unsigned all = text.size - i < 16 ? (1U << (text.size - i)) - 1 : 0xffff;
		unsigned good = bytes_from(text, i, '0', ':') | bytes_from(text, i, '-', '.') |
				bytes_from(text, i, '+', '+');

		if (good != all)
			return false;
	}
	return true;
}

bool
numbers_is_whole_time(struct bytes text)
{
	enum { OF_DATE = 0x36f, DATE_BITS = 0x3ff }; /* a bit for each digit of the date, and for each byte */
	struct bytes clock = { text.at + NUMBERS_DATE + 1, text.size - NUMBERS_DATE - 1 };

	if ((digits_at(text, 0) & DATE_BITS) != OF_DATE)
		return false;
	if (text.size == NUMBERS_DATE)
		return true;
	if (text.size < NUMBERS_DATE + 4 || text.at[NUMBERS_DATE] != 'T' || clock.at[2] != ':')
		return false;
	if (clock.at[clock.size - 1] == 'Z')
		clock.size--;
	return is_clock(clock);
}

/* How many digits TEXT has from I on; at most one more than forms begin with. */
static size_t
digits_from(struct bytes text, size_t i)
{
	size_t run = (size_t)__builtin_ctz(~digits_at(text, i));

	return run + (run == NUMBERS_RUN && i + run < text.size && ascii_is_digit(text.at[i + run]));
}

static bool
has_digits(struct bytes text)
{
	unsigned count = 0;

	for (size_t i = 0; i < text.size; i += 16)
		for (unsigned mask = digits_at(text, i); mask != 0; mask &= mask - 1)
			if (++count == FEWEST_DIGITS)
				return true;
	return false;
}

/* The first digit of TEXT from I on; its end if there is none. */
static size_t
next_digit(struct bytes text, size_t i)
{
	for (; i < text.size; i += 16) {
		unsigned mask = digits_at(text, i);

		if (mask != 0)
			return i + (unsigned)__builtin_ctz(mask);
	}
	return text.size;
}

/* Where the letters begin that stand before DIGIT, also with a blank or a dash between; DIGIT if none do. */
static size_t
letters_before(struct bytes text, size_t digit, size_t *end)
{
	size_t i;

	*end = digit;
	if (digit > 1 && (text.at[digit - 1] == ' ' || text.at[digit - 1] == '-'))
		--*end;
	for (i = *end; i > 0 && *end - i <= NUMBERS_RUN && ascii_is_letter(text.at[i - 1]);)
		i--;
	return i == *end ? digit : i;
}

/* The kinds of the numbers of FORMS that begin at I of TEXT, with a run that ends at BEHIND. */
static uint64_t
kinds_at(struct bytes text, size_t i, size_t behind, uint64_t forms, bool has_words)
{
	uint64_t kinds = 0;
	char next = '\0';

	if (behind < text.size)
		next = text.at[behind];

	for (; forms != 0; forms &= forms - 1) {
		const struct number_form *f = &number_forms[__builtin_ctzll(forms)];
		char expected = f->form[behind - i];
		size_t end;

		if (expected != '\0' && expected != '*' && !fits(expected, next))
			continue;
		if (f->is_weak && !has_words)
			continue;
		end = end_of(f, text, i);
		if (end > i && ends_number(text, end))
			kinds |= UINT64_C(1) << f->kind;
	}
	return kinds;
}

uint64_t
numbers_in(const struct numbers *n, struct bytes text)
{
	uint64_t found = 0;
	size_t run;

	if (text.size < NUMBERS_SHORTEST || numbers_is_time(text))
		return 0;
	text = without_uuid(text);
	if (!has_digits(text))
		return 0;
	bool has_words = memchr(text.at, ' ', text.size) != NULL;
	for (size_t i = next_digit(text, 0); i < text.size; i = next_digit(text, i + run)) {
		size_t end;
		size_t letters = letters_before(text, i, &end);

		run = digits_from(text, i);
		if (letters < i && end - letters <= NUMBERS_RUN && n->letters[end - letters] != 0 &&
		    begins_number(text, letters))
			found |= kinds_at(text, letters, end, n->letters[end - letters], has_words);
		if (run <= NUMBERS_RUN && n->digits[run] != 0 && begins_number(text, i))
			found |= kinds_at(text, i, i + run, n->digits[run], has_words);
	}
	return found;
}

uint64_t
numbers_of(struct bytes text)
{
	uint64_t found = 0;

	for (size_t f = 0; f < number_forms_count; f++)
		if (text.size > 0 && end_of(&number_forms[f], text, 0) == text.size)
			found |= UINT64_C(1) << number_forms[f].kind;
	return found;
}
