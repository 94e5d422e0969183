/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_ROOTS_H
#define EHR_LABEL_ROOTS_H

#include "common/json/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * roots: the resources of a record: the record itself, and in FHIR every object with a resourceType at
 * contained[], entry[].resource, entry[].response.outcome, and as a `resource` anywhere in parameter[]
 * (its parts have such members too) of a root.  Paths are relative to a root, and seen from outside an inner
 * root is null: nothing reaches into it from there.
 */
struct root {
	uint32_t node;
	uint32_t parent; /* index of the root around it; of the first its own, 0 */
};

struct roots {
	struct root *at; /* in document order, the record first */
	size_t count;
	/* private */
	struct buffer room;
	uint16_t contained, entry, resource, response, outcome, parameter, resource_type;
};

/* KEYS gains the members that lead to roots; before the first text is parsed. */
void roots_init(struct roots *r, struct json_keys *keys);

/* Leaves zeros.  May be called twice. */
void roots_release(struct roots *r);

/* The roots at and below node RECORD; with IS_FHIR false that one alone. */
void roots_find(struct roots *r, const struct json *j, uint32_t record, bool is_fhir);

/* The innermost root that holds NODE: its index. */
size_t roots_around(const struct roots *r, const struct json *j, uint32_t node);

/* True if NODE is an inner root, or lies inside one, as seen from root INDEX: then a path stops there. */
bool roots_hidden(const struct roots *r, const struct json *j, size_t index, uint32_t node);

/* True if NODE is a root below the record. */
bool roots_is_inner(const struct roots *r, uint32_t node);

#endif
