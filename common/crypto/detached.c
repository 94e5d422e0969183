/* SPDX-License-Identifier: ISC */
#include "common/crypto/detached.h"

#include "common/crypto/certificate.h"
#include "common/crypto/curve.h"
#include "common/crypto/library.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

enum { CHAIN_LEVEL = 3 }; /* 128 bits: keys of the chain as strong as P-256 or RSA of 3,072 bits */

static const struct detached_verdict malformed = { "signature-invalid",
	"not a detached CMS signature with one signer, in DER, by SHA-256, SHA-384 or SHA-512", false,
	{ 0, 0 } };
static const struct detached_verdict mismatch = { "signature-invalid",
	"it was altered, or it is of something else, or what it signs was altered", false, { 0, 0 } };
static const struct detached_verdict wrong_use = { "signer-usage",
	"its certificate is not for this: expected digitalSignature with codeSigning (policies, programs) or "
	"emailProtection (manifests), or clientAuth or none (devices), which its CA may issue, and a key on "
	"P-256 or RSA of 3,072 bits: ehr-policy(1), sign, shows how to make one",
	false, { 0, 0 } };

/* What OpenSSL says of a chain.  Any other error is the row at the end. */
static const struct chain_fault {
	int error;
	struct detached_verdict verdict;
} chain_faults[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED,
	    { "certificate-expired", "the signer's certificate, or its CA's, has ended: sign anew", false,
		{ 0, 0 } } },
	{ X509_V_ERR_CERT_NOT_YET_VALID,
	    { "certificate-expired", "the signer's certificate is not valid yet: is the clock right?", false,
		{ 0, 0 } } },
	{ X509_V_ERR_CERT_REVOKED,
	    { "certificate-revoked", "the revocation list names the signer's certificate", false,
		{ 0, 0 } } },
	{ X509_V_ERR_UNABLE_TO_GET_CRL,
	    { "crl-missing", "there is no revocation list of the CA that issued the certificate", false,
		{ 0, 0 } } },
	{ X509_V_ERR_CRL_HAS_EXPIRED,
	    { "crl-expired", "the revocation list has ended: get a newer one from the CA", false,
		{ 0, 0 } } },
	{ X509_V_ERR_CRL_NOT_YET_VALID,
	    { "crl-expired", "the revocation list is not valid yet: is the clock right?", false, { 0, 0 } } },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	    { "signature-invalid", "the signer's certificate does not lead to this CA", false, { 0, 0 } } },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	    { "signature-invalid", "the signer's certificate does not lead to this CA", false, { 0, 0 } } },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	    { "signature-invalid", "the signer's certificate does not lead to this CA", false, { 0, 0 } } },
	{ X509_V_OK, { "signature-invalid",
			 "the signer's certificate or its CA is not as RFC 5280 wants it, or too weak: "
			 "openssl verify -x509_strict -auth_level 3 says why",
			 false, { 0, 0 } } },
};

/* What is seen while OpenSSL walks the chain. */
struct walk {
	enum detached_use use;
	int error;      /* the first: the chain is refused at it */
	bool other_use; /* a CA of the chain says that it issues certificates for other uses */
};

static int
note(int good, X509_STORE_CTX *context)
{
	struct walk *w = X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(context), 0);
	X509 *c = X509_STORE_CTX_get_current_cert(context);

	if (!good && w->error == X509_V_OK)
		w->error = X509_STORE_CTX_get_error(context);
	if (good && c != NULL && X509_STORE_CTX_get_error_depth(context) > 0 &&
	    !certificate_issues_for(c, w->use))
		w->other_use = true;
	return good;
}

static STACK_OF(X509_CRL) * read_lists(struct bytes pem)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	BIO *from = BIO_new_mem_buf(pem.at, pem.size > INT_MAX ? 0 : (int)pem.size);
	X509_CRL *one;
	bool good;

	library_must(all != NULL && from != NULL, "read a revocation list");
	ERR_clear_error();
	while ((one = PEM_read_bio_X509_CRL(from, NULL, NULL, NULL)) != NULL)
		library_must(sk_X509_CRL_push(all, one) > 0, "read a revocation list");
	good = sk_X509_CRL_num(all) > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(from);
	if (good)
		return all;
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	return NULL;
}

/* The CA of the caller alone; the system's are not asked. */
static X509_STORE *
make_store(struct instant now)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *how;

	library_must(store != NULL, "check a signature");
	how = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(how, now.seconds);
	X509_VERIFY_PARAM_set_auth_level(how, CHAIN_LEVEL);
	library_must(X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_ANY) == 1 &&
			 X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT) == 1,
	    "check a signature");
	X509_STORE_set_verify_cb(store, note);
	return store;
}

bool
detached_read_ca(struct detached_trust *t, struct bytes pem)
{
	STACK_OF(X509) * all;

	certificate_start();
	all = certificate_read(pem);
	if (all == NULL)
		return false;
	if (t->store == NULL)
		t->store = make_store(t->now);
	for (int i = 0; i < sk_X509_num(all); i++)
		library_must(X509_STORE_add_cert(t->store, sk_X509_value(all, i)), "keep a certificate");
	sk_X509_pop_free(all, X509_free);
	return true;
}

bool
detached_read_crl(struct detached_trust *t, struct bytes pem)
{
	STACK_OF(X509_CRL) * all;

	certificate_start();
	all = read_lists(pem);
	if (all == NULL)
		return false;
	if (t->store == NULL)
		t->store = make_store(t->now);
	for (int i = 0; i < sk_X509_CRL_num(all); i++)
		library_must(
		    X509_STORE_add_crl(t->store, sk_X509_CRL_value(all, i)), "keep a revocation list");
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	library_must(X509_VERIFY_PARAM_set_flags(
			 X509_STORE_get0_param(t->store), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL),
	    "ask a revocation list");
	return true;
}

void
detached_release(struct detached_trust *t)
{
	X509_STORE_free(t->store);
	t->store = NULL;
}

/* Not OpenSSL's own d2i on a stream: bytes behind the structure would be left unread. */
static CMS_ContentInfo *
read_whole(struct bytes signature)
{
	const unsigned char *at = (const unsigned char *)signature.at, *end = at + signature.size;
	CMS_ContentInfo *cms = NULL;

	if (signature.size > 0 && signature.size <= INT_MAX)
		cms = d2i_CMS_ContentInfo(NULL, &at, (long)signature.size);
	if (cms != NULL && at != end) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	return cms;
}

/* A signature without signed attributes could be one over attributes, shown with them as the content. */
static bool
has_form(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) * signers;
	CMS_SignerInfo *one;
	X509_ALGOR *digest = NULL;
	const ASN1_OBJECT *name = NULL;
	int nid;

	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed || CMS_is_detached(cms) != 1 ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return false;
	signers = CMS_get0_SignerInfos(cms);
	if (sk_CMS_SignerInfo_num(signers) != 1)
		return false;
	one = sk_CMS_SignerInfo_value(signers, 0);
	CMS_SignerInfo_get0_algs(one, NULL, NULL, &digest, NULL);
	X509_ALGOR_get0(&name, NULL, NULL, digest);
	nid = OBJ_obj2nid(name);
	return CMS_signed_get_attr_count(one) > 0 &&
	       (nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512);
}

/* The attribute signingTime (RFC 5652 11.3), if there is one and it is well formed. */
static void
read_time(CMS_ContentInfo *cms, struct detached_verdict *v)
{
	CMS_SignerInfo *one = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	int at = CMS_signed_get_attr_by_NID(one, NID_pkcs9_signingTime, -1), days, seconds;
	X509_ATTRIBUTE *attribute = at >= 0 ? CMS_signed_get_attr(one, at) : NULL;
	ASN1_TYPE *value = attribute != NULL && X509_ATTRIBUTE_count(attribute) == 1
			       ? X509_ATTRIBUTE_get0_type(attribute, 0)
			       : NULL;
	ASN1_TIME *epoch;

	if (value == NULL || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME))
		return;
	epoch = ASN1_TIME_set(NULL, 0);
	library_must(epoch != NULL, "read a time");
	if (ASN1_TIME_diff(&days, &seconds, epoch, value->value.asn1_string) == 1) {
		v->has_time = true;
		v->signed_at.seconds = (int64_t)days * 86400 + seconds;
	}
	ASN1_TIME_free(epoch);
}

static struct detached_verdict
chain_verdict(int error)
{
	size_t i = 0;

	while (chain_faults[i].error != error && chain_faults[i].error != X509_V_OK)
		i++;
	return chain_faults[i].verdict;
}

static bool
is_signer_for(CMS_ContentInfo *cms, enum detached_use use)
{
	STACK_OF(X509) *signers = CMS_get0_signers(cms);
	bool good = sk_X509_num(signers) == 1 && certificate_is_for(sk_X509_value(signers, 0), use);

	sk_X509_free(signers);
	return good;
}

static bool
check(CMS_ContentInfo *cms, struct bytes content, enum detached_use use, const struct detached_trust *t,
    struct detached_verdict *v)
{
	struct walk w = { use, X509_V_OK, false };
	BIO *from = BIO_new_mem_buf(content.at, (int)content.size);
	bool good;

	library_must(from != NULL && X509_STORE_set_ex_data(t->store, 0, &w) == 1, "check a signature");
	good = CMS_verify(cms, NULL, t->store, from, NULL, CMS_BINARY | CMS_NOCRL) == 1;
	if (!good)
		*v = w.error != X509_V_OK ? chain_verdict(w.error) : mismatch;
	else if (w.other_use || !is_signer_for(cms, use)) {
		*v = wrong_use;
		good = false;
	} else
		read_time(cms, v);
	(void)X509_STORE_set_ex_data(t->store, 0, NULL);
	BIO_free(from);
	return good;
}

bool
detached_check(struct bytes content, struct bytes signature, enum detached_use use,
    const struct detached_trust *t, struct detached_verdict *v)
{
	CMS_ContentInfo *cms;
	bool good = false;

	certificate_start();
	*v = (struct detached_verdict){ 0 };
	cms = read_whole(signature);
	if (cms == NULL || !has_form(cms) || content.size > INT_MAX)
		*v = malformed;
	else
		good = check(cms, content, use, t, v);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return good;
}

static bool
leads_to_ca(X509 *leaf, STACK_OF(X509) * others, const struct detached_trust *t, struct detached_verdict *v)
{
	struct walk w = { DETACHED_DEVICE, X509_V_OK, false };
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool good = false;

	library_must(context != NULL && X509_STORE_set_ex_data(t->store, 0, &w) == 1, "check a certificate");
	if (X509_STORE_CTX_init(context, t->store, leaf, others) != 1 || X509_verify_cert(context) != 1)
		*v = chain_verdict(w.error);
	else if (w.other_use || !certificate_is_for(leaf, DETACHED_DEVICE))
		*v = wrong_use;
	else
		good = true;
	X509_STORE_CTX_free(context);
	(void)X509_STORE_set_ex_data(t->store, 0, NULL);
	return good;
}

bool
detached_certifies(
    struct bytes pem, const struct point *key, const struct detached_trust *t, struct detached_verdict *v)
{
	STACK_OF(X509) * all;
	EVP_PKEY *own;
	struct point p;
	bool good = false;

	certificate_start();
	*v = (struct detached_verdict){ "signature-invalid", "it is not of this device's signing key", false,
		{ 0, 0 } };
	all = certificate_read(pem);
	own = all == NULL ? NULL : X509_get0_pubkey(sk_X509_value(all, 0));
	if (own != NULL && EVP_PKEY_get_base_id(own) == EVP_PKEY_EC && curve_point(own, &p) &&
	    strcmp(p.jkt, key->jkt) == 0)
		good = leads_to_ca(sk_X509_value(all, 0), all, t, v);
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return good;
}
