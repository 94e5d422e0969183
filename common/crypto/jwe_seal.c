/* SPDX-License-Identifier: ISC */
/*
 * The record is encrypted in pieces that stay in the processor's cache, and encoded from there into the block
 * of the sink.  So a line of any length needs no memory of its own.
 */
#include "common/crypto/jwe_seal.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"
#include "common/json/json_write.h"
#include "common/line/sealed_line.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

enum {
	WRAPPED_CHARS = BASE64URL_SIZE(WRAPPED_SIZE),
	HEADER_CHARS = BASE64URL_SIZE(SEALED_LINE_HEADER_MOST),
	POOL = 340 * IV_SIZE, /* nonces drawn at once cost 13 ns each, drawn singly 700 */
	PIECE = 48 * 1024,    /* a multiple of the blocks of AES and base64 */
};

struct jwe_seal {
	EVP_CIPHER_CTX *gcm;
	const struct level_key *key; /* NULL: to a recipient */
	struct point to;
	char domain[129];
	enum jwe_seal_kind kind;
	unsigned rekey_lines;
	unsigned lines; /* sealed under this content key */
	struct jwe_seal_fixed fixed;
	char wrapped[WRAPPED_CHARS];
	size_t ivs; /* bytes of the pool that are left */
	unsigned char pool[POOL];
	size_t protected; /* size of the encoded header, at the beginning of aad */
	char aad[HEADER_CHARS + 1 + BASE64URL_SIZE(SEALED_LINE_TAGS_MOST)];
	unsigned char piece[PIECE + TAG_SIZE];
};

/* Where a line goes; one of the two is NULL. */
struct out {
	struct sink *sink;
	struct buffer *buffer;
};

static char *
room(const struct out *out, size_t size)
{
	if (out->buffer == NULL)
		return sink_room(out->sink, size);
	return buffer_reserve(out->buffer, size) ? out->buffer->at + out->buffer->used : NULL;
}

static void
took(const struct out *out, size_t size)
{
	if (out->buffer == NULL)
		sink_took(out->sink, size);
	else
		out->buffer->used += size;
}

static void
wrap(struct jwe_seal *s, const unsigned char kek[KEY_SIZE], const unsigned char cek[CEK_SIZE])
{
	unsigned char wrapped[WRAPPED_SIZE + 8];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int size = 0;

	library_must(context != NULL, "wrap a key");
	EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	library_must(EVP_EncryptInit_ex2(context, library_wrap(), kek, NULL, NULL) == 1 &&
			 EVP_EncryptUpdate(context, wrapped, &size, cek, CEK_SIZE) == 1 &&
			 size == WRAPPED_SIZE,
	    "wrap a key");
	EVP_CIPHER_CTX_free(context);
	(void)base64url_encode(s->wrapped, (struct bytes){ (const char *)wrapped, WRAPPED_SIZE });
}

static bool
write_header(struct jwe_seal *s, struct buffer *to, const struct private_key *ephemeral)
{
	static const char *const content[] = {
		[JWE_LINE] = "json", [JWE_SIGNED] = SEALED_LINE_SIGNED, [JWE_MESSAGE] = "JWT"
	};
	bool message = s->kind == JWE_MESSAGE;
	struct json_write w = json_write_to(to);

	json_write_open(&w, '{');
	json_write_member_word(&w, "alg", bytes_of(s->key != NULL ? "A256KW" : "ECDH-ES+A256KW"));
	json_write_member_word(&w, "enc", (struct bytes)BYTES("A256GCM"));
	json_write_member_word(&w, "typ", bytes_of(message ? "ehr-message" : "ehr-sealed"));
	json_write_member_word(&w, "cty", bytes_of(content[s->kind]));
	json_write_member_word(&w, "kid", bytes_of(s->key != NULL ? s->key->kid : s->to.jkt));
	if (s->key == NULL) {
		json_write_name(&w, "epk");
		point_write(&w, keyref_public(ephemeral));
		json_write_member_base64url(&w, "apu", s->domain, strlen(s->domain));
		json_write_member_base64url(&w, "apv", s->to.jkt, JKT_SIZE);
	}
	json_write_close(&w, '}');
	return json_write_whole(&w);
}

/* Encodes the header, which stays the same under a content key, and puts the dot behind it. */
static void
set_header(struct jwe_seal *s, const struct private_key *ephemeral)
{
	struct buffer text;

	buffer_init(&text, SEALED_LINE_HEADER_MOST);
	if (!write_header(s, &text, ephemeral))
		diag_bug("a header longer than it can be");
	s->protected = base64url_encode(s->aad, buffer_bytes(&text));
	s->aad[s->protected] = '.';
	buffer_release(&text);
}

static bool
agree(struct jwe_seal *s, unsigned char kek[KEY_SIZE])
{
	struct private_key *ephemeral = s->fixed.ephemeral != NULL ? s->fixed.ephemeral : keyref_draw();
	bool good = keyref_agree(ephemeral, &s->to, bytes_of(s->domain), bytes_of(s->to.jkt), kek);

	set_header(s, ephemeral);
	keyref_free(ephemeral);
	s->fixed.ephemeral = NULL;
	return good;
}

static bool
renew(struct jwe_seal *s)
{
	unsigned char *secret = secret_new(CEK_SIZE + KEY_SIZE);
	unsigned char *cek = secret, *kek = secret + CEK_SIZE;
	bool good = true;

	if (s->fixed.cek != NULL)
		memcpy(cek, s->fixed.cek, CEK_SIZE);
	else
		secret_random(cek, CEK_SIZE);
	if (s->key == NULL) {
		good = agree(s, kek);
	} else {
		memcpy(kek, s->key->key, KEY_SIZE);
		set_header(s, NULL);
	}
	wrap(s, kek, cek);
	library_must(EVP_EncryptInit_ex2(s->gcm, library_gcm(), cek, NULL, NULL), "set a content key");
	secret_free(secret, CEK_SIZE + KEY_SIZE);
	s->lines = 0;
	return good;
}

static struct jwe_seal *
new_seal(unsigned rekey_lines, const struct jwe_seal_fixed *fixed)
{
	struct jwe_seal *s = memory_zeros(1, sizeof *s);

	s->rekey_lines = rekey_lines;
	if (fixed != NULL)
		s->fixed = *fixed;
	library_start();
	s->gcm = EVP_CIPHER_CTX_new();
	library_must(s->gcm != NULL, "set a content key");
	return s;
}

struct jwe_seal *
jwe_seal_for_level(const struct level_key *key, unsigned rekey_lines, const struct jwe_seal_fixed *fixed)
{
	struct jwe_seal *s = new_seal(rekey_lines, fixed);

	s->key = key;
	(void)renew(s);
	return s;
}

struct jwe_seal *
jwe_seal_for_recipient(const struct point *to, struct bytes domain, enum jwe_seal_kind kind,
    unsigned rekey_lines, const struct jwe_seal_fixed *fixed)
{
	struct jwe_seal *s = new_seal(rekey_lines, fixed);

	s->to = *to;
	s->kind = kind;
	if (domain.size >= sizeof s->domain)
		diag_bug("a domain that is no word");
	memcpy(s->domain, domain.at, domain.size);
	if (renew(s))
		return s;
	jwe_seal_free(s);
	return NULL;
}

void
jwe_seal_free(struct jwe_seal *s)
{
	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->gcm);
	secret_wipe(s, sizeof *s);
	free(s);
}

static const unsigned char *
next_iv(struct jwe_seal *s)
{
	if (s->fixed.iv != NULL)
		return s->fixed.iv;
	if (s->ivs == 0) {
		public_random(s->pool, POOL);
		s->ivs = POOL;
	}
	s->ivs -= IV_SIZE;
	return s->pool + s->ivs;
}

static char *
copy(char *to, const char *text, size_t size)
{
	memcpy(to, text, size);
	return to + size;
}

#define COPY(to, text) copy((to), (text), sizeof(text) - 1)

/*
 * Writes all before the ciphertext.  The additional data is the encoded header, a dot and the encoded tags
 * (RFC 7516 section 5.1, step 14).
 */
static bool
write_head(struct jwe_seal *s, struct bytes ehr, const struct out *out)
{
	enum { AROUND = 128 };
	const unsigned char *iv = next_iv(s);
	char *start = room(out, ehr.size + s->protected + WRAPPED_CHARS + AROUND), *to = start;
	size_t aad = s->protected + 1;
	int size;

	if (start == NULL)
		return false;
	aad += base64url_encode(s->aad + aad, ehr);
	to = COPY(to, TAGS_LINE_BEGIN);
	to = copy(to, ehr.at, ehr.size);
	to = COPY(to, SEALED_LINE_PROTECTED);
	to = copy(to, s->aad, s->protected);
	to = COPY(to, SEALED_LINE_KEY);
	to = copy(to, s->wrapped, WRAPPED_CHARS);
	to = COPY(to, SEALED_LINE_IV);
	to += base64url_encode(to, (struct bytes){ (const char *)iv, IV_SIZE });
	to = COPY(to, SEALED_LINE_CIPHERTEXT);
	library_must(EVP_EncryptInit_ex2(s->gcm, NULL, NULL, iv, NULL) == 1 &&
			 EVP_EncryptUpdate(s->gcm, NULL, &size, (const unsigned char *)s->aad, (int)aad) == 1,
	    "begin to seal");
	took(out, (size_t)(to - start));
	return true;
}

/*
 * Encrypts SIZE bytes of the padded record into the piece.  Record and padding are joined first, because one
 * call on whole blocks costs less than two that share a block.
 */
static void
encrypt_piece(struct jwe_seal *s, struct bytes record, size_t at, size_t size)
{
	const unsigned char *from = s->piece;
	int n = 0;

	if (at + size <= record.size) {
		from = (const unsigned char *)record.at + at;
	} else {
		size_t part = at < record.size ? record.size - at : 0;

		memcpy(s->piece, record.at + record.size - part, part);
		memset(s->piece + part, ' ', size - part);
		if (at <= record.size)
			s->piece[part] = '\n';
	}
	library_must(
	    EVP_EncryptUpdate(s->gcm, s->piece, &n, from, (int)size) == 1 && (size_t)n == size, "seal");
}

static bool
write_ciphertext(struct jwe_seal *s, struct bytes record, size_t padded, const struct out *out)
{
	for (size_t at = 0; at < padded;) {
		size_t size = padded - at < PIECE ? padded - at : PIECE;
		char *to = room(out, BASE64URL_SIZE(size));

		if (to == NULL)
			return false;
		encrypt_piece(s, record, at, size);
		took(out, base64url_encode(to, (struct bytes){ (const char *)s->piece, size }));
		at += size;
	}
	return true;
}

static bool
write_tail(struct jwe_seal *s, const struct out *out)
{
	enum { TAIL = 48 };
	unsigned char tag[TAG_SIZE], none[TAG_SIZE];
	/* EVP_CIPHER_CTX_ctrl would do the same with more calls. */
	OSSL_PARAM ask[] = { OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, TAG_SIZE),
		OSSL_PARAM_construct_end() };
	char *start = room(out, TAIL), *to = start;
	int size = 0;

	if (start == NULL)
		return false;
	library_must(EVP_EncryptFinal_ex(s->gcm, none, &size) == 1 && size == 0 &&
			 EVP_CIPHER_CTX_get_params(s->gcm, ask) == 1,
	    "end to seal");
	to = COPY(to, SEALED_LINE_TAG);
	to += base64url_encode(to, (struct bytes){ (const char *)tag, TAG_SIZE });
	to = COPY(to, SEALED_LINE_END);
	took(out, (size_t)(to - start));
	return true;
}

static bool
write_line(struct jwe_seal *s, struct bytes ehr, struct bytes record, size_t padded, const struct out *out)
{
	if (ehr.size > SEALED_LINE_TAGS_MOST)
		diag_bug("tags longer than they can be");
	if (s->lines == s->rekey_lines && !renew(s))
		diag_bug("a recipient's key that was good is bad");
	s->lines++;
	return write_head(s, ehr, out) && write_ciphertext(s, record, padded, out) && write_tail(s, out);
}

bool
jwe_seal_line(struct jwe_seal *s, struct bytes ehr, struct bytes record, size_t padded, struct sink *out)
{
	const struct out to = { .sink = out };

	return write_line(s, ehr, record, padded, &to) && sink_put(out, (struct bytes)BYTES("\n"));
}

bool
jwe_seal_message(struct jwe_seal *s, struct bytes ehr, struct bytes text, struct buffer *out)
{
	const struct out to = { .buffer = out };

	return write_line(s, ehr, text, text.size, &to);
}

size_t
jwe_seal_pad_block(size_t size, size_t block)
{
	return (size + block - 1) / block * block;
}

/* Padme (PURBs, PETS 2019): with e = floor(log2 size), e - floor(log2 e) - 1 low bits are cleared. */
size_t
jwe_seal_pad_padme(size_t size)
{
	unsigned e, s;
	size_t mask;

	if (size < 2)
		return size;
	e = 63 - (unsigned)__builtin_clzll(size);
	s = 64 - (e == 0 ? 64 : (unsigned)__builtin_clzll(e));
	mask = ((size_t)1 << (e - s)) - 1;
	return (size + mask) & ~mask;
}
