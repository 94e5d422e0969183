/* SPDX-License-Identifier: ISC */
#include "cmd/keys/device.h"

#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/enrolled.h"
#include "common/policy/site.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 28 };

static bool
fault(struct verb_answer *a, const char *text)
{
	(void)verb_fault(a, EXIT_KEYS, "%s", text);
	return false;
}

static bool
copy(const struct jws *jws, const char *claim, char *to, size_t room)
{
	struct bytes text = jws_text(jws, claim);

	return text.size > 0 && bytes_string(text, to, room);
}

static bool
copy_point(const struct jws *jws, const char *claim, struct point *p)
{
	uint32_t node = json_member(jws->claims, 0, bytes_of(claim));

	return node != 0 && point_read(p, jws->claims, node, POINT_BARE);
}

static bool
read_device(const struct jws *jws, struct device *d)
{
	*d = (struct device){ .exp = jws->exp };
	return copy(jws, "device", d->id, sizeof d->id) && copy(jws, "kind", d->kind, sizeof d->kind) &&
	       copy(jws, "env", d->env, sizeof d->env) && copy_point(jws, "sig", &d->sig) &&
	       copy_point(jws, "enc", &d->enc) && jws_number(jws, "al_cap", &d->al_cap);
}

static bool
each_line(const struct keys *k, struct bytes text, void (*found)(void *context, const struct device *d),
    void *context, struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct bytes line;
	struct device d;
	struct jws jws;
	size_t number = 0;
	bool good = true;

	while (good && bytes_line(&text, &line)) {
		number++;
		if (line.size == 0)
			continue;
		good = jws_verify(reader, keys_authority(k), line, "ehr-device+jwt", &jws) == JWS_GOOD &&
		       read_device(&jws, &d);
		if (good)
			found(context, &d);
	}
	jws_reader_free(reader);
	if (!good)
		(void)verb_fault(a, EXIT_KEYS,
		    "devices.jwts:%zu: a line that the authority did not sign; if a run was killed while it "
		    "wrote, "
		    "take the line out and enrol that device again",
		    number);
	return good;
}

bool
device_each(const struct keys *k, void (*found)(void *context, const struct device *d), void *context,
    struct verb_answer *a)
{
	struct buffer text;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = store_lines(keys_directory(k), "devices.jwts", &text, a) &&
	       each_line(k, buffer_bytes(&text), found, context, a);
	buffer_release(&text);
	return good;
}

struct issues {
	void (*found)(void *context, const struct json *j);
	void *context;
};

static bool
take_issue(void *context, const struct json *j)
{
	const struct issues *all = context;
	uint32_t device = json_member(j, 0, (struct bytes)BYTES("device"));
	uint32_t kids = json_member(j, 0, (struct bytes)BYTES("kids"));

	if (device == 0 || json_kind(j, device) != JSON_STRING || kids == 0 ||
	    json_kind(j, kids) != JSON_ARRAY)
		return false;
	all->found(all->context, j);
	return true;
}

bool
device_issued(const struct keys *k, void (*found)(void *context, const struct json *j), void *context,
    struct verb_answer *a)
{
	static const char damaged[] =
	    "not a release of keys; put the line back from a copy, or take it out and rotate the epoch, "
	    "because nobody knows any more who got keys by it";
	struct issues all = { found, context };
	struct buffer text;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = store_lines(keys_directory(k), "issued.log", &text, a) &&
	       store_each(buffer_bytes(&text), "issued.log", damaged, take_issue, &all, a);
	buffer_release(&text);
	return good;
}

bool
device_issue_names(const struct json *j, struct bytes kid)
{
	uint32_t kids = json_member(j, 0, (struct bytes)BYTES("kids"));

	for (uint32_t n = kids + 1; n < j->nodes[kids].next; n = j->nodes[n].next)
		if (json_is(j, n, kid))
			return true;
	return false;
}

struct search {
	struct bytes name;
	struct device *device;
	bool found;
};

static void
compare(void *context, const struct device *d)
{
	struct search *s = context;

	if (!bytes_are(s->name, d->id) && !bytes_are(s->name, d->sig.jkt))
		return;
	*s->device = *d;
	s->found = true;
}

static bool
unknown(struct verb_answer *a, enum diag_exit *status)
{
	*status = verb_fault(a, EXIT_DENIED, "device-unknown: not enrolled, or no longer");
	return false;
}

bool
device_known(
    const struct keys *k, struct bytes name, struct device *d, struct verb_answer *a, enum diag_exit *status)
{
	struct search s = { .name = name, .device = d };

	*status = EXIT_KEYS;
	if (!device_each(k, compare, &s, a))
		return false;
	*status = EXIT_DONE;
	return s.found || unknown(a, status);
}

static bool
read_revoked(const struct keys *k, const struct verb_settings *s, const struct instant *now,
    struct revoked *r, struct verb_answer *a)
{
	struct arena arena = { 0 };
	const struct keys_lists lists = {
		.site = s->site == NULL ? NULL : site_path(&arena, s->site, SITE_REVOKED, NULL), .now = now
	};
	struct keys_fault f;
	bool good;

	*r = (struct revoked){ 0 };
	good = keys_revoked(k, &lists, r, &f) == EXIT_DONE || fault(a, f.text);
	arena_release(&arena);
	return good;
}

bool
device_revoked(const struct keys *k, const struct verb_settings *s, struct revoked *r, struct verb_answer *a)
{
	return read_revoked(k, s, &s->now, r, a);
}

bool
device_revoked_last(
    const struct keys *k, const struct verb_settings *s, struct revoked *r, struct verb_answer *a)
{
	return read_revoked(k, s, NULL, r, a);
}

static void
keep(void *context, const struct device *d)
{
	struct devices *all = context;

	all->at = memory_grow(all->at, all->count + 1, sizeof *all->at);
	all->at[all->count++] = *d;
}

bool
devices_read(struct devices *all, const struct keys *k, const struct verb_settings *s, struct verb_answer *a)
{
	*all = (struct devices){ .now = s->now };
	return device_each(k, keep, all, a) && device_revoked(k, s, &all->revoked, a);
}

void
devices_end(struct devices *all)
{
	revoked_free(&all->revoked);
	free(all->at);
	*all = (struct devices){ .count = 0 };
}

bool
devices_find(const struct devices *all, struct bytes name, struct device *d, struct verb_answer *a,
    enum diag_exit *status)
{
	struct search s = { .name = name, .device = d };

	for (size_t i = all->count; i > 0 && !s.found; i--)
		compare(&s, &all->at[i - 1]);
	if (!s.found)
		return unknown(a, status);
	if (device_is_revoked(&all->revoked, &d->sig, &d->enc)) {
		*status = verb_fault(a, EXIT_DENIED, "device-revoked: it is on the revocation list");
		return false;
	}
	return d->exp == 0 || d->exp > all->now.seconds || unknown(a, status);
}

bool
device_find(const struct keys *k, struct bytes name, const struct verb_settings *s, struct device *d,
    struct verb_answer *a, enum diag_exit *status)
{
	struct devices all;
	bool good = devices_read(&all, k, s, a);

	*status = good ? EXIT_DONE : EXIT_KEYS;
	good = good && devices_find(&all, name, d, a, status);
	devices_end(&all);
	return good;
}

bool
device_party_counts(const struct keys *k, const struct verb_settings *s, struct bytes id,
    struct verb_answer *a, enum diag_exit *status)
{
	struct revoked r;
	bool good;

	*status = EXIT_KEYS;
	if (!device_revoked(k, s, &r, a))
		return false;
	good = !revoked_has(&r, REVOKED_PARTIES, id);
	revoked_free(&r);
	if (!good)
		*status = verb_fault(a, EXIT_DENIED, "party-revoked: this person is on the revocation list");
	return good;
}

bool
device_is_revoked(const struct revoked *r, const struct point *sig, const struct point *enc)
{
	return revoked_has_device(r, bytes_of(sig->jkt)) ||
	       revoked_has(r, REVOKED_KIDS, bytes_of(sig->jkt)) ||
	       revoked_has(r, REVOKED_KIDS, bytes_of(enc->jkt));
}

bool
device_seals(const char *kind)
{
	return strcmp(kind, "sealer") == 0;
}

uint64_t
device_capped(const struct device *d, uint64_t al, struct verb_answer *a)
{
	if (al <= d->al_cap)
		return al;
	verb_remark(a,
	    "al-capped: the decision gives AL %" PRIu64 ", the device is enrolled for %" PRIu64
	    " at most; enrol it again with --al-cap %" PRIu64 " if it may have more",
	    al, d->al_cap, al);
	return d->al_cap;
}

struct mac *
device_pseudonym_key(
    struct keys *k, enum pseudonym_kind kind, const struct verb_settings *s, struct verb_answer *a)
{
	const char *name = pseudonym_key(kind);
	struct mac *key = keys_mac(k, name);
	struct revoked r;

	if (!device_revoked(k, s, &r, a))
		return NULL;
	if (key == NULL) {
		(void)fault(a, "there is no key for pseudonyms here");
	} else if (revoked_has(&r, REVOKED_KIDS, bytes_of(keys_mac_kid(k, name)))) {
		(void)verb_fault(a, EXIT_KEYS, "key-revoked: the key %s is on the revocation list", name);
		key = NULL;
	} else if (!keys_mac_in_time(k, name, &s->now)) {
		(void)verb_fault(a, EXIT_KEYS,
		    "key-not-valid: the key %s was released for another time; ask for it again", name);
		key = NULL;
	}
	revoked_free(&r);
	return key;
}

struct signers *
device_signers(
    const struct keys *k, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	struct signers *all = NULL;
	struct buffer text;
	unsigned line = 0;

	buffer_init(&text, TEXT_MOST);
	*status = EXIT_KEYS;
	if (store_lines(keys_directory(k), "devices.jwts", &text, a)) {
		all = enrolled_read(keys_authority(k), buffer_bytes(&text), false, &s->now, &line);
		if (all == NULL && line > 0)
			(void)verb_fault(
			    a, EXIT_KEYS, "devices.jwts:%u: a line that the authority did not sign", line);
		else if (all == NULL)
			(void)unknown(a, status);
	}
	buffer_release(&text);
	return all;
}
