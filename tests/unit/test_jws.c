/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/crypto/jws.h"
#include "common/crypto/jws_sign.h"
#include "tests/lib/signers.h"
#include "tests/lib/tap.h"

#define TYP "ehr-grant+jwt"
#define CLAIMS                                                                                               \
	"{\"v\":1,\"iss\":\"hospital\",\"iat\":1000,\"nbf\":1000,\"exp\":2000,\"sub\":\"u_17\",\"al\":3}"

static struct jws_reader *reader;
static struct private_key *key;
static struct signers *signers;
static struct jws jws;
static struct buffer token;

static enum jws_fault
fault_of(struct bytes text)
{
	return jws_verify(reader, signers, text, TYP, &jws);
}

static struct bytes
signed_by(struct private_key *by, const char *typ, const char *claims)
{
	token.used = 0;
	return jws_sign(&token, by, typ, false, bytes_of(claims)) ? buffer_bytes(&token)
								  : (struct bytes){ "", 0 };
}

/* A token with this header, a signature over it included: what a signer of ours would never write. */
static struct bytes
with_header(const char *header, const char *claims)
{
	static char text[4096];
	unsigned char signature[64];
	size_t n = base64url_encode(text, bytes_of(header));

	text[n++] = '.';
	n += base64url_encode(text + n, bytes_of(claims));
	keyref_sign(key, (struct bytes){ text, n }, signature);
	text[n++] = '.';
	n += base64url_encode(text + n, (struct bytes){ (const char *)signature, sizeof signature });
	return (struct bytes){ text, n };
}

static const char *
header(const char *alg, const char *more)
{
	static char text[512];

	(void)snprintf(text, sizeof text, "{\"alg\":\"%s\",\"typ\":\"" TYP "\",\"kid\":\"%s\"%s}", alg,
	    keyref_public(key)->jkt, more);
	return text;
}

static void
check_good(void)
{
	uint64_t al;
	struct instant t = { .seconds = 1500 };

	check(fault_of(signed_by(key, TYP, CLAIMS)) == JWS_GOOD);
	check(bytes_are(jws.iss, "hospital") && strcmp(jws.kid, keyref_public(key)->jkt) == 0);
	check(jws.iat == 1000 && jws.nbf == 1000 && jws.exp == 2000 && bytes_are(jws.payload, CLAIMS));
	check(bytes_are(jws_text(&jws, "sub"), "u_17") && jws_number(&jws, "al", &al) && al == 3);
	check(jws_text(&jws, "al").size == 0 && jws_text(&jws, "none").size == 0 &&
	      !jws_number(&jws, "sub", &al));
	check(jws_in_time(&jws, t));
	t.seconds = 2059;
	check(jws_in_time(&jws, t));
	t.seconds = 2060;
	check(!jws_in_time(&jws, t));
	t.seconds = 940;
	check(jws_in_time(&jws, t));
	t.seconds = 939;
	check(!jws_in_time(&jws, t));
}

static void
check_header(void)
{
	check(fault_of(with_header(header("ES256", ""), CLAIMS)) == JWS_GOOD);
	check(fault_of(with_header(header("none", ""), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("HS256", ""), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256K", ""), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"crit\":[]"), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"b64\":false"), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"jwk\":{}"), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"alg\":\"ES256\""), CLAIMS)) == JWS_MALFORMED);
	check(fault_of(with_header("{\"alg\":\"ES256\",\"typ\":\"" TYP "\"}", CLAIMS)) == JWS_SIGNER);
	check(fault_of(with_header("{\"alg\":\"ES256\"}", CLAIMS)) == JWS_TYPE);
	check(fault_of(with_header("[]", CLAIMS)) == JWS_MALFORMED);
	check(fault_of(with_header(header("es256", ""), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"crit\":[\"b64\"],\"b64\":true"), CLAIMS)) ==
	      JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"x5c\":[]"), CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header(header("ES256", ",\"typ\":\"" TYP "\""), CLAIMS)) == JWS_MALFORMED);
	check(fault_of(with_header(header("ES256", ",\"kid\":\"\""), CLAIMS)) == JWS_MALFORMED);
	check(fault_of(with_header(header("ES256", "}{"), CLAIMS)) == JWS_MALFORMED);
	check(fault_of(with_header("{\"alg\":null,\"typ\":\"" TYP "\"}", CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(with_header("{\"typ\":\"" TYP "\"}", CLAIMS)) == JWS_ALGORITHM);
	check(fault_of(signed_by(key, "ehr-panel+jwt", CLAIMS)) == JWS_TYPE);
}

static void
check_claims(void)
{
	check(fault_of(signed_by(key, TYP, "{\"v\":2,\"iss\":\"hospital\",\"iat\":1000}")) == JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iat\":1000}")) == JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iss\":\"hospital\"}")) == JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iss\":\"hospital\",\"iat\":1e3}")) == JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iss\":\"hospital\",\"iat\":1,\"exp\":-1}")) ==
	      JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iss\":\"hospital\",\"iat\":1,\"iat\":1}")) ==
	      JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "[]")) == JWS_MALFORMED);
	check(fault_of(signed_by(key, TYP, "{\"v\":1,\"iss\":\"other\",\"iat\":1000}")) == JWS_SIGNER);
}

/* HEADER, CLAIMS and SIGNATURE, whatever they are. */
static enum jws_fault
fault_of_parts(const char *head, struct bytes claims, struct bytes signature)
{
	struct buffer b;
	enum jws_fault fault;
	size_t room = 4 * (strlen(head) + claims.size + signature.size) + 16;

	buffer_init(&b, room);
	char *text = buffer_more(&b, room);
	size_t n = base64url_encode(text, bytes_of(head));

	text[n++] = '.';
	n += base64url_encode(text + n, claims);
	text[n++] = '.';
	n += base64url_encode(text + n, signature);
	fault = fault_of((struct bytes){ text, n });
	buffer_release(&b);
	return fault;
}

/* What is no signature of ES256: none, a MAC by the public key, and one in DER (RFC 8725 section 2.1). */
static void
check_forms(void)
{
	static char long_claims[5 << 20];
	const struct bytes claims = bytes_of(CLAIMS);
	struct buffer whole;
	static const unsigned char der[70] = { 0x30, 0x44, 0x02, 0x20, [36] = 0x02, [37] = 0x20 };

	check(fault_of_parts(header("none", ""), claims, (struct bytes){ "", 0 }) == JWS_ALGORITHM);
	check(
	    fault_of_parts(header("HS256", ""), claims, (struct bytes){ long_claims, 32 }) == JWS_ALGORITHM);
	check(fault_of_parts(header("ES256", ""), claims, (struct bytes){ "", 0 }) != JWS_GOOD);
	check(fault_of_parts(header("ES256", ""), claims, (struct bytes){ long_claims, 32 }) != JWS_GOOD);
	check(fault_of_parts(header("ES256", ""), claims, (struct bytes){ (const char *)der, sizeof der }) !=
	      JWS_GOOD);
	/* too long: claims of more than 4 MiB, whoever signed them, and a header of more than 2 KiB */
	buffer_init(&whole, sizeof long_claims * 2);
	memset(long_claims, ' ', sizeof long_claims);
	memcpy(long_claims, CLAIMS, strlen(CLAIMS));
	check(jws_sign(&whole, key, TYP, false, (struct bytes){ long_claims, 1 << 20 }));
	check(fault_of(buffer_bytes(&whole)) == JWS_GOOD);
	whole.used = 0;
	check(jws_sign(&whole, key, TYP, false, (struct bytes){ long_claims, sizeof long_claims }));
	check(fault_of(buffer_bytes(&whole)) == JWS_MALFORMED);
	buffer_release(&whole);
	long_claims[3000] = '\0';
	check(fault_of_parts(long_claims, claims, (struct bytes){ long_claims, 64 }) == JWS_MALFORMED);
}

static void
check_signature(void)
{
	static char text[1024];
	struct private_key *stranger = keyref_draw();
	struct bytes whole;
	size_t size, refused = 0;

	check(fault_of(signed_by(stranger, TYP, CLAIMS)) == JWS_SIGNER);
	keyref_free(stranger);
	whole = signed_by(key, TYP, CLAIMS);
	size = whole.size;
	memcpy(text, whole.at, size);
	for (size_t i = 0; i < size; i++) {
		char keep = text[i];

		text[i] = keep == 'A' ? 'B' : 'A';
		refused += fault_of((struct bytes){ text, size }) != JWS_GOOD;
		text[i] = keep;
	}
	check(refused == size);
	for (size_t cut = 0; cut < size; cut++)
		refused += fault_of((struct bytes){ text, cut }) != JWS_GOOD;
	check(refused == 2 * size);
	/* r and s of zero verify in broken libraries */
	memset(text + size - 86, 'A', 86);
	check(fault_of((struct bytes){ text, size }) == JWS_SIGNATURE);
	check(fault_of((struct bytes)BYTES("..")) == JWS_MALFORMED);
}

/* The enrolment's own key is believed for what it is: proof that the sender holds it. */
static void
check_self_signed(void)
{
	struct point p;
	const char *enrol = "ehr-enrol+jwt";

	token.used = 0;
	check(jws_sign(&token, key, enrol, true, bytes_of(CLAIMS)));
	check(jws_verify_self_signed(reader, buffer_bytes(&token), enrol, &jws, &p) == JWS_GOOD);
	check(strcmp(p.jkt, keyref_public(key)->jkt) == 0);
	check(jws_verify(reader, signers, buffer_bytes(&token), enrol, &jws) == JWS_ALGORITHM);
	token.at[token.used - 1] = token.at[token.used - 1] == 'A' ? 'Q' : 'A';
	check(jws_verify_self_signed(reader, buffer_bytes(&token), enrol, &jws, &p) == JWS_SIGNATURE);
	token.used = 0;
	check(jws_sign(&token, key, enrol, false, bytes_of(CLAIMS)));
	check(jws_verify_self_signed(reader, buffer_bytes(&token), enrol, &jws, &p) == JWS_SIGNER);
}

#define X "0eSdM2QKIjEO1if90pk1L4aZaoL9O3Ue3HfGYp2WFpE"
#define Y "g7gfC71hDbjN-prdtJ2eIXsRnFBgEELnS8TpGZPzBc8"

#define NULL_31 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define NULL_32 NULL_31 "A"
#define ONES_32 "__________________________________________8"

static bool
reads(const char *jwks)
{
	struct signers *s = signers_read(bytes_of(jwks));
	bool good = s != NULL;

	signers_free(s);
	return good;
}

static void
check_sets(void)
{
	struct signers *s =
	    signers_read(bytes_of("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y
				  "\",\"kid\":\"NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0\"}]}"));

	check(s != NULL && signers_have_test_key(s));
	signers_free(s);
	check(!signers_have_test_key(signers));
	check(!reads("{\"keys\":[]}") && !reads("{}") && !reads("[]") && !reads("{\"keys\":[{}]}"));
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y "\",\"y\":\"" X
		     "\"}]}")); /* off the curve */
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}]}"));
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"" X
		     "\"}]}"));
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y
		     "\",\"kid\":\"other\"}]}"));
	/* no y, an empty one, one of 31 bytes, the point at infinity, a coordinate beyond the field */
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}]}"));
	check(!reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"\"}]}"));
	check(
	    !reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" NULL_31 "\"}]}"));
	check(!reads(
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" NULL_32 "\",\"y\":\"" NULL_32 "\"}]}"));
	check(
	    !reads("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ONES_32 "\",\"y\":\"" Y "\"}]}"));
	check(!reads("{\"keys\":[{\"kty\":\"oct\",\"k\":\"" X "\"}]}"));
}

/* One key may be listed for several domains, and other keys between them. */
static void
check_domains(void)
{
	struct private_key *other = keyref_draw(), *third = keyref_draw();
	const struct signers_key list[] = { { key, "a" }, { other, "hospital" }, { key, "hospital" },
		{ third, "hospital" }, { key, "z" } };
	struct signers *all = signers_of_all(list, 5), *some = signers_of_all(list + 1, 2);
	struct bytes text = signed_by(key, TYP, CLAIMS);

	check(all != NULL && some != NULL);
	check(jws_verify(reader, all, text, TYP, &jws) == JWS_GOOD && bytes_are(jws.iss, "hospital"));
	check(signers_include(all, some) && !signers_include(some, all) && !signers_share_domain(all));
	text = signed_by(key, TYP, "{\"v\":1,\"iss\":\"z\",\"iat\":1000}");
	check(jws_verify(reader, all, text, TYP, &jws) == JWS_GOOD);
	check(jws_verify(reader, some, text, TYP, &jws) == JWS_SIGNER);
	text = signed_by(other, TYP, "{\"v\":1,\"iss\":\"z\",\"iat\":1000}");
	check(jws_verify(reader, all, text, TYP, &jws) == JWS_SIGNER);
	/* A record is of the first domain that the set lists for its key. */
	token.used = 0;
	check(jws_sign(&token, key, TYP, false, bytes_of("7")) &&
	      jws_verify_record(reader, all, buffer_bytes(&token), TYP, &jws) == JWS_GOOD &&
	      bytes_are(jws.iss, "a"));
	signers_free(all);
	signers_free(some);
	keyref_free(other);
	keyref_free(third);
}

static struct jws_memory memory;

static void
check_all(void)
{
	check_good();
	check_header();
	check_claims();
	check_forms();
	check_signature();
	check_self_signed();
	check_domains();
}

/* With a memory every answer is the same, and what held once is not verified again. */
static void
check_memory(void)
{
	struct private_key *other = keyref_draw();
	struct signers *others = signers_of(other, "hospital");
	struct bytes text;
	size_t count;
	char last;

	jws_reader_remember(reader, &memory);
	check_all();
	check_all();
	jws_memory_release(&memory);
	text = signed_by(key, TYP, CLAIMS);
	for (int i = 0; i < 3; i++) {
		check(fault_of(text) == JWS_GOOD && bytes_are(jws.payload, CLAIMS) && memory.now.count == 1);
		check(memory.before.count == (i > 0));
		jws_memory_turn(&memory);
	}
	/* One bit of signature, claims or header, and the key of another signer: none of it was seen. */
	for (size_t at = 0; at < text.size; at += at < 100 ? 7 : 31) {
		last = token.at[at];
		token.at[at] = last == 'B' ? 'C' : 'B';
		check(fault_of(text) != JWS_GOOD);
		token.at[at] = last;
	}
	check(jws_verify(reader, others, text, TYP, &jws) == JWS_SIGNER && memory.now.count == 0);
	check(jws_verify(reader, signers, text, "ehr-panel+jwt", &jws) == JWS_TYPE);
	/* What two readings did not have is forgotten. */
	check(fault_of(text) == JWS_GOOD);
	jws_memory_turn(&memory);
	jws_memory_turn(&memory);
	count = memory.before.count + memory.now.count;
	check(count == 0 && fault_of(text) == JWS_GOOD && memory.now.count == 1);
	/* Without a memory nothing is asked or noted. */
	jws_reader_remember(reader, NULL);
	check(fault_of(text) == JWS_GOOD && memory.now.count == 1);
	jws_memory_release(&memory);
	signers_free(others);
	keyref_free(other);
}

int
main(void)
{
	buffer_init(&token, 8192);
	key = keyref_draw();
	signers = signers_of(key, "hospital");
	reader = jws_reader_new();
	check(signers != NULL);
	check_all();
	check_sets();
	check_memory();
	jws_reader_free(reader);
	jws_reader_free(NULL);
	signers_free(signers);
	keyref_free(key);
	buffer_release(&token);
	return tap_end();
}
