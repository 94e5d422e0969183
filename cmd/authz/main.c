/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"
#include "common/access/assertion.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/crypto/keyref.h"
#include "common/crypto/signed_line.h"
#include "common/json/json_write.h"
#include "common/line/filter.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CONSENTS = 256 };

struct settings {
	const char *policy, *site, *facts, *entities, *used, *consent_state, *now, *max_skew, *sign,
	    *assertions, *audience;
	struct keyref_access access;
	const char *consents[MAX_CONSENTS];
	size_t consents_count;
	const char *metadata;
	struct trust_demand trust;
	bool public_only;
	bool explain;
	bool exit_status;
	bool outbound_only;
	enum access_search search;
};

enum { CONSENTS = 1, SEARCH, ONLY };

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR", "the policy" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site: consents, facts, entities" },
	{ CONSENTS, 0, true, "consents", "PATH", "consent directives: a file or a directory" },
	{ OPTION_TEXT(struct settings, consent_state), 0, false, "consent-state", "FILE",
	    "which bytes of directives are in force, as ehr-consent says" },
	{ OPTION_TEXT(struct settings, facts), 0, false, "facts", "FILE",
	    "who treats, supervises, stands for whom" },
	{ OPTION_TEXT(struct settings, entities), 0, false, "entities", "FILE",
	    "the register: what it states overrules the request" },
	{ OPTION_TEXT(struct settings, used), 0, false, "used", "FILE",
	    "ids of commands that were used before" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time of requests that state none" },
	{ OPTION_TEXT(struct settings, max_skew), 0, false, "max-skew", "DURATION",
	    "the time is --now; refuse requests whose own is further from it" },
	{ OPTION_TEXT(struct settings, assertions), 0, false, "assertions", "JWKS",
	    "public keys that sign who asks; requests are not believed" },
	{ OPTION_TEXT(struct settings, audience), 0, false, "audience", "NAME",
	    "under which name assertions are for this decider" },
	{ OPTION_TEXT(struct settings, sign), 0, false, "sign", "URI", "the key that signs each decision" },
	{ OPTION_TEXT(struct settings, access.pin_file), 0, false, "pin-file", "FILE",
	    "the PIN of that key" },
	{ OPTION_TEXT(struct settings, access.parent_pin_file), 0, false, "parent-pin-file", "FILE",
	    "the PIN of the key of the TPM that wraps it" },
	{ SEARCH, 0, false, "search", "subject|resource|action",
	    "list what a request would be permitted for" },
	{ ONLY, 0, false, "only", "outbound", "ask the requester's own domain alone" },
	{ OPTION_FLAG(struct settings, explain), 0, false, "explain", NULL,
	    "say what the rules that would permit lack" },
	{ OPTION_FLAG(struct settings, public_only), 0, false, "public", NULL,
	    "decisions without reasons, for other domains" },
	{ OPTION_FLAG(struct settings, exit_status), 0, false, "exit-status", NULL,
	    "end with 7 if a decision is false" },
	{ OPTION_TEXT(struct settings, metadata), 0, false, "metadata", "URL",
	    "write the AuthZEN metadata of a service at URL, and end" },
	TRUST_OPTIONS(struct settings),
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-authz",
	.example = "ehr-authz -P hospital -S site requests.ndjson >decisions.ndjson",
	.operands = "[file ...]",
	.purpose = "Decides who may do what with whose record: requests in, decisions out.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct authz {
	struct settings set;
	struct arena arena;
	struct policy policy;
	struct instant now;
	int64_t max_skew;
	bool appends_facts; /* the facts are the site's */
	struct access *access;
	struct signers *signers; /* of assertions; NULL: requests are believed */
	struct private_key *key; /* signs decisions; NULL: they are not signed */
	struct buffer line;      /* a signed decision */
	uint64_t permitted, denied;
};

static void
take_option(const struct options *o, struct settings *s, int id)
{
	static const char *const kinds[] = { "subject", "resource", "action", NULL };
	static const char *const layers[] = { "outbound", NULL };

	if (id == SEARCH) {
		s->search = (enum access_search)(ACCESS_SEARCH_SUBJECT + options_word(o, kinds));
	} else if (id == ONLY) {
		(void)options_word(o, layers);
		s->outbound_only = true;
	} else {
		if (s->consents_count == MAX_CONSENTS)
			options_misuse(o, "given too often", "--consents");
		s->consents[s->consents_count++] = o->value;
	}
}

static void
read_options(struct options *o, struct filter *f, struct settings *s)
{
	int id;

	options_into(o, s);
	while ((id = options_next(o)) != OPTIONS_END) {
		if (filter_option(f, o, id))
			continue;
		take_option(o, s, id);
	}
	if (s->metadata)
		return;
	trust_policy(o, &s->policy, s->site);
	if (s->explain && s->public_only)
		options_misuse(o, "not together with --public", "--explain");
}

/* Takes from the site what no option names. */
static void
look_into_site(struct authz *a)
{
	struct settings *s = &a->set;

	if (s->consents_count == 0) {
		s->consents[0] = site_path_if_there(&a->arena, s->site, SITE_CONSENTS, NULL);
		s->consents_count = s->consents[0] != NULL;
	}
	a->appends_facts = s->facts == NULL;
	s->facts = site_path_if_there(&a->arena, s->site, SITE_FACTS, s->facts);
	s->entities = site_path_if_there(&a->arena, s->site, SITE_ENTITIES, s->entities);
}

static struct signers *
load_signers(struct authz *a, const struct options *o)
{
	struct settings *set = &a->set;
	struct fault fault = { 0 };
	enum diag_exit status;
	struct signers *s;

	set->assertions = site_path_if_there(&a->arena, set->site, SITE_ASSERTIONS, set->assertions);
	if (set->audience && !set->assertions)
		options_misuse(o, "only together with --assertions JWKS", "--audience");
	if (!set->assertions)
		return NULL;
	if (!set->audience)
		options_needs(o, "--audience NAME");
	if (set->search == ACCESS_SEARCH_SUBJECT)
		options_misuse(
		    o, "not together with --assertions, which prove one subject", "--search subject");
	s = assertion_signers(&a->arena, set->assertions, &fault, &status);
	if (!s)
		diag_die(status, "%s: %s", fault.file, fault.text);
	return s;
}

static void
load(struct authz *a, const struct options *o, unsigned max_depth)
{
	const struct settings *s = &a->set;
	struct fault fault = { 0 };
	struct access_sources sources = { .policy = &a->policy,
		.consents = s->consents,
		.public_only = s->public_only,
		.explain = s->explain,
		.outbound_only = s->outbound_only,
		.search = s->search,
		.max_depth = max_depth };

	if (s->now && !clock_parse_instant(bytes_of(s->now), &a->now))
		options_misuse(o, "not a time such as 2026-03-02T09:00:00Z", s->now);
	if (s->max_skew && !s->now)
		options_needs(o, "--now TIME with --max-skew");
	if (s->max_skew && !clock_parse_duration(bytes_of(s->max_skew), &a->max_skew))
		options_misuse(o, "not a duration such as 60s", s->max_skew);
	if (!site_check(s->site, &fault))
		fault_exit(&fault);
	look_into_site(a);
	sources.consents_count = s->consents_count;
	sources.consent_state = s->consent_state;
	sources.facts = s->facts;
	sources.appends_facts = a->appends_facts;
	sources.entities = s->entities;
	sources.used = s->used;
	sources.now = s->now ? &a->now : NULL;
	sources.max_skew = s->max_skew ? &a->max_skew : NULL;
	a->signers = load_signers(a, o);
	sources.signers = a->signers;
	sources.audience = bytes_of(s->audience ? s->audience : "");
	trust_options(o, &s->trust);
	a->set.trust.site = s->site;
	a->set.trust.now = s->now;
	if (!trust_load(&a->policy, s->policy, &s->trust, &fault))
		fault_exit(&fault);
	a->access = access_load(&sources, &fault);
	if (!a->access)
		fault_exit(&fault);
	if (access_negotiates(a->access) && !s->consent_state)
		options_needs(o, "--consent-state FILE, as the policy says negotiated: true");
	if (access_unfinished(a->access) > 0)
		diag_warn("%s: the last line is unfinished and does not count", s->facts);
	for (size_t i = 0; access_warning(a->access, i); i++) {
		const struct fault *w = access_warning(a->access, i);

		diag_warn("%s:%u:%u: %s", w->file, w->line, w->column, w->text);
	}
}

static void
open_key(struct authz *a)
{
	const char *uri = a->set.sign, *why = NULL;

	buffer_init(&a->line, BUFFER_UNLIMITED);
	if (!uri)
		return;
	a->key = keyref_open(AT_FDCWD, uri, &a->set.access, &why);
	if (!a->key)
		diag_die(EXIT_KEYS, "key-invalid: %s: %s", keyref_shown(uri), why);
}

/* The decision with its signature as the last member, see signed_line.h. */
static struct bytes
signed_decision(struct authz *a, struct bytes text)
{
	if (!a->key)
		return text;
	a->line.used = 0;
	signed_line_sign(&a->line, a->key, text);
	return buffer_bytes(&a->line);
}

static bool
answer(struct authz *a, struct filter *f, const struct access_decision *d)
{
	f->written++;
	a->permitted += d->permitted;
	a->denied += !d->permitted;
	if (a->set.exit_status && !d->permitted)
		f->status = diag_worse(f->status, EXIT_DENIED);
	return sink_line(&f->out, signed_decision(a, d->text));
}

/* Every line has one answer, an empty one, too.  An ill-formed request counts as refused. */
static enum filter_outcome
decide_line(void *context, struct filter *f, struct bytes line)
{
	struct authz *a = context;
	struct access_decision d;

	access_decide(a->access, line, &d);
	if (!answer(a, f, &d))
		return filter_stop(f, EXIT_IO);
	return d.ill_formed ? filter_no(f, d.reason, d.byte) : FILTER_DONE;
}

/* A line that was refused before it was read has an answer, too.  If the write fails, the sink knows. */
static void
refuse_line(void *context, struct filter *f, enum reason reason)
{
	struct authz *a = context;
	struct access_decision d;

	access_refuse(a->access, reason, &d);
	(void)answer(a, f, &d);
}

static void
summarise(void *context, struct buffer *text)
{
	const struct authz *a = context;
	uint64_t others = access_others(a->access);
	char more[120];
	int size = snprintf(
	    more, sizeof more, ", %" PRIu64 " permitted, %" PRIu64 " denied", a->permitted, a->denied);

	(void)buffer_append(text, more, (size_t)size);
	if (others == 0)
		return;
	size = snprintf(more, sizeof more, ", %" PRIu64 " consents of another scope left out", others);
	(void)buffer_append(text, more, (size_t)size);
}

/* An https URL with a host and without user, query, fragment and last slash (AuthZEN 1.0, section 9.1). */
static bool
is_service(const char *url)
{
	if (strncmp(url, "https://", 8) != 0 || url[8] == '\0' || url[8] == '/' ||
	    url[strlen(url) - 1] == '/')
		return false;
	for (; *url != '\0'; url++)
		if (*url <= ' ' || *url >= 0x7f || strchr("?#@\"<>\\^`{|}", *url))
			return false;
	return true;
}

/* The metadata of an AuthZEN service that has this program behind it (AuthZEN 1.0, section 9). */
static int
print_metadata(const struct options *o, const char *url)
{
	static const struct {
		const char *name, *path;
	} endpoints[] = { { "access_evaluation_endpoint", "/access/v1/evaluation" },
		{ "access_evaluations_endpoint", "/access/v1/evaluations" },
		{ "search_subject_endpoint", "/access/v1/search/subject" },
		{ "search_resource_endpoint", "/access/v1/search/resource" },
		{ "search_action_endpoint", "/access/v1/search/action" } };
	struct buffer out, place;
	struct json_write w = json_write_to(&out);
	struct sink sink;

	if (o->operands > 0)
		options_misuse(o, "--metadata reads no file", o->operand[0]);
	if (!is_service(url))
		options_misuse(
		    o, "not an https URL with a host and without user, query, fragment and last slash", url);
	buffer_init(&out, BUFFER_UNLIMITED);
	buffer_init(&place, BUFFER_UNLIMITED);
	json_write_open(&w, '{');
	json_write_member(&w, "policy_decision_point", bytes_of(url));
	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
		place.used = 0;
		buffer_add(&place, url, strlen(url));
		buffer_add(&place, endpoints[i].path, strlen(endpoints[i].path));
		json_write_member(&w, endpoints[i].name, buffer_bytes(&place));
	}
	json_write_close(&w, '}');
	sink_init_take(&sink, STDOUT_FILENO, "<stdout>");
	(void)sink_line(&sink, buffer_bytes(&out));
	buffer_release(&out);
	buffer_release(&place);
	if (sink_close(&sink))
		return EXIT_DONE;
	diag_warn("%s: %s", sink.name, strerror(sink.error));
	return EXIT_IO;
}

int
main(int argc, char *argv[])
{
	static struct authz a;
	const struct filter_engine engine = { .context = &a,
		.record = decide_line,
		.refused = refuse_line,
		.summary = summarise,
		.blanks = true };
	struct filter f;
	struct options o;
	int status;

	start_program("ehr-authz");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	read_options(&o, &f, &a.set);
	if (a.set.metadata)
		return print_metadata(&o, a.set.metadata);
	load(&a, &o, f.max_depth);
	open_key(&a);
	filter_start(&f, &o, digest_hex);
	refusals_policy(&f.refusals, a.policy.digest);
	if (f.verbose && a.policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, a.policy.directory, a.policy.digest);
	status = filter_run(&f, &o, &engine);
	signers_free(a.signers);
	keyref_free(a.key);
	buffer_release(&a.line);
	access_free(a.access);
	policy_release(&a.policy);
	arena_release(&a.arena);
	return status;
}
