/* SPDX-License-Identifier: ISC */
/* list: the keys or devices of a directory, one JSON object a line, and never the bytes of a key. */
#include "cmd/keys/device.h"
#include "cmd/keys/store.h"
#include "common/base/memory.h"

#include <stdlib.h>

static void
put_revoked(struct json_write *w, bool revoked)
{
	if (revoked)
		json_write_member_value(w, "revoked", (struct bytes)BYTES("true"));
}

static void
list_levels(const struct keys *k, const struct revoked *r, struct buffer *out)
{
	size_t count;
	const struct level_key *const *level = keys_levels(k, &count);

	for (size_t i = 0; i < count; i++) {
		const struct level_key *key = level[i];
		const char *state = keys_epoch(k) == 0 || key->epoch == keys_epoch(k) ? "current" : "retired";
		struct json_write w = verb_line_begin(out);

		json_write_member(&w, "kid", bytes_of(key->kid));
		json_write_member(&w, "rl", bytes_of(key->rl));
		json_write_member_number(&w, "al", key->al);
		json_write_member_number(&w, "epoch", key->epoch);
		json_write_member(&w, "state", bytes_of(state));
		if (key->nbf != 0)
			json_write_member_number(&w, "nbf", key->nbf);
		if (key->exp != 0)
			json_write_member_number(&w, "exp", key->exp);
		put_revoked(&w, revoked_has(r, REVOKED_KIDS, bytes_of(key->kid)));
		verb_line_end(&w);
	}
}

/* SubjectPublicKeyInfo in DER (RFC 5280 4.1), whose first bytes are the same for all points of P-256. */
static void
put_spki(struct json_write *w, const struct point *p)
{
	static const unsigned char head[] = { 0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2,
		1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4 };
	unsigned char der[sizeof head + (size_t)(KEY_SIZE + KEY_SIZE)];

	memcpy(der, head, sizeof head);
	memcpy(der + sizeof head, p->x, KEY_SIZE);
	memcpy(der + sizeof head + KEY_SIZE, p->y, KEY_SIZE);
	json_write_member_base64url(w, "spki", der, sizeof der);
}

static void
put_public(struct json_write *w, const char *name, const struct point *p)
{
	json_write_name(w, name);
	json_write_open(w, '{');
	json_write_member(w, "jkt", bytes_of(p->jkt));
	json_write_name(w, "jwk");
	point_write(w, p);
	put_spki(w, p);
	json_write_close(w, '}');
}

static void
list_self(struct keys *k, const struct revoked *r, struct buffer *out)
{
	const struct keys_self *self = keys_self(k);
	struct json_write w = verb_line_begin(out);

	json_write_member(&w, "id", bytes_of(self->id));
	json_write_member(&w, "kind", bytes_of(self->kind));
	json_write_member(&w, "domain", bytes_of(self->domain));
	json_write_member(&w, "env", bytes_of(self->env));
	put_public(&w, "sig", keyref_public(keys_signing(k)));
	put_public(&w, "enc", keyref_public(keys_private(k)));
	put_revoked(&w, device_is_revoked(r, keyref_public(keys_signing(k)), keyref_public(keys_private(k))));
	verb_line_end(&w);
}

static void
list_digests(const struct keys *k, const struct revoked *r, struct buffer *out)
{
	const char *name;

	for (size_t i = 0; (name = keys_mac_name(k, i)) != NULL; i++) {
		const struct bytes kid = bytes_of(keys_mac_kid(k, name));
		struct json_write w = verb_line_begin(out);

		json_write_member(&w, "kid", kid);
		json_write_member(&w, "name", bytes_of(name));
		put_revoked(&w, revoked_has(r, REVOKED_KIDS, kid));
		verb_line_end(&w);
	}
}

struct holding {
	struct buffer *out;
	const char *kid;
};

/* Each release of the key, from issued.log. */
static void
list_holder(void *context, const struct json *j)
{
	static const char *const shown[] = { "device", "sub", "iat", "exp" };
	const struct holding *h = context;
	struct json_write w;

	if (!device_issue_names(j, bytes_of(h->kid)))
		return;
	w = verb_line_begin(h->out);
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		uint32_t at = json_member(j, 0, bytes_of(shown[i]));

		if (at != 0)
			json_write_member_value(&w, shown[i], json_span(j, at));
	}
	verb_line_end(&w);
}

/* An entry of devices.jwts, and which one it is. */
struct entry {
	struct device device;
	size_t number;
};

struct entries {
	struct entry *at;
	size_t count, room;
};

static void
take_device(void *context, const struct device *d)
{
	struct entries *all = context;

	if (all->count == all->room) {
		all->room = all->room > 0 ? 2 * all->room : 16;
		all->at = memory_grow(all->at, all->room, sizeof *all->at);
	}
	all->at[all->count] = (struct entry){ .device = *d, .number = all->count };
	all->count++;
}

static int
by_device(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->device.id, right->device.id);

	return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

static int
by_number(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Leaves the last entry of each device, in the order of the file. */
static void
keep_last(struct entries *all)
{
	size_t kept = 0;

	qsort(all->at, all->count, sizeof *all->at, by_device);
	for (size_t i = 0; i < all->count; i++)
		if (i + 1 == all->count || strcmp(all->at[i].device.id, all->at[i + 1].device.id) != 0)
			all->at[kept++] = all->at[i];
	all->count = kept;
	qsort(all->at, all->count, sizeof *all->at, by_number);
}

static void
put_device(struct buffer *out, const struct device *d, const struct revoked *r)
{
	struct json_write w = verb_line_begin(out);

	json_write_member(&w, "device", bytes_of(d->id));
	json_write_member(&w, "kind", bytes_of(d->kind));
	json_write_member(&w, "env", bytes_of(d->env));
	json_write_member_number(&w, "al_cap", (int64_t)d->al_cap);
	json_write_member_number(&w, "exp", d->exp);
	json_write_member(&w, "sig", bytes_of(d->sig.jkt));
	json_write_member(&w, "enc", bytes_of(d->enc.jkt));
	json_write_name(&w, "enc_jwk");
	point_write(&w, &d->enc);
	put_revoked(&w, device_is_revoked(r, &d->sig, &d->enc));
	verb_line_end(&w);
}

static bool
list_devices(const struct keys *k, const struct revoked *r, struct verb_answer *a)
{
	struct entries all = { 0 };
	bool good = device_each(k, take_device, &all, a);

	if (good && all.count > 0)
		keep_last(&all);
	for (size_t i = 0; good && i < all.count; i++)
		put_device(&a->out, &all.at[i].device, r);
	free(all.at);
	return good;
}

static enum diag_exit
list(struct keys *k, const struct verb_settings *s, struct verb_answer *a)
{
	struct revoked r;
	struct holding holding = { &a->out, s->holders };
	bool good = true;

	if (!device_revoked_last(k, s, &r, a))
		return EXIT_KEYS;
	if (s->self)
		list_self(k, &r, &a->out);
	else if (s->devices)
		good = list_devices(k, &r, a);
	else if (s->holders != NULL)
		good = device_issued(k, list_holder, &holding, a);
	else if (s->digests)
		list_digests(k, &r, &a->out);
	else
		list_levels(k, &r, &a->out);
	revoked_free(&r);
	return good ? EXIT_DONE : EXIT_KEYS;
}

enum diag_exit
verb_list(const struct verb_settings *s, struct verb_answer *a)
{
	enum diag_exit status = EXIT_DONE;
	struct keys *k;

	unsigned want = s->self ? KEYS_SIGN : s->digests ? KEYS_TAGS | KEYS_REDACT : KEYS_LEVELS;

	if (s->self + s->devices + s->digests + (s->holders != NULL) > 1)
		return verb_fault(a, EXIT_USAGE, "--self, --devices, --holders or --digests, one of them");
	k = store_open(s, s->devices || s->holders != NULL ? 0 : want, 0, a, &status);
	if (k == NULL)
		return status;
	status = list(k, s, a);
	keys_close(k);
	return status;
}
