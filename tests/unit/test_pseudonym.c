/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/crypto/pseudonym.h"
#include "tests/lib/tap.h"

/* The keys of the worked examples; both tags stand in testdata/sealed/v1/level.ndjson. */
#define ID_KEY "e6aaoaNnOpecT9PNIzV4gGiyqtjPxV4akBn3z7RJ25I"
#define SUBJECT_KEY "GVJzMjMOKPcNZ9akmI6DBTgEjxJKNq12MHxz0aFklD0"

static struct mac *
key_of(const char *text)
{
	unsigned char key[32];
	size_t size;

	check(base64url_decode(key, &size, bytes_of(text)) && size == sizeof key);
	return mac_new((struct bytes){ (const char *)key, size });
}

int
main(void)
{
	struct mac *id = key_of(ID_KEY), *subject = key_of(SUBJECT_KEY);
	struct bytes domain = BYTES("example"), other = BYTES("other"), o1 = BYTES("Observation/o1");
	char tag[PSEUDONYM_SIZE + 1], again[PSEUDONYM_SIZE + 1];

	pseudonym_make(id, PSEUDONYM_ID, domain, 37, o1, tag);
	check(strcmp(tag, "r_BvlmSzyvP1M027IoIBZy4A") == 0);
	pseudonym_make(id, PSEUDONYM_ID, domain, 37, o1, again);
	check(strcmp(tag, again) == 0);
	pseudonym_make(subject, PSEUDONYM_SUBJECT, domain, 0, (struct bytes)BYTES("Patient/p1"), tag);
	check(strcmp(tag, "s_Mf7mNuZAzrF87d0zrxizog") == 0);

	/* another key, domain, scope or kind gives another */
	pseudonym_make(subject, PSEUDONYM_ID, domain, 37, o1, tag);
	check(strcmp(tag, again) != 0);
	pseudonym_make(id, PSEUDONYM_ID, other, 37, o1, tag);
	check(strcmp(tag, again) != 0);
	pseudonym_make(id, PSEUDONYM_ID, domain, 0, o1, tag);
	check(strcmp(tag, again) != 0);
	pseudonym_make(id, PSEUDONYM_SUBJECT, domain, 37, o1, tag);
	check(strcmp(tag + 2, again + 2) != 0);
	check(strcmp(pseudonym_key(PSEUDONYM_ID), "tag.id") == 0);
	mac_free(id);
	mac_free(subject);
	return tap_end();
}
