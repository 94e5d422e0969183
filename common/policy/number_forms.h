/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_NUMBER_FORMS_H
#define EHR_POLICY_NUMBER_FORMS_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * number_forms: how numbers that identify a person are written, and what makes one right.  numbers.h searches
 * for them.
 *
 * In a form d is a digit, A a letter, w one of both, * letters and digits to the length of the account, in
 * groups of four if there are blanks.  The rest stands for itself.
 */
enum number_kind {
	US_SSN,
	US_MEDICARE,
	UK_NHS,
	UK_INSURANCE,
	CARD,
	ACCOUNT,
	SWEDISH,
	FINNISH,
	DANISH,
	NORWEGIAN,
	BELGIAN,
	POLISH,
	FRENCH,
	ITALIAN,
	SPANISH,
	SWISS,
	AUSTRIAN,
	GERMAN_INSURED,
	GERMAN_TAX,
	GERMAN_PENSION,
	BRAZILIAN,
	BRAZILIAN_CARD,
	INDIAN,
	AUSTRALIAN,
	AUSTRALIAN_HEALTH,
	CANADIAN,
};

struct number_form {
	enum number_kind kind;
	bool is_weak; /* any tenth number of this form is right: it counts beside other words only */
	const char *form;
	bool (*holds)(const char *s, size_t size); /* S: the number's letters, as capitals, and digits */
};

extern const struct number_form number_forms[];
extern const size_t number_forms_count;

/* The length of an account (IBAN) that begins with the country S; 0: no such country. */
size_t number_forms_account(const char *s);

#endif
