/* SPDX-License-Identifier: ISC */
/* enrol: the authority takes a device in, whose thumbprint somebody has read off the device itself. */
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/crypto/write.h"
#include "common/line/tags.h"

#include <errno.h>

enum { ID_CHARS = 22, SOFT_CAP = 3, YEAR = 365 * 24 * 3600 };

static void
must(bool fits)
{
	if (!fits)
		diag_bug("an enrolment longer than it can be");
}

struct enrolment {
	struct jws jws;
	struct point sig;
	struct point enc;
	struct bytes kind, env;
	char id[32];
};

/* Its id is the beginning of its own key's thumbprint, so that nobody can claim another's. */
static bool
check_claims(struct enrolment *e, const char *domain)
{
	uint32_t enc = json_member(e->jws.claims, 0, (struct bytes)BYTES("enc"));

	(void)snprintf(e->id, sizeof e->id, "d_%.*s", ID_CHARS, e->sig.jkt);
	e->kind = jws_text(&e->jws, "kind");
	e->env = jws_text(&e->jws, "env");
	return bytes_are(jws_text(&e->jws, "aud"), domain) && bytes_are(jws_text(&e->jws, "device"), e->id) &&
	       bytes_are(e->jws.iss, e->id) && tag_is_word(e->kind) && tag_is_word(e->env) && enc != 0 &&
	       point_read(&e->enc, e->jws.claims, enc, POINT_BARE);
}

static void
write_claims(struct buffer *claims, const struct enrolment *e, const struct keys *k, const struct settings *s)
{
	int64_t ttl = s->ttl > 0 ? s->ttl : YEAR;
	unsigned cap = s->al_cap_given ? s->al_cap : SOFT_CAP;

	message_begin(claims, keys_domain(k), s->now);
	must(write_member(claims, "device", bytes_of(e->id)) && write_member(claims, "kind", e->kind) &&
	     write_text(claims, ",\"sig\":") && write_point(claims, &e->sig) &&
	     write_text(claims, ",\"enc\":") && write_point(claims, &e->enc) &&
	     write_member(claims, "env", e->env) && write_member_number(claims, "al_cap", cap) &&
	     write_member_number(claims, "exp", s->now.seconds + ttl) && write_text(claims, "}"));
}

static enum diag_exit
take_in(struct keys *k, const struct enrolment *e, const struct settings *s, struct answer *a)
{
	struct buffer claims;
	enum diag_exit status = EXIT_DONE;

	buffer_init(&claims, MESSAGE_MOST);
	write_claims(&claims, e, k, s);
	message_sign(&a->out, keys_signing(k), "ehr-device+jwt", false, &claims);
	must(write_text(&a->out, "\n"));
	if (!file_append_at(keys_directory(k), "devices.jwts", buffer_bytes(&a->out), 0600))
		status = answer_fault(a, EXIT_IO, "devices.jwts: %s", strerror(errno));
	buffer_release(&claims);
	return status;
}

static enum diag_exit
enrol(struct keys *k, struct bytes token, const struct settings *s, struct answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct enrolment e = { 0 };
	enum jws_fault fault = jws_verify_self_signed(reader, token, "ehr-enrol+jwt", &e.jws, &e.sig);
	enum diag_exit status;

	if (fault != JWS_GOOD)
		status = answer_fault(a, EXIT_KEYS, "not an enrolment: %s", jws_fault_word(fault));
	else if (!secret_equal(bytes_of(s->expect), bytes_of(e.sig.jkt)))
		status =
		    answer_fault(a, EXIT_DENIED, "device-unknown: its thumbprint is not the expected one");
	else if (!jws_in_time(&e.jws, s->now) || !check_claims(&e, keys_domain(k)))
		status = answer_fault(a, EXIT_KEYS, "not an enrolment for this domain, or not of now");
	else if (!s->allow_test_keys &&
		 (jwk_is_test_thumbprint(e.sig.jkt) || jwk_is_test_thumbprint(e.enc.jkt)))
		status = answer_fault(a, EXIT_KEYS, "test-key: the device's private half is public");
	else
		status = take_in(k, &e, s, a);
	jws_reader_free(reader);
	return status;
}

enum diag_exit
verb_enrol(const struct settings *s, struct answer *a)
{
	struct buffer text;
	enum diag_exit status;
	struct keys *k;

	if (s->expect == NULL)
		return answer_fault(
		    a, EXIT_USAGE, "which device? expected --expect JKT, as the device shows it");
	if (s->operands > 1)
		return answer_fault(a, EXIT_USAGE, "one enrolment at a time");
	k = store_open_authority(s, 0, a, &status);
	if (k == NULL)
		return status;
	buffer_init(&text, (size_t)1 << 18);
	status = EXIT_IO;
	if (store_read(s->operands > 0 ? s->operand[0] : "-", &text, a)) {
		while (text.used > 0 && (text.at[text.used - 1] == '\n' || text.at[text.used - 1] == '\r'))
			text.used--;
		status = enrol(k, buffer_bytes(&text), s, a);
	}
	buffer_release(&text);
	keys_close(k);
	return status;
}
