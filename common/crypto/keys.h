/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYS_H
#define EHR_CRYPTO_KEYS_H

#include "common/base/diag.h"
#include "common/crypto/digest.h"
#include "common/crypto/jws.h"
#include "common/crypto/keyref.h"
#include "common/crypto/revoked.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * keys: opens a key directory.  The authority, sealing hosts, readers and sensors all have the same layout.
 * Secret keys are stored as messages (key_release), signed by the authority and sealed to the directory's own
 * private key.
 *
 *	DIR/                 0700, ours
 *	self.json            0600  whose directory it is (struct keys_self)
 *	authority.jwks       the keys whose signatures count
 *	current              the domain and its current epoch
 *	releases/level-*.jwe 0600  level keys
 *	releases/hmac-*.jwe  0600  keys for keyed digests, one in a file, of an authority
 *	releases/digests-*.jwe 0600  the same, all in a file, as a sealing host was given them
 *	revoked.jwt          the newest revocation list, if there is one
 *	counters.json  0600  of a device: serials of what it has accepted
 *	keys/sig.pem enc.pem 0600  private keys, if they are files of this directory
 *
 * The directory and each file that holds a secret must belong to the user and be closed to others; links are
 * refused.
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
	KEYS_NOW = 16,   /* with KEYS_LEVELS: only those of the current epoch */
	KEYS_LATER = 32, /* with KEYS_LEVELS: level keys are opened by keys_fetch() */
	KEYS_BYTES = 64, /* with KEYS_TAGS or KEYS_REDACT: keys_mac_key() has them whole */
};

/* "site/keys: key-invalid: ...": a message that holds no secret. */
struct keys_fault {
	char text[400];
};

struct keys;

/*
 * WANT is a set of enum keys_want; no other files of releases/ are opened.  DIRECTORY is borrowed.  NULL with
 * a fault if the directory is not as it must be or if one of these keys does not open.  A key begins and ends
 * with its own nbf and exp or with those of its message, whichever is the shorter time; keys are opened
 * whatever the time is.  Without ALLOW_TEST_KEYS, keys of the published examples are refused.
 */
struct keys *keys_open(const char *directory, unsigned want, bool allow_test_keys, struct keys_fault *f);
void keys_close(struct keys *k);

/* The domain, and its current epoch (0 if the directory has no file `current`). */
const char *keys_domain(const struct keys *k);
uint32_t keys_epoch(const struct keys *k);

/*
 * All level keys, sorted by epoch and al; borrowed from K.  With KEYS_LATER those that are open, in the order
 * in which they were opened; the array is valid until the next keys_fetch(), and a key keeps its place.
 */
const struct level_key *const *keys_levels(const struct keys *k, size_t *count);

/*
 * Opens the releases that are not open yet and may hold a key: by their names those of level RL in EPOCH, all
 * of EPOCH, or all there are.  With KEYS_LATER only owner and mode of these files are checked at the start.
 * False with a fault.  keys_pending: how many are not open.
 */
enum keys_reach { KEYS_OF_LEVEL, KEYS_OF_EPOCH, KEYS_OF_ALL };

bool keys_fetch(struct keys *k, struct bytes rl, uint32_t epoch, enum keys_reach reach, struct keys_fault *f);
size_t keys_pending(const struct keys *k);

/* The level key of that level and epoch; NULL if there is none. */
const struct level_key *keys_level(const struct keys *k, struct bytes rl, uint32_t epoch);

/* The keyed digest of that name ("tag.id", "redact.mark"); NULL if there is none.  Borrowed from K. */
struct mac *keys_mac(struct keys *k, const char *name);

/* Whether a device may be of this kind (all but an authority), and its keys where ENV says. */
bool keys_are_of_device(struct bytes kind, struct bytes env);

enum { KEYS_ID_SIZE = 24 };

/*
 * Writes the id of the device, or directory, whose signing key has the thumbprint JKT: "d_" and the first 22
 * characters of it.  So a device cannot claim another's id.
 */
void keys_id(char id[KEYS_ID_SIZE + 1], const char *jkt);

/* What self.json says. */
struct keys_self {
	char id[KEYS_ID_SIZE + 1];
	char kind[16]; /* authority, sealer, reader, sensor, actuator */
	char domain[129];
	char env[8]; /* soft, tpm, hsm */
	char sig_uri[256];
	char enc_uri[256];
	char sig_jkt[JKT_SIZE + 1];
	char enc_jkt[JKT_SIZE + 1];
	/* How the private keys are opened (struct keyref_access); empty: not said. */
	char pin_file[256];
	char parent_pin_file[256];
	char tcti[256];
	bool decided; /* an authority's: it enrols, rotates and revokes only by decisions */
};

/* Borrowed from K. */
const struct keys_self *keys_self(const struct keys *k);

/*
 * The private key that opens messages to this directory; and with KEYS_SIGN the one that signs, else NULL.
 * Borrowed from K.
 */
struct private_key *keys_private(struct keys *k);
struct private_key *keys_signing(struct keys *k);

/* The keys of authority.jwks. */
const struct signers *keys_authority(const struct keys *k);

/* The name of the key for keyed digests number I; NULL behind the last one.  Borrowed from K. */
const char *keys_mac_name(const struct keys *k, size_t i);

/* Its kid; "" if there is none.  Borrowed from K. */
const char *keys_mac_kid(const struct keys *k, const char *name);

/* Whether it may be used at NOW (level_key_in_time); false if there is none. */
bool keys_mac_in_time(const struct keys *k, const char *name, const struct instant *now);

/* Key number I as a whole, to give it out; NULL behind the last one, or without KEYS_BYTES.  Borrowed. */
const struct mac_key *keys_mac_key(const struct keys *k, size_t i);

/*
 * Reads counters.json, numbers that only rise, into TEXT and J, which the caller releases in either case.  A
 * file that does not exist reads as {}.  False with errno, which is 0 if it is no JSON object.
 */
bool keys_counters(const struct keys *k, struct buffer *text, struct json *j);

/* Lists of revocations besides the directory's own. */
struct keys_lists {
	const char *site;          /* counts if it is the newest; may be NULL or not exist */
	const char *given;         /* must exist, and not be older than the others; NULL: none */
	const struct instant *now; /* the newest list must not have ended; NULL: not looked at */
};

/*
 * Reads the newest revocation list into R; without any R stays empty.  EXIT_DONE, or the exit status of the
 * program with a fault: a list does not verify, is older than the newest that was accepted here, or has ended
 * (EXIT_KEYS); GIVEN does not exist (EXIT_IO).
 */
enum diag_exit keys_revoked(
    const struct keys *k, const struct keys_lists *from, struct revoked *r, struct keys_fault *f);

/* The same for the file NAME where there is no directory; AUTHORITY has signed it. */
enum diag_exit keys_revoked_alone(const char *name, const struct signers *authority,
    const struct instant *now, struct revoked *r, struct keys_fault *f);

/* The path of the directory, for messages. */
const char *keys_name(const struct keys *k);

/* The descriptor of the open directory. */
int keys_directory(const struct keys *k);

#endif
