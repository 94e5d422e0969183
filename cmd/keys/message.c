/* SPDX-License-Identifier: ISC */
#include "cmd/keys/message.h"

#include "common/base/diag.h"
#include "common/crypto/jwe_seal.h"
#include "common/crypto/jws_sign.h"
#include "common/crypto/secret.h"
#include "common/crypto/write.h"

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a message longer than it can be");
}

void
message_begin(struct buffer *claims, const char *iss, struct instant now)
{
	claims->used = 0;
	must(write_text(claims, "{\"v\":1") && write_member(claims, "iss", bytes_of(iss)) &&
	     write_member_number(claims, "iat", now.seconds));
}

void
message_jti(struct buffer *claims, const char *prefix)
{
	unsigned char random[16];

	public_random(random, sizeof random);
	must(write_text(claims, ",\"jti\":\"") && write_text(claims, prefix) &&
	     write_base64url(claims, random, sizeof random) && write_text(claims, "\""));
}

void
message_sign(
    struct buffer *out, struct private_key *key, const char *typ, bool embed, const struct buffer *claims)
{
	must(jws_sign(out, key, typ, embed, buffer_bytes(claims)));
}

bool
message_seal(struct buffer *out, struct private_key *sig, const struct point *to, const char *domain,
    const struct buffer *claims)
{
	struct buffer token, ehr;
	struct jwe_seal *seal = jwe_seal_for_recipient(to, bytes_of(domain), JWE_MESSAGE, 1, NULL);

	if (seal == NULL)
		return false;
	buffer_init(&token, (size_t)2 * MESSAGE_MOST);
	buffer_init(&ehr, 2048);
	must(buffer_reserve(&token, 2 * claims->used + 2048));
	message_sign(&token, sig, "ehr-release+jwt", false, claims);
	must(write_text(&ehr, "{\"v\":1,\"stage\":\"release\"") &&
	     write_member(&ehr, "domain", bytes_of(domain)) && write_member(&ehr, "to", bytes_of(to->jkt)) &&
	     write_text(&ehr, "}"));
	must(jwe_seal_message(seal, buffer_bytes(&ehr), buffer_bytes(&token), out) && write_text(out, "\n"));
	jwe_seal_free(seal);
	message_wipe(&token);
	buffer_release(&ehr);
	return true;
}

void
message_wipe(struct buffer *b)
{
	if (b->at != NULL)
		secret_wipe(b->at, b->room);
	buffer_release(b);
}
