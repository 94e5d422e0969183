/* SPDX-License-Identifier: ISC */
/* ehr-policy sign and verify: signatures beside policies, programs and manifests. */
#include "cmd/policy/print.h"
#include "cmd/policy/verbs.h"
#include "common/base/file.h"
#include "common/crypto/detached_sign.h"
#include "common/line/manifest.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 30, CERTIFICATES_MOST = 1 << 20, SIGNATURE_MOST = 1 << 16 };

struct settings {
	const char *policy, *site, *keys, *now, *key, *certificate;
	struct keyref_access access;
	struct trust_demand trust;
	struct instant at;
};

static const struct option_entry sign_table[] = {
	{ OPTION_TEXT(struct settings, key), 0, false, "key", "URI",
	    "the key that signs: a file, handle: or pkcs11:" },
	{ OPTION_TEXT(struct settings, access.pin_file), 0, false, "pin-file", "FILE", "the key's PIN" },
	{ OPTION_TEXT(struct settings, access.parent_pin_file), 0, false, "parent-pin-file", "FILE",
	    "the PIN of the key of the TPM that wraps it" },
	{ OPTION_TEXT(struct settings, certificate), 0, false, "cert", "FILE",
	    "its certificate, and those that lead to the CA" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME", "the signing time (the clock's)" },
};

static const struct option_manual sign_manual = {
	.program = "ehr-policy sign",
	.operands = "DIR|file ...",
	.purpose = "Signs a policy as a whole (DIR/policy.p7s), a program or a manifest (file.p7s).",
	.table = sign_table,
	.count = sizeof(sign_table) / sizeof(sign_table[0]),
};

static const struct option_entry verify_table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site, which remembers the policy's serial" },
	{ OPTION_TEXT(struct settings, keys), 0, false, "keys", "DIR",
	    "a key directory, which remembers it, too" },
	TRUST_OPTIONS(struct settings),
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time at which certificates must be valid (the clock's)" },
};

static const struct option_manual verify_manual = {
	.program = "ehr-policy verify",
	.operands = "[file ...]",
	.purpose = "Checks the signature of a policy, and remembers its serial; or that of programs and "
		   "manifests.",
	.table = verify_table,
	.count = sizeof(verify_table) / sizeof(verify_table[0]),
};

static void
read_options(struct options *o, struct settings *set)
{
	options_into(o, set);
	while (options_next(o) != OPTIONS_END)
		continue;
	set->at = clock_now();
	if (set->now != NULL && !clock_parse_instant(bytes_of(set->now), &set->at))
		options_misuse(o, "not a time such as 2026-11-21T10:00:00Z", set->now);
}

/* Ends the program if PATH cannot be read.  The text lives in A. */
static struct bytes
read_or_end(struct arena *a, const char *path, size_t most)
{
	struct fault f = { 0 };
	struct bytes text;

	if (!site_read(a, path, most, &text, &f))
		fault_exit(&f);
	return text;
}

/* Manifests are signed by hosts that seal, all other files by those who answer for code. */
static enum detached_use
use_of(struct bytes text)
{
	return manifest_is(text) ? DETACHED_MAIL : DETACHED_CODE;
}

struct signing {
	struct arena arena;
	struct detached_signer signer;
	const char *certificate;
};

static void
sign(struct signing *s, struct bytes content, enum detached_use use, const char *to)
{
	struct buffer signature;
	const char *why;

	buffer_init(&signature, BUFFER_UNLIMITED);
	if (!detached_sign(&s->signer, content, use, &signature, &why))
		diag_die(EXIT_KEYS, "%s: signer-usage: %s", s->certificate, why);
	if (!file_replace_at(AT_FDCWD, to, buffer_bytes(&signature), 0644))
		diag_die(EXIT_IO, "%s: %s", to, strerror(errno));
	buffer_release(&signature);
}

static void
sign_policy(struct signing *s, const char *directory)
{
	struct policy p;
	struct fault f = { 0 };

	if (!policy_load(&p, directory, &f))
		fault_exit(&f);
	sign(s, p.listing, DETACHED_CODE, arena_format(&s->arena, "%s/policy.p7s", p.directory));
	policy_release(&p);
}

/* A manifest that was cut, or put together wrongly, is not signed.  True for any other file. */
static bool
is_whole(const char *path, struct bytes text)
{
	struct manifest *m;
	const char *why;
	size_t line;

	if (!manifest_is(text))
		return true;
	m = manifest_read(text, &line, &why);
	if (m == NULL)
		diag_warn("%s:%zu: manifest-invalid: %s", path, line, why);
	manifest_free(m);
	return m != NULL;
}

static void
sign_file(struct signing *s, const char *path)
{
	struct bytes text = read_or_end(&s->arena, path, FILE_MOST);

	if (!is_whole(path, text))
		exit(EXIT_KEYS);
	sign(s, text, use_of(text), arena_format(&s->arena, "%s.p7s", path));
}

enum diag_exit
verb_sign(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct signing s = { 0 };
	const char *why = "";
	struct options o;
	struct stat about;

	options_init(&o, &sign_manual, argc, argv);
	read_options(&o, &set);
	if (set.key == NULL)
		options_needs(&o, "--key URI");
	if (set.certificate == NULL)
		options_needs(&o, "--cert FILE");
	if (o.operands == 0)
		options_needs(&o, "a policy's directory or a file");
	s.signer.key = keyref_open(AT_FDCWD, set.key, &set.access, &why);
	if (s.signer.key == NULL)
		diag_die(EXIT_KEYS, "%s: key-invalid: %s", keyref_shown(set.key), why);
	s.certificate = set.certificate;
	s.signer.now = set.at;
	s.signer.certificates = read_or_end(&s.arena, set.certificate, CERTIFICATES_MOST);
	for (int i = 0; i < o.operands; i++)
		if (stat(o.operand[i], &about) == 0 && S_ISDIR(about.st_mode))
			sign_policy(&s, o.operand[i]);
		else
			sign_file(&s, o.operand[i]);
	keyref_free(s.signer.key);
	arena_release(&s.arena);
	return EXIT_DONE;
}

static enum diag_exit
verify_policy(struct settings *set)
{
	struct policy p;
	struct fault f = { 0 };
	struct sink out;

	set->trust.site = set->site;
	set->trust.keys = set->keys;
	set->trust.now = set->now;
	if (!site_check(set->site, &f) || !site_check(set->keys, &f) ||
	    !trust_load(&p, set->policy, &set->trust, &f) ||
	    (set->site != NULL && !trust_remember(&p, set->site, &f)) ||
	    (set->keys != NULL && !trust_remember(&p, set->keys, &f)))
		fault_exit(&f);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	print(
	    &out, "%s  %.*s %.*s\n", p.digest, (int)p.name.size, p.name.at, (int)p.serial.size, p.serial.at);
	policy_release(&p);
	return verb_finish(&out, EXIT_DONE);
}

static bool
verify_file(struct arena *a, const char *path, const struct detached_trust *t)
{
	const char *beside = arena_format(a, "%s.p7s", path);
	struct detached_verdict v;
	struct bytes text = read_or_end(a, path, FILE_MOST), signature;
	struct stat about;

	if (stat(beside, &about) != 0 && errno == ENOENT) {
		diag_warn("%s: signature-missing: this file is not signed: ehr-policy sign", beside);
		return false;
	}
	signature = read_or_end(a, beside, SIGNATURE_MOST);
	if (detached_check(text, signature, use_of(text), t, &v))
		return is_whole(path, text);
	diag_warn("%s: %s: %s", beside, v.reason, v.text);
	return false;
}

static enum diag_exit
verify_files(const struct settings *set, char **path, int count)
{
	enum diag_exit status = EXIT_DONE;
	struct arena arena = { 0 };
	struct detached_trust trust;
	struct fault f = { 0 };

	if (!trust_read(&arena, set->trust.ca, set->trust.crl, set->now, &trust, &f))
		fault_exit(&f);
	for (int i = 0; i < count; i++)
		if (!verify_file(&arena, path[i], &trust))
			status = EXIT_KEYS;
	detached_release(&trust);
	arena_release(&arena);
	return status;
}

/* Without a CA nothing would be checked: the site or the key directory must have one. */
static bool
has_demand(const char *directory)
{
	struct arena a = { 0 };
	bool has = site_path_if_there(&a, directory, SITE_TRUST, NULL) != NULL;

	arena_release(&a);
	return has;
}

enum diag_exit
verb_verify(int argc, char *argv[])
{
	struct stat about;
	struct settings set = { 0 };
	struct options o;

	options_init(&o, &verify_manual, argc, argv);
	read_options(&o, &set);
	trust_options(&o, &set.trust);
	if ((set.policy == NULL) == (o.operands == 0))
		options_needs(&o, "either --policy DIR or a file");
	for (int i = 0; i < o.operands; i++)
		if (stat(o.operand[i], &about) == 0 && S_ISDIR(about.st_mode))
			options_misuse(&o, "a policy is named by --policy DIR", o.operand[i]);
	if (o.operands > 0 && (set.site != NULL || set.keys != NULL))
		options_misuse(&o, "only with --policy DIR", set.site != NULL ? "--site" : "--keys");
	if (set.trust.ca == NULL && !has_demand(set.site) && !has_demand(set.keys))
		options_needs(&o, "--trust CA, or a site with a trust.pem");
	return set.policy != NULL ? verify_policy(&set) : verify_files(&set, o.operand, o.operands);
}
