/* SPDX-License-Identifier: ISC */
#include "common/policy/grants.h"

#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/line/lines.h"
#include "common/policy/site.h"
#include "common/policy/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MOST = 1 << 24 };

static const char *const fault_words[] = {
	[GRANT_GOOD] = "good",
	[GRANT_AL] = "al",
	[GRANT_MISSING] = "grant-missing",
	[GRANT_BAD] = "grant-bad",
	[GRANT_PARTY] = "grant-party",
	[GRANT_EARLY] = "grant-early",
	[GRANT_EXPIRED] = "grant-expired",
	[GRANT_SUBJECT] = "grant-subject",
	[GRANT_PURPOSE] = "grant-purpose",
	[GRANT_ROLE] = "grant-role",
	[GRANT_DEVICE] = "grant-device",
	[GRANT_REVOKED] = "revoked",
	[GRANT_REVOCATION_STALE] = "revocation-stale",
};

const char *
grant_fault_word(enum grant_fault fault)
{
	return fault_words[fault];
}

void
grants_init(struct grants *g)
{
	*g = (struct grants){ .reader = jws_reader_new(), .until = INT64_MAX };
}

void
grants_release(struct grants *g)
{
	jws_reader_free(g->reader);
	revoked_free(&g->revoked);
	free(g->grant);
	free(g->panel);
	pool_release(&g->pool);
	*g = (struct grants){ 0 };
}

/* Where a list of COUNT elements of SIZE bytes, sorted by the text at WORD, has or would have TEXT first. */
static size_t
first_of(const void *list, size_t count, size_t size, size_t word, struct bytes text)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;
		const struct bytes *at = (const void *)((const char *)list + middle * size + word);

		if (bytes_compare(*at, text) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static int
compare_words(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

struct grant_words
grant_words_sort(struct bytes *words, size_t count)
{
	if (count > 1)
		qsort(words, count, sizeof *words, compare_words);
	return (struct grant_words){ words, count };
}

bool
grant_words_have(const struct grant_words *w, struct bytes word)
{
	size_t at = first_of(w->at, w->count, sizeof *w->at, 0, word);

	return at < w->count && bytes_equal(w->at[at], word);
}

/* A claim that is a list of strings without escapes, or absent; false for anything else. */
static bool
read_words(struct grants *g, const struct json *j, const char *claim, bool sorted, struct grant_words *w)
{
	uint32_t node = json_member(j, 0, bytes_of(claim));
	struct bytes *list;
	size_t count = 0;

	if (node == 0)
		return true;
	if (json_kind(j, node) != JSON_ARRAY)
		return false;
	for (uint32_t i = node + 1; i < j->nodes[node].next; i = j->nodes[i].next, count++)
		if (json_kind(j, i) != JSON_STRING || (j->nodes[i].flags & JSON_ESCAPED) != 0)
			return false;
	list = memory_zeros(count + 1, sizeof *list);
	for (uint32_t i = node + 1; i < j->nodes[node].next; i = j->nodes[i].next)
		list[w->count++] = json_inside(j, i);
	if (sorted)
		(void)grant_words_sort(list, count);
	w->at = pool_list(&g->pool, list, count);
	free(list);
	return true;
}

/* OLD with room for one more than COUNT. */
static void *
grow(void *old, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return old;
	*room = *room == 0 ? 16 : *room + *room / 2;
	return memory_grow(old, *room, size);
}

static void
add_grant(struct grants *g, const struct grant *grant)
{
	g->grant = grow(g->grant, g->count, &g->room, sizeof *g->grant);
	g->grant[g->count++] = *grant;
}

static bool
read_grant(struct grants *g, const struct jws *s, int64_t max_lifetime)
{
	const struct json *j = s->claims;
	struct grant grant = { .nbf = s->nbf, .exp = s->exp };
	uint32_t cnf = json_member(j, 0, (struct bytes)BYTES("cnf"));
	uint32_t jkt = cnf != 0 ? json_member(j, cnf, (struct bytes)BYTES("jkt")) : 0;
	uint64_t al;

	grant.jti = pool_own(&g->pool, jws_text(s, "jti"));
	grant.sub = pool_own(&g->pool, jws_text(s, "sub"));
	if (grant.jti.size == 0 || grant.sub.size == 0 || !jws_number(s, "al", &al) || al > 99)
		return false;
	grant.al = (unsigned)al;
	/* A grant must end, and within the lifetime that the policy allows. */
	if (grant.exp == 0 || (max_lifetime > 0 && grant.exp - grant.nbf > max_lifetime))
		grant.fault = GRANT_BAD;
	if (!read_words(g, j, "roles", true, &grant.roles) ||
	    !read_words(g, j, "subjects", true, &grant.subjects) ||
	    !read_words(g, j, "purposes", false, &grant.purposes))
		return false;
	if (jkt != 0 && json_kind(j, jkt) == JSON_STRING)
		grant.jkt = pool_own(&g->pool, json_inside(j, jkt));
	add_grant(g, &grant);
	return true;
}

static bool
read_panel(struct grants *g, const struct jws *s)
{
	struct panel panel = {
		.nbf = s->nbf, .exp = s->exp, .name = pool_text(&g->pool, jws_text(s, "panel"))
	};

	if (panel.name.size < 2 || panel.name.at[0] != '@' || !jws_number(s, "serial", &panel.serial) ||
	    !read_words(g, s->claims, "subjects", true, &panel.subjects))
		return false;
	g->panel = grow(g->panel, g->panels, &g->panel_room, sizeof *g->panel);
	g->panel[g->panels++] = panel;
	return true;
}

/*
 * Keeps the id of a grant that does not verify, so that the reason is "grant-bad" and not "grant-missing".
 * Nothing else is taken from the unverified payload.
 */
static void
note_bad(struct grants *g, struct bytes token)
{
	const char *dot = memchr(token.at, '.', token.size);
	const char *end =
	    dot != NULL ? memchr(dot + 1, '.', token.size - (size_t)(dot + 1 - token.at)) : NULL;
	struct json j;
	struct grant grant = { .fault = GRANT_BAD };
	size_t size;

	g->bad++;
	if (end == NULL)
		return;
	struct bytes payload = { dot + 1, (size_t)(end - dot - 1) };
	char *text = memory_zeros(payload.size + JSON_SLACK, 1);
	json_init(&j, NULL, 16);
	if (base64url_decode(text, &size, payload) && json_parse(&j, (struct bytes){ text, size })) {
		uint32_t jti = json_member(&j, 0, (struct bytes)BYTES("jti"));

		if (jti != 0 && json_kind(&j, jti) == JSON_STRING &&
		    (j.nodes[jti].flags & JSON_ESCAPED) == 0) {
			grant.jti = pool_own(&g->pool, json_inside(&j, jti));
			add_grant(g, &grant);
		}
	}
	json_release(&j);
	free(text);
}

/* Of a token whose signature is wrong the type is known, because the header is read first. */
static bool
read_revocations(struct grants *g, const struct signers *s, struct bytes token)
{
	const struct revoked_by by = { s, g->domain };
	struct jws jws;
	enum jws_fault fault = jws_verify(g->reader, s, token, "ehr-revoked+jwt", &jws);

	if (fault != JWS_GOOD && fault != JWS_SIGNER && fault != JWS_SIGNATURE)
		return false;
	const char *why = revoked_take(&g->revoked, &by, token, g->reader);
	if (why != NULL)
		g->bad_list = why;
	return why == NULL;
}

static bool
read_token(struct grants *g, const struct signers *s, struct bytes token, int64_t max_lifetime)
{
	struct jws jws;

	switch (jws_verify(g->reader, s, token, "ehr-grant+jwt", &jws)) {
	case JWS_GOOD:
		return read_grant(g, &jws, max_lifetime);
	case JWS_TYPE:
		break;
	case JWS_MALFORMED:
	case JWS_ALGORITHM:
	case JWS_SIGNER:
	case JWS_SIGNATURE:
		return false;
	}
	if (jws_verify(g->reader, s, token, "ehr-panel+jwt", &jws) == JWS_GOOD)
		return read_panel(g, &jws);
	return read_revocations(g, s, token);
}

void
grants_read(struct grants *g, const struct signers *s, struct bytes text, int64_t max_lifetime)
{
	while (text.size > 0) {
		const char *end = memchr(text.at, '\n', text.size);
		size_t size = end != NULL ? (size_t)(end - text.at) : text.size;
		struct bytes token = { text.at, size };

		if (token.size > 0 && token.at[token.size - 1] == '\r')
			token.size--;
		if (token.size > 0 && !read_token(g, s, token, max_lifetime))
			note_bad(g, token);
		size += end != NULL;
		text.at += size;
		text.size -= size;
	}
}

/* A good grant comes before a bad one of the same id, a newer panel before an older one. */
static int
compare_grants(const void *a, const void *b)
{
	const struct grant *x = a;
	const struct grant *y = b;
	int order = bytes_compare(x->jti, y->jti);

	return order != 0 ? order : (x->fault > y->fault) - (x->fault < y->fault);
}

static int
compare_panels(const void *a, const void *b)
{
	const struct panel *x = a;
	const struct panel *y = b;
	int order = bytes_compare(x->name, y->name);

	return order != 0 ? order : (x->serial < y->serial) - (x->serial > y->serial);
}

void
grants_ready(struct grants *g)
{
	if (g->count > 0)
		qsort(g->grant, g->count, sizeof *g->grant, compare_grants);
	if (g->panels > 0)
		qsort(g->panel, g->panels, sizeof *g->panel, compare_panels);
}

const struct grant *
grants_find(const struct grants *g, struct bytes jti)
{
	size_t at = first_of(g->grant, g->count, sizeof *g->grant, offsetof(struct grant, jti), jti);

	return at < g->count && bytes_equal(g->grant[at].jti, jti) ? &g->grant[at] : NULL;
}

const struct panel *
grants_panel(const struct grants *g, struct bytes name)
{
	size_t at = first_of(g->panel, g->panels, sizeof *g->panel, offsetof(struct panel, name), name);

	return at < g->panels && bytes_equal(g->panel[at].name, name) ? &g->panel[at] : NULL;
}

enum grant_fault
grants_revoked(const struct grants *g, const struct grant *grant)
{
	bool revoked = revoked_has(&g->revoked, REVOKED_GRANTS, grant->jti) ||
		       revoked_has(&g->revoked, REVOKED_PARTIES, grant->sub) ||
		       (grant->jkt.size > 0 && revoked_has_device(&g->revoked, grant->jkt));

	return revoked ? GRANT_REVOKED : GRANT_GOOD;
}

enum grant_fault
grants_in_time(const struct grants *g, const struct grant *grant, struct instant now)
{
	if (now.seconds < grant->nbf)
		return GRANT_EARLY;
	if (now.seconds >= grant->exp)
		return GRANT_EXPIRED;
	if (g->revoked.is_there && now.seconds >= g->revoked.next)
		return GRANT_REVOCATION_STALE;
	return GRANT_GOOD;
}

bool
grants_cover(const struct grants *g, const struct grant *grant, struct bytes subject)
{
	const struct grant_words *all = &grant->subjects;

	if (grant_words_have(all, subject) || grant_words_have(all, bytes_of("*")))
		return true;
	for (size_t i = first_of(all->at, all->count, sizeof *all->at, 0, bytes_of("@"));
	     i < all->count && all->at[i].at[0] == '@'; i++) {
		const struct panel *panel = grants_panel(g, all->at[i]);

		if (panel != NULL && grant_words_have(&panel->subjects, subject))
			return true;
	}
	return false;
}

bool
grants_purpose(const struct grant *grant, struct bytes purpose)
{
	const struct concept *asked = vocabulary_find(VOCABULARY_PURPOSE, purpose);

	for (size_t i = 0; i < grant->purposes.count; i++) {
		const struct concept *given = vocabulary_find(VOCABULARY_PURPOSE, grant->purposes.at[i]);

		if (bytes_equal(grant->purposes.at[i], purpose))
			return true;
		if (asked != NULL && given != NULL && vocabulary_below(VOCABULARY_PURPOSE, asked, given))
			return true;
	}
	return false;
}

bool
grants_end(const struct grants *g)
{
	bool ends = g->revoked.is_there;

	for (size_t i = 0; !ends && i < g->count; i++)
		ends = g->grant[i].exp != 0;
	for (size_t i = 0; !ends && i < g->panels; i++)
		ends = g->panel[i].exp != 0;
	return ends;
}

/* The newest panel of a name counts even after its end, because an older one must not come back. */
static void
empty_panels(struct grants *g, struct instant now)
{
	for (size_t i = 0; i < g->panels; i++) {
		struct panel *p = &g->panel[i];

		if (now.seconds < p->nbf || (p->exp != 0 && now.seconds >= p->exp))
			p->subjects.count = 0;
		if (now.seconds < p->nbf && p->nbf < g->until)
			g->until = p->nbf;
		if (now.seconds < p->exp && p->exp < g->until)
			g->until = p->exp;
	}
}

static enum diag_exit
revocation_fault(struct fault *f, const char *name, const struct revoked_fault *why)
{
	char text[300];

	if (why->error == ENOENT) {
		(void)fault_at(f, name, NULL, "%s", why->why);
		return EXIT_IO;
	}
	revoked_message(text, why);
	(void)fault_at(f, name, NULL, "%s", text);
	return EXIT_KEYS;
}

/* A list that is replaced by another one is read only to see which one is newer. */
static enum diag_exit
load_revocations(
    struct grants *g, const struct grants_files *from, const struct signers *signers, struct fault *f)
{
	const struct revoked_by by = { signers, from->domain };
	struct revoked_fault why = { 0 };

	if (from->known != NULL)
		(void)revoked_read_at(&g->revoked, &by, AT_FDCWD, from->known, true, &why);
	if (from->revoked != NULL && !revoked_read_at(&g->revoked, &by, AT_FDCWD, from->revoked, false, &why))
		return revocation_fault(f, from->revoked, &why);
	if (g->bad_list != NULL) {
		why = (struct revoked_fault){ .why = g->bad_list };
		return revocation_fault(f, from->grants, &why);
	}
	if (!from->must_revoke || g->revoked.is_there)
		return EXIT_DONE;
	(void)fault_at(f, from->revoked != NULL ? from->revoked : "revoked.jwt", NULL,
	    "the policy requires a list of revocations, and no good one is there");
	return EXIT_KEYS;
}

/* Line by line, because the tokens of 100,000 grants take 90 MB. */
static bool
load_grants(struct grants *g, const struct grants_files *from, const struct signers *signers, struct fault *f)
{
	int fd = file_open(from->grants);
	enum lines_outcome outcome = LINES_READ_FAILED;
	struct lines in = { .error = errno };
	struct bytes line;

	if (fd >= 0) {
		lines_init(&in, fd, from->grants, LINE_MOST, NULL);
		while ((outcome = lines_next(&in, &line)) == LINES_RECORD || outcome == LINES_REFUSED)
			if (outcome == LINES_REFUSED)
				g->bad++;
			else if (in.ended) /* before the line's LF */
				g->unfinished = true;
			else
				grants_read(g, signers, line, from->max_lifetime);
		lines_release(&in);
		(void)close(fd);
	}
	return outcome == LINES_END || fault_unread(f, from->grants, in.error);
}

static enum diag_exit
load_all(struct grants *g, const struct grants_files *from, const struct signers *signers, struct fault *f)
{
	if (from->grants != NULL && !load_grants(g, from, signers, f))
		return EXIT_IO;
	grants_ready(g);
	pool_close(&g->pool);
	if (from->now != NULL)
		empty_panels(g, *from->now);
	return load_revocations(g, from, signers, f);
}

enum diag_exit
grants_load(struct grants *g, const struct grants_files *from, struct arena *a, struct fault *f)
{
	struct bytes keys = from->keys;
	struct signers *signers;
	enum diag_exit status = EXIT_KEYS;

	grants_init(g);
	g->domain = from->domain;
	jws_reader_remember(g->reader, from->memory);
	if (from->memory != NULL)
		jws_memory_turn(from->memory);
	if (keys.at == NULL && !site_read(a, from->authority, from->limit, &keys, f))
		return EXIT_IO;
	signers = signers_read(keys);
	if (signers != NULL)
		status = load_all(g, from, signers, f);
	else
		(void)fault_at(f, from->authority, NULL, "no keys of an authority");
	signers_free(signers);
	return status;
}
