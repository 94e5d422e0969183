/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_FLOOR_H
#define EHR_INGEST_FLOOR_H

#include "common/access/intern.h"
#include "common/base/buffer.h"
#include "common/json/json.h"

/*
 * floor: the security labels that stand around a record in its Bundle, which no later program sees.
 *
 * A record has those of the Bundles around it, unless it has a confidentiality of its own: meta.security, the
 * labels in meta.tag, categories of Atom, inline labels, and in a document those of its Composition, which
 * label the document.  Whatever it has itself, it has the labels on its entry, and those of a
 * DocumentReference or of a section that names it.  A Composition has those of the entries beside it, as it
 * tells of them.  Labels with the same text are one.
 *
 * Each record has all that stands around it, so a Bundle with much of that would become many times as long:
 * there is a limit.
 */

#define FLOOR_NO_BUNDLE UINT32_MAX

/* Of the labels that several records have from their Bundle, from what names them, or from those beside. */
enum { FLOOR_BYTES_MAX = 16384 };

/* Where a record stands. */
struct floor_place {
	uint32_t bundle;   /* the number of its Bundle */
	uint32_t entry;    /* node */
	uint32_t resource; /* node; the Bundle itself, or a record */
	uint32_t url;      /* node of its fullUrl, 0 if absent */
};

/* Zeros at first, but for the buffers. */
struct floors {
	/* private */
	const struct json *json;
	struct buffer bundles;  /* this Bundle and those inside it */
	struct buffer records;  /* in their order */
	struct buffer named;    /* what a DocumentReference or a section names, and with which labels */
	struct buffer names;    /* the texts of `named` */
	struct buffer held;     /* labels of the records beside a Composition */
	struct buffer sections; /* those around the node at hand that have labels */
	struct buffer labels;   /* by number */
	struct buffer gathered; /* numbers, each once */
	struct buffer kept;     /* numbers that were gathered once for many records */
	struct buffer text;
	struct buffer name;
	struct arena texts;   /* of labels */
	struct intern intern; /* gives each a number */
	uint32_t turn;
	uint32_t over; /* the first node whose labels pass the limit */
	bool is_over;
};

void floors_init(struct floors *f);
void floors_release(struct floors *f);

/* J was indexed with the numbers of members_keys(). */
void floors_start(struct floors *f, const struct json *j);

/*
 * Adds a Bundle; AT->bundle is that around it, FLOOR_NO_BUNDLE for the outermost, which stands in no entry.
 * Returns its number, from 0.  If its labels are malformed, *BAD becomes the node, else 0.
 */
uint32_t floors_bundle(struct floors *f, const struct floor_place *at, uint32_t *bad);

/* Adds a record. */
void floors_record(struct floors *f, const struct floor_place *at);

/* All are added.  False if labels pass the limit: they stand on the node *OVER, or beside it. */
bool floors_end(struct floors *f, uint32_t *over);

/* The nodes of the labels of the record at AT, after floors_end: *COUNT of them, until the next call. */
const uint32_t *floors_of(struct floors *f, const struct floor_place *at, size_t *count);

#endif
