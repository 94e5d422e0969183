/* SPDX-License-Identifier: ISC */
/*
 * grant: makes a grant of decisions.  All decisions must be about the same person, device, roles and
 * purposes.  The grant covers all their patients, with the least AL and the earliest end of them.
 */
#include "cmd/keys/grant.h"

#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "cmd/keys/taken.h"
#include "common/base/file.h"
#include "common/crypto/pseudonym.h"
#include "common/line/tags.h"
#include "common/policy/notify_policy.h"
#include "common/policy/seal_policy.h"
#include "common/policy/site.h"

#include <fcntl.h>
#include <inttypes.h>

enum { LONGEST = 30 * 24 * 3600, SUBJECTS_MOST = 1 << 24 }; /* seconds; bytes */

/* A writer that goes on behind the items that OUT holds. */
static struct json_write
more_items(struct buffer *out)
{
	struct json_write w = json_write_to(out);

	w.comma = out->used > 0;
	return w;
}

struct granting {
	const struct verb_settings *settings;
	struct verb_answer *answer;
	const struct grant_order *order; /* NULL: the verb `grant` */
	struct policy policy;
	struct notify_policy plan;
	struct seal_policy sealing;
	struct keys *keys;
	struct mac *key;      /* of pseudonyms of subjects */
	struct device holder; /* of the decisions */
	int64_t longest;
	int64_t max_age;
	struct taken *taken;
	/* of the decisions read so far */
	size_t count;
	uint64_t al;
	struct instant from, end;
	char subject[129], device[129];
	struct buffer roles, purposes; /* JSON arrays, of the first decision */
	struct buffer subjects;        /* JSON strings with commas between them */
	struct buffer consents;        /* the same */
	struct buffer digests;         /* one after another */
	char policy_digest[129];
};

/* The shortest of clearances.yaml's grants.longest, notify.yaml's limit, and --ttl. */
static bool
find_longest(struct granting *g, struct fault *f)
{
	int64_t seconds = LONGEST;

	if (!permission_longest(&g->policy, "grants", &seconds, f))
		return false;
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

	if (trust_load(&g->policy, g->settings->policy, &g->settings->trust, &f) &&
	    notify_policy_load(&g->plan, &g->policy, &f) && seal_policy_load(&g->sealing, &g->policy, &f) &&
	    find_longest(g, &f) && permission_max_age(&g->policy, &g->max_age, &f))
		return true;
	(void)verb_policy_fault(g->answer, &f);
	return false;
}

static bool
deny(struct granting *g, const char *why)
{
	(void)verb_fault(g->answer, EXIT_DENIED, "decision-denied: %s", why);
	return false;
}

/* Appends LIST as it stands in the decision, [] if it is absent; false unless it has words alone. */
static bool
copy_words(const struct decision *d, uint32_t list, struct buffer *to)
{
	const struct json *j = d->json;
	struct json_write w = json_write_to(to);

	json_write_open(&w, '[');
	for (uint32_t n = list + 1; list != 0 && n < j->nodes[list].next; n = j->nodes[n].next) {
		if (json_kind(j, n) != JSON_STRING || !tag_is_word(json_inside(j, n)))
			return false;
		json_write_value(&w, json_span(j, n));
	}
	json_write_close(&w, ']');
	verb_written(&w);
	return true;
}

/* The first decision gives the word; the others must have the same. */
static bool
same_word(struct granting *g, char to[129], struct bytes word)
{
	if (!tag_is_word(word) || (g->count == 0 && !bytes_string(word, to, 129)))
		return false;
	return bytes_are(word, to);
}

static bool
same_words(struct granting *g, struct buffer *to, const struct decision *d, uint32_t list)
{
	struct buffer words;
	bool good;

	if (g->count == 0)
		return copy_words(d, list, to);
	buffer_init(&words, SUBJECTS_MOST);
	good = copy_words(d, list, &words) && bytes_equal(buffer_bytes(to), buffer_bytes(&words));
	buffer_release(&words);
	return good;
}

static bool
add_subject(struct granting *g, const struct decision *d)
{
	struct json_write w;
	struct buffer name;
	char tag[PSEUDONYM_SIZE + 1];
	struct bytes word = d->pseudonym;

	if (!permission_is_whole(d->json, d->about))
		return deny(g, "it is about one resource, and a grant is about all of a patient's");
	if (word.size == 0) {
		if (d->patient.size == 0)
			return deny(g, "it names no patient");
		buffer_init(&name, BUFFER_UNLIMITED);
		verb_reference(&g->policy, d->patient, &name);
		pseudonym_make(g->key, PSEUDONYM_SUBJECT, bytes_of(keys_domain(g->keys)),
		    g->sealing.subject_per_epoch ? keys_epoch(g->keys) : 0, buffer_bytes(&name), tag);
		buffer_release(&name);
		word = (struct bytes){ tag, PSEUDONYM_SIZE };
	}
	if (!tag_is_word(word))
		return deny(g, "its patient's pseudonym is none");
	w = more_items(&g->subjects);
	json_write_text(&w, word);
	verb_written(&w);
	return true;
}

/* The rules of directives behind the consent layer: if one is withdrawn, they show which grants end. */
static void
add_consents(struct granting *g, const struct decision *d)
{
	const struct json *j = d->json;
	uint32_t layers = json_member(j, d->context, (struct bytes)BYTES("layers"));
	struct json_write w = more_items(&g->consents);

	if (layers == 0 || json_kind(j, layers) != JSON_ARRAY)
		return;
	for (uint32_t n = layers + 1; n < j->nodes[layers].next; n = j->nodes[n].next) {
		uint32_t layer = json_member(j, n, (struct bytes)BYTES("layer"));
		uint32_t rules = json_member(j, n, (struct bytes)BYTES("rules"));

		if (layer == 0 || rules == 0 || !json_is(j, layer, (struct bytes)BYTES("consent")) ||
		    json_kind(j, rules) != JSON_ARRAY)
			continue;
		for (uint32_t r = rules + 1; r < j->nodes[rules].next; r = j->nodes[r].next)
			json_write_value(&w, json_span(j, r));
	}
	verb_written(&w);
}

static void
shorten(struct granting *g, const struct decision *d)
{
	struct instant from = d->time;
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
	if (!same_word(g, g->subject, d->subject))
		return deny(g, "it is about another person than the one before");
	/* The grant names her by her id alone, and the id is somebody's here. */
	if (json_member(d->json, d->about, (struct bytes)BYTES("domain")) != 0 &&
	    !bytes_are(d->domain, keys_domain(g->keys)))
		return deny(g, "it is about a person of another domain");
	if (!same_word(g, g->device, d->device))
		return deny(g, "it names no device, or another than the one before");
	if (!same_words(g, &g->roles, d, d->roles))
		return deny(g, "its roles are no words, or others than those of the one before");
	if (!same_words(g, &g->purposes, d, d->purpose))
		return deny(g, "its purposes are no words, or others than those of the one before");
	if (!add_subject(g, d))
		return false;
	add_consents(g, d);
	buffer_add(&g->digests, d->digest, strlen(d->digest));
	shorten(g, d);
	g->count++;
	return true;
}

/* Person and device, which all decisions share, still count: a revocation is said before other faults. */
static bool
check_holder(struct granting *g, enum diag_exit *status)
{
	return device_find(g->keys, bytes_of(g->device), g->settings, &g->holder, g->answer, status) &&
	       device_party_counts(g->keys, g->settings, bytes_of(g->subject), g->answer, status);
}

static enum diag_exit
gather(struct granting *g, struct decision_file *all)
{
	enum diag_exit status;
	struct decision d;

	while (decision_file_next(all, "subscribe", g->settings->now, &d, g->answer, &status)) {
		if (!add_decision(g, &d))
			return EXIT_DENIED;
		if (g->count == 1 && !check_holder(g, &status))
			return status;
		if (!taken_add(g->taken, &d, g->max_age, g->answer))
			return EXIT_DENIED;
	}
	if (status == EXIT_DONE && g->count == 0)
		status = verb_fault(g->answer, EXIT_DENIED, "decision-denied: there is none");
	return status;
}

/* "NAME":[ITEMS] */
static void
write_items(struct json_write *w, const char *name, const struct buffer *items)
{
	json_write_name(w, name);
	json_write_open(w, '[');
	if (items->used > 0)
		json_write_value(w, buffer_bytes(items));
	json_write_close(w, ']');
}

/* `decision` is the digest of the one decision, or the digest of all digests in order. */
static void
write_basis(struct json_write *w, const struct granting *g)
{
	char digest[DIGEST_TEXT];

	if (g->count == 1)
		memcpy(digest, g->digests.at, DIGEST_TEXT - 1);
	else
		digest_text(buffer_bytes(&g->digests), digest);
	digest[DIGEST_TEXT - 1] = '\0';
	json_write_name(w, "basis");
	json_write_open(w, '{');
	json_write_member(w, "decision", bytes_of(digest));
	json_write_member(w, "policy", bytes_of(g->policy_digest));
	write_items(w, "consents", &g->consents);
	json_write_close(w, '}');
}

/* The AL of the level that the key KID is of, 0 if the policy has none such. */
static uint64_t
al_of_kid(const struct granting *g, struct bytes kid)
{
	const struct policy *p = &g->policy;
	const char *from = memchr(kid.at, '/', kid.size), *to;
	struct bytes rl;

	if (from == NULL)
		return 0;
	from++;
	to = memchr(from, '/', kid.size - (size_t)(from - kid.at));
	if (to == NULL)
		return 0;
	rl = (struct bytes){ from, (size_t)(to - from) };
	for (unsigned i = 0; i < p->levels; i++)
		if (bytes_equal(p->level[i].name, rl))
			return p->level[i].al;
	return 0;
}

/* The levels whose keys went to a device for one person. */
struct levels_released {
	const struct granting *granting;
	const struct device *device;
	bool any;
	uint64_t al; /* the highest */
};

/* Takes a line of issued.log if it is about this person and device and has not ended. */
static void
take_release(void *context, const struct json *j)
{
	struct levels_released *r = context;
	uint32_t id = json_member(j, 0, (struct bytes)BYTES("device"));
	uint32_t sub = json_member(j, 0, (struct bytes)BYTES("sub"));
	uint32_t exp = json_member(j, 0, (struct bytes)BYTES("exp"));
	uint32_t kids = json_member(j, 0, (struct bytes)BYTES("kids"));
	uint64_t end;

	if (sub == 0 || exp == 0 || !json_is(j, id, bytes_of(r->device->id)) ||
	    !json_is(j, sub, bytes_of(r->granting->subject)) || !json_integer(j, exp, &end) ||
	    (int64_t)end <= r->granting->settings->now.seconds)
		return;
	r->any = true;
	for (uint32_t n = kids + 1; n < j->nodes[kids].next; n = j->nodes[n].next) {
		uint64_t al = json_kind(j, n) == JSON_STRING ? al_of_kid(r->granting, json_inside(j, n)) : 0;

		if (al > r->al)
			r->al = al;
	}
}

/*
 * A person is told of no more than her device can open: the levels whose keys were released to it for her,
 * and before the first release what the device may be given at all.  False with a fault (EXIT_KEYS).
 */
static bool
limit_al(struct granting *g, const struct device *device)
{
	struct levels_released r = { .granting = g, .device = device };
	bool good = device_issued(g->keys, take_release, &r, g->answer);

	g->al = device_capped(device, g->al, g->answer);
	if (r.any && r.al < g->al) {
		verb_remark(g->answer,
		    "al-lowered: the grant is for AL %" PRIu64 ", as far as the keys that were given to the "
		    "device "
		    "for this person reach; ehr-keys give, and subscribe again, if she may have more",
		    r.al);
		g->al = r.al;
	}
	return good;
}

static void
write_grant(struct granting *g, const struct device *device, struct buffer *out)
{
	struct message m;
	struct json_write *w = &m.claims;

	message_begin(&m, keys_domain(g->keys), g->settings->now);
	message_jti(&m, "g_");
	json_write_member(w, "sub", bytes_of(g->subject));
	json_write_member_value(w, "roles", buffer_bytes(&g->roles));
	json_write_member_number(w, "al", (int64_t)g->al);
	write_items(w, "subjects", &g->subjects);
	json_write_member_value(w, "purposes", buffer_bytes(&g->purposes));
	json_write_member(w, "domain", bytes_of(keys_domain(g->keys)));
	write_basis(w, g);
	message_cnf(&m, device->sig.jkt);
	json_write_member_number(w, "nbf", g->from.seconds);
	json_write_member_number(w, "exp", g->end.seconds);
	message_sign(&m, out, keys_signing(g->keys), "ehr-grant+jwt", false);
	message_end(&m);
}

/* With a site the grant is appended to the file that ehr-notify reads. */
static enum diag_exit
keep(struct granting *g)
{
	struct arena arena = { 0 };
	bool good = g->settings->site == NULL ||
		    store_append(AT_FDCWD, site_path(&arena, g->settings->site, SITE_GRANTS, NULL),
			buffer_bytes(&g->answer->out), g->answer);

	arena_release(&arena);
	return good ? EXIT_DONE : EXIT_IO;
}

static enum diag_exit
grant(struct granting *g, struct decision_file *all)
{
	enum diag_exit status = gather(g, all);

	if (status != EXIT_DONE)
		return status;
	if (instant_compare(g->from, g->end) >= 0)
		return verb_fault(g->answer, EXIT_DENIED, "decision-denied: it ends before it begins");
	if (!limit_al(g, &g->holder))
		return EXIT_KEYS;
	write_grant(g, &g->holder, &g->answer->out);
	if (g->order != NULL) {
		status = g->order->check(g->order->context, g->keys, &g->plan, buffer_bytes(&g->answer->out));
		if (status != EXIT_DONE)
			return status;
	}
	if (!taken_commit(g->taken, g->answer)) {
		g->taken = NULL;
		return EXIT_IO;
	}
	g->taken = NULL;
	status = keep(g);
	/* The site has the grant, even if nobody reads it from standard output. */
	g->answer->kept = status == EXIT_DONE && g->settings->site != NULL;
	return status;
}

/* The directory is open and locked. */
static enum diag_exit
grant_locked(struct granting *g, struct decision_file **all)
{
	enum diag_exit status = EXIT_KEYS;

	g->key = device_pseudonym_key(g->keys, PSEUDONYM_SUBJECT, g->settings, g->answer);
	if (g->key == NULL)
		return EXIT_KEYS;
	if (*all == NULL)
		*all = g->order->decide(g->order->context, g->keys, &status);
	if (*all == NULL)
		return status;
	g->taken = taken_begin(g->keys, g->settings->now, g->answer);
	return g->taken == NULL ? EXIT_KEYS : grant(g, *all);
}

enum diag_exit
grant_make(const struct verb_settings *s, struct verb_answer *a, const struct grant_order *order)
{
	struct granting g = { .settings = s, .answer = a, .order = order };
	enum diag_exit status = EXIT_POLICY;
	struct decision_file *all = NULL;
	struct buffer *buffers[] = { &g.roles, &g.purposes, &g.subjects, &g.consents, &g.digests };

	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_init(buffers[i], SUBJECTS_MOST);
	if (load_policy(&g) && (order != NULL || (all = decision_file_read(s, a, &status)) != NULL) &&
	    (g.keys = store_open(s, KEYS_TAGS, STORE_AUTHORITY | STORE_LOCK, a, &status)) != NULL) {
		status = grant_locked(&g, &all);
		taken_free(g.taken);
		keys_close(g.keys);
	}
	decision_file_free(all);
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		buffer_release(buffers[i]);
	policy_release(&g.policy);
	return status;
}

enum diag_exit
verb_grant(const struct verb_settings *s, struct verb_answer *a)
{
	if (s->policy == NULL || s->decision == NULL)
		return verb_fault(a, EXIT_USAGE, "on what? expected -P DIR and --decision FILE");
	return grant_make(s, a, NULL);
}
