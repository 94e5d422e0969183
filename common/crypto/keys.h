/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYS_H
#define EHR_CRYPTO_KEYS_H

#include "common/crypto/digest.h"
#include "common/crypto/jws.h"
#include "common/crypto/keyref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * keys: a key directory, opened.  One layout for the authority, a sealing host, a reader and a sensor; keys
 *in it rest as messages sealed to the directory's own private key, each with the authority's signature
 *inside.
 *
 *	DIR/                 0700, ours
 *	self.json            0600  who I am
 *	authority.jwks       whom I believe
 *	current              the domain, and its epoch of now
 *	releases/level-*.jwe 0600  level keys
 *	releases/hmac-*.jwe  0600  keys for keyed digests
 *	keys/sig.pem enc.pem 0600  private keys
 *
 * A directory or file that is open to others, belongs to somebody else or is a link is refused.
 *
 *	struct keys_fault fault;
 *	struct keys *k = keys_open("site/keys", KEYS_LEVELS | KEYS_TAGS, false, &fault);
 *	if (k == NULL) diag_die(EXIT_KEYS, "%s", fault.text);
 *	struct mac *m = keys_mac(k, "tag.id");
 */
enum keys_want {
	KEYS_LEVELS = 1, /* all level keys */
	KEYS_TAGS = 2,   /* tag.id, tag.subject */
	KEYS_REDACT = 4, /* redact.* */
	KEYS_SIGN = 8,   /* the directory's own signing key */
	KEYS_NOW = 16,   /* with KEYS_LEVELS: those of the current epoch alone */
};

/* "site/keys: key-invalid: ...": ready to be printed; it holds no secret. */
struct keys_fault {
	char text[400];
};

struct keys;

/*
 * WANT is a set of enum keys_want: only their files are opened.  NULL with a fault if the directory is not as
 * it must be or any of those keys does not open.  ALLOW_TEST_KEYS: --allow-test-keys.
 */
struct keys *keys_open(const char *directory, unsigned want, bool allow_test_keys, struct keys_fault *f);
void keys_close(struct keys *k);

/* The domain whose keys these are, and its epoch of now (0 if the directory has no `current`). */
const char *keys_domain(const struct keys *k);
uint32_t keys_epoch(const struct keys *k);

/* All level keys, sorted by epoch and al; borrowed. */
const struct level_key *const *keys_levels(const struct keys *k, size_t *count);

/* The level key of that level and epoch; NULL if there is none. */
const struct level_key *keys_level(const struct keys *k, struct bytes rl, uint32_t epoch);

/* The keyed digest by its name ("tag.id", "redact.mark"); NULL if there is none.  Belongs to K. */
struct mac *keys_mac(struct keys *k, const char *name);

/* Who the directory says it is. */
struct keys_self {
	char id[32];   /* d_ and the beginning of the signing key's thumbprint */
	char kind[16]; /* authority sealer reader sensor actuator */
	char domain[129];
	char env[8];
	char sig_uri[256];
	char enc_uri[256];
	char sig_jkt[JKT_SIZE + 1];
	char enc_jkt[JKT_SIZE + 1];
};

const struct keys_self *keys_self(const struct keys *k);

/* The private key that messages to this directory are sealed to; and, with KEYS_SIGN, the one that signs. */
struct private_key *keys_private(struct keys *k);
struct private_key *keys_signing(struct keys *k);

/* Whose signatures the directory believes (authority.jwks). */
const struct signers *keys_authority(const struct keys *k);

/* The open directory, for what else lies in it. */
int keys_directory(const struct keys *k);

#endif
