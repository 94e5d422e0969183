/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_BUNDLE_H
#define EHR_INGEST_BUNDLE_H

#include "common/json/json.h"
#include "common/line/sink.h"

/*
 * bundle: the records in a FHIR Bundle (nested ones taken apart too), in the order of its entries, each with
 * what would be lost without the Bundle: where it came from if its id does not say so, whom a urn:uuid:
 * means, and the Bundle's security labels.  A Bundle is read as a whole before anything of it is written.
 */
struct bundle {
	const struct json *json;
	size_t records;     /* of the Bundle just read */
	uint64_t dropped;   /* members around records, of all Bundles that were read */
	uint64_t empty;     /* entries that hold no record */
	enum reason reason; /* after a failure */
	size_t byte;
	/* private */
	struct buffer levels; /* this Bundle and those inside it */
	struct buffer pieces; /* its records */
	struct buffer names;  /* its resources by their urn:uuid: */
	bool sorted;
	struct buffer one;
	struct buffer two;
};

enum { BUNDLE_NESTED_MAX = 8 };

void bundle_init(struct bundle *b);
void bundle_release(struct bundle *b);

/* True for an object whose resourceType is Bundle; NODE's keys are numbered by keys.h. */
bool bundle_is(const struct json *j, uint32_t node);

/* Reads the Bundle at NODE.  False: bad-bundle, too-nested or reserved-member, and the byte in the text. */
bool bundle_read(struct bundle *b, const struct json *j, uint32_t node);

/* Writes record I of those just read, and a newline.  False if the sink failed. */
bool bundle_write(struct bundle *b, size_t i, struct sink *out);

#endif
