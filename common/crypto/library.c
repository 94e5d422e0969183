/* SPDX-License-Identifier: ISC */
#include "common/crypto/library.h"

#include "common/base/diag.h"
#include "common/crypto/secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#define FROM_DEFAULT "provider=default"

void
library_must(int result, const char *what)
{
	if (result != 1)
		diag_die(EXIT_KEYS, "cryptography failed: %s", what);
}

/*
 * OpenSSL's memory comes through these: 3.0 does not survive a failed allocation while it starts (it locks a
 * lock that is not there), and out of memory ends a program in one way here.
 */
/* At once: what OpenSSL would do at exit waits for locks that it may hold now. */
static void *
out_of_memory(size_t size)
{
	diag_warn("out of memory (%zu bytes wanted)", size);
	_exit(EXIT_IO);
}

static void *
take(size_t size, const char *file, int line)
{
	void *at = size > 0 ? malloc(size) : NULL;

	(void)file;
	(void)line;
	return at != NULL || size == 0 ? at : out_of_memory(size);
}

static void
give(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	free(at);
}

static void *
retake(void *old, size_t size, const char *file, int line)
{
	if (size == 0) {
		give(old, file, line);
		return NULL;
	}
	void *at = realloc(old, size);
	if (at == NULL)
		return out_of_memory(size);
	return at;
}

/* Before main, since OpenSSL takes them only before its first allocation, wherever that is. */
__attribute__((constructor)) static void
give_memory(void)
{
	(void)CRYPTO_set_mem_functions(take, retake, give);
}

static OSSL_PROVIDER *provider;

static void
unload(void)
{
	(void)OSSL_PROVIDER_unload(provider);
}

void
library_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	library_must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL), "start");
	(void)unsetenv("OPENSSL_MODULES");
	(void)unsetenv("OPENSSL_ENGINES");
	/* explicitly, or it vanishes when another one is loaded */
	provider = OSSL_PROVIDER_load(NULL, "default");
	library_must(provider != NULL && atexit(unload) == 0, "load the default provider");
	secret_start();
}

EVP_MD *
library_sha256(void)
{
	static EVP_MD *md;

	if (md == NULL) {
		library_start();
		md = EVP_MD_fetch(NULL, "SHA2-256", FROM_DEFAULT);
		library_must(md != NULL, "fetch SHA-256");
	}
	return md;
}

EVP_CIPHER *
library_gcm(void)
{
	static EVP_CIPHER *gcm;

	if (gcm == NULL) {
		library_start();
		gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", FROM_DEFAULT);
		library_must(gcm != NULL, "fetch AES-256-GCM");
	}
	return gcm;
}

EVP_CIPHER *
library_wrap(void)
{
	static EVP_CIPHER *wrap;

	if (wrap == NULL) {
		library_start();
		wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", FROM_DEFAULT);
		library_must(wrap != NULL, "fetch AES-256-WRAP");
	}
	return wrap;
}

EVP_KDF *
library_sskdf(void)
{
	static EVP_KDF *kdf;

	if (kdf == NULL) {
		library_start();
		kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_SSKDF, FROM_DEFAULT);
		library_must(kdf != NULL, "fetch SSKDF");
	}
	return kdf;
}
