/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_OUTLINE_H
#define EHR_REDACT_OUTLINE_H

#include "common/label/roots.h"
#include "common/redact/notes.h"
#include "common/redact/places.h"
#include "common/redact/scheme.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * outline: what is known of a record before its tree is walked: its roots and their types, and whether it
 * has members with rules of their own at all.  Most records have few of them, so most questions end here.
 */
struct outline_root {
	unsigned type; /* number of its type in the scheme */
	bool is_bundle;
	uint64_t gone_now; /* bits that lost it in this turn of the walk */
};

struct outline {
	const struct scheme *s;
	/* the record, borrowed until the next one */
	const struct json *json;
	struct notes *notes;
	uint32_t record; /* node */
	/* what it is made of */
	struct roots roots;
	struct outline_root *root; /* beside roots.at */
	uint64_t *gone_before;     /* beside roots.at: bits that lost the root in an earlier turn */
	uint64_t transformed;      /* bits with a transform for the type of some root */
	uint64_t without_type;     /* bits whose `types` leave out the type of some root */
	bool has_labels;           /* a member security or extension */
	bool has_references;
	bool has_bundle;
	struct condition_record asked; /* the record as conditions see it */
	struct buffer room;            /* for unescaping: anybody's, until the next call */
	/* private */
	size_t root_room;
	struct buffer condition_room;
	struct places places;
};

/* KEYS gains the members that matter; before the first text is parsed. */
void outline_init(struct outline *o, const struct scheme *s, struct json_keys *keys);
void outline_release(struct outline *o);

/* Takes the record at node RECORD of J and the notes on it. */
void outline_start(struct outline *o, const struct json *j, struct notes *n, uint32_t record);

/* The bits that certainly keep the whole record, by its roots and labels alone. */
uint64_t outline_whole(const struct outline *o);

#endif
