/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwk.h"
#include "tests/lib/tap.h"

#define K "mXYq8MGIL0ztgXum4eeiqCrws068YQEieW6n16YmT4Q"
#define LEVEL(alg, use, kid, k, more)                                                                        \
	"{\"kty\":\"oct\",\"alg\":\"" alg "\",\"use\":\"" use "\",\"kid\":\"" kid "\",\"k\":\"" k            \
	"\",\"domain\":\"example\",\"rl\":\"N\",\"al\":3,\"epoch\":37" more "}"
#define KID "example/N/37/3KcmZ5gY"
#define X "0eSdM2QKIjEO1if90pk1L4aZaoL9O3Ue3HfGYp2WFpE"
#define Y "g7gfC71hDbjN-prdtJ2eIXsRnFBgEELnS8TpGZPzBc8"
#define JKT "NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\""

static struct json j;
static char text[1024 + JSON_SLACK];

static bool
parse(const char *jwk)
{
	return json_parse(&j, (struct bytes){ text, (size_t)snprintf(text, 1024, "%s", jwk) });
}

static bool
level(const char *jwk)
{
	struct level_key k;

	return parse(jwk) && level_key_read(&k, &j, 0);
}

static bool
mac(const char *jwk)
{
	struct mac_key k;

	return parse(jwk) && mac_key_read(&k, &j, 0);
}

static bool
point(const char *jwk, enum point_form form)
{
	struct point p;

	return parse(jwk) && point_read(&p, &j, 0, form);
}

/* K is written as JSON. */
static bool
level_text(struct buffer *out, const struct level_key *k, const char *json)
{
	struct json_write w = json_write_to(out);

	out->used = 0;
	level_key_write(&w, k);
	return json_write_whole(&w) && bytes_are(buffer_bytes(out), json);
}

static void
check_level_keys(void)
{
	struct level_key k;
	struct buffer out;

	buffer_init(&out, 1024);
	check(parse(LEVEL("A256KW", "enc", KID, K, "")) && level_key_read(&k, &j, 0));
	check(k.al == 3 && k.epoch == 37 && k.nbf == 0 && strcmp(k.rl, "N") == 0 &&
	      strcmp(k.domain, "example") == 0);
	check(level_text(&out, &k, LEVEL("A256KW", "enc", KID, K, "")));
	check(parse(LEVEL("A256KW", "enc", KID, K, ",\"nbf\":5,\"exp\":7")) && level_key_read(&k, &j, 0));
	check(k.nbf == 5 && k.exp == 7);
	check(level_text(&out, &k, LEVEL("A256KW", "enc", KID, K, ",\"nbf\":5,\"exp\":7")));
	check(!level(LEVEL("dir", "enc", KID, K, "")));
	check(!level(LEVEL("A256KW", "sig", KID, K, "")));
	check(!level(LEVEL("A256KW", "enc", "example/N/37/3KcmZ5gZ", K, "")));
	check(!level(LEVEL("A256KW", "enc", "example/R/37/3KcmZ5gY", K, "")));
	check(!level(LEVEL("A256KW", "enc", KID, "mXYq8MGIL0ztgXum4eeiqA", "")));
	check(!level(LEVEL("A256KW", "enc", KID, "mXYq8MGIL0ztgXum4eeiqCrws068YQEieW6n16YmTw", "")));
	check(!level(LEVEL("A256KW", "enc", KID, K "AA", "")));
	check(!level(LEVEL("A256KW", "enc", KID, K, ",\"x\":1")));
	check(!level(LEVEL("A256KW", "enc", KID, K, ",\"exp\":-1")));
	check(!level("{\"kty\":\"oct\"}") && !level("[]") && !level("{}"));
	buffer_release(&out);
}

static void
check_mac_keys(void)
{
	struct mac_key k = { .domain = "hospital", .name = "redact.mark", .number = 1 }, back;
	struct buffer out;
	struct json_write w = json_write_to(&out);

	memset(k.key, 7, sizeof k.key);
	mac_key_name(&k);
	buffer_init(&out, 1024);
	mac_key_write(&w, &k);
	check(json_write_whole(&w) && buffer_append(&out, "", 1) && parse(out.at) &&
	      mac_key_read(&back, &j, 0));
	check(memcmp(&k, &back, sizeof k) == 0);
	check(!mac("{\"kty\":\"oct\",\"alg\":\"HS256\",\"use\":\"sig\",\"kid\":\"hospital/hmac/x/1/"
		   "AAAAAAAA\",\"k\":\"" K "\"}"));
	for (size_t i = 0; i < 4; i++) {
		static const char *const kids[] = { "hospital/hmac/x/1", "hospital/mac/x/1/3KcmZ5gY",
			"hospital/hmac/x/0/3KcmZ5gY", "hospital/hmac/x/1/3KcmZ5gY/" };
		char jwk[256];

		(void)snprintf(jwk, sizeof jwk,
		    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"use\":\"sig\",\"kid\":\"%s\",\"k\":\"" K "\"}",
		    kids[i]);
		check(!mac(jwk));
	}
	check(mac("{\"kty\":\"oct\",\"alg\":\"HS256\",\"use\":\"sig\",\"kid\":\"hospital/hmac/x/1/"
		  "3KcmZ5gY\",\"k\":\"" K "\"}"));
	check(!mac("{\"kty\":\"oct\",\"alg\":\"HS512\",\"use\":\"sig\",\"kid\":\"hospital/hmac/x/1/"
		   "3KcmZ5gY\",\"k\":\"" K "\"}"));
	buffer_release(&out);
}

/* What a key says of its use, and what that allows. */
static void
check_purposes(void)
{
	static const struct {
		const char *members;
		bool verifies;
		bool receives;
	} list[] = { { "", true, true }, { "\"use\":\"sig\"", true, false },
		{ "\"use\":\"enc\"", false, true }, { "\"use\":\"Sig\"", false, false },
		{ "\"use\":\"\"", false, false }, { "\"use\":null", false, false },
		{ "\"use\":[\"sig\"]", false, false }, { "\"use\":\"s\\u0069g\"", true, false },
		{ "\"alg\":\"ES256\"", true, false }, { "\"alg\":\"ECDH-ES+A256KW\"", false, true },
		{ "\"alg\":\"ECDH-ES\"", false, false }, { "\"alg\":\"ECDH-ES+A128KW\"", false, false },
		{ "\"alg\":\"ES384\"", false, false }, { "\"key_ops\":[\"verify\"]", true, false },
		{ "\"key_ops\":[\"sign\"]", false, false }, { "\"key_ops\":[\"deriveKey\"]", false, true },
		{ "\"key_ops\":[\"deriveBits\"]", false, true },
		{ "\"key_ops\":[\"deriveBits\",\"deriveKey\"]", false, true },
		{ "\"key_ops\":[\"deriveKey\",\"deriveKey\"]", false, false },
		{ "\"key_ops\":[\"verify\",\"verify\"]", false, false },
		{ "\"key_ops\":[\"verify\",\"deriveKey\"]", false, false },
		{ "\"key_ops\":[\"encrypt\"]", false, false }, { "\"key_ops\":[\"wrapKey\"]", false, false },
		{ "\"key_ops\":[]", false, false }, { "\"key_ops\":\"deriveKey\"", false, false },
		{ "\"key_ops\":{}", false, false }, { "\"key_ops\":[1]", false, false },
		{ "\"use\":\"enc\",\"key_ops\":[\"verify\"]", false, false },
		{ "\"use\":\"sig\",\"key_ops\":[\"deriveKey\"]", false, false },
		{ "\"use\":\"enc\",\"alg\":\"ES256\"", false, false },
		{ "\"use\":\"enc\",\"alg\":\"ECDH-ES+A256KW\",\"key_ops\":[\"deriveKey\"]", false, true },
		{ "\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"]", true, false },
		{ "\"oth\":1", false, false }, { "\"x5c\":[]", false, false } };
	char jwk[512];

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		(void)snprintf(
		    jwk, sizeof jwk, "{" EC "%s%s}", list[i].members[0] != '\0' ? "," : "", list[i].members);
		check(point(jwk, POINT_VERIFIES) == list[i].verifies);
		check(point(jwk, POINT_RECEIVES) == list[i].receives);
		check(point(jwk, POINT_BARE) == (i == 0));
	}
}

static void
check_points(void)
{
	struct point p;

	check(parse("{" EC "}") && point_read(&p, &j, 0, POINT_BARE) && strcmp(p.jkt, JKT) == 0);
	check(!point("{" EC ",\"use\":\"sig\"}", POINT_BARE));
	check(point("{" EC ",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"" JKT "\",\"domain\":\"a\"}",
	    POINT_VERIFIES));
	check(!point("{" EC ",\"kid\":\"x\"}", POINT_VERIFIES));
	check(!point("{" EC ",\"d\":\"" X "\"}", POINT_VERIFIES));
	check(!point("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}", POINT_BARE));
	check(!point("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}", POINT_BARE));
	check_purposes();
	check(jwk_is_test_thumbprint(JKT) && !jwk_is_test_thumbprint(KID) && jwk_is_test_domain("example") &&
	      !jwk_is_test_domain("hospital"));
}

int
main(void)
{
	json_init(&j, NULL, 4);
	check_level_keys();
	check_mac_keys();
	check_points();
	json_release(&j);
	return tap_end();
}
