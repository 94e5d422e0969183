/* SPDX-License-Identifier: ISC */
#include "cmd/keys/lock.h"
#include "cmd/keys/verbs.h"
#include "common/base/options.h"
#include "common/base/start.h"
#include "common/crypto/secret.h"
#include "common/line/sink.h"
#include "common/policy/site.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MAKE = 1,
	ROTATE = 2,
	ENROL = 4,
	RELEASE = 8,
	ACCEPT = 16,
	GRANT = 32,
	REVOKE = 64,
	LIST = 128,
	PSEUDONYM = 256,
	SIGNER = 512,
	ASSERT = 1024,
	GIVE = 2048,
	SUBSCRIBE = 4096,
	DECLARE = 8192,
	CHALLENGE = 1 << 14,
	PROVE = 1 << 15,
	PROVISION = 1 << 16,
	COMMAND = 1 << 17,
	ANSWERS = 1 << 18,
	DESTROY = 1 << 19
};
/* The verbs that obey a decision (order.h). */
enum { ORDER = ENROL | ROTATE | REVOKE | DESTROY | COMMAND };
/* Those of a device alone, which has no site. */
enum { OF_DEVICE = ACCEPT | PROVE };
/* The verbs that a key directory is not for. */
enum { KEY_FILE = SIGNER | ASSERT };
/* The verbs that may read a policy. */
enum { POLICY = MAKE | RELEASE | GRANT | PSEUDONYM | GIVE | SUBSCRIBE | DECLARE | ORDER };
enum { ANY = (1 << 20) - 1 };

static const struct verb {
	const char *name;
	unsigned bit;
	const char *operands;
	const char *help;
	verb_run *run;
} verbs[] = {
	{ "make", MAKE, "", "a site with all its keys; with --kind, a device's keys", verb_make },
	{ "rotate", ROTATE, "", "a new epoch: new keys for all levels", verb_rotate },
	{ "enrol", ENROL, "[file]", "take a device in", verb_enrol },
	{ "challenge", CHALLENGE, "", "what a device has to answer before it gets keys", verb_challenge },
	{ "prove", PROVE, "[file]", "answer a challenge, on the device", verb_prove },
	{ "release", RELEASE, "", "give a device the level keys that a decision allows", verb_release },
	{ "accept", ACCEPT, "[file ...]", "take what the authority sent, on the device", verb_accept },
	{ "provision", PROVISION, "[file]", "send a device its parameters", verb_provision },
	{ "command", COMMAND, "[file]", "send a device a command that a decision allows", verb_command },
	{ "answers", ANSWERS, "[file]", "check what devices answered", verb_answers },
	{ "grant", GRANT, "", "turn a decision into a subscriber's grant", verb_grant },
	{ "revoke", REVOKE, "", "say which devices, persons, grants and keys no longer count", verb_revoke },
	{ "destroy", DESTROY, "", "keys of a past epoch cease to exist here", verb_destroy },
	{ "list", LIST, "", "the keys that are here, never their bytes", verb_list },
	{ "pseudonym", PSEUDONYM, "[value ...]", "the tags that stand for ids or subjects", verb_pseudonym },
	{ "signer", SIGNER, "file", "a key that signs decisions or assertions, and its public half",
	    verb_signer },
	{ "give", GIVE, "", "ask the policy, and give a device its level keys, in one", verb_give },
	{ "subscribe", SUBSCRIBE, "[file]", "ask the policy, grant and subscribe, in one", verb_subscribe },
	{ "declare", DECLARE, "", "turn a decision into a fact: somebody treats a patient, or ceases to",
	    verb_declare },
	{ "assert", ASSERT, "[file]", "sign who asks: claims in, tokens out", verb_assert },
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

enum { KIND = 1, CLOCK, AL_CAP, DEVICE, TTL, PARTY, GRANTED, KID, NOW, WAIT, PATIENT, EPOCH };

#define TEXT(member) OPTION_TEXT(struct verb_settings, member)
#define FLAG(member) OPTION_FLAG(struct verb_settings, member)

static const struct {
	struct option_entry entry;
	unsigned verbs;
} all[] = {
	{ { TEXT(policy), 'P', false, "policy", "DIR", "the policy" }, POLICY },
	{ { TEXT(trust.ca), 0, false, "trust", "CA",
	      "take the policy only if a certificate of this CA has signed it" },
	    POLICY },
	{ { TEXT(trust.crl), 0, false, "crl", "FILE", "certificates that the CA revoked" }, POLICY },
	{ { TEXT(site), 'S', false, "site", "DIR", "the site" }, ANY & ~(OF_DEVICE | KEY_FILE) },
	{ { TEXT(keys), 0, false, "keys", "DIR", "the key directory (keys/ of the site)" }, ANY & ~KEY_FILE },
	{ { TEXT(domain), 0, false, "domain", "NAME", "the domain whose key it is" }, KEY_FILE },
	{ { TEXT(sign), 0, false, "sign", "URI", "the key that signs" }, ASSERT | GIVE | SUBSCRIBE },
	{ { TEXT(sig), 0, false, "sig", "URI", "the key that signs, if it is there already" }, MAKE },
	{ { TEXT(enc), 0, false, "enc", "URI", "the key that opens, if it is there already" }, MAKE },
	{ { TEXT(pin_file), 0, false, "pin-file", "FILE", "the PIN of the private keys" },
	    MAKE | SIGNER | ASSERT | GIVE | SUBSCRIBE },
	{ { TEXT(parent_pin_file), 0, false, "parent-pin-file", "FILE",
	      "the PIN of the key of the TPM that wraps them" },
	    MAKE | SIGNER | ASSERT | GIVE | SUBSCRIBE },
	{ { TEXT(tcti), 0, false, "tcti", "TCTI", "the way to the TPM (what TPM2OPENSSL_TCTI says)" }, MAKE },
	{ { FLAG(verbose), 'v', false, "verbose", NULL, "show the request and the decision" },
	    GIVE | SUBSCRIBE },
	{ { KIND, 0, false, "kind", "authority|sealer|reader|sensor|actuator|id|subject",
	      "whose keys, or what a pseudonym stands for" },
	    MAKE | PSEUDONYM },
	{ { TEXT(authority), 0, false, "authority", "JWKS", "whom a device believes" }, MAKE },
	{ { TEXT(expect), 0, false, "expect", "JKT", "the thumbprint that the device itself shows" }, ENROL },
	{ { AL_CAP, 0, false, "al-cap", "N", "the most that this device is ever given (3)" }, ENROL },
	{ { DEVICE, 0, true, "device", "ID", "the device, by its id" },
	    RELEASE | REVOKE | GIVE | SUBSCRIBE | CHALLENGE | PROVISION | COMMAND },
	{ { PATIENT, 0, true, "patient", "ID", "whom to be told of, or whose device it is" },
	    SUBSCRIBE | COMMAND },
	{ { TEXT(user), 0, false, "user", "ID", "the person that it is for, or who asks for it" },
	    RELEASE | GIVE | SUBSCRIBE | ORDER },
	{ { TEXT(decision), 0, false, "decision", "FILE", "what ehr-authz decided" },
	    RELEASE | GRANT | DECLARE | ORDER },
	{ { TEXT(deciders), 0, false, "deciders", "JWKS",
	      "public keys that sign decisions; others do not count" },
	    RELEASE | GRANT | GIVE | SUBSCRIBE | DECLARE | ORDER },
	{ { FLAG(end), 0, false, "end", NULL, "end what was declared" }, DECLARE },
	{ { TEXT(context), 0, false, "context", "FILE", "more for the request's context, a JSON object" },
	    RELEASE | GIVE | SUBSCRIBE | ORDER },
	{ { TEXT(assertions), 0, false, "assertions", "JWKS",
	      "public keys that sign who asks: nobody is believed without" },
	    GIVE | SUBSCRIBE | RELEASE },
	{ { TEXT(audience), 0, false, "audience", "NAME",
	      "under which name assertions are for this authority" },
	    GIVE | SUBSCRIBE },
	{ { TEXT(proof), 0, false, "proof", "FILE", "what the device answered to a challenge" }, RELEASE },
	{ { TEXT(assertion), 0, false, "assertion", "FILE", "the user's token, bound to this device" },
	    PROVE },
	{ { TEXT(ack), 0, false, "ack", "FILE", "where the answer to the authority goes" }, ACCEPT },
	{ { CLOCK, 0, false, "clock", "none",
	      "no clock is trusted: a command must be made for the last answer" },
	    ACCEPT },
	{ { TEXT(device_answer), 0, false, "answer", "FILE",
	      "the last answer of a device that trusts no clock" },
	    COMMAND },
	{ { TEXT(code), 0, false, "code", "FILE", "a code that device and authority share, once" },
	    MAKE | ENROL },
	{ { TEXT(ca), 0, false, "ca", "FILE", "the CA that has certified the device's signing key" }, ENROL },
	{ { TEXT(certificate), 0, false, "cert", "FILE",
	      "the certificate of the key that signs, for the enrolment" },
	    MAKE },
	{ { TEXT(commands), 0, false, "commands", "FILE", "the least AL for each command, a JSON object" },
	    MAKE },
	{ { FLAG(decided), 0, false, "decided", NULL, "enrol, rotate and revoke only by decisions" }, MAKE },
	{ { TEXT(consent_state), 0, false, "consent-state", "FILE",
	      "which directives are in force, from ehr-consent" },
	    GIVE | SUBSCRIBE },
	{ { FLAG(offline), 0, false, "offline", NULL, "without a challenge: for seven days at most" },
	    RELEASE },
	{ { FLAG(ask), 0, false, "ask", NULL, "print the request that ehr-authz has to answer" },
	    RELEASE | ORDER },
	{ { TTL, 0, false, "ttl", "TIME", "how long it holds: 12h, 30d" },
	    ENROL | RELEASE | GRANT | REVOKE | ASSERT | GIVE | SUBSCRIBE | CHALLENGE | PROVISION | COMMAND },
	{ { EPOCH, 0, false, "epoch", "N", "whose level keys: a past epoch's, for what was sealed then" },
	    RELEASE | GIVE },
	{ { PARTY, 0, true, "party", "ID", "a person" }, REVOKE },
	{ { GRANTED, 0, true, "grant", "ID", "a grant, by its jti" }, REVOKE },
	{ { KID, 0, true, "kid", "KID", "a level key" }, REVOKE | DESTROY },
	{ { TEXT(scope), 0, false, "scope", "EPOCH", "the epoch, where pseudonyms change with it" },
	    PSEUDONYM },
	{ { FLAG(entities), 0, false, "entities", NULL,
	      "lines of the register that state the pseudonyms of patients" },
	    PSEUDONYM },
	{ { FLAG(self), 0, false, "self", NULL, "who this directory is: id, thumbprints, public keys" },
	    LIST },
	{ { FLAG(devices), 0, false, "devices", NULL, "the devices that were taken in" }, LIST },
	{ { TEXT(holders), 0, false, "holders", "KID", "to whom this level key was released" }, LIST },
	{ { FLAG(digests), 0, false, "digests", NULL, "the keys of pseudonyms, tokens and marks" },
	    LIST | RELEASE | GIVE },
	{ { NOW, 0, false, "now", "TIME", "the time (the clock's)" }, ANY & ~SIGNER },
	{ { WAIT, 0, false, "wait", "SECONDS", "how long to wait for another that changes these keys (30)" },
	    ANY & ~(LIST | PSEUDONYM | ANSWERS | KEY_FILE) },
	{ { FLAG(allow_test_keys), 0, false, "allow-test-keys", NULL, "do not refuse keys that are public" },
	    ANY & ~KEY_FILE },
};
enum { OPTIONS = sizeof all / sizeof all[0] };

static uint64_t
number(const struct options *o, uint64_t most)
{
	uint64_t value;

	if (!options_number(o->value, most, &value))
		options_misuse(o, "not a number that is allowed here", o->value);
	return value;
}

static void
add(const struct options *o, struct verb_names *list)
{
	if (list->count == VERB_NAMES_MOST)
		options_misuse(o, "more than 64 of them", o->value);
	list->item[list->count++] = o->value;
}

static void
take_option(const struct options *o, struct verb_settings *s, int id, unsigned verb)
{
	static const char *const holders[] = { "authority", "sealer", "reader", "sensor", "actuator", NULL };
	static const char *const values[] = { "id", "subject", NULL };
	const char *const *words;

	switch (id) {
	case KIND:
		words = verb == MAKE ? holders : values;
		s->kind = words[options_word(o, words)];
		return;
	case CLOCK:
		if (strcmp(o->value, "none") != 0)
			options_misuse(o, "not none", o->value);
		s->no_clock = true;
		return;
	case AL_CAP:
		s->al_cap = (unsigned)number(o, 99);
		s->al_cap_given = true;
		return;
	case DEVICE:
		add(o, &s->device);
		return;
	case PATIENT:
		add(o, &s->patient);
		return;
	case PARTY:
		add(o, &s->party);
		return;
	case GRANTED:
		add(o, &s->grant);
		return;
	case KID:
		add(o, &s->kid);
		return;
	case TTL:
		if (!clock_parse_duration(bytes_of(o->value), &s->ttl) || s->ttl <= 0)
			options_misuse(o, "not a length of time, expected 12h or 30d", o->value);
		return;
	case NOW:
		if (!clock_parse_instant(bytes_of(o->value), &s->now))
			options_misuse(o, "not a time, expected 2026-03-02T09:00:00Z", o->value);
		s->trust.now = o->value;
		return;
	case EPOCH:
		s->epoch = (uint32_t)number(o, INT32_MAX);
		if (s->epoch == 0)
			options_misuse(o, "not an epoch, expected 1 or above", o->value);
		return;
	case WAIT:
		s->wait = (int64_t)number(o, 86400);
		return;
	default:
		diag_bug("an option without a case");
	}
}

static void
read_options(const struct verb *v, struct verb_settings *s, int argc, char *argv[])
{
	static struct option_entry table[OPTIONS];
	static char program[64];
	static struct arena paths;
	struct option_manual manual = {
		.program = program, .operands = v->operands, .purpose = v->help, .table = table
	};
	struct fault fault = { 0 };
	struct options o;
	int id;

	(void)snprintf(program, sizeof program, "ehr-keys %s", v->name);
	for (size_t i = 0; i < OPTIONS; i++)
		if ((all[i].verbs & v->bit) != 0)
			table[manual.count++] = all[i].entry;
	options_init(&o, &manual, argc, argv);
	options_into(&o, s);
	while ((id = options_next(&o)) != OPTIONS_END)
		take_option(&o, s, id, v->bit);
	if (o.operands > 0 && v->operands[0] == '\0')
		options_misuse(&o, "takes no operand", o.operand[0]);
	for (int i = 0; i < o.operands && v->bit != PSEUDONYM; i++)
		options_refuse_output(&o, o.operand[i]);
	if (o.operands == 0 && v->operands[0] != '\0')
		options_refuse_output(&o, "-");
	/* Without --keys the store says that the site is missing. */
	if (v->bit != MAKE && s->keys != NULL && !site_check(s->site, &fault))
		fault_exit(&fault);
	trust_options(&o, &s->trust);
	s->trust.site = s->site;
	if (v->bit != MAKE && (POLICY & v->bit) != 0 && !trust_default(&s->policy, s->site, &fault))
		fault_exit(&fault);
	s->trust.keys = site_path(&paths, s->site, SITE_KEYS, s->keys);
	s->operand = o.operand;
	s->operands = o.operands;
}

/* The verb named; without one the program answers --help and --version and ends, else it is misuse. */
static const struct verb *
find_verb(int argc, char *argv[])
{
	static char list[2048];
	struct option_manual manual = { .example = "ehr-keys make -P hospital -S site",
		.program = "ehr-keys",
		.operands = "",
		.purpose = list };
	struct options o;
	struct closest near = closest_to(bytes_of(argc > 1 ? argv[1] : ""));
	size_t used = (size_t)snprintf(list, sizeof list, "Makes, gives out and takes back keys.\n\nverbs:");

	for (size_t i = 0; i < VERBS; i++) {
		used += (size_t)snprintf(
		    list + used, sizeof list - used, "\n  %-12s %s", verbs[i].name, verbs[i].help);
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0)
			return &verbs[i];
		closest_offer(&near, bytes_of(verbs[i].name));
	}
	manual.program = "ehr-keys";
	options_init(&o, &manual, argc, argv);
	(void)options_next(&o);
	if (o.operands > 0)
		options_unknown(&o, "not a verb", o.operand[0], &near, "");
	diag_die(EXIT_USAGE, "no verb given (try ehr-keys --help)");
}

static enum diag_exit
print(struct verb_answer *a, enum diag_exit status, bool is_done)
{
	struct sink out;

	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	if (is_done)
		(void)sink_put(&out, buffer_bytes(&a->out));
	if (!sink_close(&out)) {
		diag_warn("%s: %s", out.name, strerror(out.error));
		status = diag_worse(status, EXIT_IO);
	}
	return status;
}

static void
say_lines(const struct buffer *lines)
{
	struct bytes rest = buffer_bytes(lines), line;

	while (bytes_line(&rest, &line))
		diag_warn("%.*s", (int)line.size, line.at);
}

static void
say(const struct verb_answer *a, bool is_done)
{
	say_lines(&a->notes);
	if (is_done)
		say_lines(&a->remarks);
	if (a->fault[0] != '\0')
		diag_warn("%s", a->fault);
}

int
main(int argc, char *argv[])
{
	struct verb_settings s = { 0 };
	struct verb_answer a = { 0 };
	const struct verb *v;
	enum diag_exit status;
	bool is_done;

	start_program("ehr-keys");
	v = find_verb(argc, argv);
	s.now = clock_now();
	s.wait = LOCK_WAIT;
	read_options(v, &s, argc - 1, argv + 1);
	if (!secret_is_locked())
		diag_warn("memory-not-locked: keys may be swapped to disk");
	buffer_init(&a.out, (size_t)1 << 30);
	buffer_init(&a.notes, BUFFER_UNLIMITED);
	buffer_init(&a.remarks, BUFFER_UNLIMITED);
	status = v->run(&s, &a);
	if (status == EXIT_IO && a.again)
		status = EXIT_AGAIN;
	is_done = status <= EXIT_REFUSED || a.kept;
	say(&a, is_done);
	status = print(&a, status, is_done);
	if (a.undo != NULL)
		a.undo(a.undo_context, status <= EXIT_REFUSED || a.kept);
	buffer_release(&a.out);
	buffer_release(&a.notes);
	buffer_release(&a.remarks);
	return (int)status;
}
