/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_PRIMITIVE_SIBLINGS_H
#define EHR_REDACT_PRIMITIVE_SIBLINGS_H

#include "common/redact/outline.h"

#include <stdint.h>

/*
 * primitive_siblings: FHIR writes the id and the extensions of a primitive x into a member _x beside it
 * (FHIR R4 2.6.2), and those of an array element by element.  A label on either of the two holds for both,
 * and a version that changes x leaves _x out: a birth time in `_birthDate` would undo a truncated
 * `birthDate`.
 *
 * In the same way url, hash, size and title of an Attachment have at least the level of its data.
 */
struct primitive_siblings {
	uint32_t *slot; /* open addressing: keys that are no _x, by name; 0: free */
	uint32_t slots; /* a power of two */
	uint32_t room;
};

void primitive_siblings_release(struct primitive_siblings *p);

struct view;

/* Notes this for the members of the object of V, before any of them is viewed. */
void primitive_siblings_join(struct primitive_siblings *p, struct outline *o, const struct view *v);

#endif
