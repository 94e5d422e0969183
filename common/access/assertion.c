/* SPDX-License-Identifier: ISC */
#include "common/access/assertion.h"

#include "common/policy/site.h"

enum { TOKEN_MOST = 1 << 16, KEYS_MOST = 1 << 22 };

struct signers *
assertion_signers(struct arena *a, const char *path, struct fault *f, enum diag_exit *status)
{
	struct signers *s;
	struct bytes text;
	const char *why = NULL;

	*status = EXIT_IO;
	if (!site_read(a, path, KEYS_MOST, &text, f))
		return NULL;
	*status = EXIT_KEYS;
	s = signers_read(text);
	if (!s)
		why = "no keys on P-256 that verify signatures";
	else if (signers_have_test_key(s))
		why = "test-key: it has a key of the published examples";
	else if (!signers_have_domains(s))
		why = "a key without domain could sign for any";
	if (!why)
		return s;
	signers_free(s);
	(void)fault_at(f, path, NULL, "%s", why);
	return NULL;
}

void
assertions_init(struct assertions *a, const struct signers *signers, struct bytes audience)
{
	*a = (struct assertions){ .signers = signers, .audience = audience, .longest = ASSERTION_LONGEST };
	if (signers == NULL)
		return;
	a->reader = jws_reader_new();
	buffer_init(&a->token, TOKEN_MOST);
}

void
assertions_release(struct assertions *a)
{
	if (a->signers != NULL)
		buffer_release(&a->token);
	jws_reader_free(a->reader);
	*a = (struct assertions){ 0 };
}

/* The device is the enforcement point's to prove; the token says which one it must be. */
static bool
is_asserted(const struct attributes *all, unsigned attribute)
{
	static const unsigned of_context[] = { ATTRIBUTE_PURPOSE, ATTRIBUTE_ACR, ATTRIBUTE_AMR,
		ATTRIBUTE_JUSTIFICATION };

	for (size_t i = 0; i < sizeof of_context / sizeof of_context[0]; i++)
		if (attribute == of_context[i])
			return true;
	return all->at[attribute].place == PLACE_SUBJECT && all->at[attribute].kind != ATTRIBUTE_TOP &&
	       attribute != ATTRIBUTE_DEVICE && attribute != ATTRIBUTE_SUBJECT_DOMAIN;
}

static void
forget_claimed(const struct attributes *all, struct request *q)
{
	for (unsigned i = 0; i < all->count; i++)
		if (is_asserted(all, i))
			q->at[i] = (struct values){ 0 };
	q->at[ATTRIBUTE_SUBJECT_DOMAIN] = (struct values){ 0 };
}

/* One person asks many things with one token, so the last one is not verified again. */
static enum jws_fault
verify(struct assertions *a, struct bytes token)
{
	if (token.size == 0 || token.size > TOKEN_MOST)
		return JWS_MALFORMED;
	if (bytes_equal(token, buffer_bytes(&a->token)))
		return a->fault;
	a->token.used = 0;
	a->fault = jws_verify(a->reader, a->signers, token, ASSERTION_TYPE, &a->jws);
	buffer_add(&a->token, token.at, token.size);
	return a->fault;
}

static bool
is_text(const struct json *j, uint32_t node, struct bytes text)
{
	return json_kind(j, node) == JSON_STRING && json_is(j, node, text);
}

/* aud is one name or a list of names (RFC 7519 4.1.3). */
static bool
is_for_us(const struct assertions *a)
{
	const struct json *j = a->jws.claims;
	uint32_t aud = json_member(j, 0, (struct bytes)BYTES("aud"));

	if (aud == 0)
		return false;
	if (json_kind(j, aud) != JSON_ARRAY)
		return is_text(j, aud, a->audience);
	for (uint32_t n = aud + 1; n < j->nodes[aud].next; n = j->nodes[n].next)
		if (is_text(j, n, a->audience))
			return true;
	return false;
}

static bool
is_about_asker(const struct assertions *a, const struct request *q)
{
	const struct json *j = a->jws.claims;
	uint32_t type = json_member(j, 0, (struct bytes)BYTES("sub_type"));
	struct bytes sub = jws_text(&a->jws, "sub"), asker = request_string(q, ATTRIBUTE_SUBJECT_TYPE);

	if (sub.size == 0 || !bytes_equal(sub, request_string(q, ATTRIBUTE_SUBJECT_ID)))
		return false;
	return type == 0 ? bytes_are(asker, "user") : is_text(j, type, asker);
}

/* A device is named by the thumbprint of its key, or by its id: "d_" and the first 22 characters of it. */
static bool
names_key(struct bytes device, struct bytes jkt)
{
	return jkt.size == JKT_SIZE &&
	       (bytes_equal(device, jkt) || (device.size == 24 && memcmp(device.at, "d_", 2) == 0 &&
						memcmp(device.at + 2, jkt.at, 22) == 0));
}

/*
 * A token that is bound to a key counts only where the enforcement point has seen that key proven.  One that
 * is bound to none says nothing of a device.
 */
static bool
is_from_device(const struct assertions *a, struct request *q)
{
	const struct json *j = a->jws.claims;
	uint32_t cnf = json_member(j, 0, (struct bytes)BYTES("cnf")), jkt;

	if (cnf == 0) {
		q->at[ATTRIBUTE_DEVICE] = (struct values){ 0 };
		return true;
	}
	jkt = json_kind(j, cnf) == JSON_OBJECT ? json_member(j, cnf, (struct bytes)BYTES("jkt")) : 0;
	return jkt != 0 && json_kind(j, jkt) == JSON_STRING &&
	       names_key(request_string(q, ATTRIBUTE_DEVICE), json_inside(j, jkt));
}

/* The claims that are an attribute's.  A claim of another name, such as jti or name, says nothing here. */
static void
take_claims(const struct assertions *a, const struct request_reader *r, struct request *q)
{
	static const enum request_place places[] = { PLACE_SUBJECT, PLACE_CONTEXT };
	const struct json *j = a->jws.claims;
	struct request_reader claims = *r;
	struct buffer room;

	claims.json = j;
	buffer_init(&room, TOKEN_MOST);
	for (uint32_t key = 1; key < j->nodes[0].next; key = j->nodes[key].next)
		for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
			int attribute = attributes_find(r->attributes, places[p], json_string(j, key, &room));

			if (attribute >= 0 && is_asserted(r->attributes, (unsigned)attribute))
				q->at[attribute] = request_values(&claims, (unsigned)attribute, key + 1);
		}
	buffer_release(&room);
	if (q->at[ATTRIBUTE_PURPOSE].count == 0)
		q->at[ATTRIBUTE_PURPOSE].present = false;
}

static void
take_issuer(const struct assertions *a, const struct request_reader *r, struct request *q)
{
	struct value *domain = scratch_take(r->scratch, sizeof *domain);

	*domain = (struct value){
		.kind = VALUE_STRING, .text = a->jws.iss, .word = intern_find(r->words, a->jws.iss)
	};
	q->at[ATTRIBUTE_SUBJECT_DOMAIN] = (struct values){ .at = domain, .count = 1, .present = true };
}

const char *
assertion_apply(struct assertions *a, const struct request_reader *r, uint32_t node, struct request *q)
{
	static const char *const faults[] = {
		[JWS_GOOD] = NULL,
		[JWS_MALFORMED] = "assertion-malformed",
		[JWS_TYPE] = "assertion-type",
		[JWS_ALGORITHM] = "assertion-algorithm",
		[JWS_SIGNER] = "assertion-signer",
		[JWS_SIGNATURE] = "assertion-signature",
	};
	enum jws_fault fault;

	forget_claimed(r->attributes, q);
	if (node == 0)
		return "assertion-missing";
	if (json_kind(r->json, node) != JSON_STRING)
		return "assertion-malformed";
	fault = verify(a, json_inside(r->json, node));
	if (fault != JWS_GOOD)
		return faults[fault];
	if (!q->timed || a->jws.exp == 0 || !jws_in_time(&a->jws, q->time))
		return "assertion-time";
	if (!jws_lives_within(&a->jws, a->longest))
		return "assertion-life";
	if (!is_for_us(a))
		return "assertion-audience";
	if (!is_about_asker(a, q))
		return "assertion-subject";
	if (!is_from_device(a, q))
		return "assertion-device";
	take_claims(a, r, q);
	take_issuer(a, r, q);
	return NULL;
}

const char *
assertion_domain(const struct assertions *a, const struct request *q)
{
	return bytes_equal(request_string(q, ATTRIBUTE_SUBJECT_DOMAIN), a->jws.iss) ? NULL
										    : "assertion-domain";
}

bool
assertion_is_foreign(const struct assertions *a, const struct request *q)
{
	struct bytes keeper = request_string(q, ATTRIBUTE_RESOURCE_DOMAIN);

	return keeper.size > 0 ? !bytes_equal(keeper, a->jws.iss) : !signers_share_domain(a->signers);
}
