/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_ROOTS_H
#define EHR_LABEL_ROOTS_H

#include "common/json/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * roots: the resources of a record: the record itself, and in FHIR every object with a resourceType at
 * contained[], entry[].resource, entry[].content (DSTU1), entry[].response.outcome, and as a `resource`
 * anywhere in parameter[] (and in its parts) of a root.  Paths are relative to a root.  A path that starts in
 * one root takes the roots inside of it as null and never reaches into them.
 */
struct root {
	uint32_t node;
	uint32_t parent; /* index of the root around it; 0 of the first, which has none */
};

struct roots {
	struct root *at; /* in document order, the record first */
	size_t count;
	/* private */
	struct buffer room;
	uint16_t contained, entry, resource, content, response, outcome, parameter, resource_type;
};

/* KEYS gains the members that lead to roots; before the first text is parsed. */
void roots_init(struct roots *r, struct json_keys *keys);

/* Leaves zeros.  May be called twice. */
void roots_release(struct roots *r);

/* The roots at and below node RECORD; with IS_FHIR false that one alone. */
void roots_find(struct roots *r, const struct json *j, uint32_t record, bool is_fhir);

/* The index of the first root at or after NODE; the count if there is none. */
size_t roots_from(const struct roots *r, uint32_t node);

/* The index of the root below the record that NODE is; 0 if it is none. */
size_t roots_inner(const struct roots *r, uint32_t node);

#endif
