/* SPDX-License-Identifier: ISC */
#include "cmd/keys/known.h"

#include "cmd/keys/device.h"
#include "cmd/keys/epoch.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/policy/grants.h"
#include "common/policy/site.h"

#include <errno.h>

enum { TEXT_MOST = 1 << 28, DEPTH = 64 };

struct knowing {
	struct keys *keys;
	const struct verb_settings *settings;
	struct verb_answer *answer;
	const struct revoked *revoked;
	const struct verb_names *names;
	enum revoked_kind kind;
	bool found[VERB_NAMES_MOST];
	bool any; /* there is something to compare with */
};

static void
offer(struct knowing *w, struct bytes word)
{
	w->any = true;
	for (size_t i = 0; i < w->names->count; i++)
		w->found[i] = w->found[i] || bytes_are(word, w->names->item[i]);
}

static void
offer_member(struct knowing *w, const struct json *j, uint32_t object, const char *name)
{
	uint32_t at = json_member(j, object, bytes_of(name));

	if (at != 0 && json_kind(j, at) == JSON_STRING && (j->nodes[at].flags & JSON_ESCAPED) == 0)
		offer(w, json_inside(j, at));
}

/* Offers the member NAME of each line that is an object; with TYPE, of those of that type. */
static void
offer_lines(struct knowing *w, struct bytes text, const char *type, const char *name)
{
	struct buffer one;
	struct bytes line;
	struct json j;

	buffer_init(&one, TEXT_MOST);
	json_init(&j, NULL, DEPTH);
	while (bytes_line(&text, &line)) {
		uint32_t at = 0;

		if (!store_object(&one, &j, line))
			continue;
		if (type != NULL)
			at = json_member(&j, 0, (struct bytes)BYTES("type"));
		if (type == NULL || (at != 0 && json_is(&j, at, bytes_of(type))))
			offer_member(w, &j, 0, name);
	}
	json_release(&j);
	buffer_release(&one);
}

/* A file of the site; one that does not exist is empty. */
static bool
read_site(struct knowing *w, enum site_place place, struct buffer *text, enum diag_exit *status)
{
	struct arena arena = { 0 };
	const char *path = site_path(&arena, w->settings->site, place, NULL);
	bool good = file_read(path, text) || errno == ENOENT;

	if (!good) {
		*status = EXIT_IO;
		(void)verb_io_fault(w->answer, path);
	}
	arena_release(&arena);
	return good;
}

static bool
offer_grants(struct knowing *w, enum diag_exit *status)
{
	struct buffer text;
	struct grants g;
	bool good;

	buffer_init(&text, TEXT_MOST);
	grants_init(&g);
	good = read_site(w, SITE_GRANTS, &text, status);
	if (good)
		grants_read(&g, keys_authority(w->keys), buffer_bytes(&text), 0);
	for (size_t i = 0; i < g.count; i++)
		offer(w, w->kind == REVOKED_GRANTS ? g.grant[i].jti : g.grant[i].sub);
	grants_release(&g);
	buffer_release(&text);
	return good;
}

static bool
offer_parties(struct knowing *w, enum diag_exit *status)
{
	struct buffer text;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = read_site(w, SITE_ENTITIES, &text, status);
	if (good)
		offer_lines(w, buffer_bytes(&text), "user", "id");
	text.used = 0;
	*status = good ? EXIT_KEYS : *status;
	good = good && store_lines(keys_directory(w->keys), "issued.log", &text, w->answer);
	if (good)
		offer_lines(w, buffer_bytes(&text), NULL, "sub");
	buffer_release(&text);
	return good && offer_grants(w, status);
}

static void
offer_epoch(void *context, const struct jws *jws)
{
	uint32_t list = json_member(jws->claims, 0, (struct bytes)BYTES("levels"));

	if (list == 0 || json_kind(jws->claims, list) != JSON_ARRAY)
		return;
	for (uint32_t n = list + 1; n < jws->claims->nodes[list].next; n = jws->claims->nodes[n].next)
		if (json_kind(jws->claims, n) == JSON_OBJECT)
			offer_member(context, jws->claims, n, "kid");
}

static void
offer_device(void *context, const struct device *d)
{
	offer(context, bytes_of(d->sig.jkt));
	offer(context, bytes_of(d->enc.jkt));
}

static bool
offer_keys(struct knowing *w, enum diag_exit *status)
{
	struct keys_fault f;
	const struct level_key *const *level;
	size_t count;

	*status = EXIT_KEYS;
	/* all that were announced, also those whose releases were taken away */
	if (!epoch_announced(w->keys, offer_epoch, w, w->answer) ||
	    !device_each(w->keys, offer_device, w, w->answer))
		return false;
	if (!keys_fetch(w->keys, (struct bytes){ "", 0 }, 0, KEYS_OF_ALL, &f)) {
		*status = verb_fault(w->answer, EXIT_KEYS, "%s", f.text);
		return false;
	}
	level = keys_levels(w->keys, &count);
	for (size_t i = 0; i < count; i++)
		offer(w, bytes_of(level[i]->kid));
	for (size_t i = 0; keys_mac_name(w->keys, i) != NULL; i++)
		offer(w, bytes_of(keys_mac_kid(w->keys, keys_mac_name(w->keys, i))));
	return true;
}

static bool
is_thumbprint(struct bytes word)
{
	return word.size == JKT_SIZE && memchr(word.at, '/', word.size) == NULL;
}

static bool
judge(struct knowing *w, size_t i, enum diag_exit *status)
{
	static const struct {
		const char *word, *none;
	} say[] = { [REVOKED_PARTIES] = { "party-unknown",
			"neither the register nor a grant nor a release names this person" },
		[REVOKED_GRANTS] = { "grant-unknown", "the site has no such grant" },
		[REVOKED_KIDS] = { "key-unknown", "no epoch and no device has such a key" } };
	const char *name = w->names->item[i];

	if (w->found[i] || revoked_has(w->revoked, w->kind, bytes_of(name)))
		return true;
	if (!w->any || (w->kind == REVOKED_KIDS && is_thumbprint(bytes_of(name)))) {
		verb_remark(w->answer,
		    "%s: revoked as it stands: nothing here says whether there is such a one", name);
		return true;
	}
	*status =
	    verb_fault(w->answer, EXIT_DENIED, "%s: %s: %s", say[w->kind].word, name, say[w->kind].none);
	return false;
}

/* Without a site there is no register, and there are no grants. */
static bool
know(struct knowing *w, bool (*offer_all)(struct knowing *w, enum diag_exit *status), enum diag_exit *status)
{
	bool is_here = w->kind == REVOKED_KIDS || w->settings->site != NULL;

	if (w->names->count > 0 && is_here && !offer_all(w, status))
		return false;
	for (size_t i = 0; i < w->names->count; i++)
		if (!judge(w, i, status))
			return false;
	return true;
}

bool
known_names(struct keys *k, const struct verb_settings *s, const struct revoked *r, struct verb_answer *a,
    enum diag_exit *status)
{
	struct knowing parties = { k, s, a, r, &s->party, REVOKED_PARTIES, { false }, false };
	struct knowing grants = { k, s, a, r, &s->grant, REVOKED_GRANTS, { false }, false };
	struct knowing kids = { k, s, a, r, &s->kid, REVOKED_KIDS, { false }, false };

	return know(&parties, offer_parties, status) && know(&grants, offer_grants, status) &&
	       know(&kids, offer_keys, status);
}
