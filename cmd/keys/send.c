/* SPDX-License-Identifier: ISC */
/*
 * send: what else an authority sends to a device: parameters (provision) and commands.  Each message is
 * numbered, signed by the authority and sealed to the device.  And what the device answered (answers).
 */
#include "cmd/keys/counters.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/order.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/line/tags.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	PARAMS_MOST = 65536,
	COMMAND_TTL = 60,
	PROVISION_TTL = 30 * 24 * 3600,
	DEPTH = 32,
	ID_SIZE = 22,
	NONCE_ROOM = 65
};

struct sending {
	struct keys *keys;
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct device device;
	struct buffer text; /* what was read */
	struct json json;   /* the same */
};

/* Reads the operand, or standard input, which must be a JSON object. */
static bool
read_object(struct sending *x, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	x->settings = s;
	x->answer = a;
	buffer_init(&x->text, PARAMS_MOST + JSON_SLACK);
	json_init(&x->json, NULL, DEPTH);
	*status = EXIT_USAGE;
	if (s->device.count != 1 || s->operands > 1) {
		(void)verb_fault(a, EXIT_USAGE, "to whom? expected --device ID, and at most one file");
		return false;
	}
	*status = EXIT_IO;
	if (!store_read(s->operands > 0 ? s->operand[0] : "-", &x->text, a))
		return false;
	*status = EXIT_BAD_RECORD;
	if (json_parse(&x->json, buffer_bytes(&x->text)) && json_kind(&x->json, 0) == JSON_OBJECT)
		return true;
	(void)verb_fault(a, EXIT_BAD_RECORD, "not a JSON object of at most 64 KiB");
	return false;
}

static void
end_object(struct sending *x)
{
	keys_close(x->keys);
	json_release(&x->json);
	buffer_release(&x->text);
}

/* The next number of messages of KIND to the device.  It is on disk before the message is made. */
static bool
next_number(struct sending *x, const char *kind, uint64_t *number, enum diag_exit *status)
{
	char name[64];

	(void)snprintf(name, sizeof name, "%s.%s", kind, x->device.id);
	*status = EXIT_KEYS;
	if (!counter_read(x->keys, name, number, x->answer))
		return false;
	*status = EXIT_IO;
	return counter_write(x->keys, name, ++*number, x->answer);
}

static void
begin(struct message *m, const struct sending *x, uint64_t number, int64_t ttl)
{
	message_begin(m, keys_domain(x->keys), x->settings->now);
	json_write_member(&m->claims, "device", bytes_of(x->device.id));
	json_write_member_number(&m->claims, "seq", (int64_t)number);
	json_write_member_number(
	    &m->claims, "exp", x->settings->now.seconds + (x->settings->ttl > 0 ? x->settings->ttl : ttl));
}

static enum diag_exit
end(struct message *m, const struct sending *x, enum message_kind kind)
{
	const struct message_to to = { kind, keys_signing(x->keys), &x->device.enc, keys_domain(x->keys) };
	bool good = message_seal(m, &x->answer->out, &to);

	message_end(m);
	return good ? EXIT_DONE
		    : verb_fault(
			  x->answer, EXIT_KEYS, "key-invalid: the device's key is not a point of P-256");
}

static enum diag_exit
provision(struct sending *x)
{
	enum diag_exit status;
	struct message m;
	uint64_t number;

	if (!next_number(x, "provision", &number, &status))
		return status;
	begin(&m, x, number, PROVISION_TTL);
	json_write_name(&m.claims, "params");
	json_write_value(&m.claims, json_span(&x->json, 0));
	return end(&m, x, MESSAGE_PROVISION);
}

enum diag_exit
verb_provision(const struct verb_settings *s, struct verb_answer *a)
{
	struct sending x = { .keys = NULL };
	enum diag_exit status;

	if (read_object(&x, s, a, &status))
		x.keys = store_open(s, 0, STORE_AUTHORITY | STORE_LOCK, a, &status);
	if (x.keys != NULL && device_find(x.keys, bytes_of(s->device.item[0]), s, &x.device, a, &status))
		status = provision(&x);
	end_object(&x);
	return status;
}

static struct bytes
text_of(const struct json *j, const char *name)
{
	uint32_t at = json_member(j, 0, bytes_of(name));

	if (at == 0 || json_kind(j, at) != JSON_STRING || (j->nodes[at].flags & JSON_ESCAPED) != 0)
		return (struct bytes){ "", 0 };
	return json_inside(j, at);
}

/* {"id":ID,"name":NAME,"args":{..},"approved_by":[..]}; the last two may be absent. */
static bool
check_command(struct sending *x)
{
	const struct json *j = &x->json;
	uint32_t args = json_member(j, 0, (struct bytes)BYTES("args")),
		 approved = json_member(j, 0, (struct bytes)BYTES("approved_by"));

	if (text_of(j, "id").size == ID_SIZE && tag_is_word(text_of(j, "id")) &&
	    tag_is_word(text_of(j, "name")) && (args == 0 || json_kind(j, args) == JSON_OBJECT) &&
	    (approved == 0 || json_kind(j, approved) == JSON_ARRAY))
		return true;
	(void)verb_fault(x->answer, EXIT_BAD_RECORD,
	    "not a command: expected id (22 characters of base64url), name, and perhaps args and "
	    "approved_by");
	return false;
}

static void
put_how(struct json_write *w, const void *context, struct instant time)
{
	const struct sending *x = context;
	uint32_t approved = json_member(&x->json, 0, (struct bytes)BYTES("approved_by"));
	char issued[32];

	clock_format(time, issued);
	json_write_member(w, "command", text_of(&x->json, "name"));
	json_write_member(w, "id", text_of(&x->json, "id"));
	json_write_member(w, "issued", bytes_of(issued));
	if (approved != 0) {
		json_write_name(w, "approved_by");
		json_write_in_line(w, json_span(&x->json, approved));
	}
}

static void
put_patient(struct json_write *w, const void *context)
{
	const struct sending *x = context;

	if (x->settings->patient.count > 0)
		json_write_member(w, "patient", bytes_of(x->settings->patient.item[0]));
}

/*
 * The nonce of --answer, the device's last one, which the command repeats: a device that trusts no clock sees
 * by it that the command is new.
 */
static bool
read_answer(struct sending *x, char nonce[NONCE_ROOM], enum diag_exit *status)
{
	const char *file = x->settings->device_answer;
	struct jws_reader *reader = jws_reader_new();
	struct signers *devices = device_signers(x->keys, x->settings, x->answer, status);
	struct buffer text;
	struct bytes rest, line, last = { "", 0 };
	struct jws jws;
	bool good = false;

	buffer_init(&text, (size_t)1 << 20);
	if (devices != NULL && (*status = EXIT_IO, store_read(file, &text, x->answer))) {
		for (rest = buffer_bytes(&text); bytes_line(&rest, &line);)
			last = line.size > 0 ? line : last;
		good = jws_verify(reader, devices, last, "ehr-accepted+jwt", &jws) == JWS_GOOD &&
		       bytes_are(jws.iss, x->device.id) && tag_is_word(jws_text(&jws, "nonce")) &&
		       bytes_string(jws_text(&jws, "nonce"), nonce, NONCE_ROOM);
		if (!good)
			*status = verb_fault(
			    x->answer, EXIT_KEYS, "answer-invalid: %s: not an answer of this device", file);
	}
	buffer_release(&text);
	signers_free(devices);
	jws_reader_free(reader);
	return good;
}

static enum diag_exit
command(struct sending *x, const struct order_file *f, uint64_t number, const char *nonce)
{
	uint32_t args = json_member(&x->json, 0, (struct bytes)BYTES("args"));
	struct message m;

	begin(&m, x, number, COMMAND_TTL);
	json_write_member(&m.claims, "sub", bytes_of(f->subject));
	json_write_member_number(&m.claims, "al", (int64_t)f->al);
	json_write_member(&m.claims, "decision", bytes_of(f->digest));
	if (*nonce != '\0')
		json_write_member(&m.claims, "nonce", bytes_of(nonce));
	json_write_name(&m.claims, "command");
	json_write_open(&m.claims, '{');
	json_write_member(&m.claims, "name", text_of(&x->json, "name"));
	if (args != 0)
		json_write_member_value(&m.claims, "args", json_span(&x->json, args));
	json_write_close(&m.claims, '}');
	return end(&m, x, MESSAGE_COMMAND);
}

/* The id keeps one command from being sent twice under two decisions.  It is the last that is noted. */
static bool
is_new(struct sending *x, enum diag_exit *status)
{
	const struct json *j = &x->json;
	struct buffer log, line;
	struct json_write w = json_write_to(&line);
	struct bytes rest, old;
	bool good;

	buffer_init(&log, (size_t)1 << 28);
	buffer_init(&line, 1024);
	json_write_open(&w, '{');
	json_write_member(&w, "device", bytes_of(x->device.id));
	json_write_member(&w, "id", text_of(j, "id"));
	json_write_close(&w, '}');
	verb_written(&w);
	*status = EXIT_KEYS;
	good = store_lines(keys_directory(x->keys), "commands.log", &log, x->answer);
	for (rest = buffer_bytes(&log); good && bytes_line(&rest, &old);)
		if (bytes_equal(old, buffer_bytes(&line))) {
			good = false;
			*status =
			    verb_fault(x->answer, EXIT_DENIED, "command-replay: its id was sent before");
		}
	buffer_add(&line, "\n", 1);
	if (good) {
		*status = EXIT_IO;
		good = store_append(keys_directory(x->keys), "commands.log", buffer_bytes(&line), x->answer);
	}
	buffer_release(&line);
	buffer_release(&log);
	return good;
}

enum diag_exit
verb_command(const struct verb_settings *s, struct verb_answer *a)
{
	struct sending x = { .keys = NULL };
	struct order_file f = { .decisions = NULL };
	const struct order o = { "send-command", "device", x.device.id, put_patient, put_how, &x, 1 };
	char nonce[NONCE_ROOM] = "";
	enum diag_exit status;
	uint64_t number;

	if (read_object(&x, s, a, &status)) {
		status = EXIT_BAD_RECORD;
		if (check_command(&x) && order_read(&f, s, a, &status))
			x.keys = store_open(s, 0, order_store(s), a, &status);
	}
	if (x.keys != NULL && device_find(x.keys, bytes_of(s->device.item[0]), s, &x.device, a, &status) &&
	    (s->device_answer == NULL || s->ask || read_answer(&x, nonce, &status)) &&
	    order_obeys(&f, x.keys, &o, &status) && next_number(&x, "command", &number, &status) &&
	    is_new(&x, &status))
		status = command(&x, &f, number, nonce);
	end_object(&x);
	order_end(&f);
	return status;
}

static bool
say_answer(struct verb_answer *a, const struct jws *jws)
{
	struct json_write w = json_write_to(&a->out);
	const struct bytes of = jws_text(jws, "of"), state = jws_text(jws, "state");
	uint64_t seq = 0;

	if (!jws_number(jws, "seq", &seq) || !bytes_equal(jws_text(jws, "device"), jws->iss) ||
	    !(bytes_are(of, message_stage(MESSAGE_PROVISION)) ||
		bytes_are(of, message_stage(MESSAGE_COMMAND))) ||
	    !(bytes_are(state, "accepted") || bytes_are(state, "refused")))
		return false;
	json_write_open(&w, '{');
	json_write_member(&w, "device", jws->iss);
	json_write_member_number(&w, "time", jws->iat);
	json_write_member(&w, "of", of);
	json_write_member_number(&w, "seq", (int64_t)seq);
	json_write_member(&w, "state", state);
	if (jws_text(jws, "reason").size > 0)
		json_write_member(&w, "reason", jws_text(jws, "reason"));
	verb_line_end(&w);
	return true;
}

static enum diag_exit
answers(const struct keys *k, struct bytes text, const struct verb_settings *s, struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	enum diag_exit status;
	struct signers *devices = device_signers(k, s, a, &status);
	struct device d;
	struct bytes line;
	struct jws jws;

	status = devices == NULL ? status : EXIT_DONE;
	while (status == EXIT_DONE && bytes_line(&text, &line)) {
		if (line.size == 0)
			continue;
		if (jws_verify(reader, devices, line, "ehr-accepted+jwt", &jws) != JWS_GOOD ||
		    !bytes_are(jws_text(&jws, "aud"), keys_domain(k)) || !say_answer(a, &jws))
			status =
			    verb_fault(a, EXIT_KEYS, "answer-invalid: not an answer of an enrolled device");
		else
			(void)device_find(k, bytes_of(jws.kid), s, &d, a, &status);
	}
	if (status == EXIT_DONE && a->out.used == 0)
		status = verb_fault(a, EXIT_KEYS, "answer-invalid: no answer in it");
	signers_free(devices);
	jws_reader_free(reader);
	return status;
}

enum diag_exit
verb_answers(const struct verb_settings *s, struct verb_answer *a)
{
	struct buffer text;
	enum diag_exit status = EXIT_IO;
	struct keys *k = NULL;

	if (s->operands > 1)
		return verb_fault(a, EXIT_USAGE, "at most one file");
	buffer_init(&text, (size_t)1 << 24);
	if (store_read(s->operands > 0 ? s->operand[0] : "-", &text, a))
		k = store_open(s, 0, STORE_AUTHORITY, a, &status);
	if (k != NULL)
		status = answers(k, buffer_bytes(&text), s, a);
	keys_close(k);
	buffer_release(&text);
	return status;
}
