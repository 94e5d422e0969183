/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_LIBRARY_H
#define EHR_CRYPTO_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

/*
 * library: OpenSSL, started the same way everywhere.  It reads no configuration file, loads no module named
 * by the environment, and takes each algorithm once from its default provider; digest.c alone uses SHA-256
 * without one.  Only common/crypto includes this.
 *
 * Every function here starts the library if it is not started yet.  If OpenSSL fails, the program ends with
 * EXIT_KEYS.
 */
void library_start(void);

/* The property query by which every algorithm is fetched. */
#define LIBRARY_PROVIDER "provider=default"

/* Bytes of a content key, of the same wrapped (RFC 3394), and of a nonce and a tag of GCM. */
enum { CEK_SIZE = 32, WRAPPED_SIZE = 40, IV_SIZE = 12, TAG_SIZE = 16 };

/* Whether secret memory is locked, that is, never swapped to disk. */
bool library_locks_memory(void);

/*
 * A process that was forked has the secret memory and no lock on it: locks it anew.  AT is secret memory.
 * Does so once a process, and not where the library was started.  False if it cannot be locked.
 */
bool library_lock_again(const void *at);

/* Borrowed for the life of the process. */
EVP_MD *library_sha256(void);   /* for HMAC */
EVP_CIPHER *library_gcm(void);  /* AES-256-GCM */
EVP_CIPHER *library_wrap(void); /* AES-256-WRAP, RFC 3394 */
EVP_KDF *library_sskdf(void);   /* the one-step KDF that JOSE calls Concat KDF */

/* Ends the program with EXIT_KEYS unless RESULT is 1.  The message names WHAT, never OpenSSL's own text. */
void library_must(int result, const char *what);

#endif
