/* SPDX-License-Identifier: ISC */
/*
 * signer: a key that signs decisions (ehr-authz --sign) or assertions (assert.c), in a file outside of any
 * key directory.  It is made where there is none, and its public half is the answer: the JWK set for
 * --deciders or --assertions.
 */
#include "cmd/keys/store.h"
#include "common/line/tags.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the key FILE, or makes it.  NULL with a fault and its status. */
static struct private_key *
open_or_make(const char *file, const char *pin_file, struct verb_answer *a, enum diag_exit *status)
{
	const struct keyref_access access = { .pin_file = pin_file };
	const char *why = NULL;
	struct private_key *key;
	struct stat st;

	if (strchr(file, ':') == NULL && lstat(file, &st) != 0 && errno == ENOENT) {
		key = keyref_make(AT_FDCWD, file, pin_file, &why);
		if (key == NULL)
			*status = verb_fault(a, EXIT_IO, "%s: %s", file, why);
		return key;
	}
	key = keyref_open(AT_FDCWD, file, &access, &why);
	if (key == NULL)
		*status = verb_fault(a, EXIT_KEYS, "key-invalid: %s: %s", keyref_shown(file), why);
	return key;
}

enum diag_exit
verb_signer(const struct verb_settings *s, struct verb_answer *a)
{
	const char *file = s->operands == 1 ? s->operand[0] : "";
	enum diag_exit status = EXIT_DONE;
	struct private_key *key;

	if (s->operands != 1 || s->domain == NULL)
		return verb_fault(a, EXIT_USAGE, "which key, and whose? expected --domain NAME and a file");
	if (!tag_is_word(bytes_of(s->domain)))
		return verb_fault(a, EXIT_USAGE, "not a domain, expected A-Z a-z 0-9 . _ : / @ + -");
	if (strncmp(file, "file:", 5) == 0)
		file += 5;
	key = open_or_make(file, s->pin_file, a, &status);
	if (key == NULL)
		return status;
	store_jwks(&a->out, keyref_public(key), s->domain);
	keyref_free(key);
	return EXIT_DONE;
}
