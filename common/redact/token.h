/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_TOKEN_H
#define EHR_REDACT_TOKEN_H

#include "common/redact/operation.h"

#include <stdbool.h>

/*
 * token: keyed pseudonyms of ids, references and identifier values: the first 128 bits of
 *
 *	HMAC-SHA-256(key, part "ehr-redact/1", part "hash", for each scope: part its name, part its value,
 *	             part VALUE)
 *
 * where a part is its length in four bytes, highest first, and its bytes.  A token is written as 26
 * characters of lower-case base32, which is a legal FHIR id, or as a UUID of version 8 (RFC 9562) where a
 * UUID stood.  The id `p1`, the references `Patient/p1` and `http://h/Patient/p1/_history/3`, and
 * `urn:uuid:p1` give the same bits, so links between records still hold.
 */

/* As operation_apply, for `hash`. */
enum operation_outcome token_apply(
    const struct operation *o, const struct operation_value *v, struct buffer *out);

/*
 * The digest of VALUE as above, with the name of the OPERATION in place of "hash".  False if the record
 * lacks a value of the operation's scope.
 */
bool token_digest(const struct operation *o, const struct operation_value *v, const char *operation,
    struct bytes value, unsigned char digest[DIGEST_SIZE]);

/*
 * Type and id of a RESTful reference (FHIR R4 2.3), a version and a fragment left out.  False if it is
 * none: then TYPE and ID mean nothing.
 */
bool token_reference(struct bytes reference, struct bytes *type, struct bytes *id);

/* True for a FHIR id (R4 2.24.0.1): 1 to 64 letters, digits, `-` and `.`. */
bool token_is_id(struct bytes text);

#endif
