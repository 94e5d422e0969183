/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/crypto/jws.h"
#include "common/crypto/jws_sign.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/signers.h"

#include <sanitizer/lsan_interface.h>

#define TYP "ehr-grant+jwt"

static struct jws_reader *reader;
static struct private_key *key;
static struct signers *signers;

/* What OpenSSL keeps to the end of the process (its random generators) is made here, and is no leak. */
static void
begin(void)
{
	unsigned char signature[64];

	__lsan_disable();
	reader = jws_reader_new();
	key = keyref_draw();
	keyref_sign(key, bytes_of("x"), signature);
	signers = signers_of(key, "hospital");
	hold(signers != NULL);
	__lsan_enable();
}

/* Claims that were signed verify if they are claims, and come back as they were; whatever they are, nothing
 * breaks. */
static void
try_claims(struct bytes claims)
{
	struct buffer token;
	struct jws jws;
	enum jws_fault fault;

	buffer_init(&token, 1 << 20);
	hold(jws_sign(&token, key, TYP, false, claims));
	fault = jws_verify(reader, signers, buffer_bytes(&token), TYP, &jws);
	hold(fault == JWS_GOOD || fault == JWS_MALFORMED || fault == JWS_SIGNER);
	if (fault == JWS_GOOD) {
		hold(bytes_equal(jws.payload, claims) && bytes_are(jws.iss, "hospital"));
		(void)jws_text(&jws, "sub");
	}
	buffer_release(&token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { (const char *)data, size };
	struct jws jws;
	struct point p;

	if (reader == NULL)
		begin();
	hold(jws_verify(reader, signers, in, TYP, &jws) != JWS_GOOD);
	(void)jws_verify_self_signed(reader, in, "ehr-enrol+jwt", &jws, &p);
	signers_free(signers_read(in));
	try_claims(in);
	return 0;
}
