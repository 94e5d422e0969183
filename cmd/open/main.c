/* SPDX-License-Identifier: ISC */
#include "cmd/open/opening.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/detached.h"
#include "common/crypto/enrolled.h"
#include "common/crypto/secret.h"
#include "common/line/manifest.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY = 1, NOW, OTHER_POLICY };
enum { MANIFEST_MOST = 1 << 30, SIGNATURE_MOST = 1 << 16 };
enum { KEYS_MOST = 64 };

struct open_main {
	const char *site, *policy_path, *revoked, *devices, *authority, *key[KEYS_MOST];
	size_t keys;
	struct keyref_access access;
	bool has_now;
	bool allow_test_keys;
	const char *manifest_path;
	struct trust_demand trust;
	struct instant now;
	struct policy policy;
	struct opening_setup setup;
	struct signers *signers;  /* setup.devices */
	struct signers *enroller; /* --authority, or the site's: has signed their enrolments */
	bool has_list;            /* the list of revocations that counts for them was looked for */
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct open_main, site), 'S', false, "site", "DIR", "the site, whose keys/ are used" },
	{ KEY, 0, true, "key", "X", "a key directory, or the URI of a private key" },
	{ OPTION_TEXT(struct open_main, access.pin_file), 0, false, "pin-file", "FILE",
	    "the PIN of the keys that --key names by URI" },
	{ OPTION_TEXT(struct open_main, access.parent_pin_file), 0, false, "parent-pin-file", "FILE",
	    "the PIN of the key of the TPM that wraps them" },
	{ OPTION_FLAG(struct open_main, setup.record_only), 0, false, "record", NULL,
	    "write the records alone, without tags" },
	{ OPTION_TEXT(struct open_main, policy_path), 'P', false, "policy", "DIR",
	    "hold the tags against this policy" },
	{ OPTION_TEXT(struct open_main, devices), 0, false, "require-signed", "FILE",
	    "enrolments of devices (devices.jwts): open what one of these has signed and nothing else" },
	{ OPTION_TEXT(struct open_main, authority), 0, false, "authority", "JWKS",
	    "who has signed these enrolments (authority.jwks of the site)" },
	{ NOW, 0, false, "now", "TIME", "the time, for keys that were released for a time" },
	{ OPTION_TEXT(struct open_main, revoked), 0, false, "revoked", "FILE",
	    "signed revocations, besides those of site and key directory" },
	{ OTHER_POLICY, 0, false, "other-policy", "accept", "open lines of other policies, too" },
	{ OPTION_FLAG(struct open_main, allow_test_keys), 0, false, "allow-test-keys", NULL,
	    "do not refuse keys that are public" },
	{ OPTION_TEXT(struct open_main, manifest_path), 0, false, "manifest", "FILE",
	    "take only the lines of this signed manifest, in its order" },
	{ OPTION_FLAG(struct open_main, setup.partial), 0, false, "partial", NULL,
	    "lines of the manifest may be missing" },
	TRUST_OPTIONS(struct open_main),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-open",
	.example = "ehr-open --key tablet --now $(date -u +%FT%TZ) --record sealed.ndjson",
	.operands = "[file ...]",
	.purpose = "Opens sealed lines, those that its keys open and no others.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static void
take_option(struct open_main *m, const struct options *o, int id)
{
	switch (id) {
	case KEY:
		if (m->keys == KEYS_MOST)
			options_misuse(o, "more than 64 keys", o->value);
		m->key[m->keys++] = o->value;
		return;
	case NOW:
		if (!clock_parse_instant(bytes_of(o->value), &m->now))
			options_misuse(o, "not a time, expected 2026-03-02T09:00:00Z", o->value);
		m->trust.now = o->value;
		m->has_now = true;
		return;
	case OTHER_POLICY:
		if (strcmp(o->value, "accept") != 0)
			options_misuse(o, "not accept", o->value);
		m->setup.other_policy = true;
		return;
	default:
		diag_bug("an option without a case");
	}
}

static void
load_policy(struct open_main *m)
{
	struct fault f = { 0 };

	if (!site_check(m->site, &f))
		fault_exit(&f);
	if (m->policy_path == NULL)
		return;
	m->trust.site = m->site;
	if (!trust_load(&m->policy, m->policy_path, &m->trust, &f))
		fault_exit(&f);
	m->setup.policy = &m->policy;
}

static void
check_manifest(struct open_main *m, const char *ca, const char *crl, struct bytes text)
{
	const char *beside = arena_format(&m->policy.arena, "%s.p7s", m->manifest_path);
	struct detached_trust trust;
	struct detached_verdict v;
	struct fault f = { 0 };
	struct bytes signature;

	if (!trust_read(&m->policy.arena, ca, crl, m->trust.now, &trust, &f))
		fault_exit(&f);
	if (!site_read(&m->policy.arena, beside, SIGNATURE_MOST, &signature, &f) && f.error == ENOENT)
		diag_die(
		    EXIT_KEYS, "%s: signature-missing: the manifest is not signed: ehr-policy sign", beside);
	if (f.text[0] != '\0')
		fault_exit(&f);
	if (!detached_check(text, signature, DETACHED_MAIL, &trust, &v))
		diag_die(EXIT_KEYS, "%s: %s: %s", beside, v.reason, v.text);
	detached_release(&trust);
}

/* The CA of the command line and that of the site must both agree, as for policies. */
static void
load_manifest(struct open_main *m, const struct options *o)
{
	struct arena *a = &m->policy.arena;
	const char *ca = site_path_if_there(a, m->site, SITE_TRUST, NULL), *why;
	struct fault f = { 0 };
	struct bytes text;
	size_t line;

	if (m->manifest_path == NULL)
		return;
	if (ca == NULL && m->trust.ca == NULL)
		options_needs(o, "--trust CA, whose certificate has signed the manifest");
	if (!site_read(a, m->manifest_path, MANIFEST_MOST, &text, &f))
		fault_exit(&f);
	if (m->trust.ca != NULL)
		check_manifest(m, m->trust.ca, m->trust.crl, text);
	if (ca != NULL)
		check_manifest(m, ca, site_path_if_there(a, m->site, SITE_TRUST_CRL, NULL), text);
	m->setup.manifest = manifest_read(text, &line, &why);
	if (m->setup.manifest == NULL)
		diag_die(EXIT_KEYS, "%s:%zu: manifest-invalid: %s", m->manifest_path, line, why);
}

/*
 * SITE: the site's list of revocations, NULL if this is not the site's directory.  The list of --revoked
 * is of the first directory's authority, or of --authority if that is another one.
 */
static void
add_directory(struct open_main *m, struct opening *opening, const char *path, const char *site)
{
	struct keys_lists lists = { .site = site, .now = m->setup.now };
	struct revoked revoked = { 0 };
	struct keys_fault fault;
	struct keys *keys = keys_open(path, KEYS_LEVELS | KEYS_LATER, m->allow_test_keys, &fault);
	enum diag_exit status;

	if (keys == NULL)
		diag_die(EXIT_KEYS, "%s", fault.text);
	if (m->authority == NULL || signers_include(keys_authority(keys), m->enroller)) {
		lists.given = m->revoked;
		m->revoked = NULL;
		m->has_list = true;
	}
	status = keys_revoked(keys, &lists, &revoked, &fault);
	if (status != EXIT_DONE)
		diag_die(status, "%s", fault.text);
	opening_add_directory(opening, keys);
	opening_add_revoked(opening, &revoked);
}

/* A list that --authority has signed.  It must be there if no key directory of that authority is. */
static void
add_given_list(struct open_main *m, const struct options *o, struct opening *opening)
{
	struct revoked revoked = { 0 };
	struct keys_fault fault;
	enum diag_exit status;

	if (m->revoked == NULL && (m->devices == NULL || m->has_list))
		return;
	if (m->revoked == NULL)
		options_needs(o,
		    "--revoked FILE, the list of --authority, or its key directory: else a device that was "
		    "revoked would count");
	if (m->authority == NULL)
		options_misuse(o, "needs a key directory or --authority, which has signed it", "--revoked");
	status = keys_revoked_alone(m->revoked, m->enroller, m->setup.now, &revoked, &fault);
	if (status != EXIT_DONE)
		diag_die(status, "%s", fault.text);
	opening_add_revoked(opening, &revoked);
}

/* A directory is a key directory; another name is of a private key. */
static void
add_key(struct open_main *m, struct opening *opening, const char *name)
{
	struct stat about;
	const char *why = "";
	struct private_key *key;

	if (stat(name, &about) == 0 && S_ISDIR(about.st_mode)) {
		add_directory(m, opening, name, NULL);
		return;
	}
	key = keyref_open(AT_FDCWD, name, &m->access, &why);
	if (key == NULL)
		diag_die(EXIT_KEYS, "%s: key-invalid: %s", keyref_shown(name), why);
	if (!m->allow_test_keys && jwk_is_test_thumbprint(keyref_public(key)->jkt))
		diag_die(
		    EXIT_KEYS, "%s: test-key: its private half is public; only with --allow-test-keys", name);
	opening_add_private(opening, key);
}

static struct signers *
read_signers(const char *path)
{
	struct signers *all;
	struct buffer text;

	buffer_init(&text, 1 << 20);
	if (!file_read(path, &text))
		diag_die(EXIT_IO, "%s: %s", path, file_read_fault(errno));
	all = signers_read(buffer_bytes(&text));
	if (all == NULL)
		diag_die(
		    EXIT_KEYS, "%s: key-invalid: not a set of keys on P-256 that verify signatures", path);
	buffer_release(&text);
	return all;
}

/* The devices whose readings count, as the authority says. */
static struct signers *
read_devices(struct open_main *m, const struct options *o)
{
	const char *path = site_path_if_there(&m->policy.arena, m->site, SITE_AUTHORITY, m->authority);
	struct signers *all;
	struct buffer text;
	unsigned line = 0;

	if (path == NULL)
		options_misuse(o, "whose enrolments? needs --authority JWKS, or a site", "--require-signed");
	m->enroller = read_signers(path);
	buffer_init(&text, (size_t)1 << 28);
	if (!file_read(m->devices, &text))
		diag_die(EXIT_IO, "%s: %s", m->devices, file_read_fault(errno));
	all = enrolled_read(m->enroller, buffer_bytes(&text), true, m->setup.now, &line);
	if (all == NULL && line > 0)
		diag_die(EXIT_KEYS, "%s:%u: not an enrolment that the authority signed", m->devices, line);
	if (all == NULL)
		diag_die(EXIT_KEYS, "%s: no device that sends readings is enrolled%s", m->devices,
		    m->setup.now == NULL ? "; enrolments end, so it needs --now TIME" : "");
	buffer_release(&text);
	return all;
}

static struct opening *
begin(struct open_main *m, const struct options *o)
{
	struct arena *a = &m->policy.arena;
	struct opening *opening;

	load_policy(m);
	load_manifest(m, o);
	m->setup.now = m->has_now ? &m->now : NULL;
	if (m->devices != NULL)
		m->setup.devices = m->signers = read_devices(m, o);
	opening = opening_new(&m->setup);
	if (m->site != NULL)
		add_directory(m, opening, site_path(a, m->site, SITE_KEYS, NULL),
		    site_path(a, m->site, SITE_REVOKED, NULL));
	for (size_t i = 0; i < m->keys; i++)
		add_key(m, opening, m->key[i]);
	add_given_list(m, o, opening);
	if (!secret_is_locked())
		diag_warn("memory-not-locked: keys may be swapped to disk");
	return opening;
}

int
main(int argc, char *argv[])
{
	static struct open_main m;
	struct filter_engine engine = { .record = opening_line, .end = opening_last, .envelope = 2 };
	struct options o;
	struct filter f;
	struct opening *opening;
	int id, status;

	start_program("ehr-open");
	options_init(&o, &manual, argc, argv);
	options_into(&o, &m);
	filter_init(&f);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (!filter_option(&f, &o, id))
			take_option(&m, &o, id);
	if (m.site == NULL && m.keys == 0)
		options_needs(&o, "--site DIR or --key X: without a key nothing opens");
	trust_options(&o, &m.trust);
	if (m.policy_path == NULL && m.manifest_path == NULL && m.trust.ca != NULL)
		options_misuse(&o, "only with --policy or --manifest", "--trust");
	if (m.manifest_path == NULL && m.setup.partial)
		options_misuse(&o, "only with --manifest", "--partial");
	if (m.policy_path == NULL && m.setup.other_policy)
		options_misuse(&o, "only with --policy", "--other-policy");
	if (m.authority != NULL && m.devices == NULL)
		options_misuse(&o, "only with --require-signed", "--authority");
	filter_start(&f, &o, digest_hex);
	m.setup.max_depth = f.max_depth;
	opening = begin(&m, &o);
	engine.context = opening;
	status = filter_run(&f, &o, &engine);
	if (secret_is_locked() && secret_fell_short())
		diag_warn(
		    "memory-not-locked: a record was longer than the memory that may be locked (ulimit -l), "
		    "and may be swapped to disk");
	opening_free(opening);
	manifest_free(m.setup.manifest);
	signers_free(m.signers);
	signers_free(m.enroller);
	policy_release(&m.policy);
	return status;
}
