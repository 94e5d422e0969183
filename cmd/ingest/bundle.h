/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_BUNDLE_H
#define EHR_INGEST_BUNDLE_H

#include "common/json/json.h"
#include "common/line/sink.h"

/*
 * bundle: takes a FHIR Bundle apart into its records, in the order of its entries, and nested Bundles too.  A
 * record gets in its tags what would be lost without the Bundle: its fullUrl if its id does not say it, the
 * subject that a urn:uuid: names, and the Bundle's security labels.  A Bundle is read as a whole before any
 * of it is written.
 */

/* The members that ehr-ingest reads, by their number in the index. */
enum ingest_key {
	KEY_EHR = 1,
	KEY_RESOURCE_TYPE,
	KEY_ENTRY,
	KEY_RESOURCE,
	KEY_FULL_URL,
	KEY_REQUEST,
	KEY_RESPONSE,
	KEY_OUTCOME,
	KEY_METHOD,
	KEY_URL,
	KEY_META,
	KEY_SECURITY,
	KEY_SYSTEM,
	KEY_CODE,
	KEY_ID,
	KEY_REFERENCE,
	KEY_SUBJECT, /* KEY_SUBJECT to KEY_FOR: the first that is there is the subject of a record */
	KEY_PATIENT,
	KEY_BENEFICIARY,
	KEY_INDIVIDUAL,
	KEY_FOR,
	KEY_END,
};

/* Numbers for the index, as above.  The caller frees it. */
struct json_keys *bundle_keys(void);

struct bundle {
	const struct json *json;
	size_t records;     /* of the Bundle just read */
	uint64_t dropped;   /* members around records that were left out, of all Bundles */
	uint64_t empty;     /* entries without a record, of all Bundles */
	enum reason reason; /* after a failure */
	size_t byte;
	/* private */
	struct buffer bundles; /* this Bundle and those inside it */
	struct buffer pieces;  /* its records */
	struct buffer names;   /* its resources by their urn:uuid: */
	bool sorted;
	struct buffer one;
	struct buffer two;
};

enum { BUNDLE_NESTED_MAX = 8 };

void bundle_init(struct bundle *b);
void bundle_release(struct bundle *b);

/* True for an object whose resourceType is Bundle.  J was indexed with the numbers of bundle_keys(). */
bool bundle_is(const struct json *j, uint32_t node);

/* Reads the Bundle at NODE.  False: bad-bundle, too-nested or reserved-member, and the byte in the text. */
bool bundle_read(struct bundle *b, const struct json *j, uint32_t node);

/* Writes record I of the Bundle just read, and a newline.  False if the sink failed. */
bool bundle_write(struct bundle *b, size_t i, struct sink *out);

/* Writes the value at NODE without the white space between its tokens.  False if the sink failed. */
bool bundle_put_value(struct sink *out, const struct json *j, uint32_t node);

#endif
