/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_TARGETS_H
#define EHR_REDACT_TARGETS_H

#include "common/label/roots.h"
#include "common/redact/places.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * targets: which roots of a record its references mean.  A reference to a root that is gone would tell that
 * it was there, and which; so it goes along.
 */
struct target {
	struct bytes name; /* an id or a fullUrl, as it stands in the text */
	uint32_t root;
	bool contained; /* `#x` may mean it */
};

struct targets {
	struct target *slot; /* open addressing; name.at NULL: free */
	uint32_t slots;      /* a power of two */
	uint32_t room;
	struct buffer text; /* unescaped names */
	struct buffer piece;
};

void targets_init(struct targets *t);
void targets_release(struct targets *t);

/* Notes all ids and fullUrls of the roots. */
void targets_find(struct targets *t, const struct places *p, const struct json *j, const struct roots *roots);

/* Whether a reference leads to anything that is still there: GONE is by root. */
struct targets_query {
	const struct places *places;
	const struct json *json;
	const struct roots *roots;
	struct shape *shape;
	const uint64_t *gone;
	uint64_t hidden; /* versions in which `#x` must lead somewhere */
	struct buffer *room;
};

/* The versions in which all roots that REFERENCE (unescaped, in root FROM) can mean are gone. */
uint64_t targets_gone(
    const struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from);

#endif
