/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwe_open.h"

#include "common/base/base64url.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"

#include <limits.h>
#include <stdlib.h>

enum { CACHE = 64, APU_MOST = 256 };

/* Everything from which a content key was computed. */
struct cek_name {
	unsigned index;
	unsigned char epk[2 * KEY_SIZE];
	unsigned char wrapped[WRAPPED_SIZE];
	size_t apu_size;
	char apu[APU_MOST];
};

struct cached_cek {
	struct cek_name name;
	EVP_CIPHER_CTX *gcm;
	uint64_t used;
};

struct jwe_open {
	struct cached_cek cache[CACHE];
	uint64_t clock;
	struct cached_cek *last;
	EVP_CIPHER_CTX *wrap;
	char *plain; /* secret memory */
	size_t room;
	char aad[BASE64URL_SIZE(SEALED_LINE_HEADER_MOST) + 1 + BASE64URL_SIZE(SEALED_LINE_TAGS_MOST)];
};

struct jwe_open *
jwe_open_new(void)
{
	struct jwe_open *o = memory_zeros(1, sizeof *o);

	library_start();
	o->wrap = EVP_CIPHER_CTX_new();
	library_must(o->wrap != NULL, "open a key");
	EVP_CIPHER_CTX_set_flags(o->wrap, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return o;
}

void
jwe_open_free(struct jwe_open *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < CACHE; i++)
		EVP_CIPHER_CTX_free(o->cache[i].gcm);
	EVP_CIPHER_CTX_free(o->wrap);
	secret_free(o->plain, o->room);
	free(o);
}

static bool
same_name(const struct cek_name *a, const struct cek_name *b)
{
	return a->index == b->index && memcmp(a->wrapped, b->wrapped, WRAPPED_SIZE) == 0 &&
	       memcmp(a->epk, b->epk, sizeof a->epk) == 0 && a->apu_size == b->apu_size &&
	       memcmp(a->apu, b->apu, a->apu_size) == 0;
}

static EVP_CIPHER_CTX *
find(struct jwe_open *o, const struct cek_name *name)
{
	struct cached_cek *e = o->last;

	if (e == NULL || !same_name(&e->name, name)) {
		for (e = o->cache; e < o->cache + CACHE; e++)
			if (e->gcm != NULL && same_name(&e->name, name))
				break;
		if (e == o->cache + CACHE)
			return NULL;
	}
	o->last = e;
	e->used = ++o->clock;
	return e->gcm;
}

/* Replaces the content key that was unused for longest. */
static EVP_CIPHER_CTX *
keep(struct jwe_open *o, const struct cek_name *name, const unsigned char cek[CEK_SIZE])
{
	struct cached_cek *e = o->cache;

	for (size_t i = 1; i < CACHE; i++)
		if (o->cache[i].used < e->used)
			e = &o->cache[i];
	if (e->gcm == NULL)
		e->gcm = EVP_CIPHER_CTX_new();
	library_must(e->gcm != NULL && EVP_DecryptInit_ex2(e->gcm, library_gcm(), cek, NULL, NULL) == 1,
	    "set a content key");
	e->name = *name;
	e->used = ++o->clock;
	o->last = e;
	return e->gcm;
}

static bool
unwrap(struct jwe_open *o, const unsigned char kek[KEY_SIZE], const struct cek_name *name,
    unsigned char cek[CEK_SIZE])
{
	unsigned char out[WRAPPED_SIZE + 8];
	int size = 0;
	bool good = EVP_DecryptInit_ex2(o->wrap, library_wrap(), kek, NULL, NULL) == 1 &&
		    EVP_DecryptUpdate(o->wrap, out, &size, name->wrapped, WRAPPED_SIZE) == 1 &&
		    size == CEK_SIZE;

	if (good)
		memcpy(cek, out, CEK_SIZE);
	secret_wipe(out, sizeof out);
	return good;
}

static EVP_CIPHER_CTX *
unwrap_and_keep(struct jwe_open *o, const unsigned char kek[KEY_SIZE], const struct cek_name *name)
{
	unsigned char cek[CEK_SIZE];
	EVP_CIPHER_CTX *gcm = unwrap(o, kek, name, cek) ? keep(o, name, cek) : NULL;

	secret_wipe(cek, sizeof cek);
	return gcm;
}

static void
want_room(struct jwe_open *o, size_t size)
{
	size_t want = o->room == 0 ? 4096 : o->room;

	if (size <= o->room)
		return;
	while (want < size)
		want *= 2;
	secret_free(o->plain, o->room);
	o->plain = secret_new(want);
	o->room = want;
}

static bool
decode_exactly(unsigned char *to, size_t size, struct bytes text)
{
	size_t got;

	return text.size == BASE64URL_SIZE(size) && base64url_decode(to, &got, text);
}

/* The additional data of S (see sealed_line.h), in O if it is no part of the line. */
static struct bytes
additional_data(struct jwe_open *o, const struct sealed_line *s)
{
	const struct bytes text = s->protected_text;

	if (s->tags_twice)
		return text;
	if (text.size + 1 + BASE64URL_SIZE(s->ehr.size) > sizeof o->aad)
		diag_bug("a header or tags longer than they can be");
	memcpy(o->aad, text.at, text.size);
	o->aad[text.size] = '.';
	return (struct bytes){ o->aad, text.size + 1 + base64url_encode(o->aad + text.size + 1, s->ehr) };
}

/* Decrypts in place, and wipes the plaintext if the tag does not match. */
static bool
decrypt(struct jwe_open *o, EVP_CIPHER_CTX *gcm, const struct sealed_line *s, struct bytes *plaintext)
{
	unsigned char iv[IV_SIZE], tag[TAG_SIZE], none[TAG_SIZE];
	const struct bytes aad = additional_data(o, s);
	unsigned char *text;
	size_t size;
	int n, more;

	want_room(o, BASE64URL_BYTES(s->ciphertext.size) + JSON_SLACK);
	text = (unsigned char *)o->plain;
	if (!base64url_decode(text, &size, s->ciphertext) || size > INT_MAX ||
	    !decode_exactly(iv, IV_SIZE, s->iv) || !decode_exactly(tag, TAG_SIZE, s->tag))
		return false;
	if (EVP_DecryptInit_ex2(gcm, NULL, NULL, iv, NULL) != 1 ||
	    EVP_DecryptUpdate(gcm, NULL, &n, (const unsigned char *)aad.at, (int)aad.size) != 1 ||
	    EVP_DecryptUpdate(gcm, text, &n, text, (int)size) != 1 ||
	    EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
	    EVP_DecryptFinal_ex(gcm, none, &more) != 1) {
		secret_wipe(text, size);
		return false;
	}
	memset(text + size, 0, JSON_SLACK);
	*plaintext = (struct bytes){ o->plain, size };
	return true;
}

static bool
name_of(struct cek_name *name, const struct sealed_line *s, unsigned index)
{
	*name = (struct cek_name){ .index = index };
	return decode_exactly(name->wrapped, WRAPPED_SIZE, s->encrypted_key);
}

bool
jwe_open_by_level(struct jwe_open *o, const struct sealed_line *s, unsigned index,
    const struct level_key *key, struct bytes *plaintext)
{
	struct cek_name name;
	EVP_CIPHER_CTX *gcm;

	if (!name_of(&name, s, index))
		return false;
	gcm = find(o, &name);
	if (gcm == NULL)
		gcm = unwrap_and_keep(o, key->key, &name);
	return gcm != NULL && decrypt(o, gcm, s, plaintext);
}

static EVP_CIPHER_CTX *
agree(struct jwe_open *o, struct private_key *key, const struct point *epk, const struct cek_name *name)
{
	unsigned char kek[KEY_SIZE];
	EVP_CIPHER_CTX *gcm = NULL;

	if (keyref_agree(key, epk, (struct bytes){ name->apu, name->apu_size },
		bytes_of(keyref_public(key)->jkt), kek))
		gcm = unwrap_and_keep(o, kek, name);
	secret_wipe(kek, sizeof kek);
	return gcm;
}

bool
jwe_open_by_private(struct jwe_open *o, const struct sealed_line *s, const struct json *header,
    unsigned index, struct private_key *key, struct bytes *plaintext)
{
	struct point epk;
	struct cek_name name;
	EVP_CIPHER_CTX *gcm;

	if (!name_of(&name, s, index) || !point_read(&epk, header, s->epk, POINT_BARE) ||
	    BASE64URL_BYTES(s->apu.size) > APU_MOST || !base64url_decode(name.apu, &name.apu_size, s->apu))
		return false;
	memcpy(name.epk, epk.x, KEY_SIZE);
	memcpy(name.epk + KEY_SIZE, epk.y, KEY_SIZE);
	gcm = find(o, &name);
	if (gcm == NULL)
		gcm = agree(o, key, &epk, &name);
	return gcm != NULL && decrypt(o, gcm, s, plaintext);
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
