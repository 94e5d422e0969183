/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_PLACES_H
#define EHR_REDACT_PLACES_H

#include "common/json/json.h"
#include "common/redact/scheme.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * places: members of FHIR records that copy or name what stands elsewhere in the record.  A version that
 * withholds the original must withhold the copy, so these members have rules of their own.  Where roots are
 * not FHIR's, only the members of type and id are known.
 */
enum places_kind {
	PLACE_PLAIN,
	PLACE_BASIC, /* type and id of the record: any record has them */
	PLACE_ID,    /* a root's id, or an element's */
	PLACE_META,
	PLACE_SECURITY,
	PLACE_TEXT,
	PLACE_DISPLAY,
	PLACE_EXTENSION, /* modifierExtension, too */
	PLACE_CONTAINED,
	PLACE_IDENTIFIER,
	PLACE_VALUE,
	PLACE_REFERENCE, /* the string in a Reference */
	PLACE_FULL_URL,
	PLACE_BUNDLE, /* total, link, signature of a Bundle: they count or cover all its entries */
	PLACE_RESOURCE,
	PLACE_DATA,    /* data of an Attachment */
	PLACE_CONTENT, /* url, hash, size, title of an Attachment: they identify its data */
};

struct places {
	uint8_t of_key[1 << 16]; /* enum places_kind by key number */
	uint16_t reference, type, system, code, url, id, entry, resource, full_url, contained;
};

/* KEYS gains the members that matter; before the first text is parsed. */
void places_init(struct places *p, const struct scheme *s, struct json_keys *keys);

/*
 * True if a Coding of meta.security is a handling instruction or a purpose of use: such
 * codes say nothing of how sensitive the record is.
 */
bool places_harmless(const struct places *p, const struct json *j, uint32_t coding, struct buffer *room);

/* True if the extension is an inline security label (FHIR DS4P). */
bool places_inline_label(
    const struct places *p, const struct json *j, uint32_t extension, struct buffer *room);

/* The bits whose `extensions` list the extension's URL. */
uint64_t places_listed(const struct places *p, const struct scheme *s, const struct json *j,
    uint32_t extension, struct buffer *room);

#endif
