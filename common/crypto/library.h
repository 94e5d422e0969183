/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_LIBRARY_H
#define EHR_CRYPTO_LIBRARY_H

#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

/*
 * library: OpenSSL as this suite starts it: no configuration file and no module named by the environment
 * changes what it does, and each algorithm is fetched once from its default provider.  For common/crypto
 * alone.
 *
 * Every function here starts the library if it was not; what cannot be had ends the program with EXIT_KEYS.
 */
void library_start(void);

/* Borrowed for the life of the process. */
EVP_MD *library_sha256(void);
EVP_CIPHER *library_gcm(void);  /* AES-256-GCM */
EVP_CIPHER *library_wrap(void); /* AES-256-WRAP, RFC 3394 */
EVP_KDF *library_sskdf(void);   /* the one-step KDF that JOSE calls Concat KDF */

/* Ends the program with EXIT_KEYS unless RESULT is 1; WHAT names the operation, never OpenSSL's own text. */
void library_must(int result, const char *what);

#endif
