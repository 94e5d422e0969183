/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_KEYREF_H
#define EHR_CRYPTO_KEYREF_H

#include "common/crypto/jwk.h"

#include <stdbool.h>

/*
 * keyref: private keys, named by URI: in a file, in a TPM 2.0, or behind PKCS#11 (an HSM, a card, a stick).
 * They are used alike.  The private half never leaves the struct, and that of a TPM or token never enters it.
 *
 *	PATH, file:PATH         PEM: PKCS#8, with or without a PIN; or what a TPM has wrapped (TSS2)
 *	handle:0x81000010?pass  a persistent key of the TPM; ?pass: it has an authorization value
 *	pkcs11:token=app;object=sig;type=private?module-path=FILE&pin-source=FILE (RFC 7512)
 *
 * Without module-path p11-kit says which modules there are.  A PIN never stands in a URI.  If a TPM or token
 * refuses an operation (its PIN is another, or it is gone), the program ends with EXIT_KEYS (key-refused; if
 * it is locked, token-locked).  It is asked once: a second try could lock it.
 */
struct private_key;

/* What a URI does not say; members may be NULL. */
struct keyref_access {
	/*
	 * PIN, passphrase or authorization value: a file that is ours and closed to others, one below
	 * /run/credentials, or /dev/fd/N.
	 */
	const char *pin_file;
	const char *parent_pin_file; /* the authorization of a TPM's parent key; the same */
	const char *tcti;            /* the way to the TPM; NULL: what TPM2OPENSSL_TCTI says */
};

/*
 * Opens the key that URI names; paths are relative to the directory DIRFD, files must be ours and closed to
 * others.  ACCESS may be NULL.  NULL with *WHY, a constant text, if it does not open or is not on P-256.  The
 * caller frees the key.
 */
struct private_key *keyref_open(
    int dirfd, const char *uri, const struct keyref_access *access, const char **why);

/*
 * What messages call the key that URI names, since somebody may have written a PIN into it: of a PKCS#11 URI
 * the words token= and object= alone, of a file or handle what stands before "?", of another its scheme.
 * Valid until the next call.
 */
const char *keyref_shown(const char *uri);

/* Where the key is: "soft" (a file), "tpm" or "hsm". */
const char *keyref_env(const struct private_key *key);

/*
 * Makes a key in the new file NAME (mode 0600) relative to DIRFD, encrypted if PIN_FILE is not NULL.  NULL
 * with *WHY, a text that is valid until the next call.
 */
struct private_key *keyref_make(int dirfd, const char *name, const char *pin_file, const char **why);

/* Makes a key that is stored nowhere. */
struct private_key *keyref_draw(void);

void keyref_free(struct private_key *key);

const struct point *keyref_public(const struct private_key *key);

/* OpenSSL's object (EVP_PKEY), for signatures that are not ES256; owned by KEY.  For common/crypto alone. */
struct evp_pkey_st *keyref_evp(const struct private_key *key);

/* Signs with ES256 (RFC 7518 section 3.4); SIGNATURE is r and s, 32 bytes each. */
void keyref_sign(struct private_key *key, struct bytes message, unsigned char signature[64]);

/* Whether P is a point of the curve, so that something can be sealed to it. */
bool keyref_receives(const struct point *p);

/*
 * Agrees with PEER on KEK, the key that wraps a content key (ECDH-ES+A256KW, RFC 7518 section 4.6).  APU and
 * APV are the decoded bytes.  False if PEER is not a point of the curve.
 */
bool keyref_agree(struct private_key *key, const struct point *peer, struct bytes apu, struct bytes apv,
    unsigned char kek[KEY_SIZE]);

#endif
