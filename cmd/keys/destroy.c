/* SPDX-License-Identifier: ISC */
/*
 * destroy: level keys of a past epoch cease to exist here.  What was sealed with them and lies in stores is
 * unreadable from then on, but for devices that hold the keys, whose names are printed, and for backups of
 * this directory.  It takes two people.
 */
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/order.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/pool.h"

#include <inttypes.h>
#include <stdio.h>

enum { PEOPLE = 2 };

struct doomed {
	const struct level_key *key[VERB_NAMES_MOST];
	size_t count;
	char id[200]; /* of the resource */
};

static void
put_kids(struct json_write *w, const struct doomed *d)
{
	json_write_name(w, "kids");
	json_write_open(w, '[');
	for (size_t i = 0; i < d->count; i++)
		json_write_text(w, bytes_of(d->key[i]->kid));
	json_write_close(w, ']');
}

static void
put_resource(struct json_write *w, const void *context)
{
	const struct doomed *d = context;

	json_write_member_number(w, "epoch", d->key[0]->epoch);
	put_kids(w, d);
}

static enum diag_exit
find_key(const struct keys *k, const char *kid, struct doomed *d, struct verb_answer *a)
{
	size_t count;
	const struct level_key *const *level = keys_levels(k, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(level[i]->kid, kid) != 0)
			continue;
		if (level[i]->epoch == keys_epoch(k))
			return verb_fault(a, EXIT_DENIED,
			    "key-current: %s is of the current epoch; begin another one first: ehr-keys "
			    "rotate",
			    kid);
		if (d->count > 0 && level[i]->epoch != d->key[0]->epoch)
			return verb_fault(a, EXIT_USAGE, "keys of one epoch at a time");
		d->key[d->count++] = level[i];
		return EXIT_DONE;
	}
	return verb_fault(
	    a, EXIT_DENIED, "key-unknown: %s: no such key here; ehr-keys list prints them", kid);
}

struct holders {
	struct json_write *w;
	const struct doomed *doomed;
	struct pool seen;
};

/* A device is named once, if one of its lines in issued.log names a doomed key. */
static void
put_holder(void *context, const struct json *j)
{
	struct holders *h = context;
	uint32_t device = json_member(j, 0, (struct bytes)BYTES("device"));
	bool holds = false;

	for (size_t i = 0; i < h->doomed->count; i++)
		holds = holds || device_issue_names(j, bytes_of(h->doomed->key[i]->kid));
	if (holds && pool_once(&h->seen, json_inside(j, device)))
		json_write_text(h->w, json_inside(j, device));
}

static bool
put_holders(struct json_write *w, const struct keys *k, const struct doomed *d, struct verb_answer *a)
{
	struct holders h = { .w = w, .doomed = d };
	bool good;

	json_write_name(w, "holders");
	json_write_open(w, '[');
	good = device_issued(k, put_holder, &h, a);
	json_write_close(w, ']');
	pool_release(&h.seen);
	return good;
}

static bool
unlink_key(const struct keys *k, const struct level_key *key, struct verb_answer *a)
{
	char name[300];

	(void)snprintf(name, sizeof name, "releases/level-%" PRIu32 "-%s.jwe", key->epoch, key->rl);
	return file_remove_at(keys_directory(k), name) || verb_io_fault(a, name);
}

/* Somebody may have copied or renamed a file of releases/: then the key still opens, and it is said. */
static enum diag_exit
check_gone(const struct keys *k, const struct doomed *d, const struct verb_settings *s, struct verb_answer *a)
{
	struct keys_fault f;
	struct keys *now = keys_open(keys_name(k), KEYS_LEVELS, s->allow_test_keys, &f);
	enum diag_exit status = EXIT_DONE;

	if (now == NULL)
		return verb_fault(a, EXIT_KEYS, "%s", f.text);
	for (size_t i = 0; i < d->count; i++) {
		const struct level_key *key = d->key[i],
				       *left = keys_level(now, bytes_of(key->rl), key->epoch);

		if (left != NULL && strcmp(left->kid, key->kid) == 0)
			status = verb_fault(a, EXIT_KEYS,
			    "key-left: %s is still in releases/, in a file of another name: remove it",
			    key->kid);
	}
	keys_close(now);
	return status;
}

/*
 * The record is on disk before a key goes, so that a run that is killed in between leaves word of what it was
 * about.  After that the decisions are spent whatever happens.
 */
static enum diag_exit
destroy(struct keys *k, const struct doomed *d, const struct order_file *f)
{
	struct verb_answer *a = f->answer;
	struct message m;
	bool good;

	message_begin(&m, keys_domain(k), f->settings->now);
	put_kids(&m.claims, d);
	json_write_member_value(&m.claims, "by", buffer_bytes(&f->people));
	good = put_holders(&m.claims, k, d, a);
	if (good)
		message_sign(&m, &a->out, keys_signing(k), "ehr-destroyed+jwt", false);
	message_end(&m);
	if (!good)
		return EXIT_KEYS;
	if (!store_append(keys_directory(k), "destroyed.jwts", buffer_bytes(&a->out), a))
		return EXIT_IO;
	a->kept = true;
	for (size_t i = 0; good && i < d->count; i++)
		good = unlink_key(k, d->key[i], a);
	return good ? check_gone(k, d, f->settings, a) : EXIT_IO;
}

enum diag_exit
verb_destroy(const struct verb_settings *s, struct verb_answer *a)
{
	struct order_file f;
	struct doomed d = { .count = 0 };
	const struct order o = { "destroy", "level-keys", d.id, put_resource, NULL, &d, PEOPLE };
	enum diag_exit status;
	struct keys *k = NULL;

	if (s->kid.count == 0)
		return verb_fault(a, EXIT_USAGE, "which keys? expected --kid KID, as list prints them");
	if (order_read(&f, s, a, &status))
		k = store_open(s, KEYS_LEVELS, order_store(s), a, &status);
	if (k != NULL) {
		status = EXIT_DONE;
		for (size_t i = 0; status == EXIT_DONE && i < s->kid.count; i++)
			status = find_key(k, s->kid.item[i], &d, a);
		if (status == EXIT_DONE && d.count > 0) {
			(void)snprintf(d.id, sizeof d.id, "%s/%" PRIu32, keys_domain(k), d.key[0]->epoch);
			if (order_obeys(&f, k, &o, &status))
				status = destroy(k, &d, &f);
		}
	}
	keys_close(k);
	order_end(&f);
	return status;
}
