/* SPDX-License-Identifier: ISC */
/*
 * release: the level keys that a decision allows the user of a device, in a message that only the device's
 * key opens.  It counts once and ends within seven days.  It answers a proof (proof.h), or with --offline
 * none, so that it may travel by stick or mail.  A host that seals gets them for itself, and with --digests
 * the keys of pseudonyms, tokens and marks, which nobody else is given: who has them can try names.
 *
 * Of several proofs each is answered for itself.  What they have in common is read once, and what they spend
 * is written once, before the first message leaves.
 */
#include "cmd/keys/counters.h"
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

enum { LONGEST = 7 * 24 * 3600, TEXT_MOST = 1 << 26 };

/* --ask */
static enum diag_exit
ask(const struct asking *q)
{
	const size_t before = q->answer->out.used;

	if (request_release(&q->answer->out, q, q->settings->now)) {
		buffer_add(&q->answer->out, "\n", 1);
		return EXIT_DONE;
	}
	q->answer->out.used = before;
	return EXIT_BAD_RECORD;
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

static bool
is_mine(const struct asking *q, const struct decision *d)
{
	return bytes_are(d->subject, q->settings->user) &&
	       (bytes_are(d->device, q->device->id) || bytes_are(d->device, q->device->sig.jkt));
}

/* A decision counts for the person, the device and the epoch that it was made for. */
static bool
is_for(const struct asking *q, const struct decision *d)
{
	if (!bytes_are(d->subject, q->settings->user))
		return mismatch(q->answer, "it is about another person");
	if (!is_mine(q, d))
		return mismatch(q->answer, "it is about another device, or none");
	if (d->epoch != request_epoch(q))
		return mismatch(q->answer, "it is about another epoch, or none");
	if (d->request.size == 0)
		return mismatch(q->answer, "it does not say which request it answers");
	return answers(q, d);
}

/* What is read before the lock is taken. */
struct reading {
	struct buffer context;
	struct buffer proofs;
	struct decision_file *decisions; /* NULL: there are none */
	struct decision_limits limits;
};

struct run {
	struct keys *keys;
	const struct verb_settings *settings;
	struct reading *in;
	struct proof_reader *proofs; /* NULL: --offline */
	struct revoked revoked;
	struct taken *taken;
	struct counters counters;
	struct buffer log; /* lines for issued.log */
	struct verb_answer *answer;
};

/*
 * The next decision that answers the request of this proof, or that is about its person and device and does
 * not permit.  Those before it were about proofs that are refused now.  If there is none, the next one stays,
 * and what is wrong with it is the fault.
 */
static bool
find_decision(const struct run *r, const struct asking *q, struct decision *d, enum diag_exit *status)
{
	struct decision_file *all = r->in->decisions;
	const struct bytes rest = decision_file_rest(all);
	enum diag_exit first = EXIT_DONE;
	char fault[sizeof r->answer->fault];
	bool permits;

	for (;;) {
		permits = decision_file_next(all, "release-keys", r->settings->now, d, r->answer, status);
		if (!permits && *status == EXIT_DONE)
			break;
		if (permits && is_for(q, d)) {
			r->answer->fault[0] = '\0'; /* of those before it */
			return true;
		}
		if (!permits && is_mine(q, d))
			return false;
		if (first == EXIT_DONE) {
			first = permits ? EXIT_DENIED : *status;
			memcpy(fault, r->answer->fault, sizeof fault);
		}
	}
	*status = first;
	if (first == EXIT_DONE)
		*status = verb_fault(r->answer, EXIT_DENIED, "decision-denied: there is none");
	else
		memcpy(r->answer->fault, fault, sizeof fault);
	decision_file_back(all, rest);
	return false;
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

/* The log says which keys went to whom under which decision. */
static void
log_issue(struct buffer *log, const struct giving *g)
{
	struct json_write w = verb_line_begin(log);

	write_issue(&w, g);
	verb_line_end(&w);
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
seal(struct giving *g)
{
	const struct message_to to = { MESSAGE_RELEASE, keys_signing(g->keys), &g->device->enc,
		keys_domain(g->keys) };
	enum diag_exit status = EXIT_DONE;
	struct message m;

	if (write_claims(&m, g) == 0)
		status = g->settings->digests
			     ? verb_fault(g->answer, EXIT_KEYS, "there are no keys of digests here")
			     : verb_fault(g->answer, EXIT_DENIED,
				   "al-too-low: no level of epoch %" PRIu32 " is open to AL %" PRIu64 "%s",
				   g->epoch, g->al,
				   g->al < g->decision->al ? ", for which the device is enrolled" : "");
	else if (!message_seal(&m, &g->answer->out, &to))
		status =
		    verb_fault(g->answer, EXIT_KEYS, "key-invalid: the device's key is not a point of P-256");
	message_end(&m);
	return status;
}

/* The message, and in R what it spends. */
static enum diag_exit
give(struct run *r, struct giving *g)
{
	const size_t before = r->answer->out.used;
	char name[64];
	enum diag_exit status;

	(void)snprintf(name, sizeof name, "release.%.31s", g->device->id);
	if (!counters_get(&r->counters, name, &g->counter, r->answer))
		return EXIT_KEYS;
	g->counter++;
	status = seal(g);
	if (status == EXIT_DONE && !taken_add(r->taken, g->decision, r->in->limits.max_age, r->answer)) {
		r->answer->out.used = before;
		status = EXIT_DENIED;
	}
	if (status != EXIT_DONE)
		return status;
	if (g->proof != NULL)
		proof_spend(r->proofs, g->proof);
	counters_set(&r->counters, name, g->counter);
	log_issue(&r->log, g);
	return EXIT_DONE;
}

/* All is on disk before a message leaves, the decisions first. */
static enum diag_exit
commit(struct run *r)
{
	struct taken *t = r->taken;

	r->taken = NULL;
	return taken_commit(t, r->answer) && (r->proofs == NULL || proof_commit(r->proofs)) &&
		       counters_write(&r->counters, r->answer) &&
		       store_append(keys_directory(r->keys), "issued.log", buffer_bytes(&r->log), r->answer)
		   ? EXIT_DONE
		   : EXIT_IO;
}

static int64_t
end_of(const struct verb_settings *s, const struct decision *d)
{
	int64_t ttl = s->ttl > 0 && s->ttl < LONGEST ? s->ttl : LONGEST;
	int64_t end = s->now.seconds + ttl;

	return d->ends && d->end.seconds < end ? d->end.seconds : end;
}

static enum diag_exit
release(struct run *r, const struct asking *q, const struct proof *proof)
{
	const struct verb_settings *s = q->settings;
	const size_t remarks = r->answer->remarks.used;
	struct decision d;
	enum diag_exit status;

	if (revoked_has(&r->revoked, REVOKED_PARTIES, bytes_of(s->user)))
		return verb_fault(
		    r->answer, EXIT_DENIED, "party-revoked: this person is on the revocation list");
	if (!find_decision(r, q, &d, &status))
		return status;
	struct giving g = { r->keys, q->device, s, &d, proof, request_epoch(q),
		device_capped(q->device, d.al, r->answer), 0, end_of(s, &d), r->answer };
	status = all_count(&g, &r->revoked) ? give(r, &g) : EXIT_KEYS;
	if (status != EXIT_DONE)
		r->answer->remarks.used = remarks; /* of other proofs */
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

static bool
read_input(struct reading *r, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	buffer_init(&r->proofs, TEXT_MOST);
	*status = EXIT_IO;
	/* The decision first: in a pipe, tee has written the proof before anybody could decide on it. */
	if (!request_context(s, &r->context, a) || !decision_limits(s, &r->limits, a, status) ||
	    (s->decision != NULL && (r->decisions = decision_file_read(s, a, status)) == NULL))
		return false;
	*status = EXIT_IO;
	return s->proof == NULL || store_read(s->proof, &r->proofs, a);
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
release_to(struct run *r, const struct asking *q, const struct proof *proof)
{
	enum diag_exit status = EXIT_DONE;

	if (!may_ask(q, &status))
		return status;
	if (q->settings->ask)
		return ask(q);
	if (r->in->decisions == NULL)
		r->in->decisions = decide(q, &status);
	return r->in->decisions != NULL ? release(r, q, proof) : status;
}

static enum diag_exit
release_offline(struct run *r)
{
	struct verb_settings who = *r->settings;
	struct device device;
	enum diag_exit status;
	const struct asking q = { .keys = r->keys,
		.device = &device,
		.settings = &who,
		.context = &r->in->context,
		.itself = who.user == NULL,
		.answer = r->answer };

	if (!device_find(r->keys, bytes_of(who.device.item[0]), &who, &device, r->answer, &status))
		return status;
	if (q.itself)
		who.user = device.id;
	return release_to(r, &q, NULL);
}

/* The device and the person are those of the proof; without a person, the device. */
static enum diag_exit
release_proof(struct run *r, struct bytes text)
{
	struct verb_settings who = *r->settings;
	struct proof proof;
	enum diag_exit status;

	if (proof_read(r->proofs, &proof, text, &status)) {
		const struct asking q = { .keys = r->keys,
			.device = &proof.device,
			.settings = &who,
			.context = &r->in->context,
			.token = buffer_bytes(&proof.token),
			.itself = proof.token.used == 0,
			.answer = r->answer };

		who.user = q.itself ? proof.device.id : proof.user;
		status = release_to(r, &q, &proof);
	}
	buffer_release(&proof.token);
	return status;
}

/* The next line that is not blank; false if there is none. */
static bool
next_proof(struct bytes *rest, struct bytes *line)
{
	while (bytes_line(rest, line))
		if (!json_blank(*line))
			return true;
	return false;
}

/* Each of several proofs that is refused is noted by its number, and is no fault of the others. */
static enum diag_exit
release_proofs(struct run *r)
{
	struct bytes rest = buffer_bytes(&r->in->proofs), line = { "", 0 }, another;
	enum diag_exit status, first = EXIT_DONE;
	size_t number = 1;

	(void)next_proof(&rest, &line);
	another = rest;
	status = release_proof(r, line);
	if (!next_proof(&another, &line))
		return status;
	for (;;) {
		if (status != EXIT_DONE) {
			verb_note(r->answer, "proof %zu: %s", number, r->answer->fault);
			r->answer->fault[0] = '\0';
			first = first == EXIT_DONE ? status : first;
		}
		if (!next_proof(&rest, &line))
			break;
		number++;
		status = release_proof(r, line);
	}
	return first != EXIT_DONE && r->answer->out.used > 0 ? EXIT_REFUSED : first;
}

static enum diag_exit
release_all(struct run *r)
{
	enum diag_exit status = EXIT_KEYS;

	if (!device_revoked(r->keys, r->settings, &r->revoked, r->answer))
		return status;
	if (r->settings->proof != NULL && (r->proofs = proof_reader_new(r->keys, r->in->limits.longest,
					       r->settings, r->answer, &status)) == NULL)
		return status;
	if (!r->settings->ask && (!counters_begin(&r->counters, r->keys, r->answer) ||
				     (r->taken = taken_begin(r->keys, r->settings->now, r->answer)) == NULL))
		return EXIT_KEYS;
	return r->proofs != NULL ? release_proofs(r) : release_offline(r);
}

static enum diag_exit
release_in(struct keys *k, struct reading *in, const struct verb_settings *s, struct verb_answer *a)
{
	struct run r = { .keys = k, .settings = s, .in = in, .answer = a };
	enum diag_exit status, written;

	buffer_init(&r.log, TEXT_MOST);
	status = release_all(&r);
	if (status <= EXIT_REFUSED && !s->ask && (written = commit(&r)) != EXIT_DONE)
		status = written;
	proof_reader_free(r.proofs);
	taken_free(r.taken);
	counters_end(&r.counters);
	revoked_free(&r.revoked);
	buffer_release(&r.log);
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
	buffer_release(&r.proofs);
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
