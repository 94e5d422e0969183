/* SPDX-License-Identifier: ISC */
/* ehr-deliver sign: the signature of a webhook message (Standard Webhooks 1.0). */
#include "cmd/deliver/verbs.h"
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	KEY_FD = 3,
	KEYS_MOST = 4096,
	KEY_BYTES = 1024,
	BODY_MOST = 64 << 20,
	SIGNATURE = BASE64URL_SIZE(DIGEST_SIZE),
};

struct settings {
	const char *id;
	const char *at;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, id), 0, false, "id", "ID", "the message's id" },
	{ OPTION_TEXT(struct settings, at), 0, false, "at", "SECONDS",
	    "the time of the attempt, since 1970" },
};

static const struct option_manual manual = {
	.program = "ehr-deliver sign",
	.operands = "",
	.purpose = "Prints the Standard Webhooks signature of standard input.  Secrets (whsec_...) come on "
		   "descriptor 3, one or several: while a secret is changed, each signs.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

/* Standard base64 with padding, by way of base64url. */
static bool
decode_key(struct bytes text, char key[KEY_BYTES], size_t *size)
{
	char url[KEY_BYTES + 4];

	while (text.size > 0 && text.at[text.size - 1] == '=')
		text.size--;
	if (text.size == 0 || text.size >= KEY_BYTES)
		return false;
	for (size_t i = 0; i < text.size; i++)
		url[i] = (char)(text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i]);
	return base64url_decode(key, size, (struct bytes){ url, text.size });
}

static void
print_signature(struct bytes key, const struct settings *set, struct bytes body, const char *before)
{
	unsigned char digest[DIGEST_SIZE];
	char text[SIGNATURE];
	struct mac *m = mac_new(key);
	size_t size;

	mac_add(m, bytes_of(set->id));
	mac_add(m, bytes_of("."));
	mac_add(m, bytes_of(set->at));
	mac_add(m, bytes_of("."));
	mac_add(m, body);
	mac_end(m, digest);
	mac_free(m);
	size = base64url_encode(text, (struct bytes){ (const char *)digest, sizeof digest });
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	(void)printf("%sv1,%.*s=", before, (int)size, text);
}

/* Each word of TEXT is a secret; false if one is malformed or there is none. */
static bool
sign_with(struct bytes text, const struct settings *set, struct bytes body)
{
	static const char prefix[] = "whsec_";
	char key[KEY_BYTES];
	size_t count = 0, size;
	bool good = true;

	while (good && text.size > 0) {
		size_t length = 0;

		while (length < text.size && text.at[length] != ' ' && text.at[length] != '\n')
			length++;
		if (length > 0) {
			struct bytes word = { text.at, length };

			good = bytes_begin(word, prefix) &&
			       decode_key((struct bytes){ word.at + strlen(prefix), length - strlen(prefix) },
				   key, &size);
			if (good)
				print_signature(
				    (struct bytes){ key, size }, set, body, count++ > 0 ? " " : "");
		}
		length += length < text.size;
		text = (struct bytes){ text.at + length, text.size - length };
	}
	explicit_bzero(key, sizeof key);
	return good && count > 0;
}

int
verb_sign(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct buffer keys, body;
	struct options o;
	uint64_t at;
	bool good;

	verb_read(&o, &manual, &set, argc, argv);
	if (set.id == NULL || set.at == NULL)
		options_needs(&o, "--id ID and --at SECONDS");
	if (!options_number(set.at, INT64_MAX, &at))
		options_misuse(&o, "not a number of seconds", set.at);
	buffer_init(&keys, KEYS_MOST);
	buffer_init(&body, BODY_MOST);
	if (!file_read_fd(KEY_FD, &keys))
		diag_die(EXIT_KEYS, "descriptor 3: no secret");
	if (!file_read_fd(STDIN_FILENO, &body))
		diag_die(EXIT_IO, "<stdin>: cannot be read, or is longer than 64 MiB");
	good = sign_with(buffer_bytes(&keys), &set, buffer_bytes(&body));
	explicit_bzero(keys.at, keys.room);
	buffer_release(&keys);
	buffer_release(&body);
	if (!good)
		diag_die(EXIT_KEYS, "descriptor 3: expected secrets that begin with whsec_");
	if (printf("\n") < 0 || fflush(stdout) != 0)
		diag_die(EXIT_IO, "<stdout>: cannot be written");
	return EXIT_DONE;
}
