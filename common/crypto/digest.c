/* SPDX-License-Identifier: ISC */
#include "common/crypto/digest.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/library.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

struct digest {
	EVP_MD_CTX *context;
};

struct mac {
	EVP_MAC_CTX *context;
};

static void *
some(void *memory)
{
	if (memory == NULL)
		diag_die(EXIT_IO, "out of memory");
	return memory;
}

static void
begin(EVP_MD_CTX *context)
{
	library_must(EVP_DigestInit_ex2(context, library_sha256(), NULL), "begin a digest");
}

void
digest_sha256(struct bytes text, unsigned char digest[DIGEST_SIZE])
{
	static EVP_MD_CTX *context;

	if (context == NULL)
		context = some(EVP_MD_CTX_new());
	begin(context);
	library_must(EVP_DigestUpdate(context, text.at, text.size), "digest");
	library_must(EVP_DigestFinal_ex(context, digest, NULL), "end a digest");
}

void
digest_hex(struct bytes text, char hex[DIGEST_HEX])
{
	unsigned char digest[DIGEST_SIZE];

	digest_sha256(text, digest);
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	hex[DIGEST_HEX - 1] = '\0';
}

void
digest_text(struct bytes text, char named[DIGEST_TEXT])
{
	static const char name[] = { 's', 'h', 'a', '2', '5', '6', ':' };

	memcpy(named, name, sizeof name);
	digest_hex(text, named + sizeof name);
}

struct digest *
digest_new(void)
{
	struct digest *d = memory_zeros(1, sizeof *d);

	d->context = some(EVP_MD_CTX_new());
	begin(d->context);
	return d;
}

void
digest_add(struct digest *d, struct bytes piece)
{
	library_must(EVP_DigestUpdate(d->context, piece.at, piece.size), "digest");
}

void
digest_end(struct digest *d, unsigned char digest[DIGEST_SIZE])
{
	library_must(EVP_DigestFinal_ex(d->context, digest, NULL), "end a digest");
	begin(d->context);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->context);
	free(d);
}

struct mac *
mac_new(struct bytes key)
{
	char name[] = "SHA2-256";
	OSSL_PARAM with[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end() };
	struct mac *m = memory_zeros(1, sizeof *m);

	m->context = some(EVP_MAC_CTX_new(library_hmac()));
	library_must(
	    EVP_MAC_init(m->context, (const unsigned char *)key.at, key.size, with), "begin a keyed digest");
	return m;
}

void
mac_add(struct mac *m, struct bytes piece)
{
	library_must(EVP_MAC_update(m->context, (const unsigned char *)piece.at, piece.size), "keyed digest");
}

void
mac_end(struct mac *m, unsigned char digest[DIGEST_SIZE])
{
	size_t size;

	library_must(EVP_MAC_final(m->context, digest, &size, DIGEST_SIZE), "end a keyed digest");
	library_must(EVP_MAC_init(m->context, NULL, 0, NULL), "begin a keyed digest");
}

void
mac_free(struct mac *m)
{
	if (m == NULL)
		return;
	EVP_MAC_CTX_free(m->context);
	free(m);
}
