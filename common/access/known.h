/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_KNOWN_H
#define EHR_ACCESS_KNOWN_H

#include "common/access/reader.h"
#include "common/access/request.h"
#include "common/access/roles.h"
#include "common/policy/policy.h"

/*
 * known: the words that requests and policies may use for purposes, labels, classes and actions.  A bare word
 * must stand in its table; other words say their system, `system|code`.  A word that nobody knows matches no
 * rule, so a misspelt one would slip past a deny: it is refused instead.
 */
bool known_purpose(struct bytes word);

/* A level of the ladder, a category of v3-ActCode, or system|code. */
bool known_label(const struct policy *p, struct bytes word);

/* A FHIR R4 resource type or system|code; any word if the policy is not about FHIR. */
bool known_class(const struct policy *p, struct bytes word);

/* An action of the standard list, or a group or a member of a group in authz/roles.yaml. */
bool known_action(const struct roles *roles, uint32_t word, struct bytes text);

/*
 * A value of an attribute without a table of its own.  If authz/roles.yaml has it in `values`, it must stand
 * there.  A type of subject that is not in `values` is user, device or service.
 */
bool known_value(const struct access_reader *r, unsigned attribute, uint32_t word, struct bytes text);

/*
 * NULL, or what is wrong with V, which no request or record ever has as a value of ATTRIBUTE: true, false or
 * "" as an id, a type or a data criterion; a code without its system; a record that is not called Type/id.
 */
const char *known_never(const struct access_reader *r, unsigned attribute, const struct value *v);

/* The nearest word that ATTRIBUTE may have, for a message. */
struct closest known_near(const struct access_reader *r, unsigned attribute, struct bytes text);

/*
 * Somebody tells that she stands in a relation to a patient (declare-relation), or no longer does
 * (end-relation).  known_until(): the end that she states; false if there is none.
 */
bool known_declares(const struct request *q);
bool known_ends(const struct request *q);
bool known_until(const struct request *q, struct instant *until);

/*
 * NULL, or the reason why Q is refused: "unknown-purpose", "unknown-label", "unknown-class", "unknown-role".
 * A distrusted role is not looked at: it is missing anyway, and the domain that said it has names of its own.
 * Of a relation that is told or ended: "unknown-relation" (authz/roles.yaml does not say how long it may last
 * at most), "relation-patient" (no patient is named), "relation-until" (it has no end, or one that is over or
 * too late).
 */
const char *known_refusal(const struct request *q, const struct policy *p, const struct roles *roles);

#endif
