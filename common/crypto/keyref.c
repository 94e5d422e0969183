/* SPDX-License-Identifier: ISC */
#include "common/crypto/keyref.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/curve.h"
#include "common/crypto/keyload.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>
#include <openssl/pem.h>

struct private_key {
	EVP_PKEY *key;
	struct point public;
};

/* An engine's key answers only in DER, which the default provider reads. */
static bool
public_half(EVP_PKEY *key, struct point *p)
{
	unsigned char *der = NULL;
	const unsigned char *from;
	EVP_PKEY *copy;
	int size;
	bool good;

	if (keyload_query(key) != NULL)
		return curve_point(key, p);
	size = i2d_PUBKEY(key, &der);
	from = der;
	copy = size <= 0 ? NULL : d2i_PUBKEY_ex(NULL, &from, size, NULL, LIBRARY_PROVIDER);
	good = copy != NULL && curve_point(copy, p);
	EVP_PKEY_free(copy);
	OPENSSL_free(der);
	return good;
}

/* Owns KEY; NULL if KEY is NULL or not on P-256. */
static struct private_key *
take(EVP_PKEY *key)
{
	struct private_key *k;

	if (key == NULL)
		return NULL;
	k = memory_zeros(1, sizeof *k);
	k->key = key;
	if (!public_half(key, &k->public)) {
		keyref_free(k);
		return NULL;
	}
	return k;
}

void
keyref_free(struct private_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

const struct point *
keyref_public(const struct private_key *key)
{
	return &key->public;
}

EVP_PKEY *
keyref_evp(const struct private_key *key)
{
	return key->key;
}

struct private_key *
keyref_open(int dirfd, const char *uri, const struct keyref_access *access, const char **why)
{
	EVP_PKEY *loaded = keyload_open(dirfd, uri, access, why);
	struct private_key *key;

	if (loaded == NULL)
		return NULL;
	key = take(loaded);
	if (key == NULL)
		*why = "not a key on P-256";
	return key;
}

/* The attributes of a PKCS#11 URI that name a key. */
static void
show_token(char *to, size_t room, const char *uri)
{
	static const char *const words[] = { "token=", "object=" };
	size_t used = 0;

	while (*uri != '\0' && *uri != '?') {
		size_t size = strcspn(uri, ";?");

		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (strncmp(uri, words[i], strlen(words[i])) == 0 && size + 2 < room - used)
				used += (size_t)snprintf(
				    to + used, room - used, "%s%.*s", used > 0 ? ";" : "", (int)size, uri);
		uri += size + (uri[size] == ';');
	}
}

const char *
keyref_shown(const char *uri)
{
	static const char *const whole[] = { "file:", "handle:0x" };
	static char shown[4096];
	const char *colon = strchr(uri, ':');
	size_t size = colon == NULL ? strcspn(uri, "?") : (size_t)(colon - uri) + 1, used;

	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (strncmp(uri, whole[i], strlen(whole[i])) == 0)
			size = strcspn(uri, "?");
	used = (size_t)snprintf(shown, sizeof shown, "%.*s", (int)size, uri);
	if (used < sizeof shown && colon != NULL && strncasecmp(uri, "pkcs11:", size) == 0)
		show_token(shown + used, sizeof shown - used, colon + 1);
	return shown;
}

const char *
keyref_env(const struct private_key *key)
{
	const char *query = keyload_query(key->key);

	return query == NULL ? "hsm" : strcmp(query, LIBRARY_PROVIDER) == 0 ? "soft" : "tpm";
}

struct private_key *
keyref_draw(void)
{
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;
	struct private_key *k;

	library_start();
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", LIBRARY_PROVIDER);
	library_must(context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
			 EVP_PKEY_CTX_set_group_name(context, "P-256") == 1 &&
			 EVP_PKEY_generate(context, &key) == 1,
	    "draw a key pair");
	EVP_PKEY_CTX_free(context);
	k = take(key);
	library_must(k != NULL, "draw a key pair");
	return k;
}

/* With a PIN the file is encrypted (PKCS#8, PBES2 with AES-256). */
static bool
write_pem(int dirfd, const char *name, EVP_PKEY *key, const char *pin)
{
	BIO *to = BIO_new(BIO_s_secmem());
	const EVP_CIPHER *cipher = *pin != '\0' ? EVP_aes_256_cbc() : NULL;
	char *text;
	long size;
	bool good;

	library_must(to != NULL && PEM_write_bio_PKCS8PrivateKey(to, key, cipher, cipher == NULL ? NULL : pin,
				       (int)strlen(pin), NULL, NULL) == 1,
	    "write a key");
	size = BIO_get_mem_data(to, &text);
	good = file_create_at(dirfd, name, (struct bytes){ text, (size_t)size }, 0600);
	BIO_free(to);
	return good;
}

struct private_key *
keyref_make(int dirfd, const char *name, const char *pin_file, const char **why)
{
	char *pin = keyload_pin(dirfd, pin_file, why);
	struct private_key *k = NULL;

	if (pin == NULL)
		return NULL;
	k = keyref_draw();
	if (!write_pem(dirfd, name, k->key, pin)) {
		*why = strerror(errno);
		keyref_free(k);
		k = NULL;
	}
	secret_free(pin, KEYLOAD_PIN_ROOM);
	return k;
}

/* What a TPM or an HSM refuses is said in other words than a failure of OpenSSL itself. */
static void
key_must(const struct private_key *key, bool done, const char *what)
{
	const char *env = keyref_env(key), *place = strcmp(env, "tpm") == 0 ? "TPM" : "token";

	if (!done && strcmp(env, "soft") != 0 && keyload_locked())
		diag_die(EXIT_KEYS,
		    "token-locked: the %s did not %s: it is locked after wrong PINs, until its time is over "
		    "or its owner "
		    "unlocks it",
		    place, what);
	if (!done && strcmp(env, "soft") != 0)
		diag_die(EXIT_KEYS, "key-refused: the %s did not %s: its PIN is another, or it is gone",
		    place, what);
	library_must(done, what);
}

static bool
from_der(const unsigned char *der, size_t size, unsigned char signature[SIGNATURE_SIZE])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
	bool good = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, KEY_SIZE) == KEY_SIZE &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + KEY_SIZE, KEY_SIZE) == KEY_SIZE;

	ECDSA_SIG_free(pair);
	return good;
}

/* An engine's key takes no digest by name: the names of older releases are not entered (library_start). */
static bool
begin_sign(EVP_MD_CTX *context, EVP_PKEY *key)
{
	const char *query = keyload_query(key);

	return query == NULL ? EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1
			     : EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, query, key, NULL) == 1;
}

void
keyref_sign(struct private_key *key, struct bytes message, unsigned char signature[SIGNATURE_SIZE])
{
	unsigned char der[80];
	size_t size = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	library_must(context != NULL, "sign");
	key_must(key,
	    begin_sign(context, key->key) &&
		EVP_DigestSign(context, der, &size, (const unsigned char *)message.at, message.size) == 1 &&
		from_der(der, size, signature),
	    "sign");
	EVP_MD_CTX_free(context);
}

/*
 * PEER as the provider of KEY wants it: a TPM's provider knows only keys of its own.  It comes from
 * curve_public, which has checked it before the TPM sees it.
 */
static EVP_PKEY *
peer_for(const struct private_key *key, EVP_PKEY *peer)
{
	unsigned char *der = NULL;
	const unsigned char *from;
	EVP_PKEY *other;
	int size;

	if (strcmp(keyref_env(key), "tpm") != 0) {
		library_must(EVP_PKEY_up_ref(peer), "agree on a key");
		return peer;
	}
	size = i2d_PUBKEY(peer, &der);
	library_must(size > 0, "agree on a key");
	from = der;
	other = d2i_PUBKEY_ex(NULL, &from, size, NULL, keyload_query(key->key));
	OPENSSL_free(der);
	key_must(key, other != NULL, "agree on a key");
	return other;
}

/* The 0: OpenSSL does not check the peer again. */
static void
derive(struct private_key *key, EVP_PKEY *peer, unsigned char z[KEY_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, keyload_query(key->key));
	EVP_PKEY *other = peer_for(key, peer);
	size_t size = KEY_SIZE;

	library_must(context != NULL, "agree on a key");
	key_must(key,
	    EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer_ex(context, other, 0) == 1 &&
		EVP_PKEY_derive(context, z, &size) == 1 && size == KEY_SIZE,
	    "agree on a key");
	EVP_PKEY_free(other);
	EVP_PKEY_CTX_free(context);
}

static void
add_part(struct buffer *info, struct bytes part)
{
	unsigned char size[4] = { (unsigned char)(part.size >> 24), (unsigned char)(part.size >> 16),
		(unsigned char)(part.size >> 8), (unsigned char)part.size };

	if (!buffer_append(info, size, sizeof size) || !buffer_append(info, part.at, part.size))
		diag_bug("the names of two parties are longer than a header");
}

/* RFC 7518 section 4.6.2 */
static void
concat_kdf(unsigned char z[KEY_SIZE], struct bytes apu, struct bytes apv, unsigned char kek[KEY_SIZE])
{
	static const unsigned char bits[4] = { 0, 0, 1, 0 }; /* 256 */
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(library_sskdf());
	char name[] = "SHA2-256";
	struct buffer info;

	buffer_init(&info, 16384);
	add_part(&info, (struct bytes)BYTES("ECDH-ES+A256KW"));
	add_part(&info, apu);
	add_part(&info, apv);
	if (!buffer_append(&info, bits, sizeof bits))
		diag_bug("the names of two parties are longer than a header");
	OSSL_PARAM with[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, KEY_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.at, info.used),
		OSSL_PARAM_construct_end() };
	library_must(context != NULL && EVP_KDF_derive(context, kek, KEY_SIZE, with) == 1, "derive a key");
	EVP_KDF_CTX_free(context);
	buffer_release(&info);
}

bool
keyref_receives(const struct point *p)
{
	EVP_PKEY *key = curve_public(p);
	bool good = key != NULL;

	EVP_PKEY_free(key);
	return good;
}

bool
keyref_agree(struct private_key *key, const struct point *peer, struct bytes apu, struct bytes apv,
    unsigned char kek[KEY_SIZE])
{
	unsigned char z[KEY_SIZE];
	EVP_PKEY *other = curve_public(peer);

	if (other == NULL)
		return false;
	derive(key, other, z);
	concat_kdf(z, apu, apv, kek);
	secret_wipe(z, sizeof z);
	EVP_PKEY_free(other);
	return true;
}
