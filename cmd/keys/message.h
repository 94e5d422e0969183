/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_MESSAGE_H
#define EHR_KEYS_MESSAGE_H

#include "common/base/clock.h"
#include "common/crypto/keyref.h"
#include "common/json/json_write.h"

#include <stdbool.h>

/*
 * message: the claims that ehr-keys signs and seals.
 *
 *	struct message m;
 *	message_begin(&m, iss, now);                    {"v":1,"iss":..,"iat":..
 *	json_write_member(&m.claims, "sub", user);      members of the caller
 *	message_sign(&m, out, key, "ehr-grant+jwt", false);
 *	message_end(&m);
 *
 * The claims may hold keys, so they do not move in memory while they are written, and message_end() wipes
 * them.  A message must stay where message_begin() found it, because CLAIMS points into it.
 */
struct message {
	struct json_write claims;
	struct buffer text; /* private */
};

void message_begin(struct message *m, const char *iss, struct instant now);
void message_end(struct message *m);

/* "jti":"PREFIX and 128 random bits" */
void message_jti(struct message *m, const char *prefix);

/* "cnf":{"jkt":JKT}: the key that the message is bound to (RFC 7800). */
void message_cnf(struct message *m, const char *jkt);

/*
 * Closes the claims; writes them to OUT as a JWS of type TYP by KEY, and a newline.  EMBED: see jws_sign.h.
 */
void message_sign(
    struct message *m, struct buffer *out, struct private_key *key, const char *typ, bool embed);

/*
 * The kinds of message that are sealed to a device, or by one to its authority, and their JWS types:
 * "release", "ehr-release+jwt".
 */
enum message_kind { MESSAGE_RELEASE, MESSAGE_PROVISION, MESSAGE_COMMAND, MESSAGE_PROOF };
const char *message_stage(enum message_kind kind);
const char *message_type(enum message_kind kind);

/* Who signs a message and to whom it is sealed. */
struct message_to {
	enum message_kind kind;
	struct private_key *sig;
	const struct point *enc;
	const char *domain;
};

/* The same as message_sign(), sealed.  False if TO->enc is not a point of the curve. */
bool message_seal(struct message *m, struct buffer *out, const struct message_to *to);

#endif
