/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_WRITE_H
#define EHR_CRYPTO_WRITE_H

#include "common/base/base64url.h"
#include "common/base/buffer.h"
#include "common/crypto/jwk.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * write: pieces of JSON, appended to a buffer.  Texts are words that need no escape: it is for headers,
 * claims and keys. True unless the buffer is full.
 */
static inline bool
write_bytes(struct buffer *out, struct bytes text)
{
	return buffer_append(out, text.at, text.size);
}

static inline bool
write_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static inline bool
write_base64url(struct buffer *out, const void *data, size_t size)
{
	if (!buffer_reserve(out, BASE64URL_SIZE(size)))
		return false;
	out->used += base64url_encode(out->at + out->used, (struct bytes){ data, size });
	return true;
}

static inline bool
write_number(struct buffer *out, int64_t value)
{
	char digits[24];
	int size = snprintf(digits, sizeof digits, "%" PRId64, value);

	return buffer_append(out, digits, (size_t)size);
}

/* ,"NAME":"TEXT" and ,"NAME":NUMBER */
static inline bool
write_member(struct buffer *out, const char *name, struct bytes text)
{
	return write_text(out, ",\"") && write_text(out, name) && write_text(out, "\":\"") &&
	       write_bytes(out, text) && write_text(out, "\"");
}

static inline bool
write_member_number(struct buffer *out, const char *name, int64_t value)
{
	return write_text(out, ",\"") && write_text(out, name) && write_text(out, "\":") &&
	       write_number(out, value);
}

static inline bool
write_point(struct buffer *out, const struct point *p)
{
	struct json_write w = json_write_to(out);

	point_write(&w, p);
	return json_write_whole(&w);
}

static inline bool
write_level_key(struct buffer *out, const struct level_key *k)
{
	struct json_write w = json_write_to(out);

	level_key_write(&w, k);
	return json_write_whole(&w);
}

static inline bool
write_mac_key(struct buffer *out, const struct mac_key *k)
{
	struct json_write w = json_write_to(out);

	mac_key_write(&w, k);
	return json_write_whole(&w);
}

#endif
