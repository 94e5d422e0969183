/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_EDITS_H
#define EHR_REDACT_EDITS_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * edits: the spans of a text that a version leaves out or replaces, in rising order and without overlap.
 * The version is the text between the spans and the replacements in their places.
 */
struct edit {
	uint32_t from;
	uint32_t to;
	uint32_t text; /* the replacement: its offset among the texts of the run */
	uint32_t size; /* and its length; 0: nothing is put there */
};

struct edits {
	struct edit *at;
	uint32_t count;
	uint32_t room;
};

/* Leaves zeros.  May be called twice. */
void edits_release(struct edits *e);

/*
 * Removes FROM..TO.  Earlier edits at FROM or behind it are forgotten; a removal that ends at FROM grows.
 */
void edits_remove(struct edits *e, uint32_t from, uint32_t to);

/* Replaces FROM..TO.  Earlier edits at FROM or behind it are forgotten. */
void edits_replace(struct edits *e, uint32_t from, uint32_t to, uint32_t text, uint32_t size);

/* FROM..TO of a text with edits made in it. */
struct edited {
	const struct edits *edits;
	const char *text;
	uint32_t from, to;
	const char *texts; /* the replacements */
};

/* Hands the result to PUT piece by piece.  False as soon as PUT answers false. */
bool edits_each(const struct edited *e, bool (*put)(void *context, struct bytes piece), void *context);

#endif
