/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWS_H
#define EHR_CRYPTO_JWS_H

#include "common/base/clock.h"
#include "common/base/pool.h"
#include "common/crypto/jwk.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * jws: verifies signed messages: compact JWS (RFC 7515 section 7.1), ES256 alone, signed by a key of a
 * known set.  Verifying needs no secret, and nothing here refers to a function that decrypts.
 */

/* The keys whose signatures count: a JWK set (RFC 7517 section 5), such as authority.jwks. */
struct signers;

/*
 * NULL if JWKS is not a JWK set of P-256 keys that verify, if one is not a point of the curve, or if
 * the set is empty.
 */
struct signers *signers_read(struct bytes jwks);
void signers_free(struct signers *s);

/* True if one of them is a key of the published examples (see jwk.h). */
bool signers_have_test_key(const struct signers *s);

/* True if each of them has a member `domain`, so that none signs for another domain. */
bool signers_have_domains(const struct signers *s);

/* True if all sign for the same domain. */
bool signers_share_domain(const struct signers *s);

/* True if each of SOME is in S, for the same domain. */
bool signers_include(const struct signers *s, const struct signers *some);

enum jws_fault {
	JWS_GOOD,
	JWS_MALFORMED, /* not a compact JWS, or its claims are not a JSON object with v 1, iss and iat */
	JWS_TYPE,      /* typ is another one */
	JWS_ALGORITHM, /* alg is not ES256, or the header has a member beside alg, typ and kid */
	JWS_SIGNER,    /* kid names no known signer, or iss is not the domain of the signer */
	JWS_SIGNATURE,
};

/* "signature wrong": the fault in a message. */
const char *jws_fault_word(enum jws_fault fault);

struct jws {
	struct bytes payload;      /* the signed text of the claims */
	const struct json *claims; /* its index; node 0 is the object */
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
 * Signatures that held, by the digest of key, signed text and signature: a file that is read again costs a
 * verification only for the lines that are new in it.  Nothing else of a token is remembered.  A struct of
 * zeros is empty.
 */
struct jws_memory {
	/* private: digests of this reading, and of the one before */
	struct pool now;
	struct pool before;
};

/* Before a file is read again: what it was not asked for since the last turn is forgotten. */
void jws_memory_turn(struct jws_memory *m);
void jws_memory_release(struct jws_memory *m);

/* R asks and fills M, which is borrowed; NULL: it verifies each signature. */
void jws_reader_remember(struct jws_reader *r, struct jws_memory *m);

/*
 * Verifies TOKEN, which has no white space around it and must be of type TYP ("ehr-grant+jwt").  What
 * OUT points at is valid until the next call with R; after a fault OUT means nothing.  Dates are not
 * checked: see jws_in_time.
 */
enum jws_fault jws_verify(
    struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ, struct jws *out);

/*
 * The same for the type ehr-enrol+jwt, whose header holds its own key as jwk, with its thumbprint as
 * kid. The signature proves only that the sender holds that key, which is returned in KEY.
 */
enum jws_fault jws_verify_self_signed(
    struct jws_reader *r, struct bytes token, const char *typ, struct jws *out, struct point *key);

/*
 * The same for a payload that is a record and not claims: any JSON text.  Of OUT, payload, claims (its
 * index), kid and iss (the domain of the signer) are set.
 */
enum jws_fault jws_verify_record(
    struct jws_reader *r, const struct signers *s, struct bytes token, const char *typ, struct jws *out);

/*
 * Verifies a signature over TEXT that is not part of the token, "HEADER..SIGNATURE" (RFC 7515 appendix F).
 * TEXT may be anything, so it need have no claims.
 */
enum jws_fault jws_verify_detached(
    struct jws_reader *r, const struct signers *s, struct bytes token, struct bytes text, const char *typ);

/*
 * Whether iat and nbf are not after NOW and exp is after NOW, with 60 seconds of tolerance.  A date
 * that is absent is no limit.
 */
bool jws_in_time(const struct jws *s, struct instant now);

/* Whether there is an exp, and not more than LONGEST seconds after iat. */
bool jws_lives_within(const struct jws *s, int64_t longest);

/* A claim that is a string without escapes; empty if there is none. */
struct bytes jws_text(const struct jws *s, const char *claim);

/* A claim that is an integer 0..2^53-1; false if there is none. */
bool jws_number(const struct jws *s, const char *claim, uint64_t *value);

#endif
