/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_VALUESET_H
#define EHR_POLICY_VALUESET_H

#include "common/base/arena.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * valueset: the rows of a value-set file.  TSV: a line that begins with # (source and licence), a line with
 * the six column names, then lines of system, code, display, category, from, until.  The code may be a list
 * with commas; each code in it is a row.  JSON: the expansion of a
 * FHIR R4 ValueSet, or else the concepts of its compose.  Rows of JSON have no category.  A ValueSet that
 * needs a terminology server (filter, exclude, another value set) is a fault.
 *
 * Texts stay in the file.  A JSON text with escapes is copied to the arena.
 */
enum { VALUESET_FIRST_DAY = INT32_MIN, VALUESET_LAST_DAY = INT32_MAX };

struct valueset_row {
	struct bytes system;
	struct bytes code;     /* without the * of a prefix */
	struct bytes category; /* empty in JSON */
	int32_t from;          /* days since 1970, both included */
	int32_t until;
	bool is_prefix;
	const char *at; /* its place in the text of the file */
};

/* Calls ROW for each row.  False if ROW returned false, which ends the reading, and after a fault. */
bool valueset_read(const struct policy_file *file, struct arena *arena, struct fault *f,
    bool (*row)(void *context, const struct valueset_row *row), void *context);

/* Notes a fault at the byte AT of the text of FILE.  Always false. */
bool valueset_fault(struct fault *f, const struct policy_file *file, const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Splits TEXT, a row of FILE without its line end, at its tabs.  False with a fault. */
enum { VALUESET_COLUMNS = 6 };
bool valueset_split(
    const struct policy_file *file, struct fault *f, struct bytes text, struct bytes field[VALUESET_COLUMNS]);

/* An upper bound for the rows of FILE. */
size_t valueset_most_rows(const struct policy_file *file);

/* True for *.json. */
bool valueset_is_json(const struct policy_file *file);

#endif
