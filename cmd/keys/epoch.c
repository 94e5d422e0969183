/* SPDX-License-Identifier: ISC */
#include "cmd/keys/epoch.h"

#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/policy/seal_policy.h"

#include <stdio.h>

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

static bool
begin_level(const struct epoch *e, unsigned i, struct json_write *w, struct verb_answer *a)
{
	struct level_key *key = secret_new(sizeof *key);
	bool good;

	draw_level(key, e, &e->policy->level[i]);
	json_write_open(w, '{');
	json_write_member(w, "rl", bytes_of(key->rl));
	json_write_member_number(w, "al", key->al);
	json_write_member(w, "kid", bytes_of(key->kid));
	json_write_close(w, '}');
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
		good = file_append_at(e->dirfd, "epochs.jwts",
			   (struct bytes){ a->out.at + from, a->out.used - from }, 0600) ||
		       verb_io_fault(a, "epochs.jwts");
	}
	message_end(&m);
	return good && store_current(e->dirfd, e->domain, e->number, a);
}

static enum diag_exit
rotate(struct keys *k, struct policy *p, const struct verb_settings *s, struct verb_answer *a)
{
	const struct epoch e = { keys_directory(k), keys_signing(k), keyref_public(keys_private(k)),
		keys_domain(k), keys_epoch(k) + 1, p, s->now };

	if (e.number > INT32_MAX)
		return verb_fault(a, EXIT_KEYS, "no epoch is left");
	return epoch_begin(&e, a) ? EXIT_DONE : EXIT_IO;
}

enum diag_exit
verb_rotate(const struct verb_settings *s, struct verb_answer *a)
{
	struct policy p = { 0 };
	struct seal_policy sealing;
	struct fault f = { 0 };
	enum diag_exit status;
	struct keys *k;

	if (s->policy == NULL)
		return verb_fault(a, EXIT_USAGE, "for which levels? expected -P DIR");
	if (!policy_load(&p, s->policy, &f) || !seal_policy_load(&sealing, &p, &f)) {
		status = verb_policy_fault(a, &f);
	} else if ((k = store_open_authority(s, 0, a, &status)) != NULL) {
		if (bytes_are(sealing.domain, keys_domain(k)))
			status = rotate(k, &p, s, a);
		else
			status = verb_fault(a, EXIT_KEYS, "the policy is of another domain than these keys");
		keys_close(k);
	}
	policy_release(&p);
	return status;
}
