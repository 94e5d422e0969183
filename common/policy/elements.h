/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_ELEMENTS_H
#define EHR_POLICY_ELEMENTS_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * elements: the members of every resource and data type of FHIR R4, compiled in.  A kind is what has
 * members: a resource type ("Encounter"), a backbone element ("Encounter.location") or a data type
 * ("Period").
 */
struct element {
	struct bytes name; /* "valueQuantity"; of a choice good until the next call */
	struct bytes stem; /* of a choice: "value"; else empty */
	/*
	 * The kind of what it holds, or a primitive type ("dateTime"), or one of them with what it may
	 * hold: "Reference(Patient|Group)", "canonical(Library)", "code(encounter-status)".
	 */
	struct bytes type;
	bool is_list, is_required;
};

/* A walk over the members of a kind. */
struct elements {
	/* private */
	struct bytes kind;
	struct bytes rest;    /* members that come */
	struct bytes choices; /* types of a choice that come */
	struct element at;
	unsigned base; /* what the kind extends: its members come last */
	char room[64];
};

/* The number of a kind of that name, ELEMENTS_KINDS if there is none. */
enum { ELEMENTS_KINDS = 661 };
unsigned elements_kind(struct bytes name);

/* The name of the kind of that number. */
struct bytes elements_name(unsigned kind);

/* False: there is no such kind. */
bool elements_open(struct elements *e, struct bytes kind);

/* False: there are no more. */
bool elements_next(struct elements *e, struct element *found);

/* One member of a kind.  E is room for its name. */
bool elements_find(struct elements *e, struct bytes kind, struct bytes name, struct element *found);

/* The type without what stands in brackets ("Reference"), and that ("Patient|Group", or nothing). */
struct bytes elements_bare(struct bytes type);
struct bytes elements_bound(struct bytes type);

/* The codes of a value set, with blanks between them; empty if the table does not have it. */
struct bytes elements_codes(struct bytes value_set);

#endif
