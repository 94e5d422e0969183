/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_SIGNED_LINE_H
#define EHR_CRYPTO_SIGNED_LINE_H

#include "common/base/buffer.h"
#include "common/crypto/digest.h"
#include "common/crypto/jws.h"

struct private_key;

/*
 * signed_line: decisions with a signature.  The last member of the line is
 *
 *	"signature":"HEADER..SIGNATURE"
 *
 * a JWS with detached content (RFC 7515 appendix F) of type ehr-decision+jws.  It covers the bytes of the
 * line without this member, which are the unsigned decision as ehr-authz writes it.  So a signed decision is
 * still one JSON object on a line, and any reader of decisions reads it; one that is written anew with other
 * bytes no longer verifies.
 */
#define SIGNED_LINE_TYPE "ehr-decision+jws"
#define SIGNED_LINE_MEMBER ",\"signature\":\""

/*
 * Splits LINE, which has no newline and is the text of a JSON object.  HEAD: the line up to the comma before
 * the member, so without the closing brace.  False if its last member is no signature.
 */
bool signed_line_split(struct bytes line, struct bytes *head, struct bytes *token);

enum jws_fault signed_line_verify(
    struct jws_reader *r, const struct signers *s, struct bytes head, struct bytes token);

/*
 * Appends LINE, an unsigned decision, with a signature of KEY to TO.  It is in a file of its own, because
 * programs that verify must not link private keys.
 */
void signed_line_sign(struct buffer *to, struct private_key *key, struct bytes line);

/*
 * The digest by which programs name a decision, "sha256:..": of the line without its signature.  A signature
 * can be changed so that it still verifies, and would give the same decision a second name.
 */
void signed_line_digest(struct bytes line, char text[DIGEST_TEXT]);

#endif
