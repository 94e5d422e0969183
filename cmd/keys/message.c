/* SPDX-License-Identifier: ISC */
#include "cmd/keys/message.h"

#include "common/base/diag.h"
#include "common/crypto/jwe_seal.h"
#include "common/crypto/jws_sign.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

enum {
	CLAIMS_MOST = 1 << 26,
	CLAIMS_KEPT = 1 << 18, /* more than claims with keys have: 99 levels of 700 bytes */
	TAGS_MOST = 2048
};

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a message longer than it can be");
}

void
message_begin(struct message *m, const char *iss, struct instant now)
{
	buffer_init(&m->text, CLAIMS_MOST);
	must(buffer_reserve(&m->text, CLAIMS_KEPT));
	m->claims = json_write_to(&m->text);
	json_write_open(&m->claims, '{');
	json_write_member_number(&m->claims, "v", 1);
	json_write_member(&m->claims, "iss", bytes_of(iss));
	json_write_member_number(&m->claims, "iat", now.seconds);
}

void
message_end(struct message *m)
{
	secret_wipe(m->text.at, m->text.room);
	buffer_release(&m->text);
}

void
message_jti(struct message *m, const char *prefix)
{
	struct json_write *w = &m->claims;
	unsigned char random[16];

	public_random(random, sizeof random);
	json_write_name(w, "jti");
	json_write_raw(w, (struct bytes)BYTES("\""));
	json_write_raw(w, bytes_of(prefix));
	must(json_write_whole(w) && buffer_reserve(w->out, BASE64URL_SIZE(sizeof random)));
	w->out->used += base64url_encode(
	    w->out->at + w->out->used, (struct bytes){ (const char *)random, sizeof random });
	json_write_value(w, (struct bytes)BYTES("\""));
}

void
message_cnf(struct message *m, const char *jkt)
{
	json_write_name(&m->claims, "cnf");
	json_write_open(&m->claims, '{');
	json_write_member(&m->claims, "jkt", bytes_of(jkt));
	json_write_close(&m->claims, '}');
}

static void
sign(struct message *m, struct buffer *out, struct private_key *key, const char *typ, bool embed)
{
	json_write_close(&m->claims, '}');
	must(json_write_whole(&m->claims) && jws_sign(out, key, typ, embed, buffer_bytes(&m->text)));
}

void
message_sign(struct message *m, struct buffer *out, struct private_key *key, const char *typ, bool embed)
{
	sign(m, out, key, typ, embed);
	must(buffer_append(out, "\n", 1));
}

static const struct {
	const char *stage, *type;
} kinds[] = {
	[MESSAGE_RELEASE] = { "release", "ehr-release+jwt" },
	[MESSAGE_PROVISION] = { "provision", "ehr-provision+jwt" },
	[MESSAGE_COMMAND] = { "command", "ehr-command+jwt" },
	[MESSAGE_PROOF] = { "proof", "ehr-proof+jwt" },
};

const char *
message_stage(enum message_kind kind)
{
	return kinds[kind].stage;
}

const char *
message_type(enum message_kind kind)
{
	return kinds[kind].type;
}

static void
write_tags(struct buffer *out, const struct message_to *to)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	json_write_member_value(&w, "v", (struct bytes)BYTES(TAGS_SEALED_V));
	json_write_member(&w, "stage", bytes_of(message_stage(to->kind)));
	json_write_member(&w, "domain", bytes_of(to->domain));
	json_write_member(&w, "to", bytes_of(to->enc->jkt));
	json_write_close(&w, '}');
	must(json_write_whole(&w));
}

bool
message_seal(struct message *m, struct buffer *out, const struct message_to *to)
{
	struct buffer token, tags;
	struct jwe_seal *seal = jwe_seal_for_recipient(to->enc, bytes_of(to->domain), JWE_MESSAGE, 1, NULL);

	if (seal == NULL)
		return false;
	buffer_init(&token, (size_t)2 * CLAIMS_MOST);
	buffer_init(&tags, TAGS_MOST);
	/* base64url makes 4 bytes of 3; the token holds keys and must not move */
	must(buffer_reserve(&token, 2 * m->text.used + TAGS_MOST));
	sign(m, &token, to->sig, message_type(to->kind), false);
	write_tags(&tags, to);
	must(jwe_seal_message(seal, buffer_bytes(&tags), buffer_bytes(&token), out) &&
	     buffer_append(out, "\n", 1));
	jwe_seal_free(seal);
	secret_wipe(token.at, token.room);
	buffer_release(&token);
	buffer_release(&tags);
	return true;
}
