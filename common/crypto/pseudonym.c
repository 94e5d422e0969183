/* SPDX-License-Identifier: ISC */
#include "common/crypto/pseudonym.h"

#include "common/base/base64url.h"

#include <inttypes.h>
#include <stdio.h>

enum { TRUNCATED = 16 };

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

/* With a zero byte behind, so that no two lists of parts look alike. */
static void
add_part(struct mac *key, struct bytes part)
{
	mac_add(key, part);
	mac_add(key, (struct bytes){ "", 1 });
}

void
pseudonym_make(struct mac *key, enum pseudonym_kind kind, struct bytes domain, uint32_t epoch,
    struct bytes value, char tag[PSEUDONYM_SIZE + 1])
{
	unsigned char digest[DIGEST_SIZE];
	char scope[12] = "-";

	if (epoch > 0)
		(void)snprintf(scope, sizeof scope, "%" PRIu32, epoch);
	add_part(key, (struct bytes)BYTES("ehr-pseudonym-v1"));
	add_part(key, bytes_of(kinds[kind].name));
	add_part(key, domain);
	add_part(key, bytes_of(scope));
	mac_add(key, value);
	mac_end(key, digest);
	tag[0] = kinds[kind].prefix;
	tag[1] = '_';
	(void)base64url_encode(tag + 2, (struct bytes){ (const char *)digest, TRUNCATED });
	tag[PSEUDONYM_SIZE] = '\0';
}
