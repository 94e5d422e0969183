/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_CERTIFICATE_H
#define EHR_CRYPTO_CERTIFICATE_H

#include "common/crypto/detached.h"

#include <openssl/x509.h>

/* certificate: what detached.c and detached_sign.c ask of X.509.  Only common/crypto includes this. */

/* The certificates of PEM in order, NULL if there is none or one does not parse.  The caller frees them. */
STACK_OF(X509) * certificate_read(struct bytes pem);

/* True if C is for USE, for digital signatures, and its key is one that may sign. */
bool certificate_is_for(X509 *c, enum detached_use use);

/* True if C, a CA, does not limit itself to other uses by an extended key usage. */
bool certificate_issues_for(X509 *c, enum detached_use use);

/* The digests of signatures, which OpenSSL looks up by name; library_start() leaves such names out. */
void certificate_start(void);

#endif
