/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_MESSAGE_H
#define EHR_KEYS_MESSAGE_H

#include "common/base/clock.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>

/* message: what ehr-keys signs and seals.  A text never fills its buffer: these are made for them. */

enum { MESSAGE_MOST = 1 << 20 };

/* {"v":1,"iss":"..","iat":.. : the members of every claim set; the caller adds the rest and the brace. */
void message_begin(struct buffer *claims, const char *iss, struct instant now);

/* ,"jti":"PREFIX and 128 random bits" */
void message_jti(struct buffer *claims, const char *prefix);

/* The claims as a JWS of type TYP by KEY. */
void message_sign(
    struct buffer *out, struct private_key *key, const char *typ, bool embed, const struct buffer *claims);

/* The same, sealed to the device whose encryption key is TO: an ehr-release message. False if TO is no point.
 */
bool message_seal(struct buffer *out, struct private_key *sig, const struct point *to, const char *domain,
    const struct buffer *claims);

/* Wipes and releases a buffer that held keys. */
void message_wipe(struct buffer *b);

#endif
