/* SPDX-License-Identifier: ISC */
#include "common/crypto/pseudonym.h"

#include "common/base/base64url.h"
#include "common/base/diag.h"

#include <inttypes.h>
#include <stdio.h>

enum { TRUNCATED = 16, DOMAIN_MOST = 128 };

static const struct {
	const char *key;
	const char *name;
	char prefix;
} kinds[] = {
	[PSEUDONYM_ID] = { "tag.id", "id", 'r' },
	[PSEUDONYM_SUBJECT] = { "tag.subject", "subject", 's' },
};

const char *
pseudonym_key(enum pseudonym_kind kind)
{
	return kinds[kind].key;
}

static char *
put_part(char *to, struct bytes part)
{
	memcpy(to, part.at, part.size);
	to[part.size] = '\0';
	return to + part.size + 1;
}

void
pseudonym_make(struct mac *key, enum pseudonym_kind kind, struct bytes domain, uint32_t epoch,
    struct bytes value, char tag[PSEUDONYM_SIZE + 1])
{
	unsigned char digest[DIGEST_SIZE];
	char scope[12] = "-", before[64 + DOMAIN_MOST], *to;

	if (epoch > 0)
		(void)snprintf(scope, sizeof scope, "%" PRIu32, epoch);
	if (domain.size > DOMAIN_MOST)
		diag_bug("a domain that is no word");
	/* in one piece, because a call of mac_add costs as much as the digest */
	to = put_part(before, (struct bytes)BYTES("ehr-pseudonym-v1"));
	to = put_part(to, bytes_of(kinds[kind].name));
	to = put_part(to, domain);
	to = put_part(to, bytes_of(scope));
	mac_add(key, (struct bytes){ before, (size_t)(to - before) });
	mac_add(key, value);
	mac_end(key, digest);
	tag[0] = kinds[kind].prefix;
	tag[1] = '_';
	(void)base64url_encode(tag + 2, (struct bytes){ (const char *)digest, TRUNCATED });
	tag[PSEUDONYM_SIZE] = '\0';
}
