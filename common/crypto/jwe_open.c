/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwe_open.h"

#include "common/base/base64url.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"

#include <limits.h>
#include <stdlib.h>

enum { CEK_SIZE = 32, WRAPPED_SIZE = 40, IV_SIZE = 12, TAG_SIZE = 16, CACHE = 64, APU_MOST = 256 };

/* What names a content key: all that went into finding it. */
struct name {
	unsigned index;
	unsigned char epk[2 * KEY_SIZE];
	unsigned char wrapped[WRAPPED_SIZE];
	size_t apu_size;
	char apu[APU_MOST];
};

struct entry {
	struct name name;
	EVP_CIPHER_CTX *gcm; /* keyed */
	uint64_t used;
};

struct jwe_open {
	struct entry cache[CACHE];
	uint64_t clock;
	struct entry *last;
	EVP_CIPHER_CTX *wrap;
	char *plain; /* secret memory */
	size_t room;
};

struct jwe_open *
jwe_open_new(void)
{
	struct jwe_open *u = memory_zeros(1, sizeof *u);

	library_start();
	u->wrap = EVP_CIPHER_CTX_new();
	library_must(u->wrap != NULL, "open a key");
	EVP_CIPHER_CTX_set_flags(u->wrap, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return u;
}

void
jwe_open_free(struct jwe_open *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < CACHE; i++)
		EVP_CIPHER_CTX_free(u->cache[i].gcm);
	EVP_CIPHER_CTX_free(u->wrap);
	secret_free(u->plain, u->room);
	free(u);
}

/* ---- content keys ---------------------------------------------------------------------------- */

static bool
same_name(const struct name *a, const struct name *b)
{
	return a->index == b->index && memcmp(a->wrapped, b->wrapped, WRAPPED_SIZE) == 0 &&
	       memcmp(a->epk, b->epk, sizeof a->epk) == 0 && a->apu_size == b->apu_size &&
	       memcmp(a->apu, b->apu, a->apu_size) == 0;
}

static EVP_CIPHER_CTX *
find(struct jwe_open *u, const struct name *name)
{
	struct entry *e = u->last;

	if (e == NULL || !same_name(&e->name, name)) {
		for (e = u->cache; e < u->cache + CACHE; e++)
			if (e->gcm != NULL && same_name(&e->name, name))
				break;
		if (e == u->cache + CACHE)
			return NULL;
	}
	u->last = e;
	e->used = ++u->clock;
	return e->gcm;
}

/* Takes the place of the one that was not used for the longest time. */
static EVP_CIPHER_CTX *
keep(struct jwe_open *u, const struct name *name, const unsigned char cek[CEK_SIZE])
{
	struct entry *e = u->cache;

	for (size_t i = 1; i < CACHE; i++)
		if (u->cache[i].used < e->used)
			e = &u->cache[i];
	if (e->gcm == NULL)
		e->gcm = EVP_CIPHER_CTX_new();
	library_must(e->gcm != NULL && EVP_DecryptInit_ex2(e->gcm, library_gcm(), cek, NULL, NULL) == 1,
	    "set a content key");
	e->name = *name;
	e->used = ++u->clock;
	u->last = e;
	return e->gcm;
}

static bool
unwrap(struct jwe_open *u, const unsigned char kek[KEY_SIZE], const struct name *name,
    unsigned char cek[CEK_SIZE])
{
	unsigned char out[WRAPPED_SIZE + 8];
	int size = 0;
	bool good = EVP_DecryptInit_ex2(u->wrap, library_wrap(), kek, NULL, NULL) == 1 &&
		    EVP_DecryptUpdate(u->wrap, out, &size, name->wrapped, WRAPPED_SIZE) == 1 &&
		    size == CEK_SIZE;

	if (good)
		memcpy(cek, out, CEK_SIZE);
	secret_wipe(out, sizeof out);
	return good;
}

static EVP_CIPHER_CTX *
unwrap_and_keep(struct jwe_open *u, const unsigned char kek[KEY_SIZE], const struct name *name)
{
	unsigned char cek[CEK_SIZE];
	EVP_CIPHER_CTX *gcm = unwrap(u, kek, name, cek) ? keep(u, name, cek) : NULL;

	secret_wipe(cek, sizeof cek);
	return gcm;
}

/* ---- lines -------------------------------------------------------------------------------------- */

static void
want_room(struct jwe_open *u, size_t size)
{
	size_t want = u->room == 0 ? 65536 : u->room;

	if (size <= u->room)
		return;
	while (want < size)
		want *= 2;
	secret_free(u->plain, u->room);
	u->plain = secret_new(want);
	u->room = want;
}

static bool
decode_exactly(unsigned char *to, size_t size, struct bytes text)
{
	size_t got;

	return text.size == BASE64URL_SIZE(size) && base64url_decode(to, &got, text);
}

/* The ciphertext is decoded and decrypted in one place, which nobody sees before the tag has held. */
static bool
decrypt(struct jwe_open *u, EVP_CIPHER_CTX *gcm, const struct sealed_line *s, struct bytes *plaintext)
{
	unsigned char iv[IV_SIZE], tag[TAG_SIZE], none[TAG_SIZE];
	unsigned char *text;
	size_t size;
	int n, more;

	want_room(u, BASE64URL_BYTES(s->ciphertext.size) + JSON_SLACK);
	text = (unsigned char *)u->plain;
	if (!base64url_decode(text, &size, s->ciphertext) || size > INT_MAX ||
	    !decode_exactly(iv, IV_SIZE, s->iv) || !decode_exactly(tag, TAG_SIZE, s->tag))
		return false;
	if (EVP_DecryptInit_ex2(gcm, NULL, NULL, iv, NULL) != 1 ||
	    EVP_DecryptUpdate(gcm, NULL, &n, (const unsigned char *)s->protected_text.at,
		(int)s->protected_text.size) != 1 ||
	    EVP_DecryptUpdate(gcm, text, &n, text, (int)size) != 1 ||
	    EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
	    EVP_DecryptFinal_ex(gcm, none, &more) != 1) {
		secret_wipe(text, size);
		return false;
	}
	memset(text + size, 0, JSON_SLACK);
	*plaintext = (struct bytes){ u->plain, size };
	return true;
}

static bool
name_of(struct name *name, const struct sealed_line *s, unsigned index)
{
	*name = (struct name){ .index = index };
	return decode_exactly(name->wrapped, WRAPPED_SIZE, s->encrypted_key);
}

bool
jwe_open_by_level(struct jwe_open *u, const struct sealed_line *s, unsigned index,
    const struct level_key *key, struct bytes *plaintext)
{
	struct name name;
	EVP_CIPHER_CTX *gcm;

	if (!name_of(&name, s, index))
		return false;
	gcm = find(u, &name);
	if (gcm == NULL)
		gcm = unwrap_and_keep(u, key->key, &name);
	return gcm != NULL && decrypt(u, gcm, s, plaintext);
}

static EVP_CIPHER_CTX *
agree(struct jwe_open *u, struct private_key *key, const struct point *epk, const struct name *name)
{
	unsigned char kek[KEY_SIZE];
	EVP_CIPHER_CTX *gcm = NULL;

	if (keyref_agree(key, epk, (struct bytes){ name->apu, name->apu_size },
		bytes_of(keyref_public(key)->jkt), kek))
		gcm = unwrap_and_keep(u, kek, name);
	secret_wipe(kek, sizeof kek);
	return gcm;
}

bool
jwe_open_by_private(struct jwe_open *u, const struct sealed_line *s, const struct json *header,
    unsigned index, struct private_key *key, struct bytes *plaintext)
{
	struct point epk;
	struct name name;
	EVP_CIPHER_CTX *gcm;

	if (!name_of(&name, s, index) || !point_read(&epk, header, s->epk, POINT_BARE) ||
	    BASE64URL_BYTES(s->apu.size) > APU_MOST || !base64url_decode(name.apu, &name.apu_size, s->apu))
		return false;
	memcpy(name.epk, epk.x, KEY_SIZE);
	memcpy(name.epk + KEY_SIZE, epk.y, KEY_SIZE);
	gcm = find(u, &name);
	if (gcm == NULL)
		gcm = agree(u, key, &epk, &name);
	return gcm != NULL && decrypt(u, gcm, s, plaintext);
}

bool
jwe_open_unpad(struct bytes *plaintext)
{
	const char *end = plaintext->at + plaintext->size;
	const char *lf = memchr(plaintext->at, '\n', plaintext->size);

	if (lf == NULL)
		return true;
	for (const char *c = lf + 1; c < end; c++)
		if (*c != ' ')
			return false;
	plaintext->size = (size_t)(lf - plaintext->at);
	return true;
}
