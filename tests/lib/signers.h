/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_SIGNERS_H
#define EHR_TESTS_SIGNERS_H

#include "common/crypto/jws.h"
#include "common/crypto/keyref.h"
#include "common/json/json_write.h"

/* One key of a set, as that of DOMAIN. */
struct signers_key {
	const struct private_key *key;
	const char *domain;
};

/* signers: the set of these keys.  NULL if it is not read. */
static inline struct signers *
signers_of_all(const struct signers_key *list, size_t count)
{
	struct buffer text;
	struct json_write w = json_write_to(&text);
	struct signers *s;

	buffer_init(&text, 4096);
	json_write_open(&w, '{');
	json_write_name(&w, "keys");
	json_write_open(&w, '[');
	for (size_t i = 0; i < count; i++) {
		const struct point *p = keyref_public(list[i].key);

		json_write_open(&w, '{');
		json_write_member_word(&w, "kty", (struct bytes)BYTES("EC"));
		json_write_member_word(&w, "crv", (struct bytes)BYTES("P-256"));
		json_write_member_base64url(&w, "x", p->x, KEY_SIZE);
		json_write_member_base64url(&w, "y", p->y, KEY_SIZE);
		json_write_member_word(&w, "domain", bytes_of(list[i].domain));
		json_write_close(&w, '}');
	}
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	s = json_write_whole(&w) ? signers_read(buffer_bytes(&text)) : NULL;
	buffer_release(&text);
	return s;
}

static inline struct signers *
signers_of(const struct private_key *key, const char *domain)
{
	return signers_of_all(&(struct signers_key){ key, domain }, 1);
}

#endif
