/* SPDX-License-Identifier: ISC */
/*
 * accept: a device takes messages of its authority: level keys, a new epoch, a revocation list, parameters,
 * and commands, which are printed for whoever carries them out.
 */
#include "cmd/keys/counters.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/key_release.h"
#include "common/crypto/secret.h"
#include "common/line/sealed_line.h"
#include "common/line/tags.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 24, NONCE_BYTES = 16, DEPTH = 16 };

static enum diag_exit
refuse(struct verb_answer *a, const char *why)
{
	return verb_fault(a, EXIT_KEYS, "release-refused: %s", why);
}

/* Every key must fit its name and have an AL that the release allows, and all must be of one epoch. */
static bool
check_levels(const struct key_release *r, const char *domain, uint32_t *epoch)
{
	const struct json *j = r->jws.claims;
	struct level_key *key = secret_new(sizeof *key);
	bool good = j->nodes[r->keys].next > r->keys + 1;

	*epoch = 0;
	for (uint32_t n = r->keys + 1; good && n < j->nodes[r->keys].next; n = j->nodes[n].next) {
		good = level_key_read(key, j, n) && strcmp(key->domain, domain) == 0 && key->al <= r->al &&
		       (*epoch == 0 || *epoch == key->epoch);
		*epoch = key->epoch;
	}
	secret_free(key, sizeof *key);
	return good;
}

/* The same for keys of pseudonyms, tokens and marks, which are of no epoch. */
static bool
check_digests(const struct key_release *r, const char *domain)
{
	const struct json *j = r->jws.claims;
	struct mac_key *key = secret_new(sizeof *key);
	bool good = j->nodes[r->keys].next > r->keys + 1;

	for (uint32_t n = r->keys + 1; good && n < j->nodes[r->keys].next; n = j->nodes[n].next)
		good = mac_key_read(key, j, n) && strcmp(key->domain, domain) == 0;
	secret_free(key, sizeof *key);
	return good;
}

/* Sets the epoch, 0 for keys of digests, which count on a host that seals alone. */
static bool
check_keys(const struct keys *k, const struct key_release *r, uint32_t *epoch)
{
	if (check_levels(r, keys_domain(k), epoch))
		return true;
	*epoch = 0;
	return device_seals(keys_self(k)->kind) && check_digests(r, keys_domain(k));
}

static bool
is_file_name(struct bytes jti)
{
	return tag_is_word(jti) && jti.at[0] != '.' && memchr(jti.at, '/', jti.size) == NULL &&
	       jti.size <= 100;
}

/* The counter is on disk before the keys are, so a release counts once even if the power fails in between. */
static enum diag_exit
install(struct keys *k, const struct key_release *r, struct bytes line, uint32_t epoch, struct verb_answer *a)
{
	struct bytes jti = jws_text(&r->jws, "jti");
	uint64_t counter = 0, last;
	char name[200];

	if (!jws_number(&r->jws, "ctr", &counter) || !is_file_name(jti))
		return refuse(a, "incomplete");
	if (!counter_read(k, "release", &last, a))
		return EXIT_KEYS;
	if (counter <= last)
		return refuse(a, "taken before, or older than one that was");
	if (!counter_write(k, "release", counter, a))
		return EXIT_IO;
	if (epoch != 0)
		(void)snprintf(
		    name, sizeof name, "releases/level-%" PRIu32 "-%.*s.jwe", epoch, (int)jti.size, jti.at);
	else
		(void)snprintf(name, sizeof name, "releases/digests-%.*s.jwe", (int)jti.size, jti.at);
	file_sweep_at(keys_directory(k), "releases", ".jwe");
	if (file_replace_at(keys_directory(k), name, line, 0600))
		return EXIT_DONE;
	(void)verb_io_fault(a, name);
	return EXIT_IO;
}

static bool
is_offline(const struct jws *jws)
{
	uint32_t at = json_member(jws->claims, 0, (struct bytes)BYTES("offline"));

	return at != 0 && json_kind(jws->claims, at) == JSON_TRUE;
}

/*
 * The nonce of a message is the one of the file NAME, which goes then, before anything is done: a nonce
 * counts once.
 */
static bool
takes_nonce(struct keys *k, const char *name, const struct jws *jws, struct verb_answer *a)
{
	struct bytes nonce = jws_text(jws, "nonce");
	struct buffer text, one;
	struct json j;
	uint32_t at;
	bool good;

	buffer_init(&text, 4096);
	buffer_init(&one, 8192);
	json_init(&j, NULL, 4);
	good = store_whole(keys_directory(k), name, &text, a) &&
	       store_object(&one, &j, buffer_bytes(&text)) &&
	       (at = json_member(&j, 0, (struct bytes)BYTES("nonce"))) != 0 && nonce.size > 0 &&
	       secret_equal(json_inside(&j, at), nonce) && file_remove_at(keys_directory(k), name);
	json_release(&j);
	buffer_release(&one);
	buffer_release(&text);
	return good;
}

static enum diag_exit
accept_release(struct keys *k, struct bytes line, const struct verb_settings *s, struct verb_answer *a)
{
	const struct key_release_to to = { keys_private(k), keys_authority(k), keys_domain(k),
		keys_self(k)->sig_jkt };
	struct key_release_reader *reader = key_release_reader_new();
	struct key_release r;
	const char *why = "";
	enum diag_exit status;
	uint32_t epoch;

	if (!key_release_open(reader, line, &to, &r, &why))
		status = refuse(a, why);
	else if (r.jws.exp == 0 || !jws_in_time(&r.jws, s->now))
		status = refuse(a, "not of now: it has ended, or has not begun");
	else if (!check_keys(k, &r, &epoch))
		status = refuse(a, "a key that does not fit its name, its level or the others");
	else if (!is_offline(&r.jws) && !takes_nonce(k, "pending.json", &r.jws, a))
		status = refuse(a, "it answers a challenge that is not pending");
	else
		status = install(k, &r, line, epoch, a);
	key_release_reader_free(reader);
	return status;
}

static enum diag_exit
accept_epoch(struct keys *k, const struct jws *jws, const struct verb_settings *s, struct verb_answer *a)
{
	uint64_t epoch = 0;

	if (!jws_in_time(jws, s->now) || !bytes_are(jws_text(jws, "domain"), keys_domain(k)) ||
	    !jws_number(jws, "epoch", &epoch) || epoch == 0 || epoch > INT32_MAX)
		return refuse(a, "not an epoch of this domain and of now");
	if (epoch <= keys_epoch(k))
		return refuse(a, "an epoch that is not newer");
	return store_current(keys_directory(k), keys_domain(k), (uint32_t)epoch, a) ? EXIT_DONE : EXIT_IO;
}

static enum diag_exit
accept_revoked(struct keys *k, const struct jws *jws, struct bytes line, struct verb_answer *a)
{
	uint64_t serial = 0, last;

	const struct revoked_by by = { keys_authority(k), bytes_of(keys_domain(k)) };
	struct jws_reader *reader = jws_reader_new();
	struct revoked r = { 0 };
	const char *why;

	/* Past a list that no program reads, this directory would open nothing any more. */
	if (!jws_number(jws, "serial", &serial))
		serial = 0;
	why = revoked_take(&r, &by, line, reader);
	revoked_free(&r);
	jws_reader_free(reader);
	if (why != NULL || serial == 0)
		return refuse(a, "not a revocation list: without serial, next or its lists");
	if (!counter_read(k, "revoked", &last, a))
		return EXIT_KEYS;
	if (serial <= last)
		return refuse(a, "a revocation list that is not newer");
	if (!file_replace_at(keys_directory(k), "revoked.jwt", line, 0644)) {
		(void)verb_io_fault(a, "revoked.jwt");
		return EXIT_IO;
	}
	return counter_write(k, "revoked", serial, a) ? EXIT_DONE : EXIT_IO;
}

static enum diag_exit
accept_signed(struct keys *k, struct bytes line, const struct verb_settings *s, struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct jws jws;
	enum diag_exit status;

	if (jws_verify(reader, keys_authority(k), line, "ehr-epoch+jwt", &jws) == JWS_GOOD)
		status = accept_epoch(k, &jws, s, a);
	else if (jws_verify(reader, keys_authority(k), line, "ehr-revoked+jwt", &jws) == JWS_GOOD)
		status = accept_revoked(k, &jws, line, a);
	else
		status = refuse(a, "not a message of the authority for a device");
	jws_reader_free(reader);
	return status;
}

/*
 * Each answer has a nonce, and the last one stands in answer.json: where no clock is trusted, a command
 * counts only if it was made after that answer.
 */
static bool
note_nonce(struct keys *k, struct json_write *claims, struct verb_answer *a)
{
	unsigned char random[NONCE_BYTES];
	struct store_note note;

	public_random(random, sizeof random);
	json_write_member_base64url(claims, "nonce", random, sizeof random);
	store_note_begin(&note);
	json_write_member_base64url(&note.line, "nonce", random, sizeof random);
	return store_note_put(&note, keys_directory(k), "answer.json", 0600, a);
}

/* What was done with a message, for --ack. */
struct receipt {
	const char *of; /* "provision" or "command" */
	uint64_t seq;
	const char *reason; /* NULL: accepted */
};

static bool
write_receipt(struct keys *k, const struct receipt *r, const struct verb_settings *s, struct buffer *out,
    struct verb_answer *a)
{
	const struct keys_self *self = keys_self(k);
	/* A clock that has just begun shows 0, which would read as no time. */
	struct instant now = { s->now.seconds > 0 ? s->now.seconds : 1, s->now.nano };
	struct message m;
	bool good;

	message_begin(&m, self->id, now);
	json_write_member(&m.claims, "aud", bytes_of(self->domain));
	json_write_member(&m.claims, "device", bytes_of(self->id));
	json_write_member(&m.claims, "of", bytes_of(r->of));
	json_write_member_number(&m.claims, "seq", (int64_t)r->seq);
	json_write_member(&m.claims, "state", bytes_of(r->reason == NULL ? "accepted" : "refused"));
	if (r->reason != NULL)
		json_write_member(&m.claims, "reason", bytes_of(r->reason));
	good = note_nonce(k, &m.claims, a);
	if (good)
		message_sign(&m, out, keys_signing(k), "ehr-accepted+jwt", false);
	message_end(&m);
	return good;
}

/* Names the reason, and remembers it for the answer. */
static enum diag_exit
deny(struct receipt *r, struct verb_answer *a, const char *reason, const char *why)
{
	r->reason = reason;
	return verb_fault(a, EXIT_DENIED, "%s: %s", reason, why);
}

/*
 * The checks that parameters and commands share, up to the number, which is on disk before anything is done.
 */
static enum diag_exit
check_number(struct keys *k, const struct jws *jws, struct receipt *r, const struct verb_settings *s,
    struct verb_answer *a, uint64_t *last)
{
	if (!jws_number(jws, "seq", &r->seq) || jws->exp == 0)
		return refuse(a, "incomplete");
	if (!bytes_are(jws_text(jws, "device"), keys_self(k)->id))
		return deny(r, a, "command-foreign", "for another device");
	if (!s->no_clock && !jws_in_time(jws, s->now))
		return deny(r, a, "command-expired", "not of now: it has ended, or has not begun");
	if (!counter_read(k, r->of, last, a))
		return EXIT_KEYS;
	if (r->seq <= *last)
		return deny(r, a, "command-replay", "taken before, or older than one that was");
	return EXIT_DONE;
}

static enum diag_exit
take_params(struct keys *k, const struct jws *jws, struct receipt *r, struct verb_answer *a)
{
	uint32_t params = json_member(jws->claims, 0, (struct bytes)BYTES("params"));

	if (params == 0 || json_kind(jws->claims, params) != JSON_OBJECT)
		return refuse(a, "incomplete");
	if (!counter_write(k, r->of, r->seq, a))
		return EXIT_IO;
	if (file_replace_at(keys_directory(k), "params.json", json_span(jws->claims, params), 0600))
		return EXIT_DONE;
	(void)verb_io_fault(a, "params.json");
	return EXIT_IO;
}

/* The least AL of the command NAME, as self.json has it; false if this device does not know it. */
static bool
least_al(struct keys *k, struct bytes name, uint64_t *al)
{
	struct buffer text, one;
	struct json j;
	uint32_t list, at = 0;
	bool good;

	buffer_init(&text, 1 << 20);
	buffer_init(&one, 1 << 20);
	json_init(&j, NULL, 8);
	good = file_read_private_at(keys_directory(k), "self.json", &text) &&
	       store_object(&one, &j, buffer_bytes(&text));
	list = good ? json_member(&j, 0, (struct bytes)BYTES("commands")) : 0;
	if (list != 0 && json_kind(&j, list) == JSON_OBJECT)
		at = json_member(&j, list, name);
	good = at != 0 && json_integer(&j, at, al);
	json_release(&j);
	buffer_release(&one);
	buffer_release(&text);
	return good;
}

static void
print_command(struct keys *k, const struct jws *jws, uint32_t command, uint64_t seq, struct buffer *out)
{
	struct json_write w = verb_line_begin(out);

	json_write_name(&w, "ehr");
	json_write_open(&w, '{');
	json_write_member_number(&w, "v", 1);
	json_write_member(&w, "stage", (struct bytes)BYTES("command"));
	json_write_member(&w, "domain", bytes_of(keys_domain(k)));
	json_write_member_number(&w, "seq", (int64_t)seq);
	json_write_member(&w, "sub", jws_text(jws, "sub"));
	json_write_close(&w, '}');
	json_write_name(&w, "command");
	json_write_in_line(&w, json_span(jws->claims, command));
	verb_line_end(&w);
}

/* The number is on disk before the command is printed: it is carried out at most once. */
static enum diag_exit
take_command(struct keys *k, const struct jws *jws, struct receipt *r, const struct verb_settings *s,
    struct verb_answer *a)
{
	const struct json *j = jws->claims;
	uint32_t command = json_member(j, 0, (struct bytes)BYTES("command"));
	uint32_t name = command != 0 && json_kind(j, command) == JSON_OBJECT
			    ? json_member(j, command, (struct bytes)BYTES("name"))
			    : 0;
	uint64_t al = 0, least = 0;

	if (name == 0 || json_kind(j, name) != JSON_STRING || !jws_number(jws, "al", &al))
		return refuse(a, "incomplete");
	if (!least_al(k, json_inside(j, name), &least))
		return deny(r, a, "command-type", "this device knows no such command");
	if (al < least)
		return deny(r, a, "command-al", "the AL is too low for this command");
	if (s->no_clock && !takes_nonce(k, "answer.json", jws, a))
		return deny(r, a, "command-expired", "it was not made for the last answer of this device");
	if (!counter_write(k, r->of, r->seq, a))
		return EXIT_IO;
	print_command(k, jws, command, r->seq, &a->out);
	a->kept = true;
	return EXIT_DONE;
}

struct accepting {
	struct keys *keys;
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct buffer acks;
};

static enum diag_exit
accept_numbered(struct accepting *x, enum message_kind kind, struct bytes line)
{
	struct keys *k = x->keys;
	const struct key_release_to to = { keys_private(k), keys_authority(k), keys_domain(k),
		keys_self(k)->sig_jkt };
	struct key_release_reader *reader = key_release_reader_new();
	struct receipt r = { .of = message_stage(kind) };
	const char *why = "";
	uint64_t last;
	struct jws jws;
	enum diag_exit status;

	if (!key_release_open_other(reader, line, &to,
		(struct key_release_kind){ message_stage(kind), message_type(kind) }, &jws, &why))
		status = refuse(x->answer, why);
	else if ((status = check_number(k, &jws, &r, x->settings, x->answer, &last)) == EXIT_DONE)
		status = kind == MESSAGE_COMMAND ? take_command(k, &jws, &r, x->settings, x->answer)
						 : take_params(k, &jws, &r, x->answer);
	if (x->settings->ack != NULL && (status == EXIT_DONE || r.reason != NULL))
		status = write_receipt(k, &r, x->settings, &x->acks, x->answer) ? status : EXIT_IO;
	key_release_reader_free(reader);
	return status;
}

/* The tag `stage` says which kind a sealed message is; a wrong one does not open. */
static enum diag_exit
accept_sealed(struct accepting *x, struct bytes line)
{
	static const enum message_kind numbered[] = { MESSAGE_PROVISION, MESSAGE_COMMAND };
	struct sealed_line_reader *reader = sealed_line_reader_new(DEPTH);
	enum message_kind kind = MESSAGE_RELEASE;
	struct sealed_line s;
	struct buffer text;

	buffer_init(&text, TEXT_MOST + JSON_SLACK);
	buffer_add(&text, line.at, line.size);
	if (json_slack(&text) && sealed_line_read_message(reader, buffer_bytes(&text), &s))
		for (size_t i = 0; i < 2; i++)
			if (bytes_are(s.stage, message_stage(numbered[i])))
				kind = numbered[i];
	sealed_line_reader_free(reader);
	buffer_release(&text);
	return kind == MESSAGE_RELEASE ? accept_release(x->keys, line, x->settings, x->answer)
				       : accept_numbered(x, kind, line);
}

static struct bytes
without_cr(struct bytes line)
{
	if (line.size > 0 && line.at[line.size - 1] == '\r')
		line.size--;
	return line;
}

static enum diag_exit
accept_text(struct accepting *x, struct bytes text)
{
	enum diag_exit status = EXIT_DONE;
	struct bytes line;

	while (status == EXIT_DONE && bytes_line(&text, &line)) {
		line = without_cr(line);
		if (line.size > 0)
			status = line.at[0] == '{' ? accept_sealed(x, line)
						   : accept_signed(x->keys, line, x->settings, x->answer);
	}
	return status;
}

static bool
holds_message(struct bytes text)
{
	struct bytes line;

	while (bytes_line(&text, &line))
		if (without_cr(line).size > 0)
			return true;
	return false;
}

/* Reads the files that are named, or standard input, each into a buffer of its own. */
static enum diag_exit
read_all(const struct verb_settings *s, struct buffer *text, int count, struct verb_answer *a)
{
	for (int i = 0; i < count; i++) {
		const char *from = s->operands > 0 ? s->operand[i] : "-";

		if (!store_read(from, &text[i], a))
			return EXIT_IO;
		if (!holds_message(buffer_bytes(&text[i])))
			return verb_fault(a, EXIT_KEYS, "release-refused: %s: no message in it",
			    strcmp(from, "-") == 0 ? "<stdin>" : from);
	}
	return EXIT_DONE;
}

/* A refusal is answered, too. */
static enum diag_exit
write_acks(const struct accepting *x, enum diag_exit status)
{
	const char *ack = x->settings->ack;

	if (x->acks.used == 0 || file_replace_at(AT_FDCWD, ack, buffer_bytes(&x->acks), 0600))
		return status;
	(void)verb_io_fault(x->answer, ack);
	return EXIT_IO;
}

static enum diag_exit
accept_all(const struct verb_settings *s, const struct buffer *text, int count, struct verb_answer *a)
{
	enum diag_exit status;
	struct keys *k = store_open(s, s->ack != NULL ? KEYS_SIGN : 0, STORE_LOCK, a, &status);
	struct accepting x = { .keys = k, .settings = s, .answer = a };

	if (k == NULL)
		return status;
	buffer_init(&x.acks, TEXT_MOST);
	status = EXIT_DONE;
	if (strcmp(keys_self(k)->kind, "authority") == 0)
		status = verb_fault(a, EXIT_KEYS, "an authority takes no messages: these are for devices");
	for (int i = 0; status == EXIT_DONE && i < count; i++)
		status = accept_text(&x, buffer_bytes(&text[i]));
	status = write_acks(&x, status);
	buffer_release(&x.acks);
	keys_close(k);
	return status;
}

enum diag_exit
verb_accept(const struct verb_settings *s, struct verb_answer *a)
{
	int count = s->operands > 0 ? s->operands : 1;
	struct buffer *text = memory_zeros((size_t)count, sizeof *text);
	enum diag_exit status;

	for (int i = 0; i < count; i++)
		buffer_init(&text[i], TEXT_MOST);
	status = read_all(s, text, count, a);
	if (status == EXIT_DONE)
		status = accept_all(s, text, count, a);
	for (int i = 0; i < count; i++)
		buffer_release(&text[i]);
	free(text);
	return status;
}
