/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWK_H
#define EHR_CRYPTO_JWK_H

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * jwk: keys as JSON (RFC 7517) and their thumbprints (RFC 7638).  There are three kinds: a public key
 * on P-256, a level key, and a key for keyed digests.  A key with a member that its kind does not have
 * is refused.  Private keys are never JSON.
 */
enum {
	KEY_SIZE = 32,
	JKT_SIZE = 43,  /* characters of a thumbprint, without the NUL */
	KID_SIZE = 320, /* with the NUL */
	JWK_EPOCH_MOST = 2147483647,
};

/* A public key.  Whether it is a point of the curve is checked when it is used, or by keyref_receives(). */
struct point {
	unsigned char x[KEY_SIZE];
	unsigned char y[KEY_SIZE];
	char jkt[JKT_SIZE + 1];
};

/*
 * Which members a public key may have beside kty, crv, x and y.  What use, key_ops and alg allow must
 * be the purpose of the key (RFC 7517 4.2 to 4.4): use "sig", key_ops "verify", alg "ES256"; or use
 * "enc", key_ops "deriveKey" and "deriveBits", alg "ECDH-ES+A256KW".  A key that may do nothing, or
 * something else too, is refused.
 */
enum point_form {
	POINT_BARE,     /* none: epk, jwk */
	POINT_VERIFIES, /* kid (its thumbprint), domain; use, key_ops, alg: it verifies */
	POINT_RECEIVES, /* the same; it is sealed to */
};

/*
 * Reads the object NODE.  False if it is not a public key on P-256, for example if it has a private
 * half.
 */
bool point_read(struct point *p, const struct json *j, uint32_t node, enum point_form form);

/* The value {"kty":"EC","crv":"P-256","x":"..","y":".."} */
void point_write(struct json_write *w, const struct point *p);

/* Sets jkt, the thumbprint of x and y. */
void point_name(struct point *p);

/* The key of one level and epoch.  Its memory is secret memory (secret_new). */
struct level_key {
	unsigned char key[KEY_SIZE];
	char kid[KID_SIZE]; /* domain/rl/epoch/8 characters of the thumbprint */
	char domain[129];
	char rl[129];
	unsigned al;
	uint32_t epoch;
	int64_t nbf; /* not before: seconds since 1970, 0 if there is none */
	int64_t exp; /* expires: the same */
};

/* The key of one keyed digest.  Its name is "tag.id", "tag.subject" or "redact.NAME". */
struct mac_key {
	unsigned char key[KEY_SIZE];
	char kid[KID_SIZE]; /* domain/hmac/name/number/8 characters */
	char domain[129];
	char name[129];
	uint32_t number;
};

/*
 * Reads the object NODE.  False if it is not such a key: a member is missing or unknown, the key is not
 * 32 bytes, or kid is not what the other members make it.
 */
bool level_key_read(struct level_key *k, const struct json *j, uint32_t node);
bool mac_key_read(struct mac_key *k, const struct json *j, uint32_t node);

/* The whole key as one value, in the form that is read.  nbf and exp are left out if they are 0. */
void level_key_write(struct json_write *w, const struct level_key *k);
void mac_key_write(struct json_write *w, const struct mac_key *k);

/*
 * Whether a key may be used at NOW that begins and ends so (seconds since 1970; EXP 0: no end).  Without a
 * time (NULL) one that expires may not, and one that only has a beginning may.
 */
bool jwk_in_time(int64_t nbf, int64_t exp, const struct instant *now);
bool level_key_in_time(const struct level_key *k, const struct instant *now);

/* Sets kid from the other members. */
void level_key_name(struct level_key *k);
void mac_key_name(struct mac_key *k);

/*
 * Whether it is a key or the domain of the published examples, whose private keys everybody has.
 * Programs refuse them (EXIT_KEYS, test-key) without --allow-test-keys.
 */
bool jwk_is_test_thumbprint(const char *jkt);
bool jwk_is_test_domain(const char *domain);

#endif
