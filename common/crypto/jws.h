/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWS_H
#define EHR_CRYPTO_JWS_H

#include "common/base/clock.h"
#include "common/crypto/jwk.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * jws: signed messages (compact JWS, RFC 7515), verified: ES256 alone, under a pinned set of keys.  Verifying
 * needs no secret and links nothing that decrypts.
 */

/* The keys that are believed: a JWK set (RFC 7517 section 5) such as authority.jwks. */
struct signers;

/* NULL: not a JWK set of P-256 keys, or one of its points is not on the curve, or it is empty. */
struct signers *signers_read(struct bytes jwks);
void signers_free(struct signers *s);

/* True if one of them is a key of the worked examples. */
bool signers_have_test_key(const struct signers *s);

enum jws_fault {
	JWS_GOOD,
	JWS_MALFORMED, /* not a compact JWS, or its claims are no strict JSON object with v 1, iss and iat */
	JWS_TYPE,      /* another typ */
	JWS_ALGORITHM, /* not ES256, or a header member that is not alg, typ, kid */
	JWS_SIGNER,    /* kid is none of the signers, or iss is not that signer's domain */
	JWS_SIGNATURE,
};

/* "signature": one word for messages. */
const char *jws_fault_word(enum jws_fault fault);

struct jws {
	struct bytes payload;      /* the claims as they were signed */
	const struct json *claims; /* indexed; node 0 is the object */
	struct bytes iss;
	char kid[JKT_SIZE + 1]; /* the signer's thumbprint */
	int64_t iat;
	int64_t nbf; /* 0 if there is none */
	int64_t exp; /* 0 if there is none */
};

struct jws_reader;
struct jws_reader *jws_reader_new(void);
void jws_reader_free(struct jws_reader *r);

/*
 * Verifies TOKEN (no white space around it), which must be of type TYP ("ehr-grant+jwt").  What OUT points at
 * lives until the reader's next call; after a fault OUT means nothing.  Dates are the caller's matter:
 * jws_in_time.
 */
enum jws_fault jws_verify(
    struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ, struct jws *out);

/*
 * As jws_verify for the one type that brings its own key: the header has also `jwk`, kid is its thumbprint,
 * and the signature proves only that the sender holds it (ehr-enrol+jwt).  KEY is that key.
 */
enum jws_fault jws_verify_self_signed(
    struct jws_reader *r, struct bytes token, const char *typ, struct jws *out, struct point *key);

/* iat and nbf not after NOW, exp not before it, with 60 seconds of skew; what is absent holds. */
bool jws_in_time(const struct jws *s, struct instant now);

/* A string claim without escapes (a word, a name); empty if it is not there or is none. */
struct bytes jws_text(const struct jws *s, const char *claim);

/* An integer claim 0..2^53-1; false if it is not there or is none. */
bool jws_number(const struct jws *s, const char *claim, uint64_t *value);

#endif
