/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_PLACES_H
#define EHR_REDACT_PLACES_H

#include "common/json/json.h"
#include "common/redact/scheme.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * places: members of FHIR records that copy, name or betray what stands elsewhere, and so have rules of their
 * own.  In a policy whose roots are not FHIR's only the members of type and id have a meaning.
 */
enum member {
	MEMBER_PLAIN,
	MEMBER_BASIC, /* type, id: what is there in any record */
	MEMBER_ID,    /* a root's id, or an element's */
	MEMBER_META,
	MEMBER_SECURITY,
	MEMBER_TEXT,
	MEMBER_DISPLAY,
	MEMBER_EXTENSION, /* modifierExtension, too */
	MEMBER_CONTAINED,
	MEMBER_IDENTIFIER,
	MEMBER_VALUE,
	MEMBER_REFERENCE, /* text of a Reference */
	MEMBER_FULL_URL,
	MEMBER_BUNDLE, /* total, link, signature: they tell of all entries */
	MEMBER_RESOURCE,
	MEMBER_DATA,    /* of an Attachment */
	MEMBER_CONTENT, /* its url, hash, size, title: they identify the data */
};

struct places {
	uint8_t of_key[1 << 16]; /* enum member by key number */
	uint16_t reference, type, system, code, url, id, entry, resource, full_url, contained;
};

/* KEYS gains the members; before the first text is parsed. */
void places_init(struct places *p, const struct scheme *s, struct json_keys *keys);

/* True if the Coding (of meta.security) says nothing of how sensitive the record is: a handling instruction.
 */
bool places_harmless(const struct places *p, const struct json *j, uint32_t coding, struct buffer *room);

/* True if the extension is an inline security label (FHIR DS4P). */
bool places_inline_label(
    const struct places *p, const struct json *j, uint32_t extension, struct buffer *room);

/* The versions whose list of extensions names this one. */
uint64_t places_listed(const struct places *p, const struct scheme *s, const struct json *j,
    uint32_t extension, struct buffer *room);

#endif
