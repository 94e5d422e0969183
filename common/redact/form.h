/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_FORM_H
#define EHR_REDACT_FORM_H

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/json/json.h"
#include "common/policy/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * form: what a value must look like to be kept.  A place says what a sender ought to write there; only the
 * value says what stands there.
 *
 *	{at: .period.start, form: date}        date, number, boolean, text (any string)
 *	{at: .status, codes: [final, amended]}
 *	{at: .class, system: [http://...]}     codings of these systems; beside it, codes: [AMB, IMP]
 *	{at: .subject, reference: [Patient]}   references to these types
 *
 * A bare path in a version with `presence: hidden` has the forms that the elements of FHIR R4 have.
 */
enum form_kind {
	FORM_FREE, /* nothing is known: no value has it */
	FORM_TEXT,
	FORM_DATE, /* date, dateTime or instant */
	FORM_TIME, /* of day */
	FORM_NUMBER,
	FORM_INTEGER, /* of 32 bits */
	FORM_BOOLEAN,
	FORM_ID,
	FORM_RESOURCE_TYPE,
	FORM_CODES,  /* one of `list` */
	FORM_SYSTEM, /* a coding or a string: of a system in `list`, its code in `codes` if there are any */
	FORM_REFERENCE, /* a Reference, or its string: to a type in `list`; empty: to any */
};

struct form {
	enum form_kind kind;
	struct bytes *list;
	size_t count;
	struct bytes *codes;
	size_t code_count;
};

/* Reads what stands beside `at` in an item of `keep`.  False after a fault. */
bool form_read(struct form *form, struct arena *a, struct yaml_map *m, struct fault *f);

/* The form of a primitive type of FHIR R4: "dateTime", "code(observation-status)", "string". */
void form_of_type(struct form *form, struct arena *a, struct bytes type);

/* The types of "Patient|Group" as a list; "Resource" and "" are any type. */
void form_types(struct form *form, struct arena *a, struct bytes bound);

/* True for a form that an object has and not a value alone. */
static inline bool
form_is_of_objects(const struct form *form)
{
	return form->kind == FORM_SYSTEM || form->kind == FORM_REFERENCE;
}

/*
 * True if the value NODE, which is no object or array, has the form.  Of a CHANGED value (an operation
 * replaces it) only what the operation lets pass is judged: the type in a reference.  ROOM is for
 * unescaping.
 */
bool form_holds(
    const struct form *form, const struct json *j, uint32_t node, bool changed, struct buffer *room);

/*
 * True if the Coding or Quantity with these members (0: absent) has the form FORM_SYSTEM.  Without a system
 * it has, if its code is one of `codes`.
 */
bool form_holds_coding(
    const struct form *form, const struct json *j, uint32_t system, uint32_t code, struct buffer *room);

#endif
