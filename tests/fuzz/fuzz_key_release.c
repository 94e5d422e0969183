/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwe_seal.h"
#include "common/crypto/jws_sign.h"
#include "common/crypto/key_release.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/signers.h"

#include <stdio.h>

#include <sanitizer/lsan_interface.h>

#define TYP "ehr-release+jwt"
#define DEVICE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct key_release_reader *reader;
static struct private_key *authority, *enc;
static struct key_release_to to;
static struct buffer message, good;

/* Seals TOKEN to the device as the authority does. */
static void
seal(struct bytes token, struct buffer *out)
{
	char ehr[256];
	struct jwe_seal *s =
	    jwe_seal_for_recipient(keyref_public(enc), bytes_of("hospital"), JWE_MESSAGE, 1, NULL);

	(void)snprintf(ehr, sizeof ehr,
	    "{\"v\":2,\"stage\":\"release\",\"domain\":\"hospital\",\"to\":\"%s\"}", keyref_public(enc)->jkt);
	out->used = 0;
	hold(s != NULL && jwe_seal_message(s, bytes_of(ehr), token, out));
	jwe_seal_free(s);
}

static void
release(struct bytes claims, const char *typ, struct buffer *out)
{
	struct buffer token;

	buffer_init(&token, 1 << 20);
	hold(jws_sign(&token, authority, typ, false, claims));
	seal(buffer_bytes(&token), out);
	buffer_release(&token);
}

static bool
opens(struct bytes line, struct key_release *r)
{
	const char *why = NULL;
	bool good_one = key_release_open(reader, line, &to, r, &why);

	hold(good_one == (why == NULL));
	return good_one;
}

#define CLAIMS                                                                                               \
	"{\"v\":1,\"iss\":\"hospital\",\"iat\":1,\"cnf\":{\"jkt\":\"" DEVICE "\"},\"al\":3,\"keys\":[{}]}"

static void
begin(void)
{
	struct signers *signers;
	struct key_release r;

	__lsan_disable();
	reader = key_release_reader_new();
	authority = keyref_draw();
	enc = keyref_draw();
	signers = signers_of(authority, "hospital");
	hold(signers != NULL);
	to = (struct key_release_to){ enc, signers, "hospital", DEVICE };
	buffer_init(&message, 1 << 22);
	buffer_init(&good, 1 << 22);
	release(bytes_of(CLAIMS), TYP, &good);
	hold(opens(buffer_bytes(&good), &r) && r.al == 3);
	__lsan_enable();
}

/*
 * What the authority signed opens only if the claims name the device and its domain and have an AL and
 * keys.
 */
static void
try_claims(struct bytes claims)
{
	struct key_release r;

	release(claims, "ehr-grant+jwt", &message);
	hold(!opens(buffer_bytes(&message), &r));
	release(claims, TYP, &message);
	if (!opens(buffer_bytes(&message), &r))
		return;
	hold(bytes_equal(r.jws.payload, claims) && bytes_are(r.jws.iss, "hospital"));
	hold(memmem(claims.at, claims.size, "keys", 4) != NULL ||
	     memchr(claims.at, '\\', claims.size) != NULL);
	hold(json_kind(r.jws.claims, r.keys) == JSON_ARRAY);
	for (uint32_t n = r.keys + 1; n < r.jws.claims->nodes[r.keys].next; n = r.jws.claims->nodes[n].next) {
		struct level_key level;
		struct mac_key mac;

		(void)level_key_read(&level, r.jws.claims, n);
		(void)mac_key_read(&mac, r.jws.claims, n);
	}
}

/* A message of which one byte was changed does not open, or says the same: white space may be put in. */
static void
try_change(const uint8_t *data)
{
	size_t at = ((size_t)data[0] << 8 | data[1]) % good.used;
	struct key_release r;

	if (data[2] == 0)
		return;
	message.used = 0;
	hold(buffer_append(&message, good.at, good.used));
	message.at[at] = (char)(message.at[at] ^ (char)data[2]);
	hold(!opens(buffer_bytes(&message), &r) || bytes_are(r.jws.payload, CLAIMS));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { (const char *)data, size };
	struct key_release r;

	if (reader == NULL)
		begin();
	hold(!opens(in, &r));
	seal(in, &message); /* sealed to the device, and signed by nobody */
	hold(!opens(buffer_bytes(&message), &r));
	try_claims(in);
	if (size >= 3)
		try_change(data);
	return 0;
}
