/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_KINDS_H
#define EHR_REDACT_KINDS_H

#include "common/base/arena.h"
#include "common/json/json.h"
#include "common/redact/form.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * kinds: the elements of FHIR R4 by key numbers, as far as a policy needs them.  A walk carries the number of
 * what stands at its node: a kind with members, or a form for a value.
 */
struct kinds;

enum { KINDS_UNKNOWN = 0 }; /* not an element of FHIR R4, or not asked for */

struct kinds_at {
	uint16_t number;
	uint16_t bound; /* number of the form of a reference that stands inside */
};

/* The arena lives as long.  With EXTENSIONS their elements are known, too. */
struct kinds *kinds_new(struct arena *a, struct json_keys *keys, bool extensions);
void kinds_free(struct kinds *k);

/* Makes the elements of a resource type known, and what they hold.  KEYS gains their names. */
void kinds_add(struct kinds *k, struct bytes type);

/* After the last kinds_add: what stands at a resource of that type. */
struct kinds_at kinds_root(const struct kinds *k, struct bytes type);

/* What stands at the member with that key number. */
struct kinds_at kinds_member(const struct kinds *k, struct kinds_at around, uint16_t key);

/* The form of the value there; of what is unknown or has members the form that no value has. */
const struct form *kinds_form(const struct kinds *k, struct kinds_at at);

/* True if it has members system and code, which tell each other's meaning: a Coding, a Quantity. */
bool kinds_is_coded(const struct kinds *k, struct kinds_at at);

#endif
