/* SPDX-License-Identifier: ISC */
#include "common/crypto/certificate.h"

#include "common/crypto/library.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { RSA_LEAST = 3072 };

void
certificate_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	library_start();
	/* With SHA-1 and MD5 left out, a signature that uses them does not verify. */
	library_must(
	    EVP_add_digest(EVP_sha256()) && EVP_add_digest(EVP_sha384()) && EVP_add_digest(EVP_sha512()),
	    "name the digests");
}

STACK_OF(X509) * certificate_read(struct bytes pem)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *from = BIO_new_mem_buf(pem.at, pem.size > INT_MAX ? 0 : (int)pem.size);
	X509 *one;
	bool good;

	library_must(all != NULL && from != NULL, "read a certificate");
	ERR_clear_error();
	while ((one = PEM_read_bio_X509(from, NULL, NULL, NULL)) != NULL)
		library_must(sk_X509_push(all, one) > 0, "read a certificate");
	/* Only the end of the text may end the loop. */
	good = sk_X509_num(all) > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(from);
	if (good)
		return all;
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

static bool
may_sign(X509 *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c);
	char group[32] = "";
	size_t size = 0;

	if (key == NULL)
		return false;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return EVP_PKEY_get_bits(key) >= RSA_LEAST;
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &size) ==
		   1 &&
	       OBJ_sn2nid(group) == NID_X9_62_prime256v1;
}

static uint32_t
wanted_usage(enum detached_use use)
{
	static const uint32_t usages[] = { [DETACHED_CODE] = XKU_CODE_SIGN,
		[DETACHED_MAIL] = XKU_SMIME,
		[DETACHED_DEVICE] = XKU_SSL_CLIENT };

	return usages[use];
}

bool
certificate_issues_for(X509 *c, enum detached_use use)
{
	uint32_t extended = X509_get_extended_key_usage(c);

	return extended == UINT32_MAX || (extended & (wanted_usage(use) | XKU_ANYEKU)) != 0;
}

/*
 * OpenSSL's purpose `any` takes a certificate for TLS, and its default purpose refuses one for code.  So the
 * usage is asked here.  Where an extension is absent, both functions of OpenSSL return UINT32_MAX.
 */
bool
certificate_is_for(X509 *c, enum detached_use use)
{
	uint32_t extended = X509_get_extended_key_usage(c), usage = X509_get_key_usage(c);

	/* Manufacturers leave both extensions out. */
	if (use == DETACHED_DEVICE)
		return certificate_issues_for(c, use) && (usage & KU_DIGITAL_SIGNATURE) != 0 && may_sign(c);
	return extended != UINT32_MAX && (extended & wanted_usage(use)) != 0 && usage != UINT32_MAX &&
	       (usage & KU_DIGITAL_SIGNATURE) != 0 && may_sign(c);
}
