/* SPDX-License-Identifier: ISC */
#include "cmd/keys/code.h"

#include "cmd/keys/store.h"
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/crypto/detached.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { CODE_SIZE = 32, MAC_SIZE = 43, LOG_MOST = 1 << 24, PEM_MOST = 1 << 16, PEM_LINE = 64 };

static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";

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
		*status = verb_fault(a, EXIT_IO, "--code: %s",
		    errno == EPERM ? "open to others, or somebody else's, expected mode 0600"
				   : file_read_fault(errno));
	while (good && text.used > 0 && (text.at[text.used - 1] == '\n' || text.at[text.used - 1] == '\r'))
		text.used--;
	if (good && (text.used != CODE_SIZE || strspn(text.at, "0123456789abcdef") < CODE_SIZE)) {
		*status = verb_fault(
		    a, EXIT_USAGE, "--code: not a code, expected 32 hex digits: openssl rand -hex 16");
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

/* The text between BEGIN and END is what x5c has, but for its line ends. */
static bool
write_certificate(struct json_write *w, struct bytes *rest)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	struct bytes line;
	bool good = false;

	json_write_value(w, (struct bytes)BYTES("\""));
	while (bytes_line(rest, &line)) {
		if (line.size > 0 && line.at[line.size - 1] == '\r')
			line.size--;
		if (bytes_are(line, end)) {
			json_write_raw(w, (struct bytes)BYTES("\""));
			return good;
		}
		for (size_t i = 0; i < line.size; i++)
			if (memchr(alphabet, line.at[i], sizeof alphabet - 1) == NULL)
				return false;
		json_write_raw(w, line);
		good = true;
	}
	return false;
}

bool
code_write_certificates(struct json_write *w, const char *file, struct verb_answer *a, enum diag_exit *status)
{
	struct buffer text;
	struct bytes rest, line;
	unsigned count = 0;
	bool good = true;

	buffer_init(&text, PEM_MOST);
	if (!store_read(file, &text, a)) {
		*status = EXIT_IO;
		buffer_release(&text);
		return false;
	}
	json_write_name(w, "x5c");
	json_write_open(w, '[');
	for (rest = buffer_bytes(&text); good && bytes_line(&rest, &line);)
		if (bytes_begin(line, begin)) {
			good = write_certificate(w, &rest);
			count++;
		}
	json_write_close(w, ']');
	buffer_release(&text);
	if (!good || count == 0)
		*status = verb_fault(a, EXIT_KEYS, "%s: not certificates in PEM", file);
	return good && count > 0;
}

/* x5c as PEM again. */
static bool
read_certificates(const struct jws *enrolment, struct buffer *pem)
{
	const struct json *j = enrolment->claims;
	uint32_t list = json_member(j, 0, (struct bytes)BYTES("x5c"));

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return false;
	for (uint32_t n = list + 1; n < j->nodes[list].next; n = j->nodes[n].next) {
		struct bytes text = json_inside(j, n);

		if (json_kind(j, n) != JSON_STRING)
			return false;
		buffer_add(pem, begin, sizeof begin - 1);
		for (size_t at = 0; at < text.size; at += PEM_LINE) {
			buffer_add(pem, "\n", 1);
			buffer_add(pem, text.at + at, text.size - at < PEM_LINE ? text.size - at : PEM_LINE);
		}
		buffer_add(pem, "\n", 1);
		buffer_add(pem, end, sizeof end - 1);
		buffer_add(pem, "\n", 1);
	}
	return true;
}

/* The file --ca, which holds what the CA revoked, too, if anything at all of such a list is in it. */
static bool
read_trust(
    const struct verb_settings *s, struct detached_trust *to, struct verb_answer *a, enum diag_exit *status)
{
	static const char list[] = "-----BEGIN X509 CRL";
	struct buffer text;
	struct bytes pem;
	const char *why = NULL;
	bool good;

	buffer_init(&text, (size_t)1 << 24);
	*status = EXIT_IO;
	good = store_read(s->ca, &text, a);
	pem = buffer_bytes(&text);
	if (good && !detached_read_ca(to, pem))
		why = "not the certificate of a CA in PEM";
	else if (good && memmem(pem.at, pem.size, list, sizeof list - 1) != NULL &&
		 !detached_read_crl(to, pem))
		why = "crl-missing: the revocation list in it cannot be read";
	if (why != NULL)
		*status = verb_fault(a, EXIT_KEYS, "%s: %s", s->ca, why);
	buffer_release(&text);
	return good && why == NULL;
}

bool
code_check_certificates(const struct code_device *device, const struct verb_settings *s,
    struct verb_answer *a, enum diag_exit *status)
{
	struct detached_trust trust = { .now = s->now };
	struct detached_verdict v = { .text = "the enrolment has no certificate" };
	struct buffer pem;
	bool good = read_trust(s, &trust, a, status);

	buffer_init(&pem, (size_t)1 << 20);
	if (good) {
		good = read_certificates(device->enrolment, &pem) &&
		       detached_certifies(buffer_bytes(&pem), device->sig, &trust, &v);
		if (!good)
			*status = verb_fault(a, EXIT_DENIED, "device-unknown: its certificate: %s%s%s",
			    v.reason != NULL ? v.reason : "", v.reason != NULL ? ": " : "", v.text);
	}
	buffer_release(&pem);
	return good;
}
