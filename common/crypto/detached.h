/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_DETACHED_H
#define EHR_CRYPTO_DETACHED_H

#include "common/base/buffer.h"
#include "common/base/clock.h"

#include <stdbool.h>

/*
 * detached: signatures in a file beside what they sign: CMS SignedData (RFC 5652) in DER, without the
 * content.  One check serves policies, programs and manifests.  A signature holds if all of this is so:
 *
 *	it is one SignedData over plain data, detached, with nothing behind it;
 *	it has one signer, signed attributes, and SHA-256, SHA-384 or SHA-512;
 *	the signer's certificate leads to a CA of the caller, strictly as RFC 5280 says, and is valid now;
 *	the revocation lists of the caller, if there are any, do not name a certificate of that chain;
 *	the certificate is for this use (extended key usage) and for signatures (key usage), and no CA of the
 *	chain limits itself to other uses;
 *	its key is on P-256, or RSA of 3,072 bits or more.
 *
 * Revocation lists inside the signature do not count: a revoked signer would bring an older one along.
 */
enum detached_use {
	DETACHED_CODE,   /* codeSigning: policies and programs */
	DETACHED_MAIL,   /* emailProtection: manifests.  A host that seals cannot sign code. */
	DETACHED_DEVICE, /* clientAuth, or none said: a device's signing key (detached_certifies) */
};

/* Whom a caller trusts.  Begins with {.now = ...}; detached_release() frees what is read. */
struct detached_trust {
	struct instant now;
	struct x509_store_st *store; /* OpenSSL's; NULL before the first text is read */
};

/*
 * Read certificates of CAs, of which there must be one, and revocation lists, by which revocation is asked
 * from then on.  False if PEM holds none, or one that does not parse; T is as before then.
 */
bool detached_read_ca(struct detached_trust *t, struct bytes pem);
bool detached_read_crl(struct detached_trust *t, struct bytes pem);
void detached_release(struct detached_trust *t);

struct detached_verdict {
	const char *reason; /* a word that stays, as signature-invalid */
	const char *text;   /* what is wrong and what helps, a constant */
	bool has_time;
	struct instant signed_at; /* the signer's word, no proof */
};

/* False: V says why.  Both texts of V are constants. */
bool detached_check(struct bytes content, struct bytes signature, enum detached_use use,
    const struct detached_trust *t, struct detached_verdict *v);

/*
 * Whether the first certificate of PEM is of KEY and holds by the same rules; those behind it lead to the CA.
 * False: V says why.
 */
struct point;
bool detached_certifies(
    struct bytes pem, const struct point *key, const struct detached_trust *t, struct detached_verdict *v);

#endif
