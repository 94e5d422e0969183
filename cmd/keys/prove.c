/* SPDX-License-Identifier: ISC */
/*
 * prove: a device answers a challenge of its authority.  Which one it answered stands in pending.json, so
 * that it takes the release to this proof and to no other, once.  A host that seals needs no user.  The proof
 * names the user, so it is sealed to the key that the challenge gives, and no carrier reads it.
 */
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"

enum { TOKEN_MOST = 1 << 16 };

static struct bytes
trimmed(const struct buffer *text)
{
	struct bytes t = buffer_bytes(text);

	while (t.size > 0 && (t.at[t.size - 1] == '\n' || t.at[t.size - 1] == '\r'))
		t.size--;
	return t;
}

static bool
note_pending(const struct keys *k, const struct jws *challenge, struct verb_answer *a)
{
	struct store_note note;

	store_note_begin(&note);
	json_write_member(&note.line, "nonce", jws_text(challenge, "nonce"));
	json_write_member_number(&note.line, "end", challenge->exp);
	return store_note_put(&note, keys_directory(k), "pending.json", 0600, a);
}

/* The key of the authority that the proof is sealed to. */
static bool
read_seal_to(const struct jws *challenge, struct point *to)
{
	uint32_t at = json_member(challenge->claims, 0, (struct bytes)BYTES("seal_to"));

	return at != 0 && point_read(to, challenge->claims, at, POINT_RECEIVES);
}

/* False if TO is not a point of the curve. */
static bool
say_proof(struct keys *k, const struct jws *challenge, const struct point *enc, struct bytes user,
    const struct verb_settings *s, struct verb_answer *a)
{
	const struct keys_self *self = keys_self(k);
	const struct message_to to = { MESSAGE_PROOF, keys_signing(k), enc, self->domain };
	struct message m;
	bool good;

	message_begin(&m, self->id, s->now);
	json_write_member(&m.claims, "aud", bytes_of(self->domain));
	json_write_member(&m.claims, "device", bytes_of(self->id));
	json_write_member(&m.claims, "nonce", jws_text(challenge, "nonce"));
	message_jti(&m, "p_");
	json_write_member_number(&m.claims, "exp", challenge->exp);
	if (user.size > 0)
		json_write_member(&m.claims, "user", user);
	good = message_seal(&m, &a->out, &to);
	message_end(&m);
	return good;
}

static enum diag_exit
prove(struct keys *k, struct bytes token, struct bytes user, const struct verb_settings *s,
    struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct point to;
	struct jws c;
	enum diag_exit status = EXIT_KEYS;

	if (jws_verify(reader, keys_authority(k), token, "ehr-challenge+jwt", &c) != JWS_GOOD)
		(void)verb_fault(a, EXIT_KEYS, "challenge-invalid: not a challenge of the authority");
	else if (!bytes_are(c.iss, keys_domain(k)) || jws_text(&c, "nonce").size == 0 ||
		 !bytes_are(jws_text(&c, "purpose"), "release-keys") ||
		 (!bytes_are(jws_text(&c, "aud"), "*") && !bytes_are(jws_text(&c, "aud"), keys_self(k)->id)))
		(void)verb_fault(a, EXIT_KEYS, "challenge-invalid: for another device, domain or purpose");
	else if (!read_seal_to(&c, &to))
		(void)verb_fault(
		    a, EXIT_KEYS, "challenge-invalid: it has no key that the proof is sealed to");
	else if (c.exp == 0 || !jws_in_time(&c, s->now))
		status = verb_fault(a, EXIT_DENIED, "challenge-expired: ask for another one");
	else if (user.size == 0 && !device_seals(keys_self(k)->kind))
		status = verb_fault(a, EXIT_USAGE,
		    "for whom? expected --assertion FILE, the user's token: only a host that seals has none");
	else if (!note_pending(k, &c, a))
		status = EXIT_IO;
	else if (!say_proof(k, &c, &to, user, s, a))
		(void)verb_fault(a, EXIT_KEYS, "challenge-invalid: its key is not a point of P-256");
	else
		status = EXIT_DONE;
	jws_reader_free(reader);
	return status;
}

enum diag_exit
verb_prove(const struct verb_settings *s, struct verb_answer *a)
{
	struct buffer challenge, user;
	enum diag_exit status = EXIT_IO;
	struct keys *k = NULL;

	if (s->operands > 1)
		return verb_fault(a, EXIT_USAGE, "expected one challenge");
	buffer_init(&challenge, TOKEN_MOST);
	buffer_init(&user, TOKEN_MOST);
	if ((s->assertion == NULL || store_read(s->assertion, &user, a)) &&
	    store_read(s->operands > 0 ? s->operand[0] : "-", &challenge, a))
		k = store_open(s, KEYS_SIGN, STORE_LOCK, a, &status);
	if (k != NULL)
		status = prove(k, trimmed(&challenge), trimmed(&user), s, a);
	keys_close(k);
	buffer_release(&challenge);
	buffer_release(&user);
	return status;
}
