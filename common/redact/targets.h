/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_TARGETS_H
#define EHR_REDACT_TARGETS_H

#include "common/label/roots.h"
#include "common/label/shape.h"
#include "common/redact/places.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * targets: which roots of a record its references mean.  A reference to a lost root would tell that the
 * root was there, so a version that loses the root loses the reference too.
 */
struct targets {
	struct buffer groups; /* struct targets_group: the roots of one name */
	struct buffer items;  /* struct targets_item: the roots of each group */
	struct buffer text;   /* the names */
	struct buffer piece;
	uint32_t *slot; /* open addressing: a group's number from 1; 0: free */
	uint32_t slots; /* a power of two */
	uint32_t room;
	uint32_t turn;
};

void targets_init(struct targets *t);
void targets_release(struct targets *t);

/* Notes the ids and fullUrls of contained roots and of entries. */
void targets_find(struct targets *t, const struct places *p, struct shape *shape, const struct json *j,
    const struct roots *roots);

/* What is lost has changed since the last targets_gone. */
void targets_turn(struct targets *t);

/* A record, and what of it is lost. */
struct targets_query {
	const struct roots *roots;
	const uint64_t *gone; /* by root: the bits that lost it */
	uint64_t local;       /* bits for which a `#x` that leads nowhere is lost too */
};

/* The bits that lost all roots that REFERENCE (unescaped, in root FROM) can mean. */
uint64_t targets_gone(
    struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from);

#endif
