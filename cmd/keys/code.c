/* SPDX-License-Identifier: ISC */
#include "cmd/keys/code.h"

#include "cmd/keys/store.h"
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { CODE_SIZE = 32, MAC_SIZE = 43, LOG_MOST = 1 << 24 };

/* The MAC over LABEL, and over both thumbprints. */
static void
make(const char *code, const char *first, const char *second, char text[MAC_SIZE + 1])
{
	struct mac *m = mac_new((struct bytes){ code, CODE_SIZE });
	unsigned char digest[DIGEST_SIZE];

	mac_add(m, bytes_of(first));
	mac_add(m, (struct bytes)BYTES("."));
	mac_add(m, bytes_of(second));
	mac_end(m, digest);
	mac_free(m);
	(void)base64url_encode(text, (struct bytes){ (const char *)digest, sizeof digest });
	text[MAC_SIZE] = '\0';
}

/* Reads the code into secret memory of CODE_SIZE bytes; NULL with a fault. */
static char *
read_code(const char *file, struct verb_answer *a, enum diag_exit *status)
{
	char *code = secret_new(CODE_SIZE);
	struct buffer text;
	bool good;

	buffer_init(&text, 256);
	good = buffer_reserve(&text, 256) && file_read_private_at(AT_FDCWD, file, &text);
	if (!good)
		*status = verb_fault(a, EXIT_IO, "%s: %s", file,
		    errno == EPERM ? "open to others, or somebody else's, expected mode 0600"
				   : file_read_fault(errno));
	while (good && text.used > 0 && (text.at[text.used - 1] == '\n' || text.at[text.used - 1] == '\r'))
		text.used--;
	if (good && (text.used != CODE_SIZE || strspn(text.at, "0123456789abcdef") < CODE_SIZE)) {
		*status = verb_fault(
		    a, EXIT_USAGE, "%s: not a code, expected 32 hex digits: openssl rand -hex 16", file);
		good = false;
	}
	if (good)
		memcpy(code, text.at, CODE_SIZE);
	secret_wipe(text.at, text.room);
	buffer_release(&text);
	if (good)
		return code;
	secret_free(code, CODE_SIZE);
	return NULL;
}

bool
code_write(struct json_write *w, const char *file, const struct point *sig, const struct point *enc,
    struct verb_answer *a, enum diag_exit *status)
{
	char *code = read_code(file, a, status), mac[MAC_SIZE + 1];

	if (code == NULL)
		return false;
	make(code, sig->jkt, enc->jkt, mac);
	json_write_member(w, "code_mac", bytes_of(mac));
	secret_free(code, CODE_SIZE);
	return true;
}

/* codes.log has a MAC of each code that was used, which tells nothing of it. */
static bool
spend(const struct keys *k, const char *code, struct verb_answer *a, enum diag_exit *status)
{
	struct buffer log;
	struct bytes rest, line;
	char mark[MAC_SIZE + 2];
	bool good, spent = false;

	make(code, "spent", "", mark);
	buffer_init(&log, LOG_MOST);
	*status = EXIT_KEYS;
	good = store_lines(keys_directory(k), "codes.log", &log, a);
	for (rest = buffer_bytes(&log); good && !spent && bytes_line(&rest, &line);)
		spent = bytes_are(line, mark);
	buffer_release(&log);
	if (spent) {
		*status = verb_fault(a, EXIT_DENIED, "code-spent: another device was enrolled by it");
		return false;
	}
	mark[MAC_SIZE] = '\n';
	if (good)
		*status = EXIT_IO;
	return good && store_append(keys_directory(k), "codes.log", (struct bytes){ mark, MAC_SIZE + 1 }, a);
}

bool
code_check(const struct keys *k, const char *file, const struct code_device *device, struct verb_answer *a,
    enum diag_exit *status)
{
	char *code = read_code(file, a, status), mac[MAC_SIZE + 1];
	bool good;

	if (code == NULL)
		return false;
	make(code, device->sig->jkt, device->enc->jkt, mac);
	good = secret_equal(jws_text(device->enrolment, "code_mac"), bytes_of(mac));
	if (!good)
		*status = verb_fault(a, EXIT_DENIED, "device-unknown: it does not know the code");
	good = good && spend(k, code, a, status);
	secret_free(code, CODE_SIZE);
	return good;
}
