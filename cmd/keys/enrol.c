/* SPDX-License-Identifier: ISC */
/*
 * enrol: the authority takes in a device, whose thumbprint somebody has read off the device itself, or which
 * knows a code that was put into it, good for one device, or whose signing key a CA has certified.
 */
#include "cmd/keys/code.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/order.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

#include <stdio.h>

enum { SOFT_CAP = 3, YEAR = 365 * 24 * 3600 };

struct enrolment {
	struct jws jws;
	struct point sig;
	struct point enc;
	struct bytes kind, env;
	char id[KEYS_ID_SIZE + 1];
	unsigned al_cap;
};

/* The device has said all of it of itself.  What is kept must be such as each later verb reads. */
static bool
check_claims(struct enrolment *e, const char *domain)
{
	uint32_t enc = json_member(e->jws.claims, 0, (struct bytes)BYTES("enc"));

	keys_id(e->id, e->sig.jkt);
	e->kind = jws_text(&e->jws, "kind");
	e->env = jws_text(&e->jws, "env");
	return bytes_are(jws_text(&e->jws, "aud"), domain) && bytes_are(jws_text(&e->jws, "device"), e->id) &&
	       bytes_are(e->jws.iss, e->id) && keys_are_of_device(e->kind, e->env) && enc != 0 &&
	       point_read(&e->enc, e->jws.claims, enc, POINT_BARE) && keyref_receives(&e->enc) &&
	       strcmp(e->enc.jkt, e->sig.jkt) != 0;
}

static void
write_claims(struct json_write *w, const struct enrolment *e, const struct verb_settings *s)
{
	int64_t ttl = s->ttl > 0 ? s->ttl : YEAR;

	json_write_member(w, "device", bytes_of(e->id));
	json_write_member(w, "kind", e->kind);
	json_write_name(w, "sig");
	point_write(w, &e->sig);
	json_write_name(w, "enc");
	point_write(w, &e->enc);
	json_write_member(w, "env", e->env);
	json_write_member_number(w, "al_cap", e->al_cap);
	json_write_member_number(w, "exp", s->now.seconds + ttl);
}

static enum diag_exit
take_in(struct keys *k, const struct enrolment *e, const struct verb_settings *s, struct verb_answer *a)
{
	struct message m;
	bool good;

	message_begin(&m, keys_domain(k), s->now);
	write_claims(&m.claims, e, s);
	message_sign(&m, &a->out, keys_signing(k), "ehr-device+jwt", false);
	message_end(&m);
	good = store_append(keys_directory(k), "devices.jwts", buffer_bytes(&a->out), a);
	return good ? EXIT_DONE : EXIT_IO;
}

/* A device that was revoked is not taken in again: it needs new keys. */
static enum diag_exit
check_revoked(
    const struct keys *k, const struct enrolment *e, const struct verb_settings *s, struct verb_answer *a)
{
	enum diag_exit status = EXIT_DONE;
	struct revoked r;

	if (!device_revoked(k, s, &r, a))
		return EXIT_KEYS;
	if (device_is_revoked(&r, &e->sig, &e->enc))
		status = verb_fault(a, EXIT_DENIED,
		    "device-revoked: it is on the revocation list; it needs new keys: ehr-keys make --kind");
	revoked_free(&r);
	return status;
}

static void
put_device(struct json_write *w, const void *context)
{
	const struct enrolment *e = context;

	json_write_member(w, "kind", e->kind);
	json_write_member(w, "env", e->env);
	json_write_member_number(w, "al_cap", e->al_cap);
}

/* The device is the one that is meant: by its thumbprint, the code, or its certificate. */
static bool
is_meant(struct keys *k, const struct enrolment *e, const struct order_file *f, enum diag_exit *status)
{
	const struct verb_settings *s = f->settings;

	const struct code_device device = { &e->jws, &e->sig, &e->enc };

	if (s->code != NULL)
		return code_check(k, s->code, &device, f->answer, status);
	if (s->ca != NULL)
		return code_check_certificates(&device, s, f->answer, status);
	if (secret_equal(bytes_of(s->expect), bytes_of(e->sig.jkt)))
		return true;
	*status =
	    verb_fault(f->answer, EXIT_DENIED, "device-unknown: its thumbprint is not the expected one");
	return false;
}

static enum diag_exit
enrol(struct keys *k, struct bytes token, struct order_file *f)
{
	const struct verb_settings *s = f->settings;
	struct verb_answer *a = f->answer;
	struct jws_reader *reader = jws_reader_new();
	struct enrolment e = { .al_cap = s->al_cap_given ? s->al_cap : SOFT_CAP };
	const struct order o = { "enrol", "enrolment", e.id, put_device, NULL, &e, 0 };
	enum jws_fault fault = jws_verify_self_signed(reader, token, "ehr-enrol+jwt", &e.jws, &e.sig);
	enum diag_exit status;

	if (fault != JWS_GOOD)
		status = verb_fault(a, EXIT_KEYS, "not an enrolment: %s", jws_fault_word(fault));
	else if (s->code == NULL && !is_meant(k, &e, f, &status))
		;
	else if (!jws_in_time(&e.jws, s->now) || !check_claims(&e, keys_domain(k)))
		status =
		    verb_fault(a, EXIT_KEYS, "not an enrolment of a device for this domain, or not of now");
	else if (!s->allow_test_keys &&
		 (jwk_is_test_thumbprint(e.sig.jkt) || jwk_is_test_thumbprint(e.enc.jkt)))
		status = verb_fault(a, EXIT_KEYS, "test-key: the device's private half is public");
	else if ((status = check_revoked(k, &e, s, a)) == EXIT_DONE && order_obeys(f, k, &o, &status) &&
		 (s->code == NULL || is_meant(k, &e, f, &status)))
		status = take_in(k, &e, s, a);
	jws_reader_free(reader);
	return status;
}

enum diag_exit
verb_enrol(const struct verb_settings *s, struct verb_answer *a)
{
	struct order_file f = { .decisions = NULL };
	struct buffer text;
	enum diag_exit status;
	struct keys *k = NULL;

	if ((s->expect != NULL) + (s->code != NULL) + (s->ca != NULL) != 1)
		return verb_fault(a, EXIT_USAGE,
		    "which device? expected --expect JKT, as the device shows it, or --code FILE, or --ca "
		    "FILE");
	if (s->operands > 1)
		return verb_fault(a, EXIT_USAGE, "one enrolment at a time");
	buffer_init(&text, (size_t)1 << 18);
	status = EXIT_IO;
	if (store_read(s->operands > 0 ? s->operand[0] : "-", &text, a)) {
		while (text.used > 0 && (text.at[text.used - 1] == '\n' || text.at[text.used - 1] == '\r'))
			text.used--;
		if (text.used == 0)
			status = verb_fault(a, EXIT_KEYS, "not an enrolment: nothing was read");
		else if (order_read(&f, s, a, &status) &&
			 (k = store_open(s, 0, order_store(s), a, &status)) != NULL)
			status = enrol(k, buffer_bytes(&text), &f);
		keys_close(k);
	}
	order_end(&f);
	buffer_release(&text);
	return status;
}
