/* SPDX-License-Identifier: ISC */
#include "cmd/keys/epoch.h"

#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/order.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/pool.h"
#include "common/crypto/secret.h"
#include "common/policy/seal_policy.h"

#include <inttypes.h>
#include <stdio.h>

enum { TEXT_MOST = 1 << 28 };

static void
begin_claims(struct message *m, const struct epoch *e)
{
	message_begin(m, e->domain, e->now);
	json_write_member(&m->claims, "domain", bytes_of(e->domain));
	json_write_member_number(&m->claims, "epoch", e->number);
	json_write_member_number(&m->claims, "nbf", e->now.seconds);
	json_write_member(&m->claims, "policy", bytes_of(e->policy->digest));
	json_write_name(&m->claims, "levels");
	json_write_open(&m->claims, '[');
}

static void
end_claims(struct message *m, const struct epoch *e)
{
	json_write_close(&m->claims, ']');
	json_write_name(&m->claims, "retired");
	json_write_open(&m->claims, '[');
	for (uint32_t n = 1; n < e->number; n++)
		json_write_number(&m->claims, n);
	json_write_close(&m->claims, ']');
}

static void
draw_level(struct level_key *key, const struct epoch *e, const struct policy_level *level)
{
	secret_random(key->key, sizeof key->key);
	(void)snprintf(key->domain, sizeof key->domain, "%s", e->domain);
	(void)snprintf(key->rl, sizeof key->rl, "%.*s", (int)level->name.size, level->name.at);
	key->al = level->al;
	key->epoch = e->number;
	key->nbf = e->now.seconds;
	level_key_name(key);
}

static void
announce_level(const struct level_key *key, struct json_write *w)
{
	json_write_open(w, '{');
	json_write_member(w, "rl", bytes_of(key->rl));
	json_write_member_number(w, "al", key->al);
	json_write_member(w, "kid", bytes_of(key->kid));
	json_write_close(w, '}');
}

static bool
begin_level(const struct epoch *e, unsigned i, struct json_write *w, struct verb_answer *a)
{
	const struct policy_level *level = &e->policy->level[i];
	const struct level_key *old = e->keys == NULL ? NULL : keys_level(e->keys, level->name, e->number);
	struct level_key *key;
	bool good;

	if (old != NULL) {
		announce_level(old, w);
		return true;
	}
	key = secret_new(sizeof *key);
	draw_level(key, e, level);
	announce_level(key, w);
	good = store_level(e->dirfd, e->sig, e->enc, key, e->now, a);
	secret_free(key, sizeof *key);
	return good;
}

/* The keys are on disk before the announcement is, and `current` changes last. */
bool
epoch_begin(const struct epoch *e, struct verb_answer *a)
{
	struct message m;
	size_t from = a->out.used;
	bool good = true;

	begin_claims(&m, e);
	for (unsigned i = 0; good && i < e->policy->levels; i++)
		good = begin_level(e, i, &m.claims, a);
	if (good) {
		end_claims(&m, e);
		message_sign(&m, &a->out, e->sig, "ehr-epoch+jwt", false);
		good = store_append(
		    e->dirfd, "epochs.jwts", (struct bytes){ a->out.at + from, a->out.used - from }, a);
	}
	message_end(&m);
	return good && store_current(e->dirfd, e->domain, e->number, a);
}

bool
epoch_announced(const struct keys *k, void (*found)(void *context, const struct jws *announcement),
    void *context, struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct buffer text;
	struct bytes rest, line;
	struct jws jws;
	size_t number = 0;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = store_lines(keys_directory(k), "epochs.jwts", &text, a);
	rest = buffer_bytes(&text);
	while (good && bytes_line(&rest, &line)) {
		number++;
		good = jws_verify(reader, keys_authority(k), line, "ehr-epoch+jwt", &jws) == JWS_GOOD;
		if (good)
			found(context, &jws);
		else
			(void)verb_fault(a, EXIT_KEYS,
			    "epochs.jwts:%zu: a line that the authority did not sign; put the file back as "
			    "it was",
			    number);
	}
	buffer_release(&text);
	jws_reader_free(reader);
	return good;
}

static void
take_highest(void *context, const struct jws *jws)
{
	uint64_t *highest = context, epoch;

	if (jws_number(jws, "epoch", &epoch) && epoch > *highest)
		*highest = epoch;
}

/* A key that an unfinished run made counts if the policy still has its level with the same AL. */
static bool
fits(const struct level_key *key, const struct policy *p, const struct revoked *r)
{
	if (revoked_has(r, REVOKED_KIDS, bytes_of(key->kid)))
		return false;
	for (unsigned i = 0; i < p->levels; i++)
		if (bytes_are(p->level[i].name, key->rl))
			return key->al == p->level[i].al;
	return false;
}

/*
 * The epoch behind all that were announced.  A run that was killed may have made some of its keys.  They were
 * never announced, so the epoch is finished with them; but if one of them does not fit the policy or is
 * revoked, or if there are keys of a later epoch, the next number is taken.  An existing key is never
 * replaced.
 */
static uint64_t
next_epoch(const struct keys *k, const struct policy *p, const struct revoked *r, uint64_t announced,
    struct verb_answer *a)
{
	size_t count;
	const struct level_key *const *level = keys_levels(k, &count);
	uint64_t last = announced > keys_epoch(k) ? announced : keys_epoch(k), next = last + 1;
	bool begun = false;

	for (size_t i = 0; i < count; i++) {
		begun = begun || level[i]->epoch == last + 1;
		if (level[i]->epoch > next || (level[i]->epoch == next && !fits(level[i], p, r)))
			next = (uint64_t)level[i]->epoch + 1;
	}
	if (begun && next == last + 1)
		verb_note(
		    a, "epoch %" PRIu64 " was begun by a run that did not finish; its keys are kept", next);
	else if (begun)
		verb_note(
		    a, "epoch %" PRIu64 " was begun by a run that did not finish; it is left out", last + 1);
	return next;
}

struct holders {
	const struct keys *keys;
	const struct revoked *revoked;
	int64_t now;
	struct pool devices; /* first those that are revoked, which do not count */
	size_t count;
};

static void
leave_out(void *context, const struct device *d)
{
	struct holders *h = context;

	if (device_is_revoked(h->revoked, &d->sig, &d->enc))
		(void)pool_once(&h->devices, bytes_of(d->id));
}

/* A line of issued.log: a device that holds a level key of the epoch that ends, and a person who counts. */
static void
take_holder(void *context, const struct json *j)
{
	struct holders *h = context;
	uint32_t device = json_member(j, 0, (struct bytes)BYTES("device"));
	uint32_t sub = json_member(j, 0, (struct bytes)BYTES("sub"));
	uint32_t exp = json_member(j, 0, (struct bytes)BYTES("exp"));
	uint64_t end = 0;
	size_t count;
	const struct level_key *const *level = keys_levels(h->keys, &count);
	bool holds = false;

	for (size_t i = 0; i < count && !holds; i++)
		holds =
		    level[i]->epoch == keys_epoch(h->keys) && device_issue_names(j, bytes_of(level[i]->kid));
	if (!holds || exp == 0 || !json_integer(j, exp, &end) || (int64_t)end <= h->now ||
	    (sub != 0 && revoked_has(h->revoked, REVOKED_PARTIES, json_inside(j, sub))))
		return;
	if (pool_once(&h->devices, json_inside(j, device)))
		h->count++;
}

/*
 * What is sealed from now on is shut to them until they are given keys anew, and messages tell them of it all
 * the same.
 */
static bool
say_holders(
    const struct keys *k, const struct revoked *r, const struct verb_settings *s, struct verb_answer *a)
{
	struct holders h = { .keys = k, .revoked = r, .now = s->now.seconds };
	bool good;

	good = device_each(k, leave_out, &h, a) && device_issued(k, take_holder, &h, a);
	if (good && h.count > 0)
		verb_note(a,
		    "%zu device%s keys of epoch %" PRIu32
		    " and cannot open what is sealed from now on: ehr-keys "
		    "give for each whose user goes on; ehr-keys list --holders KID names them",
		    h.count, h.count == 1 ? " holds" : "s hold", keys_epoch(k));
	pool_release(&h.devices);
	return good;
}

static enum diag_exit
rotate(struct keys *k, struct policy *p, struct order_file *f)
{
	const struct verb_settings *s = f->settings;
	struct verb_answer *a = f->answer;
	char id[200];
	const struct order o = { "rotate", "level-keys", id, NULL, NULL, NULL, 0 };
	enum diag_exit status;
	uint64_t announced = 0, next;
	struct revoked r;
	bool told;

	if (!epoch_announced(k, take_highest, &announced, a) || !device_revoked(k, s, &r, a))
		return EXIT_KEYS;
	next = next_epoch(k, p, &r, announced, a);
	told = say_holders(k, &r, s, a);
	revoked_free(&r);
	if (!told)
		return EXIT_KEYS;
	if (next > INT32_MAX)
		return verb_fault(a, EXIT_KEYS, "no epoch is left");
	(void)snprintf(id, sizeof id, "%s/%" PRIu64, keys_domain(k), next);
	if (!order_obeys(f, k, &o, &status))
		return status;
	const struct epoch e = { keys_directory(k), keys_signing(k), keyref_public(keys_private(k)),
		keys_domain(k), (uint32_t)next, p, s->now, k };
	return epoch_begin(&e, a) ? EXIT_DONE : EXIT_IO;
}

enum diag_exit
verb_rotate(const struct verb_settings *s, struct verb_answer *a)
{
	struct policy p = { 0 };
	struct seal_policy sealing;
	struct fault f = { 0 };
	struct order_file order = { .decisions = NULL };
	enum diag_exit status;
	struct keys *k = NULL;

	if (s->policy == NULL)
		return verb_fault(a, EXIT_USAGE, "for which levels? expected -P DIR");
	if (!trust_load(&p, s->policy, &s->trust, &f) || !seal_policy_load(&sealing, &p, &f))
		status = verb_policy_fault(a, &f);
	else if (order_read(&order, s, a, &status) &&
		 (k = store_open(s, KEYS_LEVELS, order_store(s), a, &status)) != NULL) {
		if (bytes_are(sealing.domain, keys_domain(k)))
			status = rotate(k, &p, &order);
		else
			status = verb_fault(a, EXIT_KEYS, "the policy is of another domain than these keys");
		if (status == EXIT_DONE && s->site != NULL && !trust_note(&p, s->site)) {
			(void)verb_io_fault(a, s->site);
			status = EXIT_IO;
		}
		keys_close(k);
	}
	order_end(&order);
	policy_release(&p);
	return status;
}
