/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_TOKEN_H
#define EHR_REDACT_TOKEN_H

#include "common/redact/operation.h"

#include <stdbool.h>

/*
 * token: keyed pseudonyms of ids, references and identifier values.  128 bits of
 *
 *	HMAC-SHA-256(key, part "ehr-redact/1", part "hash", for each scope: part its name, part its value,
 *part VALUE)
 *
 * where a part is its length in four bytes, highest first, and its bytes.  Written as 26 characters of
 * lower-case base32, which is a legal FHIR id, or as a UUID of version 8 (RFC 9562) where a UUID stood.  The
 * id `p1`, the references `Patient/p1` and `http://h/Patient/p1/_history/3`, and `urn:uuid:p1` give the same
 * bits, so links survive.
 */

/* Appends the JSON string that takes the place of V.  Anything but OUTCOME_REPLACE: OUT is as it was. */
enum outcome token_apply(const struct operation *o, const struct operation_value *v, struct buffer *out);

/* "2026" or "2026-03" if the whole period lies in it; false otherwise. */
bool token_calendar(const struct period *time, bool month, char text[16]);

/* The last two segments of a RESTful reference, version and fragment left out: false if it has none. */
bool token_reference(struct bytes reference, struct bytes *type, struct bytes *id);

#endif
