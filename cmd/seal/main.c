/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/base/start.h"
#include "common/crypto/secret.h"
#include "common/line/manifest.h"
#include "common/line/sealed_line.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"
#include "common/seal/seal_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { NOW = 1, OTHER_POLICY, SEQ, GATHER };
enum { MANIFEST_MOST = 1 << 30 };
enum { GATHER_MOST = 10000 };

/* Numbers above 2^53 are not exact in every reader of JSON. */
#define SEQ_MOST ((uint64_t)1 << 52)

struct seal_main {
	const char *policy_path, *site, *keys_path, *revoked, *to, *batch, *epoch, *manifest_path, *after,
	    *sign;
	struct keyref_access access;
	struct trust_demand trust;
	struct arena paths; /* of it */
	struct instant now;
	bool has_now;
	bool has_seq;
	bool allow_test_keys;
	struct policy policy;
	struct seal_policy sealing;
	struct point recipient;
	char recipient_domain[129];
	struct keys *device; /* whose directory --sign names, and which owns the signer; NULL: it is a key */
	struct sink manifest;
	char prev[DIGEST_TEXT];
	struct seal_engine_setup setup;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct seal_main, policy_path), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct seal_main, site), 'S', false, "site", "DIR",
	    "the site, whose keys/ hold the level keys" },
	{ OPTION_TEXT(struct seal_main, keys_path), 0, false, "keys", "DIR",
	    "the key directory, if it is elsewhere" },
	{ OPTION_TEXT(struct seal_main, epoch), 0, false, "epoch", "N",
	    "the epoch whose keys are used (the current one)" },
	{ OPTION_TEXT(struct seal_main, to), 0, false, "to", "JWK",
	    "seal to this public key instead of to levels" },
	{ OPTION_FLAG(struct seal_main, setup.keep), 0, false, "keep", NULL,
	    "seal labelled lines whole, for the site itself; with --to" },
	{ OPTION_TEXT(struct seal_main, sign), 0, false, "sign", "KEY",
	    "sign each record with this key, of the device, or of its key directory; with --to" },
	{ OPTION_TEXT(struct seal_main, access.pin_file), 0, false, "pin-file", "FILE",
	    "the PIN of that key" },
	{ OPTION_TEXT(struct seal_main, access.parent_pin_file), 0, false, "parent-pin-file", "FILE",
	    "the PIN of the key of the TPM that wraps it" },
	{ GATHER, 0, false, "gather", "N", "put up to N records into one line; with --sign" },
	{ OPTION_TEXT(struct seal_main, batch), 0, false, "batch", "ID",
	    "the run's name in the tags (random)" },
	{ SEQ, 0, false, "seq", "N", "the number of the first line in the batch (0); with --batch" },
	{ OPTION_TEXT(struct seal_main, manifest_path), 0, false, "manifest", "FILE",
	    "list the lines there, for a signature" },
	{ OPTION_TEXT(struct seal_main, after), 0, false, "after", "FILE",
	    "the manifest of the batch before; with --manifest" },
	{ OPTION_TEXT(struct seal_main, revoked), 0, false, "revoked", "FILE",
	    "signed revocations, besides those of site and key directory" },
	{ NOW, 0, false, "now", "TIME", "refuse keys that are not valid at TIME" },
	{ OPTION_FLAG(struct seal_main, setup.check), 0, false, "check", NULL, "parse the records, too" },
	{ OTHER_POLICY, 0, false, "other-policy", "accept", "take lines made under another policy" },
	{ OPTION_FLAG(struct seal_main, allow_test_keys), 0, false, "allow-test-keys", NULL,
	    "do not refuse keys that are public" },
	TRUST_OPTIONS(struct seal_main),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-seal",
	.example = "ehr-seal -S site <versions.ndjson >sealed.ndjson",
	.operands = "[file ...]",
	.purpose = "Seals versions of records, each under its level's key.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static void
take_option(struct seal_main *m, const struct options *o, int id)
{
	uint64_t gather;

	switch (id) {
	case NOW:
		if (!clock_parse_instant(bytes_of(o->value), &m->now))
			options_misuse(o, "not a time, expected 2026-03-02T09:00:00Z", o->value);
		m->trust.now = o->value;
		m->has_now = true;
		return;
	case SEQ:
		if (!options_number(o->value, SEQ_MOST, &m->setup.seq))
			options_misuse(o, "not a number up to 2^52", o->value);
		m->has_seq = true;
		return;
	case OTHER_POLICY:
		if (strcmp(o->value, "accept") != 0)
			options_misuse(o, "not accept", o->value);
		m->setup.other_policy = true;
		return;
	case GATHER:
		if (!options_number(o->value, GATHER_MOST, &gather) || gather == 0)
			options_misuse(o, "not a number from 1 to 10000", o->value);
		m->setup.gather = (unsigned)gather;
		return;
	default:
		diag_bug("an option without a case");
	}
}

static void
check_options(struct seal_main *m, const struct options *o)
{
	if (m->to == NULL)
		trust_policy(o, &m->policy_path, m->site);
	if (m->to == NULL && m->site == NULL && m->keys_path == NULL)
		options_needs(o, "--site DIR");
	if (m->to != NULL && m->epoch != NULL)
		options_misuse(o, "not together with --to", "--epoch");
	if (m->to == NULL && m->setup.keep)
		options_misuse(o, "only together with --to JWK", "--keep");
	if (m->sign != NULL && (m->to == NULL || m->setup.keep))
		options_misuse(o, "only together with --to JWK, and not with --keep", "--sign");
	if (m->sign == NULL && m->setup.gather > 0)
		options_misuse(o, "only together with --sign KEY", "--gather");
	if (m->policy_path == NULL && m->setup.other_policy)
		options_misuse(o, "only with --policy", "--other-policy");
	trust_options(o, &m->trust);
	if (m->policy_path == NULL && m->trust.ca != NULL)
		options_misuse(o, "only with --policy", "--trust");
	if (m->after != NULL && m->manifest_path == NULL)
		options_misuse(o, "only with --manifest", "--after");
	if (m->has_seq && m->batch == NULL)
		options_misuse(o, "only with --batch, whose lines it goes on counting", "--seq");
	if (m->batch != NULL && !sealed_line_is_marked(bytes_of(m->batch), "b_"))
		options_misuse(o, "not b_ and 22 characters of base64url", m->batch);
}

static uint32_t
epoch(const struct options *o, const char *text)
{
	uint64_t value;

	if (!options_number(text, INT32_MAX, &value) || value == 0)
		options_misuse(o, "not an epoch, expected 1 or above", text);
	return (uint32_t)value;
}

static void
load_policy(struct seal_main *m)
{
	struct fault f = { 0 };

	if (!site_check(m->site, &f))
		fault_exit(&f);
	if (m->policy_path == NULL)
		return;
	m->trust.site = m->site;
	m->trust.keys = site_path(&m->paths, m->site, SITE_KEYS, m->keys_path);
	if (!trust_load(&m->policy, m->policy_path, &m->trust, &f) ||
	    !seal_policy_load(&m->sealing, &m->policy, &f))
		fault_exit(&f);
	m->setup.policy = &m->policy;
	m->setup.sealing = &m->sealing;
	m->setup.domain = m->sealing.domain;
}

/* Opens the keys of --keys or of the site.  To a recipient they may be left out. */
static void
open_keys(struct seal_main *m, const struct options *o)
{
	const char *path = site_path(&m->policy.arena, m->site, SITE_KEYS, m->keys_path);
	const struct seal_keys_demand demand = { .directory = path,
		.site = m->site,
		.revoked = m->revoked,
		.epoch = m->epoch != NULL ? epoch(o, m->epoch) : 0,
		.to_recipient = m->to != NULL,
		.allow_test_keys = m->allow_test_keys };
	struct seal_fault fault;

	if (path == NULL && m->revoked != NULL)
		options_misuse(o, "needs a key directory, whose authority has signed it", "--revoked");
	if (path != NULL && !seal_keys_open(&m->setup, &demand, &m->policy.arena, &fault))
		diag_die(fault.status, "%s", fault.text);
}

static bool
read_point(struct seal_main *m, struct bytes text)
{
	struct json j;
	uint32_t domain;
	bool good;

	json_init(&j, NULL, 4);
	good = json_parse(&j, text) && point_read(&m->recipient, &j, 0, POINT_RECEIVES);
	domain = good ? json_member(&j, 0, (struct bytes)BYTES("domain")) : 0;
	if (domain != 0) {
		struct bytes name = json_inside(&j, domain);

		good = json_kind(&j, domain) == JSON_STRING && tag_is_word(name) &&
		       memchr(name.at, '/', name.size) == NULL;
		if (good)
			memcpy(m->recipient_domain, name.at, name.size);
	}
	json_release(&j);
	return good;
}

static void
read_recipient(struct seal_main *m)
{
	struct buffer text;

	if (m->to == NULL)
		return;
	buffer_init(&text, 65536);
	if (!file_read(m->to, &text) || !json_slack(&text))
		diag_die(EXIT_IO, "%s: %s", m->to, file_read_fault(errno));
	if (!read_point(m, buffer_bytes(&text)))
		diag_die(EXIT_KEYS,
		    "%s: key-invalid: not a public key on P-256 to seal to, as a JWK; use, alg and key_ops "
		    "may be absent, "
		    "or enc, ECDH-ES+A256KW, deriveKey and deriveBits",
		    m->to);
	if (!m->allow_test_keys && jwk_is_test_thumbprint(m->recipient.jkt))
		diag_die(EXIT_KEYS, "%s: test-key: its private half is public; only with --allow-test-keys",
		    m->to);
	buffer_release(&text);
	m->setup.recipient = &m->recipient;
	if (m->setup.domain.size == 0)
		m->setup.domain = bytes_of(m->recipient_domain);
}

static void
check_domain(const struct seal_main *m, const struct options *o)
{
	struct seal_fault fault;

	if (m->setup.domain.size == 0)
		options_misuse(
		    o, "whose? a policy, keys or a member domain in the JWK must say the domain", m->to);
	if (!seal_keys_domain(&m->setup, m->allow_test_keys, &fault))
		diag_die(fault.status, "%s", fault.text);
}

static void
set_batch(struct seal_main *m)
{
	unsigned char random[16];

	memcpy(m->setup.batch, "b_", 2);
	if (m->batch != NULL) {
		memcpy(m->setup.batch, m->batch, BATCH_SIZE);
		return;
	}
	public_random(random, sizeof random);
	(void)base64url_encode(m->setup.batch + 2, (struct bytes){ (const char *)random, sizeof random });
}

/* After filter_start.  The manifest before is read first: it may be the file that is written now. */
static void
open_manifest(struct seal_main *m, const struct options *o, struct filter *f)
{
	struct fault fault = { 0 };
	struct bytes text;

	if (m->after != NULL) {
		if (!site_read(&m->policy.arena, m->after, MANIFEST_MOST, &text, &fault))
			fault_exit(&fault);
		if (!manifest_is(text))
			diag_die(EXIT_KEYS, "%s: manifest-invalid: not a manifest", m->after);
		digest_text(text, m->prev);
		m->setup.prev = bytes_of(m->prev);
	}
	if (m->manifest_path == NULL)
		return;
	filter_create(f, o, m->manifest_path, &m->manifest);
	m->setup.manifest = &m->manifest;
}

static int
close_manifest(struct seal_main *m, int status)
{
	if (m->setup.manifest == NULL || sink_close(&m->manifest))
		return status;
	diag_warn("%s: %s", m->manifest.name, strerror(m->manifest.error));
	return (int)diag_worse((enum diag_exit)status, EXIT_IO);
}

/* The device's own directory says how its key is opened. */
static void
open_device(struct seal_main *m, const struct options *o)
{
	struct keys_fault fault;

	if (m->access.pin_file != NULL || m->access.parent_pin_file != NULL)
		options_misuse(o, "not together with --sign DIR, whose self.json says where its PIN is",
		    m->access.pin_file != NULL ? "--pin-file" : "--parent-pin-file");
	m->device = keys_open(m->sign, KEYS_SIGN, m->allow_test_keys, &fault);
	if (m->device == NULL)
		diag_die(EXIT_KEYS, "%s", fault.text);
	m->setup.signer = keys_signing(m->device);
}

static void
open_signer(struct seal_main *m, const struct options *o)
{
	const char *why = "";
	struct stat about;

	if (m->sign == NULL)
		return;
	if (stat(m->sign, &about) == 0 && S_ISDIR(about.st_mode)) {
		open_device(m, o);
		return;
	}
	m->setup.signer = keyref_open(AT_FDCWD, m->sign, &m->access, &why);
	if (m->setup.signer == NULL)
		diag_die(EXIT_KEYS, "%s: key-invalid: %s", keyref_shown(m->sign), why);
	if (!m->allow_test_keys && jwk_is_test_thumbprint(keyref_public(m->setup.signer)->jkt))
		diag_die(EXIT_KEYS, "%s: test-key: it is public; only with --allow-test-keys", m->sign);
}

static struct seal_engine *
begin(struct seal_main *m, const struct options *o, struct filter *f)
{
	struct seal_engine *run;
	struct seal_fault fault;

	m->setup.now = m->has_now ? &m->now : NULL;
	load_policy(m);
	open_keys(m, o);
	read_recipient(m);
	open_signer(m, o);
	check_domain(m, o);
	set_batch(m);
	open_manifest(m, o, f);
	run = seal_engine_begin(&m->setup, &fault);
	if (run == NULL)
		diag_die(fault.status, "%s", fault.text);
	if (!secret_is_locked())
		diag_warn("memory-not-locked: keys may be swapped to disk");
	return run;
}

int
main(int argc, char *argv[])
{
	static struct seal_main m;
	struct filter_engine engine = { .record = seal_engine_line, .end = seal_engine_last, .envelope = 2 };
	struct options o;
	struct filter f;
	struct seal_engine *run;
	int id, status;

	start_program("ehr-seal");
	options_init(&o, &manual, argc, argv);
	options_into(&o, &m);
	filter_init(&f);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (!filter_option(&f, &o, id))
			take_option(&m, &o, id);
	check_options(&m, &o);
	filter_start(&f, &o, digest_hex);
	m.setup.max_depth = f.max_depth;
	run = begin(&m, &o, &f);
	engine.context = run;
	if (m.setup.policy != NULL)
		refusals_policy(&f.refusals, m.policy.digest);
	if (f.verbose && m.policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, m.policy.directory, m.policy.digest);
	status = close_manifest(&m, filter_run(&f, &o, &engine));
	seal_engine_end(run);
	if (m.device == NULL)
		keyref_free(m.setup.signer);
	keys_close(m.device);
	seal_keys_close(&m.setup);
	arena_release(&m.paths);
	policy_release(&m.policy);
	return status;
}
