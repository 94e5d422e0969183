/* SPDX-License-Identifier: ISC */
#include "common/crypto/jws_sign.h"

#include "common/base/base64url.h"
#include "common/json/json_write.h"

enum { HEADER_MOST = 1024 };

static bool
write_header(struct buffer *to, const struct private_key *key, const char *typ, bool embed)
{
	const struct point *p = keyref_public(key);
	struct json_write w = json_write_to(to);

	json_write_open(&w, '{');
	json_write_member_word(&w, "alg", (struct bytes)BYTES("ES256"));
	json_write_member_word(&w, "typ", bytes_of(typ));
	json_write_member_word(&w, "kid", bytes_of(p->jkt));
	if (embed) {
		json_write_name(&w, "jwk");
		point_write(&w, p);
	}
	json_write_close(&w, '}');
	return json_write_whole(&w);
}

static bool
add_base64url(struct buffer *out, struct bytes data)
{
	if (!buffer_reserve(out, BASE64URL_SIZE(data.size)))
		return false;
	out->used += base64url_encode(out->at + out->used, data);
	return true;
}

/* Appends "." and the signature over TEXT. */
static bool
add_signature(struct buffer *out, struct private_key *key, struct bytes text)
{
	char signature[64];

	keyref_sign(key, text, (unsigned char *)signature);
	return buffer_append(out, ".", 1) &&
	       add_base64url(out, (struct bytes){ signature, sizeof signature });
}

static bool
add_header(struct buffer *out, const struct private_key *key, const char *typ, bool embed)
{
	struct buffer header;
	bool good;

	buffer_init(&header, HEADER_MOST);
	good = write_header(&header, key, typ, embed) && add_base64url(out, buffer_bytes(&header)) &&
	       buffer_append(out, ".", 1);
	buffer_release(&header);
	return good;
}

bool
jws_sign(struct buffer *out, struct private_key *key, const char *typ, bool embed, struct bytes claims)
{
	size_t from = out->used;

	return add_header(out, key, typ, embed) && add_base64url(out, claims) &&
	       add_signature(out, key, (struct bytes){ out->at + from, out->used - from });
}

bool
jws_sign_detached(struct buffer *out, struct private_key *key, const char *typ, struct bytes text)
{
	struct buffer whole;
	bool good;

	buffer_init(&whole, BUFFER_UNLIMITED);
	good = add_header(&whole, key, typ, false) && buffer_append(out, whole.at, whole.used) &&
	       add_base64url(&whole, text) && add_signature(out, key, buffer_bytes(&whole));
	buffer_release(&whole);
	return good;
}
