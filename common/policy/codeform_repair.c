/* SPDX-License-Identifier: ISC */
/* What a code was before a spreadsheet, a form or a person changed it. */
#include "common/policy/codeform.h"

#include <string.h>

/* SNOMED CT has the longest codes: 18 digits. */
enum { ROOM = 32, LONGEST = 64, MOST_DIGITS = 18 };

struct repair {
	enum codeform form;
	bool is_named; /* the record says that the code is one of FORM's system */
	struct bytes code;
	char *to; /* what it was; ROOM bytes */
	size_t used;
};

static bool
is_one_of(char c, const char *list)
{
	return c != '\0' && strchr(list, c) != NULL;
}

static bool
put(struct repair *r, const char *text, size_t size)
{
	if (size > ROOM - r->used)
		return false;
	memcpy(r->to + r->used, text, size);
	r->used += size;
	return true;
}

static bool
put_zeros(struct repair *r, size_t count)
{
	static const char zeros[MOST_DIGITS] = "000000000000000000";

	return count <= sizeof zeros && put(r, zeros, count);
}

/* The digits of 86,406,008: those behind the first separator stand in threes. */
static bool
put_grouped(struct repair *r, struct bytes number)
{
	size_t size = bytes_digits(number, 0);
	char separator = ',';

	if (size < number.size)
		separator = number.at[size];
	if (size == 0 || !is_one_of(separator, ",. '") || (size < number.size && size > 3))
		return false;
	for (size_t i = 0; put(r, number.at + i, size); size = bytes_digits(number, i)) {
		i += size;
		if (i == number.size)
			return true;
		if (number.at[i] != separator || bytes_digits(number, i + 1) != 3)
			return false;
		i++;
	}
	return false;
}

/* 8.6406008E7, 8,6406008E+07 */
static bool
put_exponent(struct repair *r, struct bytes number)
{
	size_t fraction = bytes_digits(number, 2), at = 2 + fraction, power = 0, size;

	if (bytes_digits(number, 0) != 1 || fraction == 0 || !is_one_of(number.at[1], ".,") ||
	    at >= number.size || (number.at[at] | 0x20) != 'e')
		return false;
	at += at + 1 < number.size && number.at[at + 1] == '+' ? 2 : 1;
	size = bytes_digits(number, at);
	if (size == 0 || size > 2 || at + size != number.size)
		return false;
	for (; at < number.size; at++)
		power = 10 * power + (size_t)(number.at[at] - '0');
	return power >= fraction && put(r, number.at, 1) && put(r, number.at + 2, fraction) &&
	       put_zeros(r, power - fraction);
}

/* NUMBER without a fraction of zeros. */
static struct bytes
without_fraction(struct bytes number)
{
	size_t size = number.size;

	while (size > 0 && number.at[size - 1] == '0')
		size--;
	if (size > 1 && size < number.size && is_one_of(number.at[size - 1], ".,"))
		number.size = size - 1;
	return number;
}

/* 86406008.0, 86,406,008, 8.6406008E7, 0086406008 */
static bool
repair_number(struct repair *r)
{
	bool (*const put_as[])(struct repair *, struct bytes) = { put_exponent, put_grouped };
	struct bytes number[] = { r->code, without_fraction(r->code) };
	bool done = false;
	size_t zeros = 0;

	for (size_t i = 0; i < 4 && !done; i++) {
		r->used = 0;
		done = put_as[i % 2](r, number[i / 2]);
	}
	while (zeros + 1 < r->used && r->to[zeros] == '0')
		zeros++;
	r->used -= zeros;
	memmove(r->to, r->to + zeros, r->used);
	/* 704.0 without its system is more likely one of ICD-9-CM than 704 of RxNorm. */
	return done && (r->is_named || r->used >= 5);
}

/* 89 is 089 of a code with three digits, 42.1 is 042.1 of ICD-9-CM; a dot may have become another sign. */
static bool
repair_zeros(struct repair *r)
{
	size_t whole = bytes_digits(r->code, 0), want = r->form == CODEFORM_ICD9_PROCEDURE ? 2 : 3;
	size_t rest = r->code.size - whole;

	if (whole == 0 || whole > want || !put_zeros(r, want - whole) || !put(r, r->code.at, whole))
		return false;
	if (rest == 0)
		return true;
	return r->form != CODEFORM_DRG && is_one_of(r->code.at[whole], ".,_/- ") && put(r, ".", 1) &&
	       put(r, r->code.at + whole + 1, rest - 1);
}

/* 42.0 is 042 */
static bool
repair_fraction(struct repair *r)
{
	r->code = without_fraction(r->code);
	return repair_zeros(r);
}

/* 20447_9, 20447.9, 20,447-9 and, under LOINC's own name, 204479 */
static bool
repair_loinc(struct repair *r)
{
	size_t size = r->code.size, end;

	if (size < 2 || !ascii_is_digit(r->code.at[size - 1]))
		return false;
	for (end = size - 1; end > 0 && is_one_of(r->code.at[end - 1], "-_./, ");)
		end--;
	if (end == 0 || (end == size - 1 && !r->is_named))
		return false;
	return put_grouped(r, (struct bytes){ r->code.at, end }) && put(r, "-", 1) &&
	       put(r, r->code.at + size - 1, 1);
}

/* A spreadsheet takes 2106-3 for March of 2106, and writes 2106-03-01, 01.03.2106 or 3/1/2106. */
static bool
repair_date(struct repair *r)
{
	size_t start[3], size[3], at = 0, year, month;

	for (size_t i = 0; i < 3; i++) {
		start[i] = at;
		size[i] = bytes_digits(r->code, at);
		at += size[i];
		if (size[i] == 0 || (i < 2 && (at >= r->code.size || !is_one_of(r->code.at[at], "-./"))))
			return false;
		at++;
	}
	year = size[0] == 4 ? 0 : 2;
	/* The day is the first; the other number is the month, a check digit. */
	month = r->code.at[start[1] + size[1] - 1] == '1' ? 2 - year : 1;
	if (!r->is_named || size[year] != 4 || size[month] > 2)
		return false;
	/* A time may follow. */
	if (at <= r->code.size && !is_one_of(r->code.at[at - 1], " T"))
		return false;
	return put(r, r->code.at + start[year], 4) && put(r, "-", 1) &&
	       put(r, r->code.at + start[month] + size[month] - 1, 1);
}

/* Letters and digits alone; between them stand blanks, dots and other separators. */
static bool
squeeze(struct repair *r, const char *separators)
{
	for (size_t i = 0; i < r->code.size; i++) {
		const char *c = r->code.at + i;

		if (ascii_is_alnum(*c) ? !put(r, c, 1) : !is_one_of(*c, separators))
			return false;
	}
	return r->used > 0;
}

/* B 20, A5.39, F10_20, B2O; the hyphen of T40-1 is that of other lists, too. */
static bool
repair_icd(struct repair *r)
{
	if (!squeeze(r, r->is_named ? " ._,/-+*!#&" : " ._,"))
		return false;
	for (size_t i = 1; i < r->used && r->form != CODEFORM_ICD11; i++) {
		/* No code of ICD-10 has O or I behind its first letter. */
		if ((r->to[i] | 0x20) == 'o')
			r->to[i] = '0';
		if ((r->to[i] | 0x20) == 'i' || r->to[i] == 'l')
			r->to[i] = '1';
	}
	return true;
}

/* In Germany a letter says how certain a diagnosis is, and one which side is ill: G, V, A, Z; R, L, B. */
static bool
repair_certainty(struct repair *r)
{
	size_t size;

	if (!repair_icd(r))
		return false;
	size = r->used;
	if (size > 3 && is_one_of(r->to[size - 1], "RLBrlb"))
		size--;
	if (size > 3 && is_one_of(r->to[size - 1], "GVAZgvaz"))
		size--;
	if (size > 3 && size + 1 == r->used && is_one_of(r->to[size - 1], "RLBrlb"))
		size--;
	r->used = size;
	return true;
}

/* No code of ICD-10-PCS has O or I. */
static bool
repair_pcs(struct repair *r)
{
	if (!squeeze(r, " .-_"))
		return false;
	for (size_t i = 0; i < r->used; i++) {
		if ((r->to[i] | 0x20) == 'o')
			r->to[i] = '0';
		if ((r->to[i] | 0x20) == 'i')
			r->to[i] = '1';
	}
	return true;
}

/* J05A R20, P-76 */
static bool
repair_blanks(struct repair *r)
{
	return squeeze(r, r->is_named ? " .-_/" : " ");
}

/* H0020HF and 90834-95: five characters, then up to four modifiers of two. */
static bool
repair_modifier(struct repair *r)
{
	size_t at = 5, count = 0;

	while (at < r->code.size && count++ < 4) {
		at += is_one_of(r->code.at[at], " -_/.,:");
		if (at + 2 > r->code.size || !ascii_is_alnum(r->code.at[at]) ||
		    !ascii_is_alnum(r->code.at[at + 1]))
			return false;
		at += 2;
	}
	return at == r->code.size && put(r, r->code.at, 5);
}

#define FORM(form) (1U << CODEFORM_##form)

static const struct {
	unsigned forms;
	bool (*repair)(struct repair *r);
} table[] = {
	{ FORM(SNOMED) | FORM(NUMBER) | FORM(DRG) | FORM(CPT), repair_number },
	{ FORM(ICD9) | FORM(ICD9_PROCEDURE) | FORM(DRG), repair_zeros },
	{ FORM(ICD9) | FORM(ICD9_PROCEDURE), repair_fraction },
	{ FORM(LOINC), repair_loinc },
	{ FORM(LOINC), repair_date },
	{ FORM(ICD10) | FORM(ICD11), repair_icd },
	{ FORM(ICD10), repair_certainty },
	{ FORM(PCS), repair_pcs },
	{ FORM(ATC) | FORM(ICPC), repair_blanks },
	{ FORM(HCPCS) | FORM(CPT), repair_modifier },
};

bool
codeform_repaired(enum codeform form, bool is_named, struct bytes code, unsigned *step,
    char room[CODEFORM_ROOM], struct bytes *repaired)
{
	while (*step < sizeof table / sizeof table[0] && code.size <= LONGEST) {
		struct repair r = { .form = form, .is_named = is_named, .code = code, .to = room };
		unsigned i = (*step)++;

		if ((table[i].forms & 1U << form) == 0 || !table[i].repair(&r))
			continue;
		*repaired = (struct bytes){ room, r.used };
		if (!bytes_equal(*repaired, code) && codeform_fits(form, *repaired))
			return true;
	}
	return false;
}

struct bytes
codeform_bare(struct bytes code)
{
	static const char before[] = "=\"'`#", behind[] = "\"'`.,;:";

	code = bytes_trim(code);
	while (code.size > 0 && is_one_of(code.at[0], before))
		code = bytes_trim(bytes_behind(code, 1));
	while (code.size > 0 && is_one_of(code.at[code.size - 1], behind))
		code = bytes_trim((struct bytes){ code.at, code.size - 1 });
	return code;
}
