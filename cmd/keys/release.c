/* SPDX-License-Identifier: ISC */
/*
 * release: the level keys that a decision allows the user of a device, in a message that only the device's
 * key opens.  It counts once and ends within seven days.  It answers a proof (proof.h), or with --offline
 * none, so that it may travel by stick or mail.  A host that seals gets them for itself, and with --digests
 * the keys of pseudonyms, tokens and marks, which nobody else is given: who has them can try names.
 */
#include "cmd/keys/decider.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/proof.h"
#include "cmd/keys/request.h"
#include "cmd/keys/store.h"
#include "cmd/keys/taken.h"
#include "common/base/file.h"
#include "common/line/tags.h"

#include <inttypes.h>
#include <stdio.h>

enum { LONGEST = 7 * 24 * 3600, LOG_MOST = 1 << 20 };

/* --ask */
static enum diag_exit
ask(const struct asking *q)
{
	bool good = request_release(&q->answer->out, q, q->settings->now);

	buffer_add(&q->answer->out, "\n", 1);
	return good ? EXIT_DONE : EXIT_BAD_RECORD;
}

static bool
mismatch(struct verb_answer *a, const char *why)
{
	(void)verb_fault(a, EXIT_DENIED, "decision-mismatch: %s", why);
	return false;
}

/* The request is made again with the time of the decision, and must be the one that the decision answered. */
static bool
answers(const struct asking *q, const struct decision *d)
{
	char digest[DIGEST_TEXT];
	struct buffer text;
	bool good;

	buffer_init(&text, (size_t)REQUEST_MOST);
	good = request_release(&text, q, d->asked);
	if (good) {
		digest_text(buffer_bytes(&text), digest);
		good = bytes_are(d->request, digest) ||
		       mismatch(q->answer, "it answers another request; give the --context of --ask");
	}
	buffer_release(&text);
	return good;
}

/* A decision counts for the person, the device and the epoch that it was made for. */
static bool
is_for(const struct asking *q, const struct decision *d)
{
	if (!bytes_are(d->subject, q->settings->user))
		return mismatch(q->answer, "it is about another person");
	if (!bytes_are(d->device, q->device->id) && !bytes_are(d->device, q->device->sig.jkt))
		return mismatch(q->answer, "it is about another device, or none");
	if (d->epoch != request_epoch(q))
		return mismatch(q->answer, "it is about another epoch, or none");
	if (d->request.size == 0)
		return mismatch(q->answer, "it does not say which request it answers");
	return answers(q, d);
}

struct giving {
	struct keys *keys;
	const struct device *device;
	const struct verb_settings *settings;
	const struct decision *decision;
	const struct proof *proof; /* NULL: --offline */
	uint32_t epoch;
	uint64_t al;
	uint64_t counter;
	int64_t exp;
	int64_t max_age;
	struct verb_answer *answer;
};

/*
 * Goes through what is given: the level keys of the epoch up to the AL, or the keys of digests.  AT is where
 * it stands, 0 first.  Its kid, and the one of LEVEL and MAC that it is; NULL behind the last.
 */
static const char *
next_given(const struct giving *g, size_t *at, const struct level_key **level, const struct mac_key **mac)
{
	size_t count;
	const struct level_key *const *all = keys_levels(g->keys, &count);

	*level = NULL;
	*mac = NULL;
	if (g->settings->digests)
		return (*mac = keys_mac_key(g->keys, (*at)++)) != NULL ? (*mac)->kid : NULL;
	while (*at < count) {
		*level = all[(*at)++];
		if ((*level)->epoch == g->epoch && (*level)->al <= g->al)
			return (*level)->kid;
	}
	return NULL;
}

/* Returns how many there are. */
static unsigned
write_keys(struct json_write *w, const struct giving *g)
{
	const struct level_key *level;
	const struct mac_key *mac;
	unsigned written = 0;

	json_write_name(w, "keys");
	json_write_open(w, '[');
	for (size_t at = 0; next_given(g, &at, &level, &mac) != NULL; written++)
		if (mac != NULL)
			mac_key_write(w, mac);
		else
			level_key_write(w, level);
	json_write_close(w, ']');
	return written;
}

static unsigned
write_claims(struct message *m, const struct giving *g)
{
	struct json_write *w = &m->claims;

	message_begin(m, keys_domain(g->keys), g->settings->now);
	json_write_member(w, "device", bytes_of(g->device->id));
	json_write_member(w, "sub", bytes_of(g->settings->user));
	message_jti(m, "k_");
	json_write_member_number(w, "nbf", g->settings->now.seconds);
	json_write_member_number(w, "exp", g->exp);
	if (g->proof != NULL)
		json_write_member(w, "nonce", bytes_of(g->proof->nonce));
	else
		json_write_member_value(w, "offline", (struct bytes)BYTES("true"));
	json_write_member_number(w, "ctr", (int64_t)g->counter);
	json_write_member_number(w, "al", (int64_t)g->al);
	message_cnf(m, g->device->sig.jkt);
	json_write_member(w, "decision", bytes_of(g->decision->digest));
	return write_keys(w, g);
}

static void
write_issue(struct json_write *w, const struct giving *g)
{
	const struct level_key *level;
	const struct mac_key *mac;
	const char *kid;

	json_write_member_number(w, "v", 1);
	json_write_member_number(w, "iat", g->settings->now.seconds);
	json_write_member(w, "device", bytes_of(g->device->id));
	json_write_member(w, "sub", bytes_of(g->settings->user));
	json_write_member(w, "decision", bytes_of(g->decision->digest));
	json_write_member_number(w, "exp", g->exp);
	json_write_name(w, "kids");
	json_write_open(w, '[');
	for (size_t at = 0; (kid = next_given(g, &at, &level, &mac)) != NULL;)
		json_write_text(w, bytes_of(kid));
	json_write_close(w, ']');
}

/* The log says which keys went to whom under which decision.  It is on disk before the message leaves. */
static bool
log_issue(const struct giving *g)
{
	struct buffer line;
	struct json_write w;
	bool good;

	buffer_init(&line, LOG_MOST);
	w = verb_line_begin(&line);
	write_issue(&w, g);
	verb_line_end(&w);
	good = store_append(keys_directory(g->keys), "issued.log", buffer_bytes(&line), g->answer);
	buffer_release(&line);
	return good;
}

/* Before a key leaves, the decision is spent. */
static bool
take(const struct giving *g, enum diag_exit *status)
{
	struct taken *t = taken_begin(g->keys, g->settings->now, g->answer);

	*status = EXIT_KEYS;
	if (t == NULL)
		return false;
	*status = EXIT_DENIED;
	if (!taken_add(t, g->decision, g->max_age, g->answer)) {
		taken_free(t);
		return false;
	}
	*status = EXIT_IO;
	return taken_commit(t, g->answer);
}

/* A key that is revoked is given to nobody; the next epoch has other level keys. */
static bool
all_count(const struct giving *g, const struct revoked *r)
{
	const struct level_key *level;
	const struct mac_key *mac;
	const char *kid;

	for (size_t at = 0; (kid = next_given(g, &at, &level, &mac)) != NULL;)
		if (revoked_has(r, REVOKED_KIDS, bytes_of(kid))) {
			(void)verb_fault(g->answer, EXIT_KEYS, "key-revoked: %s is on the revocation list%s",
			    kid, level != NULL ? ": ehr-keys rotate" : "");
			return false;
		}
	return true;
}

static enum diag_exit
give(struct giving *g)
{
	struct message m;
	char name[64];
	enum diag_exit status = EXIT_IO;

	(void)snprintf(name, sizeof name, "release.%.31s", g->device->id);
	if (!store_counter(g->keys, name, &g->counter, g->answer))
		return EXIT_KEYS;
	g->counter++;
	if (write_claims(&m, g) == 0)
		status = g->settings->digests
			     ? verb_fault(g->answer, EXIT_KEYS, "there are no keys of digests here")
			     : verb_fault(g->answer, EXIT_DENIED,
				   "al-too-low: no level of epoch %" PRIu32 " is open to AL %" PRIu64,
				   g->epoch, g->al);
	else if (take(g, &status) &&
		 (g->proof == NULL || proof_spend(g->proof, g->keys, g->settings, g->answer, &status)) &&
		 store_set_counter(g->keys, name, g->counter, g->answer) && log_issue(g)) {
		const struct message_to to = { MESSAGE_RELEASE, keys_signing(g->keys), &g->device->enc,
			keys_domain(g->keys) };

		status = EXIT_DONE;
		if (!message_seal(&m, &g->answer->out, &to))
			status = verb_fault(
			    g->answer, EXIT_KEYS, "key-invalid: the device's key is not a point of P-256");
	}
	message_end(&m);
	return status;
}

static int64_t
end_of(const struct verb_settings *s, const struct decision *d)
{
	int64_t ttl = s->ttl > 0 && s->ttl < LONGEST ? s->ttl : LONGEST;
	int64_t end = s->now.seconds + ttl;

	return d->ends && d->end.seconds < end ? d->end.seconds : end;
}

static enum diag_exit
release(const struct asking *q, struct decision_file *all, const struct proof *proof, int64_t max_age)
{
	const struct verb_settings *s = q->settings;
	struct verb_answer *a = q->answer;
	struct decision d;
	struct revoked r;
	enum diag_exit status = EXIT_DENIED;

	if (!device_revoked(q->keys, s, &r, a))
		return EXIT_KEYS;
	if (revoked_has(&r, REVOKED_PARTIES, bytes_of(s->user))) {
		status = verb_fault(a, EXIT_DENIED, "party-revoked: this person is on the revocation list");
	} else if (!decision_file_next(all, "release-keys", s->now, &d, a, &status)) {
		if (status == EXIT_DONE)
			status = verb_fault(a, EXIT_DENIED, "decision-denied: there is none");
	} else if (!is_for(q, &d)) {
		status = EXIT_DENIED;
	} else {
		struct giving g = { q->keys, q->device, s, &d, proof, request_epoch(q),
			device_capped(q->device, d.al, a), 0, end_of(s, &d), max_age, a };

		status = all_count(&g, &r) ? give(&g) : EXIT_KEYS;
	}
	revoked_free(&r);
	return status;
}

/* The decision on the request that --ask would print, made here. */
static struct decision_file *
decide(const struct asking *q, enum diag_exit *status)
{
	struct decision_file *all = NULL;
	struct buffer request;

	buffer_init(&request, (size_t)REQUEST_MOST);
	*status = EXIT_BAD_RECORD;
	if (request_release(&request, q, q->settings->now))
		all = decider_ask(q->settings, buffer_bytes(&request), q->answer, status);
	buffer_release(&request);
	return all;
}

/* What is read before the lock is taken. */
struct reading {
	struct buffer context;
	struct buffer proof;
	struct decision_file *decisions; /* NULL: there are none */
	int64_t max_age;
};

static bool
read_input(struct reading *r, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	buffer_init(&r->proof, 1 << 18);
	*status = EXIT_IO;
	/* The decision first: in a pipe, tee has written the proof before anybody could decide on it. */
	if (!request_context(s, &r->context, a) || !decision_file_age(s, &r->max_age, a, status) ||
	    (s->decision != NULL && (r->decisions = decision_file_read(s, a, status)) == NULL))
		return false;
	*status = EXIT_IO;
	return s->proof == NULL || store_read(s->proof, &r->proof, a);
}

/* False with a fault: the device may not have such keys, or nobody asks. */
static bool
may_ask(const struct asking *q, enum diag_exit *status)
{
	if (q->itself && !device_seals(q->device->kind))
		*status = verb_fault(q->answer, EXIT_USAGE,
		    "for whom? expected --user ID: only a host that seals asks for itself");
	else if (q->settings->digests && !q->itself)
		*status = verb_fault(q->answer, EXIT_DENIED,
		    "device-kind: keys of pseudonyms, tokens and marks are given to hosts that seal alone, "
		    "for "
		    "themselves");
	else
		return true;
	return false;
}

/* Without --decision it is made here. */
static enum diag_exit
release_to(struct asking *q, struct reading *r, const struct proof *proof)
{
	enum diag_exit status = EXIT_DONE;

	if (!may_ask(q, &status))
		return status;
	if (q->settings->ask)
		return ask(q);
	if (r->decisions == NULL)
		r->decisions = decide(q, &status);
	return r->decisions != NULL ? release(q, r->decisions, proof, r->max_age) : status;
}

/* The device and the person are those of the proof, or of the command line; without a person, the device. */
static enum diag_exit
release_in(struct keys *k, struct reading *r, const struct verb_settings *s, struct verb_answer *a)
{
	struct verb_settings who = *s;
	struct device device;
	struct proof proof;
	enum diag_exit status;
	struct asking q = {
		.keys = k, .device = &device, .settings = &who, .context = &r->context, .answer = a
	};

	if (s->proof == NULL) {
		q.itself = s->user == NULL;
		if (!device_find(k, bytes_of(s->device.item[0]), s, &device, a, &status))
			return status;
		who.user = q.itself ? device.id : s->user;
		return release_to(&q, r, NULL);
	}
	if (proof_read(&proof, k, s, buffer_bytes(&r->proof), a, &status)) {
		q.itself = proof.token.used == 0;
		who.user = q.itself ? proof.device.id : proof.user;
		q.device = &proof.device;
		q.token = buffer_bytes(&proof.token);
		status = release_to(&q, r, &proof);
	}
	buffer_release(&proof.token);
	return status;
}

/* --ask changes nothing, so it takes no lock and needs no level key. */
static enum diag_exit
run(const struct verb_settings *s, struct verb_answer *a)
{
	struct reading r = { .decisions = NULL };
	const unsigned levels = KEYS_LEVELS | (s->epoch == 0 ? KEYS_NOW : 0),
		       digests = KEYS_TAGS | KEYS_REDACT | KEYS_BYTES;
	unsigned want = s->ask ? 0 : s->digests ? digests : levels;
	enum diag_exit status;
	struct keys *k = NULL;

	if (read_input(&r, s, a, &status))
		k = store_open(s, want, STORE_AUTHORITY | (s->ask ? 0 : STORE_LOCK), a, &status);
	if (k != NULL)
		status = release_in(k, &r, s, a);
	keys_close(k);
	decision_file_free(r.decisions);
	buffer_release(&r.context);
	buffer_release(&r.proof);
	return status;
}

static bool
names_holder(const struct verb_settings *s, struct verb_answer *a)
{
	if (s->device.count != 1)
		(void)verb_fault(a, EXIT_USAGE, "for whom? expected --device ID and --user ID");
	else if (s->digests && s->epoch != 0)
		(void)verb_fault(a, EXIT_USAGE, "--digests: these keys are of no epoch, so without --epoch");
	else if (s->user != NULL && !tag_is_word(bytes_of(s->user)))
		(void)verb_fault(a, EXIT_USAGE, "not an id of a person, expected A-Z a-z 0-9 . _ : / @ + -");
	else
		return true;
	return false;
}

enum diag_exit
verb_give(const struct verb_settings *s, struct verb_answer *a)
{
	return names_holder(s, a) && decider_ready(s, a) ? run(s, a) : EXIT_USAGE;
}

enum diag_exit
verb_release(const struct verb_settings *s, struct verb_answer *a)
{
	if (s->offline == (s->proof != NULL))
		return verb_fault(a, EXIT_USAGE, "how? expected --proof FILE or --offline");
	if (s->proof != NULL && (s->device.count > 0 || s->user != NULL))
		return verb_fault(a, EXIT_USAGE, "the proof says for whom, not --device or --user");
	if (s->offline && !names_holder(s, a))
		return EXIT_USAGE;
	if ((s->decision != NULL) == s->ask)
		return verb_fault(a, EXIT_USAGE, "on what? expected --ask, or --decision FILE");
	return run(s, a);
}
