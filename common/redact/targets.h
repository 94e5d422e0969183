/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_TARGETS_H
#define EHR_REDACT_TARGETS_H

#include "common/label/roots.h"
#include "common/redact/places.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * targets: which roots of a record its references mean.  A reference to a lost root would tell that the
 * root was there, so a version that loses the root loses the reference too.
 */
struct targets_name {
	struct bytes name; /* an id or a fullUrl, unescaped */
	uint32_t root;
	bool contained; /* `#x` may mean it */
};

struct targets {
	struct targets_name *slot; /* open addressing; name.at NULL: free */
	uint32_t slots;            /* a power of two */
	uint32_t room;
	struct buffer text; /* unescaped names */
	struct buffer piece;
};

void targets_init(struct targets *t);
void targets_release(struct targets *t);

/* Notes the ids and fullUrls of contained roots and of entries.  They are borrowed from J. */
void targets_find(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots);

/* A record, and what of it is lost. */
struct targets_query {
	const struct places *places;
	const struct json *json;
	const struct roots *roots;
	struct shape *shape;
	const uint64_t *gone; /* by root: the bits that lost it */
	uint64_t local;       /* bits for which a `#x` that leads nowhere is lost too */
	struct buffer *room;
};

/* The bits that lost all roots that REFERENCE (unescaped, in root FROM) can mean. */
uint64_t targets_gone(
    const struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from);

#endif
