/* SPDX-License-Identifier: ISC */
/* accept: a device takes messages of its authority: level keys, a new epoch, a revocation list. */
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/key_release.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 24 };

static enum diag_exit
refuse(struct verb_answer *a, const char *why)
{
	return verb_fault(a, EXIT_KEYS, "release-refused: %s", why);
}

/* Every key must fit its name and have an AL that the release allows, and all must be of one epoch. */
static bool
check_keys(const struct key_release *r, const char *domain, uint32_t *epoch)
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
	if (!store_counter(k, "release", &last, a))
		return EXIT_KEYS;
	if (counter <= last)
		return refuse(a, "taken before, or older than one that was");
	if (!store_set_counter(k, "release", counter, a))
		return EXIT_IO;
	(void)snprintf(
	    name, sizeof name, "releases/level-%" PRIu32 "-%.*s.jwe", epoch, (int)jti.size, jti.at);
	if (file_replace_at(keys_directory(k), name, line, 0600))
		return EXIT_DONE;
	(void)verb_io_fault(a, name);
	return EXIT_IO;
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
	uint32_t epoch, offline;

	if (!key_release_open(reader, line, &to, &r, &why))
		status = refuse(a, why);
	else if (r.jws.exp == 0 || !jws_in_time(&r.jws, s->now))
		status = refuse(a, "not of now: it has ended, or has not begun");
	else if ((offline = json_member(r.jws.claims, 0, (struct bytes)BYTES("offline"))) == 0 ||
		 json_kind(r.jws.claims, offline) != JSON_TRUE)
		status = refuse(a, "it answers a challenge that is not pending");
	else if (!check_keys(&r, keys_domain(k), &epoch))
		status = refuse(a, "a key that does not fit its name, its level or the others");
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

	if (!jws_number(jws, "serial", &serial))
		return refuse(a, "a revocation list without a serial");
	if (!store_counter(k, "revoked", &last, a))
		return EXIT_KEYS;
	if (serial <= last)
		return refuse(a, "a revocation list that is not newer");
	if (!file_replace_at(keys_directory(k), "revoked.jwt", line, 0644)) {
		(void)verb_io_fault(a, "revoked.jwt");
		return EXIT_IO;
	}
	return store_set_counter(k, "revoked", serial, a) ? EXIT_DONE : EXIT_IO;
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

static struct bytes
without_cr(struct bytes line)
{
	if (line.size > 0 && line.at[line.size - 1] == '\r')
		line.size--;
	return line;
}

static enum diag_exit
accept_text(struct keys *k, struct bytes text, const struct verb_settings *s, struct verb_answer *a)
{
	enum diag_exit status = EXIT_DONE;
	struct bytes line;

	while (status == EXIT_DONE && bytes_line(&text, &line)) {
		line = without_cr(line);
		if (line.size > 0)
			status =
			    line.at[0] == '{' ? accept_release(k, line, s, a) : accept_signed(k, line, s, a);
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

static enum diag_exit
accept_all(const struct verb_settings *s, const struct buffer *text, int count, struct verb_answer *a)
{
	enum diag_exit status;
	struct keys *k = store_open(s, 0, STORE_LOCK, a, &status);

	if (k == NULL)
		return status;
	status = EXIT_DONE;
	if (strcmp(keys_self(k)->kind, "authority") == 0)
		status = verb_fault(a, EXIT_KEYS, "an authority takes no messages: these are for devices");
	for (int i = 0; status == EXIT_DONE && i < count; i++)
		status = accept_text(k, buffer_bytes(&text[i]), s, a);
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
