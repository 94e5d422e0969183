/* SPDX-License-Identifier: ISC */
#include "common/crypto/detached_sign.h"

#include "common/crypto/certificate.h"
#include "common/crypto/curve.h"
#include "common/crypto/keyload.h"
#include "common/crypto/library.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>

/* Before CMS_final, which would put the system's time there. */
static bool
add_time(CMS_SignerInfo *signer, struct instant now)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, now.seconds);
	bool good = time != NULL && CMS_signed_add1_attr_by_NID(
					signer, NID_pkcs9_signingTime, ASN1_STRING_type(time), time, -1) == 1;

	ASN1_TIME_free(time);
	return good;
}

static bool
add_chain(CMS_ContentInfo *cms, STACK_OF(X509) * certificates)
{
	for (int i = 1; i < sk_X509_num(certificates); i++)
		if (CMS_add1_cert(cms, sk_X509_value(certificates, i)) != 1)
			return false;
	return true;
}

static void
sign(const struct detached_signer *s, STACK_OF(X509) * certificates, struct bytes content,
    struct buffer *signature)
{
	unsigned flags = CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms =
	    CMS_sign_ex(NULL, NULL, NULL, NULL, flags, NULL, keyload_query(keyref_evp(s->key)));
	BIO *from = BIO_new_mem_buf(content.at, (int)content.size);
	CMS_SignerInfo *signer;
	unsigned char *der = NULL;
	int size;

	library_must(cms != NULL && from != NULL, "sign");
	signer =
	    CMS_add1_signer(cms, sk_X509_value(certificates, 0), keyref_evp(s->key), EVP_sha256(), flags);
	library_must(signer != NULL && add_time(signer, s->now) && add_chain(cms, certificates) &&
			 CMS_final(cms, from, NULL, flags) == 1,
	    "sign");
	size = i2d_CMS_ContentInfo(cms, &der);
	library_must(size > 0, "sign");
	buffer_add(signature, der, (size_t)size);
	OPENSSL_free(der);
	BIO_free(from);
	CMS_ContentInfo_free(cms);
}

static bool
is_of_key(X509 *certificate, const struct private_key *key)
{
	struct point public;

	return curve_point(X509_get0_pubkey(certificate), &public) &&
	       strcmp(public.jkt, keyref_public(key)->jkt) == 0;
}

bool
detached_sign(const struct detached_signer *s, struct bytes content, enum detached_use use,
    struct buffer *signature, const char **why)
{
	STACK_OF(X509) * all;

	certificate_start();
	all = certificate_read(s->certificates);
	*why = NULL;
	if (all == NULL)
		*why = "not certificates in PEM";
	else if (!is_of_key(sk_X509_value(all, 0), s->key))
		*why = "the first certificate is not of this key";
	else if (!certificate_is_for(sk_X509_value(all, 0), use))
		*why = use == DETACHED_CODE
			   ? "the certificate is not for code: expected digitalSignature and "
			     "codeSigning; ehr-policy(1), sign, shows how to make one"
			   : "the certificate is not for manifests: expected digitalSignature and "
			     "emailProtection; ehr-policy(1), sign, shows how to make one";
	else if (content.size > INT_MAX)
		*why = "over 2 GiB to sign";
	else
		sign(s, all, content, signature);
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return *why == NULL;
}
