/* SPDX-License-Identifier: ISC */
#include "cmd/keys/epoch.h"

#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/crypto/write.h"

#include <errno.h>

static void
must(bool fits)
{
	if (!fits)
		diag_bug("an announcement longer than it can be");
}

/* The claims as far as the list of levels. */
static void
begin_claims(struct buffer *claims, const struct epoch *e)
{
	buffer_init(claims, MESSAGE_MOST);
	message_begin(claims, e->domain, e->now);
	must(write_member(claims, "domain", bytes_of(e->domain)) &&
	     write_member_number(claims, "epoch", e->number) &&
	     write_member_number(claims, "nbf", e->now.seconds) &&
	     write_member(claims, "policy", bytes_of(e->policy->digest)) &&
	     write_text(claims, ",\"levels\":["));
}

static void
end_claims(struct buffer *claims, const struct epoch *e)
{
	must(write_text(claims, "],\"retired\":["));
	for (uint32_t n = 1; n < e->number; n++)
		must((n == 1 || write_text(claims, ",")) && write_number(claims, n));
	must(write_text(claims, "]}"));
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
begin_level(const struct epoch *e, unsigned i, struct buffer *claims, struct answer *a)
{
	struct level_key *key = secret_new(sizeof *key);
	bool good;

	draw_level(key, e, &e->policy->level[i]);
	must((i == 0 || write_text(claims, ",")) && write_text(claims, "{\"rl\":\"") &&
	     write_text(claims, key->rl) && write_text(claims, "\"") &&
	     write_member_number(claims, "al", key->al) && write_member(claims, "kid", bytes_of(key->kid)) &&
	     write_text(claims, "}"));
	good = store_level(e->dirfd, e->sig, e->enc, key, e->now, a);
	secret_free(key, sizeof *key);
	return good;
}

/* The keys are on disk before anybody is told of them, and `current` changes last. */
bool
epoch_begin(const struct epoch *e, struct answer *a)
{
	struct buffer claims;
	size_t from = a->out.used;
	bool good = true;

	begin_claims(&claims, e);
	for (unsigned i = 0; good && i < e->policy->levels; i++)
		good = begin_level(e, i, &claims, a);
	if (good) {
		end_claims(&claims, e);
		message_sign(&a->out, e->sig, "ehr-epoch+jwt", false, &claims);
		must(write_text(&a->out, "\n"));
		good = file_append_at(
		    e->dirfd, "epochs.jwts", (struct bytes){ a->out.at + from, a->out.used - from }, 0600);
		if (!good)
			(void)answer_fault(a, EXIT_IO, "epochs.jwts: %s", strerror(errno));
	}
	buffer_release(&claims);
	return good && store_current(e->dirfd, e->domain, e->number, a);
}
