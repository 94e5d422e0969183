/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODES_TEXT_H
#define EHR_POLICY_CODES_TEXT_H

#include "common/policy/codes.h"

/*
 * codes_text: codes that stand in a text which people wrote, such as "ICD-10: B20" or "I10; F10.2 (past)".
 * A code counts
 *
 *	behind the name of its system, "diagnosis" or "Dx", and in the list that follows;
 *	by its form: one of ICD-10 with its dot, an id of SNOMED CT with eight digits or more, a number of
 *	LOINC with five, a substance of ATC;
 *	as three characters of ICD-10 between brackets, separators or one end of the text: (B20), B20 - acute.
 *
 * It does not count behind what has such a number, too: a room, a lot, a section, a telephone.
 */

/* Whether TEXT may hold a code; false for nearly all texts.  Reads up to CODES_TEXT_SLACK bytes behind it. */
enum { CODES_TEXT_SLACK = 32 };
bool codes_text_may(struct bytes text);

/* Adds to MATCH the sets and groups of the codes in TEXT.  True if there are any. */
bool codes_text_find(const struct codes *c, struct bytes text, struct codes_match *match);

/* Whether TEXT is one piece, without a blank, that could be a code. */
bool codes_text_is_one(struct bytes text);

/* The same for TEXT as a whole, which is to be a code alone: B20, F319, 86406008. */
bool codes_text_find_one(const struct codes *c, struct bytes text, struct codes_match *match);

#endif
