/* SPDX-License-Identifier: ISC */
/*
 * grant: decisions become what a subscriber is notified by.  Several decisions about one person, device,
 * roles and purposes make one grant over all their patients, with the least AL and the earliest end of them.
 */
#include "cmd/keys/decision.h"
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/pseudonym.h"
#include "common/crypto/write.h"
#include "common/line/tags.h"
#include "common/policy/notify_policy.h"
#include "common/policy/seal_policy.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>

enum { LONGEST = 30 * 24 * 3600, SUBJECTS_MOST = 1 << 24 };

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a grant longer than it can be");
}

struct granting {
	const struct settings *settings;
	struct answer *answer;
	struct policy policy;
	struct notify_policy plan;
	struct seal_policy sealing;
	struct keys *keys;
	int64_t longest;
	/* gathered from the decisions */
	size_t count;
	uint64_t al;
	struct instant from, end;
	char subject[129], device[129];
	struct buffer roles, purposes; /* JSON arrays */
	struct buffer subjects;        /* "s_..","s_.." */
	struct buffer consents;
	struct buffer digests;
	char policy_digest[129];
};

/* ---- how long grants may live ---------------------------------------------------------------------- */

/* clearances.yaml's word; notify.yaml's limit counts as well. */
static bool
find_longest(struct granting *g, struct fault *f)
{
	const char *file = "authz/clearances.yaml";
	const struct yaml_node *root, *grants, *longest;
	int64_t seconds = LONGEST;

	if (policy_file(&g->policy, file) != NULL) {
		root = policy_yaml(&g->policy, file, &file, f);
		if (root == NULL)
			return false;
		grants = yaml_find(root, "grants");
		longest = grants == NULL ? NULL : yaml_find(grants, "longest");
		if (longest != NULL && (!clock_parse_duration(longest->text, &seconds) || seconds <= 0))
			return fault_at(f, file, longest, "not a length of time, expected 30d");
	}
	if (g->plan.max_lifetime > 0 && g->plan.max_lifetime < seconds)
		seconds = g->plan.max_lifetime;
	if (g->settings->ttl > 0 && g->settings->ttl < seconds)
		seconds = g->settings->ttl;
	g->longest = seconds;
	return true;
}

static bool
load_policy(struct granting *g)
{
	struct fault f = { 0 };

	if (policy_load(&g->policy, g->settings->policy, &f) &&
	    notify_policy_load(&g->plan, &g->policy, &f) && seal_policy_load(&g->sealing, &g->policy, &f) &&
	    find_longest(g, &f))
		return true;
	(void)answer_policy_fault(g->answer, &f);
	return false;
}

/* ---- what the decisions say --------------------------------------------------------------------------- */

static bool
deny(struct granting *g, const char *why)
{
	(void)answer_fault(g->answer, EXIT_DENIED, "decision-denied: %s", why);
	return false;
}

/* An array of words as the decision has it; false for anything else. */
static bool
copy_words(const struct decision *d, uint32_t list, struct buffer *to)
{
	const struct json *j = d->json;

	must(write_text(to, "["));
	for (uint32_t n = list + 1; list != 0 && n < j->nodes[list].next; n = j->nodes[n].next) {
		if (json_kind(j, n) != JSON_STRING || !tag_is_word(json_inside(j, n)))
			return false;
		must((n == list + 1 || write_text(to, ",")) && write_bytes(to, json_span(j, n)));
	}
	must(write_text(to, "]"));
	return true;
}

/* The first decision says it; the others must say the same. */
static bool
same_word(struct granting *g, char to[129], struct bytes word)
{
	if (!tag_is_word(word))
		return false;
	if (g->count == 0) {
		memcpy(to, word.at, word.size);
		to[word.size] = '\0';
	}
	return bytes_are(word, to);
}

static bool
same_words(struct granting *g, struct buffer *to, const struct decision *d, uint32_t list)
{
	struct buffer words;
	bool good;

	buffer_init(&words, SUBJECTS_MOST);
	good = copy_words(d, list, &words);
	if (good && g->count == 0)
		must(write_bytes(to, buffer_bytes(&words)));
	good = good && bytes_equal(buffer_bytes(to), buffer_bytes(&words));
	buffer_release(&words);
	return good;
}

/* Versions are tagged with references; a decision may name the patient by the id alone. */
static bool
reference(const struct granting *g, struct bytes patient, struct buffer *to)
{
	const struct yaml_node *type =
	    g->policy.record == NULL ? NULL : yaml_find(g->policy.record, "subject_type");

	if (memchr(patient.at, '/', patient.size) == NULL && type != NULL)
		must(write_bytes(to, type->text) && write_text(to, "/"));
	must(write_bytes(to, patient));
	return true;
}

static bool
add_subject(struct granting *g, const struct decision *d)
{
	struct buffer name;
	char tag[PSEUDONYM_SIZE + 1];
	struct bytes word = d->pseudonym;

	if (word.size == 0) {
		if (d->patient.size == 0)
			return deny(g, "it names no patient");
		buffer_init(&name, 65536);
		(void)reference(g, d->patient, &name);
		pseudonym_make(keys_mac(g->keys, pseudonym_key(PSEUDONYM_SUBJECT)), PSEUDONYM_SUBJECT,
		    bytes_of(keys_domain(g->keys)), g->sealing.subject_per_epoch ? keys_epoch(g->keys) : 0,
		    buffer_bytes(&name), tag);
		buffer_release(&name);
		word = (struct bytes){ tag, PSEUDONYM_SIZE };
	}
	if (!tag_is_word(word))
		return deny(g, "its patient's pseudonym is none");
	must(write_text(&g->subjects, g->count == 0 ? "\"" : ",\"") && write_bytes(&g->subjects, word) &&
	     write_text(&g->subjects, "\""));
	return true;
}

/* The directives and their rules that the consent layer rested on: withdrawing one names the grant to revoke.
 */
static void
add_consents(struct granting *g, const struct decision *d)
{
	const struct json *j = d->json;
	uint32_t layers = json_member(j, d->context, (struct bytes)BYTES("layers"));

	if (layers == 0 || json_kind(j, layers) != JSON_ARRAY)
		return;
	for (uint32_t n = layers + 1; n < j->nodes[layers].next; n = j->nodes[n].next) {
		uint32_t layer = json_member(j, n, (struct bytes)BYTES("layer"));
		uint32_t rules = json_member(j, n, (struct bytes)BYTES("rules"));

		if (layer == 0 || rules == 0 || !json_is(j, layer, (struct bytes)BYTES("consent")) ||
		    json_kind(j, rules) != JSON_ARRAY)
			continue;
		for (uint32_t r = rules + 1; r < j->nodes[rules].next; r = j->nodes[r].next)
			must((g->consents.used == 0 || write_text(&g->consents, ",")) &&
			     write_bytes(&g->consents, json_span(j, r)));
	}
}

static void
shorten(struct granting *g, const struct decision *d)
{
	struct instant from = d->timed ? d->time : g->settings->now;
	struct instant end = instant_add(from, g->longest);

	if (d->ends && instant_compare(d->end, end) < 0)
		end = d->end;
	if (g->count == 0 || instant_compare(end, g->end) < 0)
		g->end = end;
	if (g->count == 0 || instant_compare(from, g->from) > 0)
		g->from = from;
	if (g->count == 0 || d->al < g->al)
		g->al = d->al;
}

static bool
add_decision(struct granting *g, const struct decision *d)
{
	uint32_t policy = json_member(d->json, d->context, (struct bytes)BYTES("policy"));

	if (policy == 0 || json_kind(d->json, policy) != JSON_STRING ||
	    !same_word(g, g->policy_digest, json_inside(d->json, policy)))
		return deny(g, "it names no policy, or another than the one before");
	if (!same_word(g, g->subject, d->subject) || !same_word(g, g->device, d->device) ||
	    !same_words(g, &g->roles, d, d->roles) || !same_words(g, &g->purposes, d, d->purpose))
		return deny(
		    g, "it names no device, or another person, device, role or purpose than the one before");
	if (!add_subject(g, d))
		return false;
	add_consents(g, d);
	must(write_text(&g->digests, d->digest));
	shorten(g, d);
	g->count++;
	return true;
}

static enum diag_exit
gather(struct granting *g)
{
	enum diag_exit status;
	struct decision d;
	struct decisions *all = decisions_read(g->settings->decision, g->answer, &status);

	if (all == NULL)
		return status;
	while (decisions_next(all, "subscribe", g->settings->now, &d, g->answer, &status))
		if (!add_decision(g, &d)) {
			status = EXIT_DENIED;
			break;
		}
	if (status == EXIT_DONE && g->count == 0)
		status = answer_fault(g->answer, EXIT_DENIED, "decision-denied: there is none");
	decisions_free(all);
	return status;
}

/* ---- the grant
 * --------------------------------------------------------------------------------------------- */

/* One decision by its digest; several by the digest of their digests in order. */
static void
write_basis(struct buffer *claims, struct granting *g)
{
	char digest[DIGEST_TEXT];

	if (g->count == 1)
		memcpy(digest, g->digests.at, DIGEST_TEXT - 1);
	else
		digest_text(buffer_bytes(&g->digests), digest);
	digest[DIGEST_TEXT - 1] = '\0';
	must(write_text(claims, ",\"basis\":{\"decision\":\"") && write_text(claims, digest) &&
	     write_text(claims, "\"") && write_member(claims, "policy", bytes_of(g->policy_digest)) &&
	     write_text(claims, ",\"consents\":[") && write_bytes(claims, buffer_bytes(&g->consents)) &&
	     write_text(claims, "]}"));
}

static void
write_grant(struct granting *g, const struct device *device, struct buffer *out)
{
	uint64_t al = g->al < device->al_cap ? g->al : device->al_cap;
	struct buffer claims;

	buffer_init(&claims, SUBJECTS_MOST);
	message_begin(&claims, keys_domain(g->keys), g->settings->now);
	message_jti(&claims, "g_");
	must(write_member(&claims, "sub", bytes_of(g->subject)) && write_text(&claims, ",\"roles\":") &&
	     write_bytes(&claims, buffer_bytes(&g->roles)) &&
	     write_member_number(&claims, "al", (int64_t)al) && write_text(&claims, ",\"subjects\":[") &&
	     write_bytes(&claims, buffer_bytes(&g->subjects)) && write_text(&claims, "],\"purposes\":") &&
	     write_bytes(&claims, buffer_bytes(&g->purposes)) &&
	     write_member(&claims, "domain", bytes_of(keys_domain(g->keys))));
	write_basis(&claims, g);
	must(write_text(&claims, ",\"cnf\":{\"jkt\":\"") && write_text(&claims, device->sig.jkt) &&
	     write_text(&claims, "\"}") && write_member_number(&claims, "nbf", g->from.seconds) &&
	     write_member_number(&claims, "exp", g->end.seconds) && write_text(&claims, "}"));
	message_sign(out, keys_signing(g->keys), "ehr-grant+jwt", false, &claims);
	must(write_text(out, "\n"));
	buffer_release(&claims);
}

/* In a site the grant is kept where ehr-notify looks for it. */
static enum diag_exit
keep(struct granting *g)
{
	struct arena arena = { 0 };
	enum diag_exit status = EXIT_DONE;

	if (g->settings->site != NULL &&
	    !file_append_at(AT_FDCWD, site_path(&arena, g->settings->site, SITE_GRANTS, NULL),
		buffer_bytes(&g->answer->out), 0600))
		status = answer_fault(g->answer, EXIT_IO, "grants.jwts: %s", strerror(errno));
	arena_release(&arena);
	return status;
}

static enum diag_exit
grant(struct granting *g)
{
	struct device device;
	struct revoked r;
	enum diag_exit status = gather(g);
	bool revoked;

	if (status != EXIT_DONE ||
	    !device_find(g->keys, bytes_of(g->device), g->settings->now, &device, g->answer, &status))
		return status;
	if (!revoked_read(g->keys, &r, g->answer))
		return EXIT_KEYS;
	revoked = revoked_has(&r, REVOKED_PARTIES, bytes_of(g->subject));
	revoked_free(&r);
	if (revoked)
		return answer_fault(
		    g->answer, EXIT_DENIED, "party-revoked: this person is on the revocation list");
	if (instant_compare(g->from, g->end) >= 0)
		return answer_fault(g->answer, EXIT_DENIED, "decision-denied: it ends before it begins");
	write_grant(g, &device, &g->answer->out);
	return keep(g);
}

enum diag_exit
verb_grant(const struct settings *s, struct answer *a)
{
	struct granting g = { .settings = s, .answer = a };
	enum diag_exit status = EXIT_POLICY;
	struct buffer *buffers[] = { &g.roles, &g.purposes, &g.subjects, &g.consents, &g.digests };

	if (s->policy == NULL || s->decision == NULL)
		return answer_fault(a, EXIT_USAGE, "on what? expected -P DIR and --decision FILE");
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_init(buffers[i], SUBJECTS_MOST);
	if (load_policy(&g) && (g.keys = store_open_authority(s, KEYS_TAGS, a, &status)) != NULL) {
		if (keys_mac(g.keys, pseudonym_key(PSEUDONYM_SUBJECT)) == NULL)
			status = answer_fault(a, EXIT_KEYS, "there is no key for pseudonyms here");
		else
			status = grant(&g);
		keys_close(g.keys);
	}
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_release(buffers[i]);
	policy_release(&g.policy);
	return status;
}
