/* SPDX-License-Identifier: ISC */
#include "common/crypto/jws.h"

#include "common/base/base64url.h"
#include "common/base/bisect.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/curve.h"
#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

#include <stdlib.h>

enum {
	DEPTH = 64,
	SKEW = 60,
	HEADER_MOST = 2048,
	PAYLOAD_MOST = 1 << 22,
	SIGNATURE_CHARS = BASE64URL_SIZE(SIGNATURE_SIZE)
};

struct signer {
	struct point point;
	EVP_PKEY *key;
	char domain[129]; /* "" if the set names none */
	size_t place;     /* in the set */
};

struct signers {
	struct signer *at; /* by thumbprint; of one key for several domains in the order of the set */
	size_t count;
};

static bool
add_signer(struct signers *s, const struct point *p, struct bytes domain)
{
	struct signer *n;

	if (domain.size > 0 && !tag_is_word(domain))
		return false;
	s->at = memory_grow(s->at, s->count + 1, sizeof *s->at);
	n = &s->at[s->count];
	*n = (struct signer){ .point = *p, .key = curve_public(p), .place = s->count };
	if (n->key == NULL)
		return false;
	if (domain.size > 0)
		memcpy(n->domain, domain.at, domain.size);
	s->count++;
	return true;
}

static int
compare_signers(const void *a, const void *b)
{
	const struct signer *x = a, *y = b;
	int order = memcmp(x->point.jkt, y->point.jkt, JKT_SIZE);

	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* {"keys":[...]}; other members are ignored (RFC 7517 section 5). */
static bool
read_set(struct signers *s, const struct json *j)
{
	uint32_t keys = json_member(j, 0, (struct bytes)BYTES("keys"));

	if (keys == 0 || json_kind(j, keys) != JSON_ARRAY)
		return false;
	for (uint32_t k = keys + 1; k < j->nodes[keys].next; k = j->nodes[k].next) {
		uint32_t domain = json_member(j, k, (struct bytes)BYTES("domain"));
		struct bytes name = { "", 0 };
		struct point p;

		if (domain != 0 && json_kind(j, domain) != JSON_STRING)
			return false;
		if (domain != 0)
			name = json_inside(j, domain);
		if (!point_read(&p, j, k, POINT_VERIFIES) || !add_signer(s, &p, name))
			return false;
	}
	if (s->count > 0)
		qsort(s->at, s->count, sizeof *s->at, compare_signers);
	return s->count > 0;
}

struct signers *
signers_read(struct bytes jwks)
{
	struct signers *s = memory_zeros(1, sizeof *s);
	struct buffer text;
	struct json j;
	bool good;

	buffer_init(&text, PAYLOAD_MOST);
	json_init(&j, NULL, DEPTH);
	good = buffer_append(&text, jwks.at, jwks.size) && json_slack(&text) &&
	       json_parse(&j, buffer_bytes(&text)) && read_set(s, &j);
	json_release(&j);
	buffer_release(&text);
	if (good)
		return s;
	signers_free(s);
	return NULL;
}

void
signers_free(struct signers *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		EVP_PKEY_free(s->at[i].key);
	free(s->at);
	free(s);
}

bool
signers_have_test_key(const struct signers *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (jwk_is_test_thumbprint(s->at[i].point.jkt) || jwk_is_test_domain(s->at[i].domain))
			return true;
	return false;
}

bool
signers_have_domains(const struct signers *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i].domain[0] == '\0')
			return false;
	return true;
}

bool
signers_share_domain(const struct signers *s)
{
	for (size_t i = 1; i < s->count; i++)
		if (strcmp(s->at[i].domain, s->at[0].domain) != 0)
			return false;
	return true;
}

/* The first signer with this thumbprint, or NULL. */
static const struct signer *
find_signer(const struct signers *s, struct bytes kid)
{
	struct bisect b = { .high = s->count };

	if (kid.size != JKT_SIZE)
		return NULL;
	while (bisect_more(&b))
		bisect_step(&b, memcmp(s->at[b.middle].point.jkt, kid.at, JKT_SIZE) < 0);
	if (b.low == s->count || !bytes_are(kid, s->at[b.low].point.jkt))
		return NULL;
	return &s->at[b.low];
}

/* The next signer with the thumbprint of ONE, or NULL. */
static const struct signer *
same_key(const struct signers *s, const struct signer *one)
{
	const struct signer *next = one + 1;

	return next < s->at + s->count && strcmp(next->point.jkt, one->point.jkt) == 0 ? next : NULL;
}

static bool
includes(const struct signers *s, const struct signer *one)
{
	const struct signer *n = find_signer(s, bytes_of(one->point.jkt));

	while (n != NULL && strcmp(n->domain, one->domain) != 0)
		n = same_key(s, n);
	return n != NULL;
}

bool
signers_include(const struct signers *s, const struct signers *some)
{
	for (size_t i = 0; i < some->count; i++)
		if (!includes(s, &some->at[i]))
			return false;
	return true;
}

struct jws_reader {
	struct json header;
	struct json claims;
	char header_text[HEADER_MOST + JSON_SLACK];
	char *payload; /* secret memory, because a key release holds keys */
	size_t room;
	struct jws_memory *memory;
	struct digest *digest; /* of what the memory is asked for */
};

struct jws_reader *
jws_reader_new(void)
{
	struct jws_reader *r = memory_zeros(1, sizeof *r);

	json_init(&r->header, NULL, DEPTH);
	json_init(&r->claims, NULL, DEPTH);
	return r;
}

void
jws_reader_free(struct jws_reader *r)
{
	if (r == NULL)
		return;
	json_release(&r->header);
	json_release(&r->claims);
	secret_free(r->payload, r->room);
	digest_free(r->digest);
	free(r);
}

void
jws_reader_remember(struct jws_reader *r, struct jws_memory *m)
{
	r->memory = m;
	if (m != NULL && r->digest == NULL)
		r->digest = digest_new();
}

void
jws_memory_turn(struct jws_memory *m)
{
	pool_release(&m->before);
	m->before = m->now;
	m->now = (struct pool){ 0 };
}

void
jws_memory_release(struct jws_memory *m)
{
	pool_release(&m->now);
	pool_release(&m->before);
}

const char *
jws_fault_word(enum jws_fault fault)
{
	static const char *const words[] = {
		[JWS_GOOD] = "good",
		[JWS_MALFORMED] = "malformed",
		[JWS_TYPE] = "another type",
		[JWS_ALGORITHM] = "algorithm refused",
		[JWS_SIGNER] = "signer unknown",
		[JWS_SIGNATURE] = "signature wrong",
	};

	return words[fault];
}

struct jws_parts {
	struct bytes header, payload, signature, signed_text;
};

static bool
split(struct bytes token, struct jws_parts *p)
{
	const char *first = memchr(token.at, '.', token.size), *end = token.at + token.size, *second;

	if (first == NULL || (second = memchr(first + 1, '.', (size_t)(end - first) - 1)) == NULL)
		return false;
	p->header = (struct bytes){ token.at, (size_t)(first - token.at) };
	p->payload = (struct bytes){ first + 1, (size_t)(second - first) - 1 };
	p->signature = (struct bytes){ second + 1, (size_t)(end - second) - 1 };
	p->signed_text = (struct bytes){ token.at, (size_t)(second - token.at) };
	return true;
}

/* Reads alg, typ and kid, and jwk if SELF_SIGNED.  Others are refused, crit too (RFC 7515 section 4.1.11). */
static enum jws_fault
read_header(struct jws_reader *r, struct bytes text, const char *typ, bool self_signed, struct bytes *kid,
    uint32_t *jwk)
{
	struct bytes found[3] = { { NULL, 0 } };
	static const char *const names[3] = { "alg", "typ", "kid" };
	const struct json *j = &r->header;
	size_t size;

	*jwk = 0;
	if (BASE64URL_BYTES(text.size) > HEADER_MOST || !base64url_decode(r->header_text, &size, text) ||
	    !json_parse(&r->header, (struct bytes){ r->header_text, size }) || json_kind(j, 0) != JSON_OBJECT)
		return JWS_MALFORMED;
	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k].next) {
		struct bytes name = json_inside(j, k);
		size_t i = 0;

		if (self_signed && bytes_are(name, "jwk")) {
			*jwk = k + 1;
			continue;
		}
		while (i < 3 && !bytes_are(name, names[i]))
			i++;
		if (i == 3 || json_kind(j, k + 1) != JSON_STRING)
			return JWS_ALGORITHM;
		found[i] = json_inside(j, k + 1);
	}
	if (!bytes_are(found[0], "ES256"))
		return JWS_ALGORITHM;
	if (!bytes_are(found[1], typ))
		return JWS_TYPE;
	*kid = found[2];
	return JWS_GOOD;
}

static bool
decode_payload(struct jws_reader *r, struct bytes text, size_t *size)
{
	size_t want = BASE64URL_BYTES(text.size) + JSON_SLACK;

	if (want > PAYLOAD_MOST)
		return false;
	if (want > r->room) {
		secret_free(r->payload, r->room);
		r->payload = secret_new(want);
		r->room = want;
	}
	secret_wipe(r->payload, r->room);
	return base64url_decode(r->payload, size, text) &&
	       json_parse(&r->claims, (struct bytes){ r->payload, *size });
}

static bool
date(const struct json *j, const char *name, int64_t *to)
{
	uint32_t node = json_member(j, 0, bytes_of(name));
	uint64_t value = 0;

	if (node != 0 && !json_integer(j, node, &value))
		return false;
	*to = (int64_t)value;
	return true;
}

static bool
read_claims(struct jws_reader *r, struct bytes text, struct jws *out)
{
	const struct json *j = &r->claims;
	uint32_t v, iss;
	size_t size;

	if (!decode_payload(r, text, &size) || json_kind(j, 0) != JSON_OBJECT)
		return false;
	v = json_member(j, 0, (struct bytes)BYTES("v"));
	iss = json_member(j, 0, (struct bytes)BYTES("iss"));
	if (v == 0 || !bytes_are(json_span(j, v), "1") || iss == 0 || json_kind(j, iss) != JSON_STRING ||
	    !tag_is_word(json_inside(j, iss)) || !date(j, "iat", &out->iat) || out->iat == 0 ||
	    !date(j, "nbf", &out->nbf) || !date(j, "exp", &out->exp))
		return false;
	out->payload = (struct bytes){ r->payload, size };
	out->claims = j;
	out->iss = json_inside(j, iss);
	return true;
}

static enum jws_fault
verify_signature(const struct jws_parts *p, EVP_PKEY *key)
{
	unsigned char signature[SIGNATURE_SIZE];
	size_t size;

	if (p->signature.size != SIGNATURE_CHARS || !base64url_decode(signature, &size, p->signature) ||
	    !curve_verify(key, p->signed_text, signature))
		return JWS_SIGNATURE;
	return JWS_GOOD;
}

/* The thumbprint of the key has one size, and no dot stands in a signature: one text has one meaning. */
static enum jws_fault
remembered_signature(struct jws_reader *r, const struct jws_parts *p, const struct signer *signer)
{
	unsigned char digest[DIGEST_SIZE];
	const struct bytes name = { (const char *)digest, sizeof digest };
	enum jws_fault fault = JWS_GOOD;

	digest_add(r->digest, (struct bytes){ signer->point.jkt, JKT_SIZE });
	digest_add(r->digest, p->signed_text);
	digest_add(r->digest, (struct bytes)BYTES("."));
	digest_add(r->digest, p->signature);
	digest_end(r->digest, digest);
	if (!pool_has(&r->memory->now, name) && !pool_has(&r->memory->before, name))
		fault = verify_signature(p, signer->key);
	if (fault == JWS_GOOD)
		(void)pool_once(&r->memory->now, name);
	return fault;
}

/* Verifies all but the payload, which is parsed only after the signature has held. */
static enum jws_fault
verify_token(struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ,
    struct jws_parts *p, const struct signer **signer)
{
	struct bytes kid = { "", 0 };
	uint32_t none;
	enum jws_fault fault;

	if (!split(token, p))
		return JWS_MALFORMED;
	fault = read_header(r, p->header, typ, false, &kid, &none);
	if (fault != JWS_GOOD)
		return fault;
	*signer = find_signer(s, kid);
	if (*signer == NULL)
		return JWS_SIGNER;
	return r->memory != NULL ? remembered_signature(r, p, *signer) : verify_signature(p, (*signer)->key);
}

enum jws_fault
jws_verify_record(
    struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ, struct jws *out)
{
	const struct signer *signer = NULL;
	struct jws_parts p;
	enum jws_fault fault = verify_token(r, s, token, typ, &p, &signer);
	size_t size;

	*out = (struct jws){ 0 };
	if (fault != JWS_GOOD)
		return fault;
	if (!decode_payload(r, p.payload, &size))
		return JWS_MALFORMED;
	out->payload = (struct bytes){ r->payload, size };
	out->claims = &r->claims;
	out->iss = bytes_of(signer->domain);
	memcpy(out->kid, signer->point.jkt, sizeof out->kid);
	return JWS_GOOD;
}

/* SIGNER is the first with its key, which may be listed for several domains. */
static bool
signs_for(const struct signers *s, const struct signer *signer, struct bytes domain)
{
	while (signer != NULL && signer->domain[0] != '\0' && !bytes_are(domain, signer->domain))
		signer = same_key(s, signer);
	return signer != NULL;
}

enum jws_fault
jws_verify(
    struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ, struct jws *out)
{
	const struct signer *signer = NULL;
	struct jws_parts p;
	enum jws_fault fault = verify_token(r, s, token, typ, &p, &signer);

	*out = (struct jws){ 0 };
	if (fault != JWS_GOOD)
		return fault;
	if (!read_claims(r, p.payload, out))
		return JWS_MALFORMED;
	memcpy(out->kid, signer->point.jkt, sizeof out->kid);
	return signs_for(s, signer, out->iss) ? JWS_GOOD : JWS_SIGNER;
}

enum jws_fault
jws_verify_detached(
    struct jws_reader *r, const struct signers *s, struct bytes token, struct bytes text, const char *typ)
{
	const struct signer *signer;
	struct jws_parts p;
	struct bytes kid = { "", 0 };
	struct buffer whole;
	uint32_t none;
	enum jws_fault fault;

	if (!split(token, &p) || p.payload.size > 0)
		return JWS_MALFORMED;
	fault = read_header(r, p.header, typ, false, &kid, &none);
	if (fault != JWS_GOOD)
		return fault;
	signer = find_signer(s, kid);
	if (signer == NULL)
		return JWS_SIGNER;
	buffer_init(&whole, BUFFER_UNLIMITED);
	buffer_add(&whole, p.header.at, p.header.size);
	buffer_add(&whole, ".", 1);
	(void)buffer_reserve(&whole, BASE64URL_SIZE(text.size));
	whole.used += base64url_encode(whole.at + whole.used, text);
	p.signed_text = buffer_bytes(&whole);
	fault = verify_signature(&p, signer->key);
	buffer_release(&whole);
	return fault;
}

enum jws_fault
jws_verify_self_signed(
    struct jws_reader *r, struct bytes token, const char *typ, struct jws *out, struct point *key)
{
	EVP_PKEY *own;
	struct jws_parts p;
	struct bytes kid = { "", 0 };
	uint32_t jwk;
	enum jws_fault fault;

	*out = (struct jws){ 0 };
	if (!split(token, &p))
		return JWS_MALFORMED;
	fault = read_header(r, p.header, typ, true, &kid, &jwk);
	if (fault != JWS_GOOD)
		return fault;
	if (jwk == 0 || !point_read(key, &r->header, jwk, POINT_BARE) || !bytes_are(kid, key->jkt))
		return JWS_SIGNER;
	own = curve_public(key);
	if (own == NULL)
		return JWS_SIGNER;
	fault = verify_signature(&p, own);
	EVP_PKEY_free(own);
	if (fault != JWS_GOOD)
		return fault;
	memcpy(out->kid, key->jkt, sizeof out->kid);
	return read_claims(r, p.payload, out) ? JWS_GOOD : JWS_MALFORMED;
}

bool
jws_in_time(const struct jws *s, struct instant now)
{
	return s->iat <= now.seconds + SKEW && (s->nbf == 0 || s->nbf <= now.seconds + SKEW) &&
	       (s->exp == 0 || now.seconds - SKEW < s->exp);
}

bool
jws_lives_within(const struct jws *s, int64_t longest)
{
	return s->exp != 0 && s->exp - s->iat <= longest;
}

struct bytes
jws_text(const struct jws *s, const char *claim)
{
	uint32_t node = json_member(s->claims, 0, bytes_of(claim));

	if (node == 0 || json_kind(s->claims, node) != JSON_STRING ||
	    (s->claims->nodes[node].flags & JSON_ESCAPED) != 0)
		return (struct bytes){ "", 0 };
	return json_inside(s->claims, node);
}

bool
jws_number(const struct jws *s, const char *claim, uint64_t *value)
{
	uint32_t node = json_member(s->claims, 0, bytes_of(claim));

	return node != 0 && json_integer(s->claims, node, value);
}
