/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_EDITS_H
#define EHR_REDACT_EDITS_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * edits: what a version leaves out of a text, and what it puts there instead: spans in rising order that do
 * not overlap.  The version is the gaps between them.
 */
struct edit {
	uint32_t from;
	uint32_t to;
	uint32_t text; /* offset of the replacement in the texts of the run */
	uint32_t size; /* 0: nothing */
};

struct edits {
	struct edit *at;
	uint32_t count;
	uint32_t room;
};

void edits_release(struct edits *e);

/*
 * Takes FROM..TO out, and with it all that was done at FROM or behind it.  What is taken out before and ends
 * there becomes one span with it.
 */
void edits_remove(struct edits *e, uint32_t from, uint32_t to);

/* The same, with a replacement. */
void edits_replace(struct edits *e, uint32_t from, uint32_t to, uint32_t text, uint32_t size);

/* A text and what edits made of it. */
struct edited {
	const struct edits *edits;
	const char *text;
	uint32_t from, to;
	const char *texts; /* the replacements */
};

/* Hands it to PUT piece by piece; false as soon as PUT says so. */
bool edits_each(const struct edited *e, bool (*put)(void *context, struct bytes piece), void *context);

#endif
