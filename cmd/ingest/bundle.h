/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_BUNDLE_H
#define EHR_INGEST_BUNDLE_H

#include "cmd/ingest/floor.h"
#include "cmd/ingest/history.h"
#include "cmd/ingest/subject.h"
#include "common/line/sink.h"

/*
 * bundle: takes a FHIR Bundle apart into its records, in the order of its entries, and nested Bundles too;
 * in a Bundle of type history versions of one record come oldest first.  A record gets in its tags what
 * would be lost without the Bundle: its fullUrl if its id does not say it, the subject that a fullUrl
 * names, and the Bundle's security labels; a Composition those of all entries beside it, too, as it tells
 * of them.  A Bundle is read as a whole before any of it is written.
 */

struct bundle {
	const struct json *json;
	bool is_kept; /* it is checked alone: what stands around records has no limit, and none is written */
	size_t records;     /* of the Bundle just read */
	uint64_t dropped;   /* members around records that were left out, of all Bundles */
	uint64_t empty;     /* entries without a record, of all Bundles */
	uint64_t behind;    /* older versions behind newer ones, of all Bundles that are no history */
	enum reason reason; /* after a failure */
	size_t byte;
	/* private */
	struct buffer pieces; /* its records */
	struct floors floors;
	struct history history;
	struct subjects subjects;
	struct buffer one;
	struct buffer two;
	struct buffer three;
};

enum { BUNDLE_NESTED_MAX = 8, BUNDLE_NAME_MAX = 1024 };

void bundle_init(struct bundle *b);
void bundle_release(struct bundle *b);

/* True for an object whose resourceType is Bundle.  J was indexed with the numbers of members_keys(). */
bool bundle_is(const struct json *j, uint32_t node);

/* Reads the Bundle at NODE.  False: bad-bundle, too-nested or reserved-member, and the byte in the text. */
bool bundle_read(struct bundle *b, const struct json *j, uint32_t node);

/* Writes record I of the Bundle just read, and a newline.  False if the sink failed. */
bool bundle_write(struct bundle *b, size_t i, struct sink *out);

/* Writes the value at NODE without the white space between its tokens.  False if the sink failed. */
bool bundle_put_value(struct sink *out, const struct json *j, uint32_t node);

#endif
