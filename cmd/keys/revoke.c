/* SPDX-License-Identifier: ISC */
/* revoke: makes the next revocation list, which has all that the one before has. */
#include "cmd/keys/counters.h"
#include "cmd/keys/device.h"
#include "cmd/keys/known.h"
#include "cmd/keys/message.h"
#include "cmd/keys/order.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/pool.h"
#include "common/line/tags.h"
#include "common/policy/site.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { NEXT = 30 * 24 * 3600 }; /* seconds until a newer list must be had */

/* The command line may name a device by its id.  The list has the thumbprint of its signing key. */
static bool
resolve(struct keys *k, const char *name, struct point *point, struct verb_answer *a, enum diag_exit *status)
{
	struct device d;

	if (!device_known(k, bytes_of(name), &d, a, status))
		return false;
	*point = d.sig;
	return true;
}

static bool
stands_before(const struct verb_names *list, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (strcmp(list->item[before], list->item[i]) == 0)
			return true;
	return false;
}

/* The words of the old list, then those of MORE that it lacks. */
static void
put_list(
    struct json_write *w, const struct revoked *old, enum revoked_kind kind, const struct verb_names *more)
{
	const struct revoked_words *words = &old->list[kind];

	json_write_name(w, revoked_name(kind));
	json_write_open(w, '[');
	for (size_t i = 0; i < words->count; i++)
		json_write_text(w, words->at[i]);
	for (size_t i = 0; i < more->count; i++)
		if (!revoked_has(old, kind, bytes_of(more->item[i])) && !stands_before(more, i))
			json_write_text(w, bytes_of(more->item[i]));
	json_write_close(w, ']');
}

static bool
publish(struct keys *k, const struct verb_settings *s, struct verb_answer *a)
{
	struct arena arena = { 0 };
	const char *path = s->site == NULL ? NULL : site_path(&arena, s->site, SITE_REVOKED, NULL);
	struct bytes text = buffer_bytes(&a->out);
	bool good = (file_replace_at(keys_directory(k), "revoked.jwt", text, 0644) &&
			(path == NULL || file_replace_at(AT_FDCWD, path, text, 0644))) ||
		    verb_io_fault(a, "revoked.jwt");

	arena_release(&arena);
	return good;
}

static void
write_list(struct keys *k, const struct revoked *old, const struct verb_names *devices,
    const struct verb_settings *s, struct verb_answer *a)
{
	struct message m;

	message_begin(&m, keys_domain(k), s->now);
	json_write_member_number(&m.claims, "serial", (int64_t)old->serial + 1);
	json_write_member_number(&m.claims, "next", s->now.seconds + (s->ttl > 0 ? s->ttl : NEXT));
	put_list(&m.claims, old, REVOKED_GRANTS, &s->grant);
	put_list(&m.claims, old, REVOKED_PARTIES, &s->party);
	put_list(&m.claims, old, REVOKED_DEVICES, devices);
	put_list(&m.claims, old, REVOKED_KIDS, &s->kid);
	message_sign(&m, &a->out, keys_signing(k), "ehr-revoked+jwt", false);
	message_end(&m);
}

struct revoking {
	const struct verb_names *devices;
	const struct verb_settings *settings;
};

static void
put_names(struct json_write *w, enum revoked_kind kind, const struct verb_names *names)
{
	json_write_name(w, revoked_name(kind));
	json_write_open(w, '[');
	for (size_t i = 0; i < names->count; i++)
		json_write_text(w, bytes_of(names->item[i]));
	json_write_close(w, ']');
}

static void
put_revocation(struct json_write *w, const void *context)
{
	const struct revoking *x = context;

	put_names(w, REVOKED_GRANTS, &x->settings->grant);
	put_names(w, REVOKED_PARTIES, &x->settings->party);
	put_names(w, REVOKED_DEVICES, x->devices);
	put_names(w, REVOKED_KIDS, &x->settings->kid);
}

struct held {
	struct keys *keys;
	const struct revoking *revoking;
	struct verb_answer *answer;
	struct pool kids;
};

static bool
names(const struct json *j, const char *member, const char *name)
{
	uint32_t at = json_member(j, 0, bytes_of(member));

	return at != 0 && json_is(j, at, bytes_of(name));
}

static bool
is_revoked_now(const struct json *j, const struct revoking *x)
{
	char id[KEYS_ID_SIZE + 1];

	for (size_t i = 0; i < x->devices->count; i++) {
		keys_id(id, x->devices->item[i]);
		if (names(j, "device", id))
			return true;
	}
	for (size_t i = 0; i < x->settings->party.count; i++)
		if (names(j, "sub", x->settings->party.item[i]))
			return true;
	return false;
}

/* The key of pseudonyms, tokens or marks, domain/hmac/name/number/thumbprint, which is of no epoch. */
static bool
is_of_digest(struct bytes kid)
{
	unsigned slashes = 0;

	for (size_t i = 0; i < kid.size; i++)
		slashes += kid.at[i] == '/';
	return slashes == 4;
}

/* Says it of KID once; of domain/rl/epoch/thumbprint only if it is of the current epoch. */
static void
say_held(struct held *h, struct bytes kid)
{
	char part[32];

	(void)snprintf(part, sizeof part, "/%" PRIu32 "/", keys_epoch(h->keys));
	if (!is_of_digest(kid) && memmem(kid.at, kid.size, part, strlen(part)) == NULL)
		return;
	if (pool_once(&h->kids, kid))
		verb_note(h->answer, "%.*s was released to one who is revoked%s", (int)kid.size, kid.at,
		    is_of_digest(kid)
			? ", and can try names on lines of all epochs; there is no other such key"
			: ": ehr-keys rotate");
}

/* A line of issued.log: the level keys that went to one who is revoked now. */
static void
note_held(void *context, const struct json *j)
{
	struct held *h = context;
	uint32_t kids = json_member(j, 0, (struct bytes)BYTES("kids"));

	if (!is_revoked_now(j, h->revoking))
		return;
	for (uint32_t n = kids + 1; n < j->nodes[kids].next; n = j->nodes[n].next)
		say_held(h, json_inside(j, n));
}

/* What was released is not taken back: the current keys that they hold ought to be followed by others. */
static bool
say_all_held(struct keys *k, const struct revoking *x, struct verb_answer *a)
{
	struct held h = { .keys = k, .revoking = x, .answer = a };
	bool good = device_issued(k, note_held, &h, a);

	pool_release(&h.kids);
	return good;
}

/* With the counter, no list begins anew should both be lost.  It is written last, when the list holds. */
static enum diag_exit
revoke(struct keys *k, const struct verb_names *devices, struct order_file *f)
{
	const struct verb_settings *s = f->settings;
	struct verb_answer *a = f->answer;
	struct revoked old;
	const struct revoking x = { devices, s };
	char id[200];
	const struct order o = { "revoke", "revocations", id, put_revocation, NULL, &x, 0 };
	enum diag_exit status = EXIT_KEYS;

	if (!device_revoked_last(k, s, &old, a))
		return EXIT_KEYS;
	(void)snprintf(id, sizeof id, "%s/%" PRIu64, keys_domain(k), old.serial + 1);
	if (known_names(k, s, &old, a, &status) && order_obeys(f, k, &o, &status)) {
		write_list(k, &old, devices, s, a);
		status =
		    publish(k, s, a) && counter_write(k, "revoked", old.serial + 1, a) ? EXIT_DONE : EXIT_IO;
		if (status == EXIT_DONE && !say_all_held(k, &x, a))
			status = EXIT_KEYS;
	}
	revoked_free(&old);
	return status;
}

static bool
all_words(const struct verb_names *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!tag_is_word(bytes_of(list->item[i])))
			return false;
	return true;
}

enum diag_exit
verb_revoke(const struct verb_settings *s, struct verb_answer *a)
{
	static struct point point[VERB_NAMES_MOST];
	struct verb_names devices = { .count = 0 };
	struct order_file f;
	enum diag_exit status;
	struct keys *k = NULL;

	if (!all_words(&s->device) || !all_words(&s->party) || !all_words(&s->grant) || !all_words(&s->kid))
		return verb_fault(a, EXIT_USAGE, "not an id, expected A-Z a-z 0-9 . _ : / @ + -");
	if (order_read(&f, s, a, &status))
		k = store_open(s, s->kid.count > 0 ? KNOWN_KEYS : 0, order_store(s), a, &status);
	if (k != NULL)
		status = EXIT_DONE;
	for (size_t i = 0; status == EXIT_DONE && i < s->device.count; i++)
		if (resolve(k, s->device.item[i], &point[i], a, &status))
			devices.item[devices.count++] = point[i].jkt;
	if (status == EXIT_DONE)
		status = revoke(k, &devices, &f);
	keys_close(k);
	order_end(&f);
	return status;
}
