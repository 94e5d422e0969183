/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_JWK_H
#define EHR_CRYPTO_JWK_H

#include "common/base/buffer.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * jwk: keys as JSON (RFC 7517) and their thumbprints (RFC 7638).  Three kinds, each with exactly the members
 * that the sealing page gives it: a public key on P-256, a level key, a key for keyed digests.  No private
 * key is ever JSON.
 */
enum {
	KEY_SIZE = 32,
	JKT_SIZE = 43, /* of a thumbprint as text, without NUL */
	KID_SIZE = 320,
	JWK_EPOCH_MOST = 2147483647,
};

/* A public key.  Whether it lies on the curve shows when it is first used (see curve.h). */
struct point {
	unsigned char x[KEY_SIZE];
	unsigned char y[KEY_SIZE];
	char jkt[JKT_SIZE + 1];
};

/* Which members beside kty, crv, x and y are taken: none; or those of a key in a JWK set. */
enum point_form {
	POINT_BARE, /* epk */
	POINT_NAMED /* also kid (its own thumbprint), use, alg, domain */
};

/* Reads the object NODE; false for anything but a P-256 public key, one with a private half above all. */
bool point_read(struct point *p, const struct json *j, uint32_t node, enum point_form form);

/* The value {"kty":"EC","crv":"P-256","x":"..","y":".."} */
void point_write(struct json_write *w, const struct point *p);

/* Sets jkt from x and y. */
void point_name(struct point *p);

/* The key of one level and epoch.  Lives in secret memory: level_key_new. */
struct level_key {
	unsigned char key[KEY_SIZE];
	char kid[KID_SIZE]; /* domain/rl/epoch/8 characters of the thumbprint */
	char domain[129];
	char rl[129];
	unsigned al;
	uint32_t epoch;
	int64_t nbf; /* seconds; 0 if there is none */
	int64_t exp;
};

/* The key of one keyed digest: "tag.id", "tag.subject", "redact.NAME". */
struct mac_key {
	unsigned char key[KEY_SIZE];
	char kid[KID_SIZE]; /* domain/hmac/name/number/8 characters */
	char domain[129];
	char name[129];
	uint32_t number;
};

/* False: not exactly such a key, of 32 bytes, with a kid that is its own. */
bool level_key_read(struct level_key *k, const struct json *j, uint32_t node);
bool mac_key_read(struct mac_key *k, const struct json *j, uint32_t node);

/* The whole key as one value, in the form that is read. */
void level_key_write(struct json_write *w, const struct level_key *k);
void mac_key_write(struct json_write *w, const struct mac_key *k);

/* Sets kid from the other members. */
void level_key_name(struct level_key *k);
void mac_key_name(struct mac_key *k);

/* True for the keys and the domain of the worked examples: refused (6, test-key) without --allow-test-keys.
 */
bool jwk_is_test_thumbprint(const char *jkt);
bool jwk_is_test_domain(const char *domain);

#endif
