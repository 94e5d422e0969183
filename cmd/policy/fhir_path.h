/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_FHIR_PATH_H
#define EHR_POLICY_FHIR_PATH_H

#include "common/policy/elements.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * fhir_path: what a path of a policy names in a kind of FHIR R4 (elements.h).  Only names, [], [3] and commas
 * are followed; of anything else (.., select, jq) nothing is known.
 */
enum fhir_path_verdict {
	FHIR_PATH_KNOWN,   /* an element */
	FHIR_PATH_OPEN,    /* not followed, or inside of an extension or another resource */
	FHIR_PATH_MISSING, /* `step` is no element */
	FHIR_PATH_LIST,    /* `step` is a list, and the path goes on without [] */
	FHIR_PATH_VALUE,   /* `step` holds no elements, and the path goes on */
};

struct fhir_path {
	struct bytes step;   /* as the path writes it; what the verdict is about */
	struct bytes before; /* the path up to `step`, without it */
	struct bytes kind;   /* that has the last element */
	struct bytes type;   /* of the last element: "dateTime", "CodeableConcept"; without brackets */
	struct bytes stem;   /* of the last element that is a choice on the way; empty: none */
	struct bytes choice_kind;
	struct bytes choice_before; /* the path before that choice */
	struct bytes choice_name;
};

/* The parts of an expression between commas; false at the end.  *REST is the expression at first. */
bool fhir_path_next(struct bytes *rest, struct bytes *path);

/* Spans of P point into PATH or live as long as the program. */
enum fhir_path_verdict fhir_path_follow(struct bytes kind, struct bytes path, struct fhir_path *p);

#endif
