/* SPDX-License-Identifier: ISC */
#include "common/crypto/library.h"

#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

enum { LOCKED_LEAST = 1 << 16, LOCKED_MOST = 1 << 22, SMALLEST_LOCKED = 32 };

void
library_must(int result, const char *what)
{
	if (result != 1)
		diag_die(EXIT_KEYS, "cryptography failed: %s", what);
}

/*
 * OpenSSL 3.0 crashes if an allocation fails while it starts, because it then locks a lock that does not
 * exist.  With these three, out of memory ends the program before that.
 */
static void *
take(size_t size, const char *file, int line)
{
	void *at = size > 0 ? malloc(size) : NULL;

	(void)file;
	(void)line;
	if (at == NULL && size > 0)
		memory_missing(size);
	return at;
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
		memory_missing(size);
	return at;
}

/* Runs before main: OpenSSL accepts them only before its first allocation. */
__attribute__((constructor)) static void
give_memory(void)
{
	(void)CRYPTO_set_mem_functions(take, retake, give);
}

static OSSL_PROVIDER *provider;
static bool locked;
static pid_t locker; /* the process that holds the lock */

static void
unload(void)
{
	(void)OSSL_PROVIDER_unload(provider);
}

/*
 * How much memory to lock: a power of two, as OpenSSL wants, within what the system allows a process.  A
 * page is locked when it is used, so a large heap costs a small program nothing.
 */
static size_t
locked_size(void)
{
	struct rlimit most;
	size_t size = LOCKED_LEAST;

	if (getrlimit(RLIMIT_MEMLOCK, &most) != 0)
		return size;
	while (size < LOCKED_MOST && size * 2 <= most.rlim_cur)
		size *= 2;
	return size;
}

void
library_start(void)
{
	static bool started;
	static const uint64_t less = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
				     OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS;

	if (started)
		return;
	started = true;
	/*
	 * Without NO_ADD_ALL, OpenSSL first enters the names of all algorithms of older releases, which takes
	 * 0.4 ms.  An algorithm of the provider is found without them.  Without NO_LOAD_CRYPTO_STRINGS it
	 * enters the texts of its errors, which nothing here shows.
	 */
	library_must(OPENSSL_init_crypto(less, NULL), "start");
	(void)unsetenv("OPENSSL_MODULES");
	(void)unsetenv("OPENSSL_ENGINES");
	/* A default provider that is not loaded by name vanishes when another one is loaded. */
	provider = OSSL_PROVIDER_load(NULL, "default");
	library_must(provider != NULL && atexit(unload) == 0, "load the default provider");
	locked = CRYPTO_secure_malloc_init(locked_size(), SMALLEST_LOCKED) == 1;
	locker = getpid();
}

/*
 * OpenSSL does not say where its secret memory begins and ends, but of each address whether it lies there.
 * As at the start, a page is locked when it is used.
 */
bool
library_lock_again(const void *at)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)at / page * page, to = from;

	if (locker == getpid() || !locked)
		return locked;
	while (CRYPTO_secure_allocated((const void *)(from - page)))
		from -= page;
	while (CRYPTO_secure_allocated((const void *)to))
		to += page;
	locker = getpid();
	locked = mlock2((const void *)from, to - from, MLOCK_ONFAULT) == 0;
	return locked;
}

bool
library_locks_memory(void)
{
	library_start();
	return locked;
}

EVP_MD *
library_sha256(void)
{
	static EVP_MD *md;

	if (md == NULL) {
		library_start();
		md = EVP_MD_fetch(NULL, "SHA2-256", LIBRARY_PROVIDER);
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
		gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", LIBRARY_PROVIDER);
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
		wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", LIBRARY_PROVIDER);
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
		kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_SSKDF, LIBRARY_PROVIDER);
		library_must(kdf != NULL, "fetch SSKDF");
	}
	return kdf;
}
