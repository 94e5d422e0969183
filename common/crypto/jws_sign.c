/* SPDX-License-Identifier: ISC */
#include "common/crypto/jws_sign.h"

#include "common/crypto/write.h"

enum { HEADER_MOST = 1024 };

static bool
write_header(struct buffer *to, const struct private_key *key, const char *typ, bool embed)
{
	const struct point *p = keyref_public(key);

	return write_text(to, "{\"alg\":\"ES256\"") && write_member(to, "typ", bytes_of(typ)) &&
	       write_member(to, "kid", bytes_of(p->jkt)) &&
	       (!embed || (write_text(to, ",\"jwk\":") && point_write(to, p))) && write_text(to, "}");
}

bool
jws_sign(struct buffer *out, struct private_key *key, const char *typ, bool embed, struct bytes claims)
{
	unsigned char signature[64];
	struct buffer header;
	size_t from = out->used;
	bool good;

	buffer_init(&header, HEADER_MOST);
	good = write_header(&header, key, typ, embed) && write_base64url(out, header.at, header.used) &&
	       write_text(out, ".") && write_base64url(out, claims.at, claims.size);
	buffer_release(&header);
	if (!good)
		return false;
	keyref_sign(key, (struct bytes){ out->at + from, out->used - from }, signature);
	return write_text(out, ".") && write_base64url(out, signature, sizeof signature);
}
