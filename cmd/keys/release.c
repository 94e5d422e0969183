/* SPDX-License-Identifier: ISC */
/*
 * release: level keys for a device, as many as a decision allows its user, without a challenge: for a stick
 * or any other way that carries one message.  It opens with the device's key alone, counts once, and ends
 * within seven days.
 */
#include "cmd/keys/decision.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/write.h"
#include "common/line/tags.h"

#include <errno.h>
#include <inttypes.h>

enum { LONGEST = 7 * 24 * 3600, CONTEXT_MOST = 65536 };

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a release longer than it can be");
}

/* ---- --ask: the request that ehr-authz answers ------------------------------------------------------- */

static bool
write_context(struct buffer *out, const struct settings *s, struct answer *a)
{
	struct buffer text;
	struct json j;
	char now[32];
	bool good = true;

	clock_format(s->now, now);
	must(write_text(out, "\"context\":{\"time\":\"") && write_text(out, now) && write_text(out, "\""));
	buffer_init(&text, CONTEXT_MOST);
	json_init(&j, NULL, 16);
	if (s->context != NULL && (good = store_read(s->context, &text, a))) {
		good = json_parse(&j, buffer_bytes(&text)) && json_kind(&j, 0) == JSON_OBJECT &&
		       json_member(&j, 0, (struct bytes)BYTES("time")) == 0;
		for (uint32_t m = 1; good && m < j.nodes[0].next; m = j.nodes[m].next)
			must(write_text(out, ",") && write_bytes(out, json_span(&j, m)) &&
			     write_text(out, ":") && write_bytes(out, json_span(&j, m + 1)));
		if (!good)
			(void)answer_fault(a, EXIT_BAD_RECORD,
			    "%s: not a JSON object, or one that states the time", s->context);
	}
	must(write_text(out, "}}\n"));
	json_release(&j);
	buffer_release(&text);
	return good;
}

static enum diag_exit
ask(struct keys *k, const struct device *d, const struct settings *s, struct answer *a)
{
	struct buffer *out = &a->out;

	must(write_text(out, "{\"subject\":{\"type\":\"user\",\"id\":\"") && write_text(out, s->user) &&
	     write_text(out, "\",\"properties\":{\"domain\":\"") && write_text(out, keys_domain(k)) &&
	     write_text(out, "\"") && write_member(out, "device", bytes_of(d->id)) &&
	     write_member(out, "env", bytes_of(d->env)) &&
	     write_text(out, "}},\"action\":{\"name\":\"release-keys\"},\"resource\":{\"type\":\"level-"
			     "keys\",\"id\":\"") &&
	     write_text(out, keys_domain(k)) && write_text(out, "/") && write_number(out, keys_epoch(k)) &&
	     write_text(out, "\",\"properties\":{\"domain\":\"") && write_text(out, keys_domain(k)) &&
	     write_text(out, "\"") && write_member_number(out, "epoch", keys_epoch(k)) &&
	     write_text(out, "}},"));
	return write_context(out, s, a) ? EXIT_DONE : EXIT_BAD_RECORD;
}

/* ---- the release --------------------------------------------------------------------------------------- */

struct giving {
	struct keys *keys;
	const struct device *device;
	const struct settings *settings;
	const struct decision *decision;
	uint64_t al;
	uint64_t counter;
	int64_t exp;
	struct answer *answer;
};

static bool
is_given(const struct giving *g, const struct level_key *key)
{
	return key->epoch == keys_epoch(g->keys) && key->al <= g->al;
}

/* The levels of the current epoch up to the AL; how many. */
static unsigned
write_keys(struct buffer *claims, const struct giving *g)
{
	size_t count;
	const struct level_key *const *level = keys_levels(g->keys, &count);
	unsigned written = 0;

	must(write_text(claims, ",\"keys\":["));
	for (size_t i = 0; i < count; i++)
		if (is_given(g, level[i]))
			must(
			    (written++ == 0 || write_text(claims, ",")) && write_level_key(claims, level[i]));
	must(write_text(claims, "]}"));
	return written;
}

static unsigned
write_claims(struct buffer *claims, const struct giving *g)
{
	must(buffer_reserve(claims, MESSAGE_MOST / 4)); /* never moved: it holds keys */
	message_begin(claims, keys_domain(g->keys), g->settings->now);
	must(write_member(claims, "device", bytes_of(g->device->id)) &&
	     write_member(claims, "sub", bytes_of(g->settings->user)));
	message_jti(claims, "k_");
	must(write_member_number(claims, "nbf", g->settings->now.seconds) &&
	     write_member_number(claims, "exp", g->exp) && write_text(claims, ",\"offline\":true") &&
	     write_member_number(claims, "ctr", (int64_t)g->counter) &&
	     write_member_number(claims, "al", (int64_t)g->al) &&
	     write_text(claims, ",\"cnf\":{\"jkt\":\"") && write_text(claims, g->device->sig.jkt) &&
	     write_text(claims, "\"}") && write_member(claims, "decision", bytes_of(g->decision->digest)));
	return write_keys(claims, g);
}

/* What went to whom under which decision is on disk before it leaves. */
static bool
log_issue(const struct giving *g)
{
	size_t count;
	const struct level_key *const *level = keys_levels(g->keys, &count);
	struct buffer line;
	unsigned written = 0;
	bool good;

	buffer_init(&line, MESSAGE_MOST);
	must(write_text(&line, "{\"v\":1") && write_member_number(&line, "iat", g->settings->now.seconds) &&
	     write_member(&line, "device", bytes_of(g->device->id)) &&
	     write_member(&line, "sub", bytes_of(g->settings->user)) &&
	     write_member(&line, "decision", bytes_of(g->decision->digest)) &&
	     write_member_number(&line, "exp", g->exp) && write_text(&line, ",\"kids\":["));
	for (size_t i = 0; i < count; i++)
		if (is_given(g, level[i]))
			must(write_text(&line, written++ == 0 ? "\"" : ",\"") &&
			     write_text(&line, level[i]->kid) && write_text(&line, "\""));
	must(write_text(&line, "]}\n"));
	good = file_append_at(keys_directory(g->keys), "issued.log", buffer_bytes(&line), 0600);
	if (!good)
		(void)answer_fault(g->answer, EXIT_IO, "issued.log: %s", strerror(errno));
	buffer_release(&line);
	return good;
}

static enum diag_exit
give(struct giving *g)
{
	struct buffer claims;
	char name[64];
	enum diag_exit status = EXIT_IO;

	(void)snprintf(name, sizeof name, "release.%.31s", g->device->id);
	if (!store_counter(g->keys, name, &g->counter, g->answer))
		return EXIT_KEYS;
	g->counter++;
	buffer_init(&claims, MESSAGE_MOST);
	if (write_claims(&claims, g) == 0)
		status = answer_fault(
		    g->answer, EXIT_DENIED, "al-too-low: no level is open to AL %" PRIu64, g->al);
	else if (store_set_counter(g->keys, name, g->counter, g->answer) && log_issue(g)) {
		status = EXIT_DONE;
		if (!message_seal(&g->answer->out, keys_signing(g->keys), &g->device->enc,
			keys_domain(g->keys), &claims))
			status = answer_fault(
			    g->answer, EXIT_KEYS, "key-invalid: the device's key is not a point of P-256");
	}
	message_wipe(&claims);
	return status;
}

static int64_t
end_of(const struct settings *s, const struct decision *d)
{
	int64_t ttl = s->ttl > 0 && s->ttl < LONGEST ? s->ttl : LONGEST;
	int64_t end = s->now.seconds + ttl;

	return d->ends && d->end.seconds < end ? d->end.seconds : end;
}

static enum diag_exit
release(struct keys *k, const struct device *device, const struct settings *s, struct answer *a)
{
	struct decision d;
	struct revoked r;
	enum diag_exit status = EXIT_DENIED;
	struct decisions *all = decisions_read(s->decision, a, &status);

	if (all == NULL)
		return status;
	if (!revoked_read(k, &r, a)) {
		decisions_free(all);
		return EXIT_KEYS;
	}
	if (!decisions_next(all, "release-keys", s->now, &d, a, &status))
		status = status == EXIT_DONE ? answer_fault(a, EXIT_DENIED, "decision-denied: there is none")
					     : status;
	else if (!bytes_are(d.subject, s->user))
		status = answer_fault(a, EXIT_DENIED, "decision-mismatch: it is about another person");
	else if (revoked_has(&r, REVOKED_PARTIES, bytes_of(s->user)))
		status = answer_fault(a, EXIT_DENIED, "party-revoked: this person is on the revocation list");
	else {
		struct giving g = { k, device, s, &d, d.al < device->al_cap ? d.al : device->al_cap, 0,
			end_of(s, &d), a };

		status = give(&g);
	}
	revoked_free(&r);
	decisions_free(all);
	return status;
}

enum diag_exit
verb_release(const struct settings *s, struct answer *a)
{
	struct device device;
	enum diag_exit status;
	struct keys *k;

	if (!s->offline)
		return answer_fault(a, EXIT_USAGE, "how? expected --offline");
	if (s->device.count != 1 || s->user == NULL)
		return answer_fault(a, EXIT_USAGE, "for whom? expected --device ID and --user ID");
	if (!tag_is_word(bytes_of(s->user)))
		return answer_fault(
		    a, EXIT_USAGE, "not an id of a person, expected A-Z a-z 0-9 . _ : / @ + -");
	if ((s->decision != NULL) == s->ask)
		return answer_fault(a, EXIT_USAGE, "on what? expected --ask, or --decision FILE");
	k = store_open_authority(s, KEYS_LEVELS | KEYS_NOW, a, &status);
	if (k == NULL)
		return status;
	if (device_find(k, bytes_of(s->device.item[0]), s->now, &device, a, &status))
		status = s->ask ? ask(k, &device, s, a) : release(k, &device, s, a);
	keys_close(k);
	return status;
}
