/* SPDX-License-Identifier: ISC */
#include "common/crypto/curve.h"

#include "common/crypto/library.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>

enum { POINT_SIZE = 1 + 2 * KEY_SIZE, UNCOMPRESSED = 4 };

/*
 * Whether the coordinates are in range and the point lies on the curve and is not infinity.  P-256 has
 * cofactor 1, so such a point has the order of the group (SP 800-56A 5.6.2.3.4), and the multiplication
 * that the full check does would show nothing more.
 */
static bool
lies_on_curve(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, LIBRARY_PROVIDER);
	bool good = context != NULL && EVP_PKEY_public_check_quick(context) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

EVP_PKEY *
curve_public(const struct point *p)
{
	unsigned char coded[POINT_SIZE] = { UNCOMPRESSED };
	char group[] = "P-256";
	OSSL_PARAM parts[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, coded, sizeof coded),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;

	memcpy(coded + 1, p->x, KEY_SIZE);
	memcpy(coded + 1 + KEY_SIZE, p->y, KEY_SIZE);
	library_start();
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", LIBRARY_PROVIDER);
	library_must(context != NULL && EVP_PKEY_fromdata_init(context) == 1, "read a public key");
	if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parts) != 1 || !lies_on_curve(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return key;
}

bool
curve_point(EVP_PKEY *key, struct point *p)
{
	unsigned char coded[POINT_SIZE];
	char group[64];
	size_t size;

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &size) !=
		1 ||
	    strcmp(group, "prime256v1") != 0 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, coded, sizeof coded, &size) != 1 ||
	    size != sizeof coded || coded[0] != UNCOMPRESSED)
		return false;
	memcpy(p->x, coded + 1, KEY_SIZE);
	memcpy(p->y, coded + 1 + KEY_SIZE, KEY_SIZE);
	point_name(p);
	return true;
}

/* Makes the DER that OpenSSL wants out of r and s.  Returns its size; 0 on failure. */
static int
to_der(const unsigned char signature[SIGNATURE_SIZE], unsigned char **der)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, KEY_SIZE, NULL),
	       *s = BN_bin2bn(signature + KEY_SIZE, KEY_SIZE, NULL);
	int size = 0;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL;
		size = i2d_ECDSA_SIG(pair, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return size > 0 ? size : 0;
}

bool
curve_verify(EVP_PKEY *key, struct bytes message, const unsigned char signature[SIGNATURE_SIZE])
{
	unsigned char *der = NULL;
	int size = to_der(signature, &der);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good =
	    size > 0 && context != NULL &&
	    EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL, LIBRARY_PROVIDER, key, NULL) == 1 &&
	    EVP_DigestVerify(context, der, (size_t)size, (const unsigned char *)message.at, message.size) ==
		1;

	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	return good;
}
