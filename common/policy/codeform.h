/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODEFORM_H
#define EHR_POLICY_CODEFORM_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * codeform: which form the codes of a code system have, and which codes a text holds.  The form is what a
 * code shows without a list of its system: length, letters, digits, check digit.
 */
enum codeform {
	CODEFORM_ANY,    /* nothing is known of it */
	CODEFORM_LOINC,  /* digits, a hyphen, a check digit (mod 10); or a part or answer: LP, LA, LG, LL */
	CODEFORM_SNOMED, /* 6 to 18 digits with a check digit (Verhoeff) */
	CODEFORM_NUMBER, /* 1 to 9 digits, as in RxNorm */
	CODEFORM_ICD10,  /* B20, F10.20, B24X, A17.0+, F32.1G: a letter, a digit, then one to six more */
	CODEFORM_SKS,    /* Danish: the same after a D */
	CODEFORM_ICD9,   /* 042, 304.01, V08, V61.21, E950.1 */
	CODEFORM_ICD9_PROCEDURE, /* 94.27 */
	CODEFORM_PCS,            /* HZ2ZZZZ: seven letters and digits, without I and O */
	CODEFORM_HCPCS,          /* H0020; level I are the codes of CPT */
	CODEFORM_CPT,            /* 90834, 0359T */
	CODEFORM_ATC,            /* J, J05, J05A, J05AR, J05AR20 */
	CODEFORM_ICPC,           /* P76 */
	CODEFORM_DRG,            /* 897 */
	CODEFORM_OPS,            /* German procedures: 5-740.0, 9-607 */
	CODEFORM_READ,           /* British: E2B.., A788., Eu32 */
	CODEFORM_GDRG,           /* German, Australian and Swiss: O60D */
	CODEFORM_ICD11, /* 1C62, 6C40.2, 5C50.0Z: a letter or digit, a letter, a digit, then one more */
};

enum { CODEFORM_ROOM = 256 };

/*
 * CODE without blanks around it, and as a keyboard writes it: full-width letters and digits of any script are
 * the plain ones, a dash of any kind is a hyphen, a quotation mark of any kind is one of ASCII's, and
 * characters without width are gone.  The result is in CODE or in ROOM; what is longer than ROOM loses only
 * the blanks.
 */
struct bytes codeform_plain(struct bytes code, char room[CODEFORM_ROOM]);

/* CODE without quotation marks around it, a formula's = before it, and a dot or comma behind it. */
struct bytes codeform_bare(struct bytes code);

/*
 * Steps through what CODE may have been before a spreadsheet, a form or a person changed it, as far as FORM
 * can have that: 86406008.0, 86,406,008, 8.6406008E7 and 0086406008 are 86406008; 42 is 042 of ICD-9-CM;
 * 20447_9 is 20447-9 and 2106-03-01 is 2106-3 of LOINC; B 20, B2O and B20GR are B20; H0020HF is H0020.
 * IS_NAMED: the record says that CODE is one of FORM's system; else only what no list of other codes is
 * likely to have counts.  The first call has STEP 0.  REPAIRED is in ROOM.  False after the last one.
 */
bool codeform_repaired(enum codeform form, bool is_named, struct bytes code, unsigned *step,
    char room[CODEFORM_ROOM], struct bytes *repaired);

/* True if codes of FORM begin with a letter and no list of another kind is likely to have such a code. */
bool codeform_has_letters(enum codeform form);

/* False if codes of FORM look like those of many lists, and so count under the name of their system alone. */
bool codeform_stands_alone(enum codeform form);

/* True if codes of FORM are numbers, most of them long ones or with a check digit. */
bool codeform_is_number(enum codeform form);

/* True if a system with FORM can have CODE, which has no blanks around it. */
bool codeform_fits(enum codeform form, struct bytes code);

/*
 * True if CODE may hold more than one code, or a code and its term: an expression of SNOMED CT
 * (`284196006|burn|:363698007=113179006`), a pair of ICD codes (`F02.4*B22.0+`), `id|term|`, `H0020:HF`.
 */
bool codeform_is_compound(struct bytes code);

/*
 * Steps through the parts of a compound: all that stands between its operators and outside of its terms.  The
 * first call has AT 0.  False after the last part.
 */
bool codeform_part(struct bytes code, size_t *at, struct bytes *part);

/*
 * Steps through the numbers with a check digit in any TEXT, such as a URL or a linkId: a code of LOINC or an
 * id of SNOMED CT, before what is no letter and no digit.  *FORM says which.
 */
bool codeform_number(struct bytes text, size_t *at, struct bytes *number, enum codeform *form);

/*
 * Steps through the pieces of TEXT that begin with a capital letter and two digits, and that signs of a path
 * part from the rest, with what a dot and a digit add: F20.9 of 1.F20.9 and of icd-10#F20.9.  A piece that is
 * all of TEXT is none.
 */
bool codeform_piece(struct bytes text, size_t *at, struct bytes *piece);

#endif
