/* SPDX-License-Identifier: ISC */
/* ehr-policy replay: decides old requests anew and says which answers another policy would change. */
#include "cmd/policy/verbs.h"
#include "common/access/access.h"
#include "common/crypto/digest.h"
#include "common/json/json_write.h"
#include "common/policy/site.h"

#include <string.h>
#include <unistd.h>

enum { MAX_CONSENTS = 64, CONSENTS = 1, FILE_LIMIT = 1 << 30 };

struct settings {
	const char *policy, *site, *facts, *entities, *used, *now;
	const char *consents[MAX_CONSENTS];
	size_t consents_count;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site: consents, facts, entities" },
	{ CONSENTS, 0, true, "consents", "PATH", "consent directives: a file or a directory" },
	{ OPTION_TEXT(struct settings, facts), 0, false, "facts", "FILE", "the facts" },
	{ OPTION_TEXT(struct settings, entities), 0, false, "entities", "FILE", "the register" },
	{ OPTION_TEXT(struct settings, used), 0, false, "used", "FILE", "ids of commands used before" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time of requests that state none" },
};

static const struct option_manual manual = {
	.program = "ehr-policy replay",
	.operands = "REQUESTS DECISIONS",
	.purpose = "Decides old requests anew, and prints which answers change.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct replay {
	struct settings set;
	struct policy policy;
	struct instant now;
	struct arena arena;
	struct access *access;
	struct json was, is;
	struct buffer text; /* of the new decision */
	struct buffer line;
	struct sink out;
	const char *requests, *decisions; /* names of the files */
	size_t number;
	bool changed;
};

/* One decision: an answer, or an item of a batch. */
struct one {
	const struct json *json;
	uint32_t node, context;
};

static struct one
one_of(const struct json *j, uint32_t node)
{
	return (struct one){ j, node, json_member(j, node, bytes_of("context")) };
}

/* The text of a member of the context; empty if it is not there. */
static struct bytes
span(const struct one *d, const char *name)
{
	uint32_t node = d->context ? json_member(d->json, d->context, bytes_of(name)) : 0;

	return node ? json_span(d->json, node) : (struct bytes){ "", 0 };
}

static bool
permits(const struct one *d)
{
	uint32_t node = json_member(d->json, d->node, bytes_of("decision"));

	return node && json_kind(d->json, node) == JSON_TRUE;
}

/* What counts: the answer, how far it goes, and what must be done. */
static bool
is_same(const struct one *a, const struct one *b)
{
	static const char *const names[] = { "al", "rl", "obligations" };

	if (permits(a) != permits(b))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!bytes_equal(span(a, names[i]), span(b, names[i])))
			return false;
	return true;
}

static void
put_terms(struct json_write *w, const char *name, const struct one *d)
{
	static const char *const names[] = { "decided_by", "reason", "al", "rl", "obligations", "error" };

	json_write_name(w, name);
	json_write_open(w, '{');
	json_write_name(w, "decision");
	json_write_bool(w, permits(d));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span(d, names[i]).size > 0)
			json_write_member_value(w, names[i], span(d, names[i]));
	json_write_close(w, '}');
}

/* True if the layer NAME of D lists RULE. */
static bool
lists(const struct one *d, struct bytes name, struct bytes rule)
{
	const struct json_node *nodes = d->json->nodes;
	uint32_t layers = d->context ? json_member(d->json, d->context, bytes_of("layers")) : 0;

	for (uint32_t i = layers + 1; layers && i < nodes[layers].next; i = nodes[i].next) {
		uint32_t layer = json_member(d->json, i, bytes_of("layer"));
		uint32_t rules = json_member(d->json, i, bytes_of("rules"));

		if (!layer || !rules || !bytes_equal(json_span(d->json, layer), name))
			continue;
		for (uint32_t k = rules + 1; k < nodes[rules].next; k = nodes[k].next)
			if (bytes_equal(json_span(d->json, k), rule))
				return true;
	}
	return false;
}

/* The rules that spoke in A and not in B. */
static void
put_rules(struct json_write *w, const struct one *a, const struct one *b)
{
	const struct json_node *nodes = a->json->nodes;
	uint32_t layers = a->context ? json_member(a->json, a->context, bytes_of("layers")) : 0;

	for (uint32_t i = layers + 1; layers && i < nodes[layers].next; i = nodes[i].next) {
		uint32_t layer = json_member(a->json, i, bytes_of("layer"));
		uint32_t rules = json_member(a->json, i, bytes_of("rules"));

		for (uint32_t k = rules + 1; layer && rules && k < nodes[rules].next; k = nodes[k].next)
			if (!lists(b, json_span(a->json, layer), json_span(a->json, k)))
				json_write_value(w, json_span(a->json, k));
	}
}

/* ITEM: of a batch; -1: none. */
static bool
compare(struct replay *r, const struct one *was, const struct one *is, int item)
{
	struct json_write w = json_write_to(&r->line);

	if (is_same(was, is))
		return true;
	r->changed = true;
	r->line.used = 0;
	json_write_open(&w, '{');
	if (span(was, "id").size > 0)
		json_write_member_value(&w, "id", span(was, "id"));
	json_write_member_number(&w, "line", (int64_t)r->number);
	if (item >= 0)
		json_write_member_number(&w, "item", item);
	put_terms(&w, "was", was);
	put_terms(&w, "now", is);
	json_write_name(&w, "because");
	json_write_open(&w, '[');
	put_rules(&w, was, is);
	put_rules(&w, is, was);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	return sink_line(&r->out, buffer_bytes(&r->line));
}

static _Noreturn void
bad_line(const struct replay *r, const char *file, const char *why)
{
	diag_die(EXIT_BAD_RECORD, "%s:%zu: %s", file, r->number, why);
}

/* The items of a batch side by side; each answer has one, whatever its semantic. */
static bool
compare_items(struct replay *r, uint32_t was, uint32_t is)
{
	const struct json_node *a = r->was.nodes, *b = r->is.nodes;
	uint32_t i = was + 1, k = is + 1;

	for (int item = 0; i < a[was].next && k < b[is].next; item++, i = a[i].next, k = b[k].next) {
		struct one before = one_of(&r->was, i), after = one_of(&r->is, k);

		if (!compare(r, &before, &after, item))
			return false;
	}
	if (i < a[was].next || k < b[is].next)
		bad_line(r, r->decisions, "as many answers as the request has now were expected");
	return true;
}

/* A decision of another request would be compared with the wrong answer. */
static void
check_pair(const struct replay *r, const struct one *was, struct bytes request)
{
	char digest[DIGEST_TEXT];
	struct bytes named = span(was, "request");

	digest_text(request, digest);
	if (named.size > 0 &&
	    !(named.size == DIGEST_TEXT + 1 && memcmp(named.at + 1, digest, DIGEST_TEXT - 1) == 0))
		bad_line(r, r->decisions, "the decision is about another request");
}

static bool
replay_line(struct replay *r, struct bytes request, struct bytes decision)
{
	static const char slack[JSON_SLACK];
	struct access_decision d;
	uint32_t was, is;
	struct one before, after;

	if (!json_parse(&r->was, decision) || json_kind(&r->was, 0) != JSON_OBJECT)
		bad_line(r, r->decisions, "it is no decision");
	access_decide(r->access, request, &d);
	r->text.used = 0;
	buffer_add(&r->text, d.text.at, d.text.size);
	buffer_add(&r->text, slack, sizeof slack);
	if (!json_parse(&r->is, (struct bytes){ r->text.at, d.text.size }))
		diag_bug("a decision that is no JSON");
	was = json_member(&r->was, 0, bytes_of("evaluations"));
	is = json_member(&r->is, 0, bytes_of("evaluations"));
	before = one_of(&r->was, was && json_count(&r->was, was) > 0 ? was + 1 : 0);
	after = one_of(&r->is, 0);
	check_pair(r, &before, request);
	if ((was != 0) != (is != 0))
		bad_line(r, r->decisions, "a batch has answers, another request one");
	return was ? compare_items(r, was, is) : compare(r, &before, &after, -1);
}

/* As ehr-authz takes its lines: the end may be CR LF. */
static bool
next_line(struct bytes *text, struct bytes *line)
{
	bool there = bytes_line(text, line);

	if (there && line->size > 0 && line->at[line->size - 1] == '\r')
		line->size--;
	return there;
}

static bool
replay_all(struct replay *r)
{
	struct fault f = { 0 };
	struct bytes requests, decisions, request, decision;

	if (!site_read(&r->arena, r->requests, FILE_LIMIT, &requests, &f) ||
	    !site_read(&r->arena, r->decisions, FILE_LIMIT, &decisions, &f))
		fault_exit(&f);
	while (next_line(&requests, &request)) {
		r->number++;
		if (!next_line(&decisions, &decision))
			bad_line(r, r->requests, "there is no decision for it");
		if (!replay_line(r, request, decision))
			return false;
	}
	r->number++;
	if (decisions.size > 0)
		bad_line(r, r->decisions, "there is no request for it");
	return true;
}

static void
read_options(struct options *o, struct replay *r)
{
	struct settings *s = &r->set;

	options_into(o, s);
	while (options_next(o) != OPTIONS_END) {
		if (s->consents_count == MAX_CONSENTS)
			options_misuse(o, "given too often", "--consents");
		s->consents[s->consents_count++] = o->value;
	}
	if (o->operands < 2)
		options_needs(o, "REQUESTS and DECISIONS");
	if (o->operands > 2)
		options_misuse(o, "unexpected operand", o->operand[2]);
	r->requests = o->operand[0];
	r->decisions = o->operand[1];
	if (s->now != NULL && !clock_parse_instant(bytes_of(s->now), &r->now))
		options_misuse(o, "not a time such as 2026-03-02T09:00:00Z", s->now);
}

/* Takes from the site what no option names. */
static void
load(struct replay *r)
{
	struct settings *s = &r->set;
	struct fault f = { 0 };
	struct access_sources sources = { .policy = &r->policy, .consents = s->consents };

	if (!site_check(s->site, &f))
		fault_exit(&f);
	if (s->consents_count == 0) {
		s->consents[0] = site_path_if_there(&r->arena, s->site, SITE_CONSENTS, NULL);
		s->consents_count = s->consents[0] != NULL;
	}
	sources.consents_count = s->consents_count;
	sources.appends_facts = s->facts == NULL;
	sources.facts = site_path_if_there(&r->arena, s->site, SITE_FACTS, s->facts);
	sources.entities = site_path_if_there(&r->arena, s->site, SITE_ENTITIES, s->entities);
	sources.used = s->used;
	sources.now = s->now != NULL ? &r->now : NULL;
	r->access = access_load(&sources, &f);
	if (r->access == NULL)
		fault_exit(&f);
	if (access_unfinished(r->access) > 0)
		diag_warn("%s: the last line is unfinished and does not count", sources.facts);
}

enum diag_exit
verb_replay(int argc, char *argv[])
{
	struct options o;
	struct replay r = { .number = 0 };
	enum diag_exit status;

	options_init(&o, &manual, argc, argv);
	read_options(&o, &r);
	verb_load(&o, r.set.policy, r.set.site, &r.policy);
	load(&r);
	json_init(&r.was, NULL, JSON_MAX_DEPTH);
	json_init(&r.is, NULL, JSON_MAX_DEPTH);
	buffer_init(&r.text, BUFFER_UNLIMITED);
	buffer_init(&r.line, BUFFER_UNLIMITED);
	sink_init_take(&r.out, STDOUT_FILENO, "<stdout>");
	status = !replay_all(&r) ? EXIT_IO : r.changed ? EXIT_REFUSED : EXIT_DONE;
	json_release(&r.was);
	json_release(&r.is);
	buffer_release(&r.text);
	buffer_release(&r.line);
	access_free(r.access);
	policy_release(&r.policy);
	arena_release(&r.arena);
	return verb_finish(&r.out, status);
}
