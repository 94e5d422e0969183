/* SPDX-License-Identifier: ISC */
/*
 * SHA256_* and not EVP: OpenSSL 3.0 deprecates them, but they need no provider.  Fetching SHA-256 from a
 * provider takes 0.8 ms, an eighth of the start of a program that needs no other algorithm.  HMAC_CTX is
 * deprecated, too, but EVP_MAC makes the digest of a short text a fifth slower.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/crypto/digest.h"

#include "common/base/memory.h"
#include "common/crypto/library.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/hmac.h>
#include <openssl/sha.h>

struct digest {
	SHA256_CTX context;
};

enum { GATHERED = 4096, RECALLED = 128, RECALL_BITS = 6, RECALLS = 1 << RECALL_BITS };

/* A short text and its digest; size 0 if there is none. */
struct recall {
	size_t size;
	char text[RECALLED];
	unsigned char digest[DIGEST_SIZE];
};

/*
 * Short pieces are gathered, because a call of OpenSSL costs more than their digest.  Short texts are
 * remembered by their last bytes, because the same subject comes in record after record.
 */
struct mac {
	HMAC_CTX *context;
	bool begun; /* OpenSSL has the beginning of the text */
	size_t used;
	char text[GATHERED];
	struct recall recall[RECALLS];
};

static void
begin(SHA256_CTX *context)
{
	library_must(SHA256_Init(context), "begin a digest");
}

static void
add(SHA256_CTX *context, const void *at, size_t size)
{
	library_must(SHA256_Update(context, at, size), "digest");
}

static void
end(SHA256_CTX *context, unsigned char digest[DIGEST_SIZE])
{
	library_must(SHA256_Final(digest, context), "end a digest");
}

void
digest_sha256(struct bytes text, unsigned char digest[DIGEST_SIZE])
{
	SHA256_CTX context;

	begin(&context);
	add(&context, text.at, text.size);
	end(&context, digest);
}

static void
put_hex(const unsigned char digest[DIGEST_SIZE], char hex[DIGEST_HEX])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	hex[DIGEST_HEX - 1] = '\0';
}

void
digest_hex(struct bytes text, char hex[DIGEST_HEX])
{
	unsigned char digest[DIGEST_SIZE];

	digest_sha256(text, digest);
	put_hex(digest, hex);
}

/* The name of the algorithm; where the hex belongs. */
static char *
put_name(char named[DIGEST_TEXT])
{
	static const char name[] = { 's', 'h', 'a', '2', '5', '6', ':' };

	memcpy(named, name, sizeof name);
	return named + sizeof name;
}

void
digest_text(struct bytes text, char named[DIGEST_TEXT])
{
	digest_hex(text, put_name(named));
}

struct digest *
digest_new(void)
{
	struct digest *d = memory_zeros(1, sizeof *d);

	begin(&d->context);
	return d;
}

void
digest_add(struct digest *d, struct bytes piece)
{
	add(&d->context, piece.at, piece.size);
}

void
digest_end(struct digest *d, unsigned char digest[DIGEST_SIZE])
{
	end(&d->context, digest);
	begin(&d->context);
}

void
digest_end_text(struct digest *d, char named[DIGEST_TEXT])
{
	unsigned char digest[DIGEST_SIZE];

	digest_end(d, digest);
	put_hex(digest, put_name(named));
}

void
digest_free(struct digest *d)
{
	free(d);
}

struct mac *
mac_new(struct bytes key)
{
	struct mac *m = memory_zeros(1, sizeof *m);

	library_must(key.size <= INT_MAX, "take a key");
	m->context = HMAC_CTX_new();
	if (m->context == NULL)
		memory_missing(0);
	library_must(
	    HMAC_Init_ex(m->context, key.at, (int)key.size, library_sha256(), NULL), "begin a keyed digest");
	return m;
}

static void
hand_on(struct mac *m, struct bytes piece)
{
	m->begun = true;
	library_must(HMAC_Update(m->context, (const unsigned char *)piece.at, piece.size), "keyed digest");
}

static void
flush(struct mac *m)
{
	hand_on(m, (struct bytes){ m->text, m->used });
	m->used = 0;
}

void
mac_add(struct mac *m, struct bytes piece)
{
	if (piece.size > GATHERED - m->used)
		flush(m);
	if (piece.size > GATHERED) {
		hand_on(m, piece);
		return;
	}
	if (piece.size > 0)
		memcpy(m->text + m->used, piece.at, piece.size);
	m->used += piece.size;
}

/* NULL if the text is too short or too long to be remembered. */
static struct recall *
place_of(struct mac *m)
{
	uint64_t end;

	if (m->begun || m->used > RECALLED || m->used < sizeof end)
		return NULL;
	memcpy(&end, m->text + m->used - sizeof end, sizeof end);
	return &m->recall[(end * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - RECALL_BITS)];
}

void
mac_end(struct mac *m, unsigned char digest[DIGEST_SIZE])
{
	struct recall *r = place_of(m);

	if (r != NULL && r->size == m->used && memcmp(r->text, m->text, m->used) == 0) {
		memcpy(digest, r->digest, DIGEST_SIZE);
		m->used = 0;
		return;
	}
	if (r != NULL) {
		r->size = m->used;
		memcpy(r->text, m->text, m->used);
	}
	flush(m);
	library_must(HMAC_Final(m->context, digest, NULL), "end a keyed digest");
	library_must(HMAC_Init_ex(m->context, NULL, 0, NULL, NULL), "begin a keyed digest");
	m->begun = false;
	if (r != NULL)
		memcpy(r->digest, digest, DIGEST_SIZE);
}

void
mac_free(struct mac *m)
{
	if (m == NULL)
		return;
	HMAC_CTX_free(m->context);
	free(m);
}
