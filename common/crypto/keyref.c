/* SPDX-License-Identifier: ISC */
#include "common/crypto/keyref.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/curve.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>

enum { PEM_MOST = 65536 };

struct private_key {
	EVP_PKEY *key;
	struct point public;
};

/* Owns KEY; NULL if KEY is NULL or not on P-256. */
static struct private_key *
take(EVP_PKEY *key)
{
	struct private_key *k;

	if (key == NULL)
		return NULL;
	k = memory_zeros(1, sizeof *k);
	k->key = key;
	if (!curve_point(key, &k->public)) {
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

/* Without this callback OpenSSL would ask for a passphrase on the terminal. */
static int
no_pin(char *to, int size, int writing, void *context)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static EVP_PKEY *
first_private(OSSL_STORE_CTX *store)
{
	EVP_PKEY *key = NULL;

	while (key == NULL && OSSL_STORE_eof(store) == 0) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info == NULL)
			break;
		if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	return key;
}

/*
 * A key pair on P-256 in PKCS#8 (RFC 5958, RFC 5915), as keyref_make and every OpenSSL write it.  All its
 * bytes are constant but the private number and the two coordinates.
 */
static const unsigned char head[] = { 0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, KEY_SIZE };
static const unsigned char middle[] = { 0xa1, 0x44, 3, 0x42, 0 };
enum { POINT_SIZE = 1 + 2 * KEY_SIZE, DER_SIZE = sizeof head + KEY_SIZE + sizeof middle + POINT_SIZE };

static EVP_PKEY *
from_pkcs8(unsigned char *der)
{
	unsigned char *number = der + sizeof head;
	unsigned char *point = number + KEY_SIZE + sizeof middle;
	char group[] = "P-256";
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	BIGNUM *private = BN_secure_new();
	OSSL_PARAM *all = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", LIBRARY_PROVIDER);
	EVP_PKEY *key = NULL;

	if (parts != NULL && private != NULL && BN_bin2bn(number, KEY_SIZE, private) != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_SIZE) == 1 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, private) == 1)
		all = OSSL_PARAM_BLD_to_param(parts);
	library_must(all != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1, "open a key");
	if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	OSSL_PARAM_free(all);
	OSSL_PARAM_BLD_free(parts);
	BN_clear_free(private);
	EVP_PKEY_CTX_free(context);
	return key;
}

/*
 * Reads the usual form itself.  OSSL_STORE would try every decoder that OpenSSL has, which is a millisecond
 * of each start.  NULL if TEXT begins with anything else.
 */
static EVP_PKEY *
load_usual(struct bytes text)
{
	BIO *from = BIO_new_mem_buf(text.at, (int)text.size);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long size = 0;
	EVP_PKEY *key = NULL;

	library_must(from != NULL, "open a key");
	if (PEM_read_bio_ex(from, &name, &header, &der, &size, PEM_FLAG_SECURE) == 1 &&
	    strcmp(name, PEM_STRING_PKCS8INF) == 0 && *header == '\0' && size == DER_SIZE &&
	    memcmp(der, head, sizeof head) == 0 &&
	    memcmp(der + sizeof head + KEY_SIZE, middle, sizeof middle) == 0)
		key = from_pkcs8(der);
	OPENSSL_secure_free(name);
	OPENSSL_secure_free(header);
	OPENSSL_secure_clear_free(der, (size_t)size);
	BIO_free(from);
	return key;
}

/* Reads PEM through OSSL_STORE, which opens other kinds of keys in the same way. */
static EVP_PKEY *
load_any(struct bytes text)
{
	UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(no_pin, 0);
	BIO *from = BIO_new_mem_buf(text.at, (int)text.size);
	OSSL_STORE_CTX *store;
	EVP_PKEY *key = NULL;

	library_must(from != NULL && ask != NULL, "open a key");
	store = OSSL_STORE_attach(from, "file", NULL, LIBRARY_PROVIDER, ask, NULL, NULL, NULL, NULL);
	if (store != NULL && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1)
		key = first_private(store);
	(void)OSSL_STORE_close(store);
	BIO_free(from);
	UI_destroy_method(ask);
	return key;
}

static EVP_PKEY *
load(struct bytes text)
{
	EVP_PKEY *key = load_usual(text);

	return key != NULL ? key : load_any(text);
}

struct private_key *
keyref_open(int dirfd, const char *uri, const char **why)
{
	struct buffer pem;
	struct private_key *key = NULL;

	library_start();
	if (strncmp(uri, "file:", 5) == 0)
		uri += 5;
	else if (strchr(uri, ':') != NULL) {
		*why = "not a key that can be opened here, expected a file";
		return NULL;
	}
	buffer_init(&pem, PEM_MOST);
	*why = "not a private key on P-256 in PEM";
	if (!buffer_reserve(&pem, PEM_MOST) || !file_read_private_at(dirfd, uri, &pem))
		*why = errno == EPERM ? "open to others, or somebody else's" : strerror(errno);
	else
		key = take(load(buffer_bytes(&pem)));
	secret_wipe(pem.at, pem.room);
	buffer_release(&pem);
	return key;
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

static bool
write_pem(int dirfd, const char *name, EVP_PKEY *key)
{
	BIO *to = BIO_new(BIO_s_secmem());
	char *text;
	long size;
	bool good;

	library_must(to != NULL && PEM_write_bio_PKCS8PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) == 1,
	    "write a key");
	size = BIO_get_mem_data(to, &text);
	good = file_replace_at(dirfd, name, (struct bytes){ text, (size_t)size }, 0600);
	BIO_free(to);
	return good;
}

struct private_key *
keyref_make(int dirfd, const char *name)
{
	struct private_key *k = keyref_draw();

	if (write_pem(dirfd, name, k->key))
		return k;
	keyref_free(k);
	return NULL;
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

void
keyref_sign(struct private_key *key, struct bytes message, unsigned char signature[SIGNATURE_SIZE])
{
	unsigned char der[80];
	size_t size = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	library_must(
	    context != NULL &&
		EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, LIBRARY_PROVIDER, key->key, NULL) == 1 &&
		EVP_DigestSign(context, der, &size, (const unsigned char *)message.at, message.size) == 1 &&
		from_der(der, size, signature),
	    "sign");
	EVP_MD_CTX_free(context);
}

/*
 * PEER comes from curve_public, which has checked it; hence the 0, by which OpenSSL does not check it
 * again.
 */
static void
derive(struct private_key *key, EVP_PKEY *peer, unsigned char z[KEY_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, LIBRARY_PROVIDER);
	size_t size = KEY_SIZE;

	library_must(context != NULL && EVP_PKEY_derive_init(context) == 1 &&
			 EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
			 EVP_PKEY_derive(context, z, &size) == 1 && size == KEY_SIZE,
	    "agree on a key");
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
