/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_LINKS_H
#define EHR_ACCESS_LINKS_H

#include "common/access/request.h"

/*
 * links: which names lead to which others: a practitioner's to those of her roles, organizations and groups.
 */
struct links;

/* ARENA holds the names.  WORDS has those of the policy and the directives.  Both are borrowed. */
struct links *links_new(struct arena *arena, const struct intern *words);
void links_free(struct links *l);

/* Who has the name FROM has the name TO, too. */
void links_add(struct links *l, struct bytes from, struct bytes to);

/* V and all names that they lead to, each once, in SCRATCH. */
struct values links_follow(struct links *l, const struct values *v, struct scratch *scratch);

/* IDENTIFIER is a name of the patient ID. */
void links_identify(struct links *l, struct bytes identifier, struct bytes id);

/* The one patient of the identifier; empty if there is none, or a second one. */
struct bytes links_patient(const struct links *l, struct bytes identifier);

#endif
