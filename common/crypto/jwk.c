/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwk.h"

#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEY_CHARS = BASE64URL_SIZE(KEY_SIZE), TAIL = 8, AL_MOST = 99 };

static void
thumbprint(struct bytes canonical, char jkt[JKT_SIZE + 1])
{
	unsigned char digest[DIGEST_SIZE];

	digest_sha256(canonical, digest);
	jkt[base64url_encode(jkt, (struct bytes){ (const char *)digest, sizeof digest })] = '\0';
}

static void
oct_thumbprint(const unsigned char key[KEY_SIZE], char jkt[JKT_SIZE + 1])
{
	char k[KEY_CHARS], text[80];
	int size;

	(void)base64url_encode(k, (struct bytes){ (const char *)key, KEY_SIZE });
	size = snprintf(text, sizeof text, "{\"k\":\"%.*s\",\"kty\":\"oct\"}", KEY_CHARS, k);
	thumbprint((struct bytes){ text, (size_t)size }, jkt);
	secret_wipe(k, sizeof k);
	secret_wipe(text, sizeof text);
}

void
point_name(struct point *p)
{
	char x[KEY_CHARS], y[KEY_CHARS], text[160];
	int size;

	(void)base64url_encode(x, (struct bytes){ (const char *)p->x, KEY_SIZE });
	(void)base64url_encode(y, (struct bytes){ (const char *)p->y, KEY_SIZE });
	size = snprintf(text, sizeof text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
	    KEY_CHARS, x, KEY_CHARS, y);
	thumbprint((struct bytes){ text, (size_t)size }, p->jkt);
}

struct jwk_member {
	const char *name;
	const char *value; /* what it must be; NULL if the caller reads it */
	bool needed;
};

enum { MEMBERS_MOST = 12 };

/* FOUND: the nodes of the members, 0 where one is absent.  False if a member is not in the table. */
static bool
read_members(
    const struct json *j, uint32_t node, const struct jwk_member *table, size_t count, uint32_t *found)
{
	if (json_kind(j, node) != JSON_OBJECT)
		return false;
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next) {
		size_t i = 0;

		while (i < count && !bytes_are(json_inside(j, k), table[i].name))
			i++;
		if (i == count || (table[i].value != NULL && !json_is(j, k + 1, bytes_of(table[i].value))))
			return false;
		found[i] = k + 1;
	}
	for (size_t i = 0; i < count; i++)
		if (table[i].needed && found[i] == 0)
			return false;
	return true;
}

static bool
read_32(const struct json *j, uint32_t node, unsigned char to[KEY_SIZE])
{
	size_t size;

	return json_kind(j, node) == JSON_STRING && json_inside(j, node).size == KEY_CHARS &&
	       base64url_decode(to, &size, json_inside(j, node));
}

/* A word without '/', which separates the parts of a kid. */
static bool
copy_name(char to[129], struct bytes text)
{
	return tag_is_word(text) && memchr(text.at, '/', text.size) == NULL && bytes_string(text, to, 129);
}

static bool
read_name(const struct json *j, uint32_t node, char to[129])
{
	return json_kind(j, node) == JSON_STRING && copy_name(to, json_inside(j, node));
}

/* What the members of a public key must say of its purpose, if they are there. */
static const struct purpose {
	const char *use;
	const char *alg;
	const char *ops[2];
} purposes[] = {
	[POINT_VERIFIES] = { "sig", "ES256", { "verify", "verify" } },
	[POINT_RECEIVES] = { "enc", "ECDH-ES+A256KW", { "deriveKey", "deriveBits" } },
};

/* The operations must be one or more, and all of the purpose (RFC 7517 4.3). */
static bool
ops_fit(const struct json *j, uint32_t node, const struct purpose *p)
{
	bool seen[2] = { false, false };

	if (json_kind(j, node) != JSON_ARRAY || j->nodes[node].next == node + 1)
		return false;
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at].next) {
		size_t i = json_is(j, at, bytes_of(p->ops[0])) ? 0 : 1;

		if (seen[i] || json_kind(j, at) != JSON_STRING || !json_is(j, at, bytes_of(p->ops[i])))
			return false;
		seen[i] = true;
	}
	return true;
}

static bool
is_or_absent(const struct json *j, uint32_t node, const char *word)
{
	return node == 0 || (json_kind(j, node) == JSON_STRING && json_is(j, node, bytes_of(word)));
}

bool
point_read(struct point *p, const struct json *j, uint32_t node, enum point_form form)
{
	static const struct jwk_member table[] = {
		{ "kty", "EC", true },
		{ "crv", "P-256", true },
		{ "x", NULL, true },
		{ "y", NULL, true },
		{ "kid", NULL, false },
		{ "use", NULL, false },
		{ "alg", NULL, false },
		{ "key_ops", NULL, false },
		{ "domain", NULL, false },
	};
	enum { X = 2, Y, KID, USE, ALG, OPS, BARE = 4, NAMED = 9 };
	const struct purpose *purpose = &purposes[form];
	uint32_t found[MEMBERS_MOST] = { 0 };

	if (!read_members(j, node, table, form == POINT_BARE ? BARE : NAMED, found) ||
	    !read_32(j, found[X], p->x) || !read_32(j, found[Y], p->y))
		return false;
	if (form != POINT_BARE &&
	    (!is_or_absent(j, found[USE], purpose->use) || !is_or_absent(j, found[ALG], purpose->alg) ||
		(found[OPS] != 0 && !ops_fit(j, found[OPS], purpose))))
		return false;
	point_name(p);
	return found[KID] == 0 || json_is(j, found[KID], bytes_of(p->jkt));
}

bool
level_key_read(struct level_key *k, const struct json *j, uint32_t node)
{
	static const struct jwk_member table[] = {
		{ "kty", "oct", true },
		{ "alg", "A256KW", true },
		{ "use", "enc", true },
		{ "kid", NULL, true },
		{ "k", NULL, true },
		{ "domain", NULL, true },
		{ "rl", NULL, true },
		{ "al", NULL, true },
		{ "epoch", NULL, true },
		{ "nbf", NULL, false },
		{ "exp", NULL, false },
	};
	enum { KID = 3, K, DOMAIN, RL, AL, EPOCH, NBF, EXP };
	uint32_t found[MEMBERS_MOST] = { 0 };
	uint64_t al, epoch, nbf = 0, exp = 0;

	*k = (struct level_key){ 0 };
	if (!read_members(j, node, table, sizeof table / sizeof table[0], found) ||
	    !read_32(j, found[K], k->key) || !read_name(j, found[DOMAIN], k->domain) ||
	    !read_name(j, found[RL], k->rl) || !json_integer(j, found[AL], &al) || al > AL_MOST ||
	    !json_integer(j, found[EPOCH], &epoch) || epoch < 1 || epoch > JWK_EPOCH_MOST ||
	    (found[NBF] != 0 && !json_integer(j, found[NBF], &nbf)) ||
	    (found[EXP] != 0 && !json_integer(j, found[EXP], &exp)))
		return false;
	k->al = (unsigned)al;
	k->epoch = (uint32_t)epoch;
	k->nbf = (int64_t)nbf;
	k->exp = (int64_t)exp;
	level_key_name(k);
	return json_is(j, found[KID], bytes_of(k->kid));
}

/* "domain/hmac/name/number/thumbprint" */
static bool
split_mac_kid(struct bytes kid, struct mac_key *k)
{
	struct bytes part[5];
	uint64_t number = 0;

	for (size_t i = 0; i < 5; i++) {
		const char *slash = memchr(kid.at, '/', kid.size);
		size_t size = slash == NULL ? kid.size : (size_t)(slash - kid.at);

		if ((slash == NULL) != (i == 4))
			return false;
		part[i] = (struct bytes){ kid.at, size };
		kid.at += i == 4 ? size : size + 1;
		kid.size -= i == 4 ? size : size + 1;
	}
	for (size_t i = 0; i < part[3].size; i++) {
		if (part[3].at[i] < '0' || part[3].at[i] > '9' || number > JWK_EPOCH_MOST)
			return false;
		number = number * 10 + (uint64_t)(part[3].at[i] - '0');
	}
	k->number = (uint32_t)number;
	return number >= 1 && number <= JWK_EPOCH_MOST && bytes_are(part[1], "hmac") &&
	       copy_name(k->domain, part[0]) && copy_name(k->name, part[2]);
}

bool
mac_key_read(struct mac_key *k, const struct json *j, uint32_t node)
{
	static const struct jwk_member table[] = {
		{ "kty", "oct", true },
		{ "alg", "HS256", true },
		{ "use", "sig", true },
		{ "kid", NULL, true },
		{ "k", NULL, true },
	};
	enum { KID = 3, K };
	uint32_t found[MEMBERS_MOST] = { 0 };

	*k = (struct mac_key){ 0 };
	if (!read_members(j, node, table, sizeof table / sizeof table[0], found) ||
	    !read_32(j, found[K], k->key) || json_kind(j, found[KID]) != JSON_STRING ||
	    !split_mac_kid(json_inside(j, found[KID]), k))
		return false;
	mac_key_name(k);
	return json_is(j, found[KID], bytes_of(k->kid));
}

bool
jwk_in_time(int64_t nbf, int64_t exp, const struct instant *now)
{
	if (now == NULL)
		return exp == 0;
	return now->seconds >= nbf && (exp == 0 || now->seconds < exp);
}

bool
level_key_in_time(const struct level_key *k, const struct instant *now)
{
	return jwk_in_time(k->nbf, k->exp, now);
}

void
level_key_name(struct level_key *k)
{
	char jkt[JKT_SIZE + 1];

	oct_thumbprint(k->key, jkt);
	(void)snprintf(
	    k->kid, sizeof k->kid, "%s/%s/%" PRIu32 "/%.*s", k->domain, k->rl, k->epoch, TAIL, jkt);
}

void
mac_key_name(struct mac_key *k)
{
	char jkt[JKT_SIZE + 1];

	oct_thumbprint(k->key, jkt);
	(void)snprintf(
	    k->kid, sizeof k->kid, "%s/hmac/%s/%" PRIu32 "/%.*s", k->domain, k->name, k->number, TAIL, jkt);
}

void
point_write(struct json_write *w, const struct point *p)
{
	json_write_open(w, '{');
	json_write_member_word(w, "kty", (struct bytes)BYTES("EC"));
	json_write_member_word(w, "crv", (struct bytes)BYTES("P-256"));
	json_write_member_base64url(w, "x", p->x, KEY_SIZE);
	json_write_member_base64url(w, "y", p->y, KEY_SIZE);
	json_write_close(w, '}');
}

/* The members that both kinds of secret key begin with. */
static void
write_secret(struct json_write *w, const char *alg, const char *use, const char *kid,
    const unsigned char key[KEY_SIZE])
{
	json_write_member_word(w, "kty", (struct bytes)BYTES("oct"));
	json_write_member_word(w, "alg", bytes_of(alg));
	json_write_member_word(w, "use", bytes_of(use));
	json_write_member_word(w, "kid", bytes_of(kid));
	json_write_member_base64url(w, "k", key, KEY_SIZE);
}

void
level_key_write(struct json_write *w, const struct level_key *k)
{
	json_write_open(w, '{');
	write_secret(w, "A256KW", "enc", k->kid, k->key);
	json_write_member_word(w, "domain", bytes_of(k->domain));
	json_write_member_word(w, "rl", bytes_of(k->rl));
	json_write_member_number(w, "al", k->al);
	json_write_member_number(w, "epoch", k->epoch);
	if (k->nbf != 0)
		json_write_member_number(w, "nbf", k->nbf);
	if (k->exp != 0)
		json_write_member_number(w, "exp", k->exp);
	json_write_close(w, '}');
}

void
mac_key_write(struct json_write *w, const struct mac_key *k)
{
	json_write_open(w, '{');
	write_secret(w, "HS256", "sig", k->kid, k->key);
	json_write_close(w, '}');
}

bool
jwk_is_test_thumbprint(const char *jkt)
{
	/* testdata/keys/recipient.jwk */
	return strcmp(jkt, "NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0") == 0;
}

bool
jwk_is_test_domain(const char *domain)
{
	return strcmp(domain, "example") == 0;
}
