/* SPDX-License-Identifier: ISC */
#include "common/crypto/secret.h"

#include "common/base/memory.h"
#include "common/crypto/library.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

bool
secret_is_locked(void)
{
	return library_locks_memory();
}

static bool fell_short;

bool
secret_fell_short(void)
{
	return fell_short;
}

void *
secret_new(size_t size)
{
	void *at;

	library_start();
	at = OPENSSL_secure_zalloc(size > 0 ? size : 1);
	if (at != NULL && CRYPTO_secure_allocated(at) && !library_lock_again(at))
		fell_short = true;
	if (at == NULL) {
		fell_short = true;
		at = OPENSSL_zalloc(size > 0 ? size : 1);
	}
	if (at == NULL)
		memory_missing(size);
	return at;
}

void
secret_free(void *secret, size_t size)
{
	if (secret == NULL)
		return;
	if (CRYPTO_secure_allocated(secret))
		OPENSSL_secure_clear_free(secret, size);
	else
		OPENSSL_clear_free(secret, size);
}

void
secret_wipe(void *at, size_t size)
{
	OPENSSL_cleanse(at, size);
}

bool
secret_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && CRYPTO_memcmp(a.at, b.at, a.size) == 0;
}

void
secret_random(void *key, size_t size)
{
	library_start();
	library_must(size <= INT_MAX && RAND_priv_bytes(key, (int)size) == 1, "draw a key");
}

void
public_random(void *at, size_t size)
{
	library_start();
	library_must(size <= INT_MAX && RAND_bytes(at, (int)size) == 1, "draw random bytes");
}
