/* SPDX-License-Identifier: ISC */
/*
 * Keys outside of any key directory.  signer: a key that signs decisions (ehr-authz --sign) or assertions,
 * in a file or a token.  It is made where there is none, and its public half is the answer: the JWK set for
 * --deciders or --assertions.
 *
 * assert: signs who asks.  Claims in, one JSON object a line; for each a token for context.assertion of
 * requests (ehr-authz --assertions).  Whoever runs it has found out that the claims are true.
 */
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/access/assertion.h"
#include "common/line/tags.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { CLAIMS_MOST = 1 << 26, DEPTH = 16, TTL = 5 * 60 };

/* Copies the claims; false if one of them is what this verb sets, or sub or aud is not there. */
static bool
copy_claims(struct json_write *w, const struct json *j)
{
	static const char *const own[] = { "v", "iss", "iat" };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (json_member(j, 0, bytes_of(own[i])) != 0)
			return false;
	if (json_member(j, 0, (struct bytes)BYTES("sub")) == 0 ||
	    json_member(j, 0, (struct bytes)BYTES("aud")) == 0)
		return false;
	for (uint32_t m = 1; m < j->nodes[0].next; m = j->nodes[m].next)
		json_write_copy(w, j, m);
	return true;
}

static bool
assert_line(
    const struct verb_settings *s, struct private_key *key, const struct json *j, struct verb_answer *a)
{
	struct message m;
	bool good;

	message_begin(&m, s->domain, s->now);
	good = copy_claims(&m.claims, j);
	if (json_member(j, 0, (struct bytes)BYTES("exp")) == 0)
		json_write_member_number(&m.claims, "exp", s->now.seconds + (s->ttl > 0 ? s->ttl : TTL));
	if (good)
		message_sign(&m, &a->out, key, ASSERTION_TYPE, false);
	message_end(&m);
	return good;
}

static enum diag_exit
assert_lines(const struct verb_settings *s, struct private_key *key, struct bytes text, struct verb_answer *a)
{
	struct buffer one;
	struct bytes line;
	struct json j;
	size_t number = 0;
	bool good = true;

	buffer_init(&one, CLAIMS_MOST);
	json_init(&j, NULL, DEPTH);
	while (good && bytes_line(&text, &line)) {
		number++;
		good = json_blank(line) || (store_object(&one, &j, line) && assert_line(s, key, &j, a));
	}
	json_release(&j);
	buffer_release(&one);
	return good ? EXIT_DONE
		    : verb_fault(a, EXIT_BAD_RECORD,
			  "line %zu: not claims: an object with sub and aud, without v, iss and iat", number);
}

enum diag_exit
verb_assert(const struct verb_settings *s, struct verb_answer *a)
{
	enum diag_exit status = EXIT_IO;
	const struct keyref_access access = { .pin_file = s->pin_file,
		.parent_pin_file = s->parent_pin_file };
	const char *why = NULL;
	struct private_key *key;
	struct buffer text;

	if (s->sign == NULL || s->domain == NULL || s->operands > 1)
		return verb_fault(
		    a, EXIT_USAGE, "whose word? expected --sign URI, --domain NAME and at most one file");
	if (!tag_is_word(bytes_of(s->domain)))
		return verb_fault(a, EXIT_USAGE, "not a domain, expected A-Z a-z 0-9 . _ : / @ + -");
	buffer_init(&text, CLAIMS_MOST);
	key = keyref_open(AT_FDCWD, s->sign, &access, &why);
	if (key == NULL)
		status = verb_fault(a, EXIT_KEYS, "key-invalid: %s: %s", keyref_shown(s->sign), why);
	else if (store_read(s->operands == 1 ? s->operand[0] : "-", &text, a))
		status = assert_lines(s, key, buffer_bytes(&text), a);
	keyref_free(key);
	buffer_release(&text);
	return status;
}

/* Opens the key FILE, or makes it.  NULL with a fault and its status. */
static struct private_key *
open_or_make(const struct verb_settings *s, const char *file, struct verb_answer *a, enum diag_exit *status)
{
	const struct keyref_access access = { .pin_file = s->pin_file,
		.parent_pin_file = s->parent_pin_file };
	const char *why = NULL;
	struct private_key *key;
	struct stat st;

	if (strchr(file, ':') == NULL && lstat(file, &st) != 0 && errno == ENOENT) {
		key = keyref_make(AT_FDCWD, file, s->pin_file, &why);
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
	key = open_or_make(s, file, a, &status);
	if (key == NULL)
		return status;
	store_jwks(&a->out, keyref_public(key), s->domain);
	keyref_free(key);
	return EXIT_DONE;
}
