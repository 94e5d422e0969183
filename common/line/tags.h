/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_TAGS_H
#define EHR_LINE_TAGS_H

#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * tags: the object "ehr" that rides along from the first stage to the last, and the envelope around a record.
 *
 *	{"ehr":{...},"record":{...}}        and with "labels" between the two in a labelled line
 *
 * Members of ehr, in the order in which every stage writes those it has:
 *	v stage id subject rl al n of criticality domain epoch|to batch seq policy mark view tags deleted
 * (a labelled line: v stage id subject level sensitivity criticality reasons policy; an ingested one: v stage
 *url subject floor).
 */
enum stage {
	STAGE_RAW, /* a bare record, without ehr */
	STAGE_INGESTED,
	STAGE_LABELLED,
	STAGE_VERSION,
	STAGE_SEALED,
	STAGE_OPENED,
	STAGE_DELETED,
	STAGE_OTHER, /* event, intent, manifest, ...: named, not ours here */
};

/* What is absent has a size of 0 and a value of 0.  All strings are spans of the line, between their quotes,
 * as they stand. */
struct tags {
	enum stage stage;
	struct bytes id;
	struct bytes subject;
	struct bytes rl;
	unsigned al;
	unsigned n;
	unsigned of;
	struct bytes criticality;
	struct bytes domain;
	uint32_t epoch;
	struct bytes to;
	struct bytes batch;
	uint64_t seq;
	struct bytes policy; /* "sha256:..." */
	struct bytes mark;
	struct bytes view;
	struct bytes tags; /* the object, braces included */
	bool deleted;
	/* labelled and ingested lines */
	struct bytes level;
	struct bytes url;
	uint32_t floor; /* node of the array, 0 if absent */
};

struct envelope {
	struct tags tags;
	uint32_t ehr;    /* node of the value, 0 if the record is bare */
	uint32_t labels; /* node of the array, 0 if absent */
	uint32_t record; /* node of the record; 0 for a bare one, which is the whole line */
	enum reason reason;
};

/*
 * Reads the envelope of an indexed line.  A line without a member ehr is a bare record.  False: reason is one
 * of not-an-object (the line or its record), unknown-version, bad-envelope (a member missing, doubled, of
 * another type or not known), tags-invalid (a tag that is none: see tag_is_word). Sealed lines have their own
 * reader (sealed.h).
 */
bool envelope_read(struct envelope *e, const struct json *j);

/* Reads the object EHR alone (a sealed line's, or the copy in its header). */
bool tags_read(struct tags *t, const struct json *j, uint32_t ehr, enum reason *reason);

/* The object in the order above.  Nothing is escaped: words only, see tag_is_word. True unless OUT is full.
 */
bool tags_write(struct buffer *out, const struct tags *t);

const char *stage_name(enum stage s);

/* ASCII letters, digits and . _ : / @ + - ; 1..128 of them: what a tag may be, so that it never needs an
 * escape. */
bool tag_is_word(struct bytes text);

#endif
