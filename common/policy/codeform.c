/* SPDX-License-Identifier: ISC */
#include "common/policy/codeform.h"

#include <string.h>

/* Characters of Unicode that a code may be written with, and what they stand for: 0 for nothing. */
static const struct spelling {
	unsigned first, last;
	char plain;
} spelling[] = {
	{ 0x00a0, 0x00a0, ' ' },                           /* no-break space */
	{ 0x00ab, 0x00ab, '"' },                           /* guillemets */
	{ 0x00ad, 0x00ad, 0 },                             /* soft hyphen */
	{ 0x00b4, 0x00b4, '\'' },                          /* acute accent */
	{ 0x00b7, 0x00b7, '.' },                           /* middle dot */
	{ 0x00bb, 0x00bb, '"' }, { 0x02bc, 0x02bc, '\'' }, /* apostrophe as a letter */
	{ 0x2000, 0x200a, ' ' },                           /* spaces of all widths */
	{ 0x200b, 0x200f, 0 },                             /* without width, marks of direction */
	{ 0x2010, 0x2015, '-' },                           /* hyphens and dashes */
	{ 0x2018, 0x201b, '\'' },                          /* quotation marks */
	{ 0x201c, 0x201f, '"' }, { 0x2024, 0x2024, '.' },  /* one dot of a row */
	{ 0x2027, 0x2027, '.' },                           /* middle dot */
	{ 0x202a, 0x202e, 0 },                             /* marks of direction */
	{ 0x202f, 0x202f, ' ' },                           /* narrow no-break space */
	{ 0x2032, 0x2032, '\'' },                          /* prime, double prime */
	{ 0x2033, 0x2033, '"' }, { 0x2039, 0x203a, '\'' }, /* single guillemets */
	{ 0x205f, 0x205f, ' ' },                           /* mathematical space */
	{ 0x2060, 0x2064, 0 },                             /* without width */
	{ 0x2066, 0x206f, 0 },                             /* marks of direction */
	{ 0x2212, 0x2212, '-' },                           /* minus */
	{ 0x3000, 0x3000, ' ' },                           /* as wide as a letter of Chinese */
	{ 0x3002, 0x3002, '.' },                           /* full stop of Chinese */
	{ 0xfe58, 0xfe58, '-' },                           /* small dashes */
	{ 0xfe63, 0xfe63, '-' }, { 0xfeff, 0xfeff, 0 },    /* byte order mark */
};

enum { FULL_WIDTH = 0xff01, FULL_WIDTH_LAST = 0xff5e };

/* Zeros of scripts with digits of their own: Arabic, Persian, and those of India. */
static const unsigned zeros[] = { 0x0660, 0x06f0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0be6, 0x0c66, 0x0ce6,
	0x0d66, 0x0e50, 0x2080 };

/* The character of two or three bytes at AT, its length in *SIZE; 0 if it is another. */
static unsigned
point_at(struct bytes text, size_t at, size_t *size)
{
	const unsigned char *c = (const unsigned char *)text.at + at;
	size_t rest = text.size - at;

	*size = 2;
	if (rest >= 2 && c[0] >= 0xc2 && c[0] < 0xe0)
		return (c[0] & 0x1fU) << 6 | (c[1] & 0x3fU);
	*size = 3;
	if (rest >= 3 && c[0] >= 0xe0 && c[0] < 0xf0)
		return (c[0] & 0xfU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
	*size = 1;
	return 0;
}

/* True if the character POINT stands for *PLAIN. */
static bool
stands_for(unsigned point, char *plain)
{
	if (point >= FULL_WIDTH && point <= FULL_WIDTH_LAST) {
		*plain = (char)(point - FULL_WIDTH + '!');
		return true;
	}
	for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
		if (point >= zeros[i] && point < zeros[i] + 10) {
			*plain = (char)(point - zeros[i] + '0');
			return true;
		}
	for (size_t i = 0; i < sizeof spelling / sizeof *spelling; i++)
		if (point >= spelling[i].first && point <= spelling[i].last) {
			*plain = spelling[i].plain;
			return true;
		}
	return false;
}

static bool
is_ascii(struct bytes code)
{
	unsigned char all = 0;

	for (size_t i = 0; i < code.size; i++)
		all |= (unsigned char)code.at[i];
	return all < 0x80;
}

struct bytes
codeform_plain(struct bytes code, char room[CODEFORM_ROOM])
{
	size_t used = 0, size;

	if (code.size > CODEFORM_ROOM || is_ascii(code))
		return bytes_trim(code);
	for (size_t at = 0; at < code.size; at += size) {
		unsigned point = point_at(code, at, &size);
		char plain;

		if (point == 0 || !stands_for(point, &plain)) {
			memcpy(room + used, code.at + at, size);
			used += size;
		} else if (plain != 0) {
			room[used++] = plain;
		}
	}
	return bytes_trim((struct bytes){ room, used });
}

/* From the right, each second digit counts twice, and of the product the sum of its digits (LOINC, annex). */
static bool
has_mod10(const char *number, size_t size, char check)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned digit = (unsigned)(number[size - 1 - i] - '0');

		if (i % 2 == 0)
			digit = digit < 5 ? 2 * digit : 2 * digit - 9;
		sum += digit;
	}
	return (10 - sum % 10) % 10 == (unsigned)(check - '0');
}

static bool
is_loinc(struct bytes code)
{
	bool is_part =
	    code.size > 2 && (code.at[0] | 0x20) == 'l' && strchr("apgl", code.at[1] | 0x20) != NULL;
	size_t at = is_part ? 2 : 0;
	size_t size = bytes_digits(code, at);

	if (size == 0 || size > 7 || code.size != at + size + 2 || code.at[at + size] != '-' ||
	    !ascii_is_digit(code.at[at + size + 1]))
		return false;
	/* Parts and answers have their numbers checked in another way. */
	return is_part || has_mod10(code.at, size, code.at[size + 1]);
}

/* Verhoeff's check over the dihedral group of ten elements: products, and the permutation by place. */
static const unsigned char product[10][10] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
	{ 1, 2, 3, 4, 0, 6, 7, 8, 9, 5 },
	{ 2, 3, 4, 0, 1, 7, 8, 9, 5, 6 },
	{ 3, 4, 0, 1, 2, 8, 9, 5, 6, 7 },
	{ 4, 0, 1, 2, 3, 9, 5, 6, 7, 8 },
	{ 5, 9, 8, 7, 6, 0, 4, 3, 2, 1 },
	{ 6, 5, 9, 8, 7, 1, 0, 4, 3, 2 },
	{ 7, 6, 5, 9, 8, 2, 1, 0, 4, 3 },
	{ 8, 7, 6, 5, 9, 3, 2, 1, 0, 4 },
	{ 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 },
};
static const unsigned char permuted[8][10] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
	{ 1, 5, 7, 6, 2, 8, 3, 0, 9, 4 },
	{ 5, 8, 0, 3, 7, 9, 6, 1, 4, 2 },
	{ 8, 9, 1, 6, 0, 4, 3, 5, 2, 7 },
	{ 9, 4, 5, 3, 1, 2, 6, 8, 7, 0 },
	{ 4, 2, 8, 6, 5, 7, 3, 9, 0, 1 },
	{ 2, 7, 9, 3, 8, 0, 6, 4, 1, 5 },
	{ 7, 0, 4, 6, 9, 1, 3, 2, 5, 8 },
};

static bool
is_snomed(struct bytes code)
{
	unsigned check = 0;

	if (code.size < 6 || code.size > 18 || bytes_digits(code, 0) != code.size || code.at[0] == '0')
		return false;
	for (size_t i = 0; i < code.size; i++)
		check = product[check][permuted[i % 8][code.at[code.size - 1 - i] - '0']];
	return check == 0;
}

/* The marks of the dual classification, of optional codes, and of German and Finnish editions. */
static size_t
size_without_marks(struct bytes code)
{
	while (code.size > 0 && strchr("+*!#& -.", code.at[code.size - 1]) != NULL)
		code.size--;
	return code.size;
}

/* Letter, digit, digit or letter; then at most five letters and digits, dots and blanks not counted.
 * A hyphen stands before a letter for the certainty: F32.1-G. */
static bool
is_icd10(struct bytes code)
{
	size_t more = 0;

	code.size = size_without_marks(code);
	if (code.size < 3 || !ascii_is_letter(code.at[0]) || !ascii_is_digit(code.at[1]) ||
	    !ascii_is_alnum(code.at[2]))
		return false;
	for (size_t i = 3; i < code.size; i++) {
		if (ascii_is_alnum(code.at[i]))
			more++;
		else if (code.at[i] != '.' && code.at[i] != ' ' && (code.at[i] != '-' || i + 2 < code.size))
			return false;
	}
	return more <= 5;
}

/* WHOLE digits, then nothing, or a dot or none, and at most MORE digits. */
static bool
is_decimal(struct bytes code, size_t at, size_t whole, size_t more)
{
	size_t size = bytes_digits(code, at), rest;

	if (size == code.size - at)
		return size >= whole && size <= whole + more;
	rest = bytes_digits(code, at + whole + 1);
	return size == whole && code.at[at + whole] == '.' && rest <= more &&
	       at + whole + 1 + rest == code.size;
}

static bool
is_icd9(struct bytes code)
{
	int first = code.size > 0 ? code.at[0] | 0x20 : 0;

	if (first == 'v')
		return is_decimal(code, 1, 2, 2);
	return first == 'e' ? is_decimal(code, 1, 3, 1) : is_decimal(code, 0, 3, 2);
}

static bool
is_pcs(struct bytes code)
{
	if (code.size != 7)
		return false;
	for (size_t i = 0; i < code.size; i++)
		if (!ascii_is_alnum(code.at[i]) || strchr("IOio", code.at[i]) != NULL)
			return false;
	return true;
}

static bool
is_cpt(struct bytes code)
{
	size_t size = bytes_digits(code, 0);

	return code.size == 5 && (size == 5 || (size == 4 && ascii_is_letter(code.at[4])));
}

static bool
is_hcpcs(struct bytes code)
{
	return is_cpt(code) || (code.size == 5 && ascii_is_letter(code.at[0]) && bytes_digits(code, 1) == 4);
}

/* Letter, two digits, letter, letter, two digits; it may end after each level. */
static bool
is_atc(struct bytes code)
{
	static const char form[] = "a00aa00";

	if (code.size == 0 || code.size == 2 || code.size == 6 || code.size > 7)
		return false;
	for (size_t i = 0; i < code.size; i++)
		if (form[i] == 'a' ? !ascii_is_letter(code.at[i]) : !ascii_is_digit(code.at[i]))
			return false;
	return true;
}

static bool
is_icpc(struct bytes code)
{
	return code.size >= 3 && ascii_is_letter(code.at[0]) && bytes_digits(code, 1) == 2 &&
	       (code.size == 3 || code.at[3] == '.');
}

/* Digit, hyphen, digit, one or two more; then a dot and one or two more. */
static bool
is_ops(struct bytes code)
{
	size_t size = code.size;

	if (size < 5 || size > 8 || !ascii_is_digit(code.at[0]) || code.at[1] != '-' ||
	    !ascii_is_digit(code.at[2]))
		return false;
	for (size_t i = 3; i < size; i++)
		if (!ascii_is_alnum(code.at[i]) && (code.at[i] != '.' || i != 5 || size == 6))
			return false;
	return size <= 5 || code.at[5] == '.';
}

/* Five characters, of which the last may be dots or left out; two digits for the term may follow. */
static bool
is_read(struct bytes code)
{
	if (code.size < 2 || code.size > 7)
		return false;
	for (size_t i = 0; i < code.size; i++)
		if (!ascii_is_alnum(code.at[i]) && code.at[i] != '.')
			return false;
	return ascii_is_alnum(code.at[0]);
}

static bool
is_gdrg(struct bytes code)
{
	return code.size == 4 && ascii_is_letter(code.at[0]) && bytes_digits(code, 1) == 2 &&
	       ascii_is_letter(code.at[3]);
}

/* A stem code, with or without its dot; extensions behind & are other parts. */
static bool
is_icd11(struct bytes code)
{
	if (code.size < 4 || code.size > 9 || !ascii_is_alnum(code.at[0]) || !ascii_is_letter(code.at[1]) ||
	    !ascii_is_digit(code.at[2]) || !ascii_is_alnum(code.at[3]))
		return false;
	for (size_t i = 4; i < code.size; i++)
		if (!ascii_is_alnum(code.at[i]) && (i != 4 || code.at[i] != '.'))
			return false;
	return true;
}

bool
codeform_has_letters(enum codeform form)
{
	return form == CODEFORM_ICD10 || form == CODEFORM_ICD9 || form == CODEFORM_PCS ||
	       form == CODEFORM_HCPCS || form == CODEFORM_ATC;
}

bool
codeform_stands_alone(enum codeform form)
{
	return form != CODEFORM_READ && form != CODEFORM_GDRG;
}

bool
codeform_is_number(enum codeform form)
{
	return form == CODEFORM_LOINC || form == CODEFORM_SNOMED || form == CODEFORM_NUMBER;
}

bool
codeform_fits(enum codeform form, struct bytes code)
{
	switch (form) {
	case CODEFORM_LOINC:
		return is_loinc(code);
	case CODEFORM_SNOMED:
		return is_snomed(code);
	case CODEFORM_NUMBER:
		return code.size >= 1 && code.size <= 9 && bytes_digits(code, 0) == code.size;
	case CODEFORM_ICD10:
		return is_icd10(code);
	case CODEFORM_SKS:
		return code.size > 0 && (code.at[0] | 0x20) == 'd' && is_icd10(bytes_behind(code, 1));
	case CODEFORM_ICD9:
		return is_icd9(code);
	case CODEFORM_ICD9_PROCEDURE:
		return is_decimal(code, 0, 2, 2);
	case CODEFORM_PCS:
		return is_pcs(code);
	case CODEFORM_HCPCS:
		return is_hcpcs(code);
	case CODEFORM_CPT:
		return is_cpt(code);
	case CODEFORM_ATC:
		return is_atc(code);
	case CODEFORM_ICPC:
		return is_icpc(code);
	case CODEFORM_OPS:
		return is_ops(code);
	case CODEFORM_READ:
		return is_read(code);
	case CODEFORM_GDRG:
		return is_gdrg(code);
	case CODEFORM_ICD11:
		return is_icd11(code);
	case CODEFORM_DRG:
		return code.size == 3 && bytes_digits(code, 0) == 3;
	case CODEFORM_ANY:
		break;
	}
	return true;
}

static bool
is_operator(char c)
{
	static const char operators[] = "|:+*!=,;/(){}[]<>#&^~\"'`\\";

	/* The dagger of a pair of ICD codes is U+2020, whose first byte no code holds. */
	return (unsigned char)c <= ' ' || memchr(operators, c, sizeof operators - 1) != NULL ||
	       (unsigned char)c >= 0x80;
}

bool
codeform_is_compound(struct bytes code)
{
	for (size_t i = 0; i < code.size; i++)
		if (!ascii_is_alnum(code.at[i]) && code.at[i] != '.' && code.at[i] != '-' &&
		    is_operator(code.at[i]))
			return true;
	return false;
}

bool
codeform_part(struct bytes code, size_t *at, struct bytes *part)
{
	size_t i = *at, start;

	while (i < code.size && is_operator(code.at[i])) {
		const char *end = NULL;

		if (code.at[i] == '|' || code.at[i] == '"')
			end = memchr(code.at + i + 1, code.at[i], code.size - i - 1);
		/* A term without its end is no term: what follows may be a code. */
		i = end != NULL ? (size_t)(end - code.at) + 1 : i + 1;
	}
	start = i;
	while (i < code.size && !is_operator(code.at[i]))
		i++;
	*at = i;
	*part = (struct bytes){ code.at + start, i - start };
	return i > start;
}

bool
codeform_number(struct bytes text, size_t *at, struct bytes *number, enum codeform *form)
{
	size_t i = *at;

	while (i < text.size) {
		size_t start = i, size = bytes_digits(text, i);

		if (size == 0) {
			i++;
			continue;
		}
		i += size;
		*form = CODEFORM_SNOMED;
		if (size <= 7 && i + 1 < text.size && text.at[i] == '-' && bytes_digits(text, i + 1) == 1) {
			*form = CODEFORM_LOINC;
			i += 2;
		}
		*at = i;
		*number = (struct bytes){ text.at + start, i - start };
		if ((i == text.size || !ascii_is_alnum(text.at[i])) && codeform_fits(*form, *number))
			return true;
		/* Of 9-44250-9 the second number may be one. */
		i = start + size;
	}
	*at = i;
	return false;
}

/* What parts the pieces of a path. */
static bool
parts_path(char c)
{
	return c != '\0' && strchr("./_-:#?|", c) != NULL;
}

/* The end of the letters and digits of TEXT from AT on. */
static size_t
end_of_run(struct bytes text, size_t at)
{
	while (at < text.size && ascii_is_alnum(text.at[at]))
		at++;
	return at;
}

bool
codeform_piece(struct bytes text, size_t *at, struct bytes *piece)
{
	for (size_t i = *at; i + 2 < text.size; i++) {
		size_t end;

		if (text.at[i] < 'A' || text.at[i] > 'Z' || !ascii_is_digit(text.at[i + 1]) ||
		    !ascii_is_digit(text.at[i + 2]) || (i > 0 && !parts_path(text.at[i - 1])))
			continue;
		end = end_of_run(text, i);
		if (end == i + 3 && bytes_at(text, end) == '.' && bytes_digits(text, end + 1) > 0)
			end = end_of_run(text, end + 1);
		if (end == text.size ? i == 0 : !parts_path(text.at[end]))
			continue;
		*at = end;
		*piece = (struct bytes){ text.at + i, end - i };
		return true;
	}
	*at = text.size;
	return false;
}
