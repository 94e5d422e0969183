/* SPDX-License-Identifier: ISC */
/*
 * Properties of decisions, on random policies and random requests.  The test counts the entries of a
 * small record that a decision releases after its obligations.  It reads the obligations with code of
 * its own, which shares nothing with the engine.
 *
 *	P1  an attribute that is left out never widens what is released
 *	P2  the whole record releases no more than its entries asked for one by one
 *	P3  one more deny rule never releases more
 *	P4  a narrowed request releases no entry outside of what it is narrowed to, and none that is not
 *	    released when it is asked for alone
 *	P5  a directive that is not active changes nothing
 */
#include "tests/lib/authz.h"
#include "tests/lib/tap.h"

#include <inttypes.h>
#include <string.h>

enum { POLICIES = 400, REQUESTS = 24, TEXT = 16384 };

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static unsigned
draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

#define PICK(...)                                                                                            \
	((const char *const[]){                                                                              \
	    __VA_ARGS__ })[draw(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))]

/* The entries of the record: a type, a level, perhaps a category, and one code or two. */
static const struct entry {
	const char *class;
	const char *level;
	const char *category;
	const char *code[2];
} entries[] = {
	{ "Observation", "L", NULL, { "urn:x|a", NULL } },
	{ "Observation", "N", NULL, { "urn:x|a", "urn:x|b" } },
	{ "Observation", "R", "HIV", { "urn:x|b", NULL } },
	{ "Observation", "V", "SUD", { "urn:x|c", "urn:x|a" } },
	{ "Condition", "N", NULL, { "urn:x|b", "urn:x|c" } },
	{ "Condition", "N", "ETHUD", { "urn:x|a", NULL } },
	{ "Condition", "R", "SUD", { "urn:x|c", NULL } },
	{ "Claim", "L", "HIV", { "urn:x|d", NULL } },
	{ "Claim", "R", NULL, { "urn:x|d", "urn:x|a" } },
};

enum { ENTRIES = sizeof entries / sizeof entries[0] };

static const char ladder[] = "ULMNRV";

static int
rank(const char *level)
{
	const char *at = level[0] != '\0' && level[1] == '\0' ? strchr(ladder, level[0]) : NULL;

	return at ? (int)(at - ladder) : -1;
}

static struct json json;
static struct buffer room;

static uint32_t
member(uint32_t node, const char *name)
{
	return node ? json_member(&json, node, bytes_of(name)) : 0;
}

static bool
code_matches(const struct entry *e, const char *key, const char *code, bool permit_side)
{
	if (strcmp(key, "class") == 0)
		return strcmp(e->class, code) == 0;
	if (strcmp(key, "code") == 0)
		return strcmp(e->code[0], code) == 0 || (e->code[1] && strcmp(e->code[1], code) == 0);
	if (rank(code) >= 0)
		return permit_side ? rank(e->level) <= rank(code) : rank(e->level) >= rank(code);
	if (!e->category)
		return false;
	return strcmp(e->category, code) == 0 ||
	       (strcmp(code, "SUD") == 0 && strcmp(e->category, "ETHUD") == 0);
}

/* True if a code of the list matches; with `not`, if none does; with `all`, if all do. */
static bool
criterion_holds(const struct entry *e, const char *key, uint32_t node, bool permit_side)
{
	bool map = json_kind(&json, node) == JSON_OBJECT, found = false;
	bool every = map && member(node, "all") != 0, negated = map && !every, all = true;

	if (map)
		node = member(node, every ? "all" : "not");
	if (negated)
		permit_side = !permit_side;
	for (uint32_t i = node + 1; i < json.nodes[node].next; i = json.nodes[i].next) {
		char code[64];
		struct bytes text = json_string(&json, i, &room);

		(void)snprintf(code, sizeof code, "%.*s", (int)text.size, text.at);
		if (code_matches(e, key, code, permit_side))
			found = true;
		else
			all = false;
	}
	return every ? all : found != negated;
}

static bool
criteria_hold(const struct entry *e, uint32_t node, bool permit_side)
{
	static const char *const keys[] = { "class", "label", "code" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		uint32_t found = member(node, keys[i]);

		if (found && !criterion_holds(e, keys[i], found, permit_side))
			return false;
	}
	return true;
}

/* The criteria hold and no exception does.  An exception is on the other side. */
static bool
item_matches(const struct entry *e, uint32_t node, bool permit_side)
{
	uint32_t except = member(node, "except");

	if (!criteria_hold(e, node, permit_side))
		return false;
	for (uint32_t i = except + 1; except && i < json.nodes[except].next; i = json.nodes[i].next)
		if (criteria_hold(e, i, !permit_side))
			return false;
	return true;
}

static bool
withheld(const struct entry *e, uint32_t properties)
{
	uint32_t action = member(properties, "action"), any = member(properties, "any_of");

	if (json_is(&json, action, bytes_of("redact")))
		return item_matches(e, properties, false);
	if (!any)
		return false;
	for (uint32_t i = any + 1; i < json.nodes[any].next; i = json.nodes[i].next)
		if (item_matches(e, i, true))
			return false;
	return true;
}

static struct access *engine;
static char answer[TEXT];

/* Bit I: the decision and its obligations release entry I. */
static uint32_t
ask(const char *request)
{
	static char line[TEXT];
	struct access_decision d;
	uint32_t released = 0, list;

	memset(line, 0, sizeof line);
	(void)snprintf(line, sizeof line - JSON_SLACK, "%s", request);
	access_decide(engine, bytes_of(line), &d);
	memset(answer, 0, sizeof answer);
	(void)snprintf(answer, sizeof answer - JSON_SLACK, "%.*s", (int)d.text.size, d.text.at);
	if (d.ill_formed || !json_parse(&json, bytes_of(answer))) {
		check(false);
		return 0;
	}
	if (!d.permitted)
		return 0;
	list = member(json_member(&json, 0, bytes_of("context")), "obligations");
	for (unsigned e = 0; e < ENTRIES; e++) {
		bool seen = d.level < 0 || rank(entries[e].level) <= d.level;

		for (uint32_t i = list + 1; i < json.nodes[list].next; i = json.nodes[i].next)
			seen = seen && !withheld(&entries[e], member(i, "properties"));
		released |= (uint32_t)seen << e;
	}
	return released;
}

struct question {
	const char *part[6]; /* subject's and context's members; NULL: left out */
};

static struct question
random_question(void)
{
	struct question q = { { PICK("\"structural_role\":\"physician\"", "\"structural_role\":\"nurse\"",
				    "\"structural_role\":[\"nurse\",\"physician\"]", NULL),
	    PICK("\"ward\":\"1\"", "\"ward\":\"2\"", NULL),
	    PICK("\"purpose\":\"TREAT\"", "\"purpose\":\"BTG\"", "\"purpose\":\"HPAYMT\"",
		"\"purpose\":\"ETREAT\"", NULL),
	    PICK("\"acr\":\"loa1\"", "\"acr\":\"loa2\"", "\"acr\":\"loa3\"", NULL),
	    PICK("\"time\":\"2026-03-02T09:00:00Z\"", "\"time\":\"2026-06-02T09:00:00Z\"", NULL),
	    PICK("\"route\":\"on-site\"", "\"route\":\"internet\"", NULL) } };

	return q;
}

/* The request with the members DATA among its resource's properties; they begin with a comma. */
static const char *
request_with(const struct question *q, const char *data)
{
	static char text[2048];
	char parts[2][512] = { "", "" };

	for (int i = 0; i < 6; i++) {
		char *to = parts[i >= 2];

		if (q->part[i])
			(void)snprintf(to + strlen(to), sizeof parts[0] - strlen(to), "%s%s",
			    to[0] ? "," : "", q->part[i]);
	}
	(void)snprintf(text, sizeof text,
	    "{\"subject\":{\"type\":\"user\",\"id\":\"u\",\"properties\":{%s}},\"action\":{\"name\":\"read\"}"
	    ","
	    "\"resource\":{\"type\":\"record\",\"id\":\"p\",\"properties\":{\"patient\":\"p\",\"ward\":\"1\"%"
	    "s}},"
	    "\"context\":{%s}}",
	    parts[0], data, parts[1]);
	return text;
}

/* ENTRY narrows the request to one entry, NULL asks for the whole record. */
static const char *
request_of(const struct question *q, const struct entry *entry)
{
	char data[256] = "";

	if (entry)
		(void)snprintf(data, sizeof data,
		    ",\"class\":\"%s\",\"label\":[\"%s\"%s%s%s],\"code\":[\"%s\"%s%s%s]", entry->class,
		    entry->level, entry->category ? ",\"" : "", entry->category ? entry->category : "",
		    entry->category ? "\"" : "", entry->code[0], entry->code[1] ? ",\"" : "",
		    entry->code[1] ? entry->code[1] : "", entry->code[1] ? "\"" : "");
	return request_with(q, data);
}

static char house[TEXT], law[TEXT], consents[TEXT];

static void
add(char *to, const char *text)
{
	size_t used = strlen(to);

	(void)snprintf(to + used, TEXT - used, "%s", text);
}

static const char *
random_data(void)
{
	return PICK("class: Observation", "class: [Observation, Claim]", "class: {not: [Claim]}",
	    "label: [N]", "label: [R]", "label: [SUD]", "label: [HIV, R]", "label: {not: [R]}",
	    "label: {not: [SUD]}", "class: [Condition, Claim], label: [N]",
	    "class: Observation, label: [SUD]", "code: 'urn:x|a'", "code: ['urn:x|b', 'urn:x|d']",
	    "code: {not: ['urn:x|c']}", "class: [Observation, Condition], code: ['urn:x|a', 'urn:x|c']");
}

/* Criteria of a rule on SIDE, as words of a flow map that is still open. */
static void
add_criteria(char *to, bool permit)
{
	static const char *const common[] = { ", who: {structural_role: physician}",
		", who: {structural_role: {not: [nurse]}}", ", who: {relation: treating}", ", why: [TREAT]",
		", why: [HPAYMT]", ", why: [BTG]", ", where: {acr: {at_least: loa2}}",
		", where: {acr: {below: loa2}}", ", where: {route: {not: [internet]}}",
		", when: {from: 2026-03-01T00:00:00Z, until: 2026-04-01T00:00:00Z}",
		", same: [[subject.ward, resource.ward]]" };

	if (draw(4) == 0)
		add(to,
		    permit ? ", where: {justification: {present: true}}" : ", who: {ward: {present: false}}");
	else if (draw(3) > 0)
		add(to, common[draw(sizeof common / sizeof common[0])]);
	if (draw(2) == 0) {
		add(to, ", what: {");
		add(to, random_data());
		add(to, "}");
	}
}

static void
add_exceptions(char *to, bool permit)
{
	if (draw(3) > 0)
		return;
	add(to, ", except: [{");
	if (draw(2) == 0) {
		add(to, "what: {");
		add(to, random_data());
		add(to, "}");
	} else {
		add(to, permit ? "why: [BTG]"
			       : PICK("who: {relation: treating}", "why: [ETREAT]",
				     "where: {acr: {at_least: loa3}}"));
	}
	add(to, "}]");
}

static void
add_rule(char *to, const char *id, bool permit, const char *more)
{
	char begin[128];

	(void)snprintf(
	    begin, sizeof begin, "  - {id: %s, say: Rule., effect: %s", id, permit ? "permit" : "deny");
	add(to, begin);
	add_criteria(to, permit);
	add_exceptions(to, permit);
	add(to, more);
	add(to, "}\n");
}

static void
random_house(void)
{
	house[0] = law[0] = '\0';
	add(house, "ehr_authz: 1\nlayer: organization\ndefault: ");
	add(house, PICK("deny", "deny", "permit"));
	add(house, "\nno_consent: ");
	add(house, PICK("deny", "permit", "break-glass-only", "ignore"));
	add(house, "\nrules:\n");
	for (unsigned i = 0, count = 1 + draw(4); i < count; i++) {
		bool permit = draw(4) > 0;
		char id[8] = { 'H', (char)('0' + i), '\0' };

		add_rule(house, id, permit,
		    permit && draw(3) == 0
			? PICK(", overrides_consent: acknowledged", ", overrides_consent: always, law: true")
			: "");
	}
	add(law, "ehr_authz: 1\nlayer: jurisdiction\ndefault: pass\nrules:\n");
	add_rule(law, "J0", false, "");
}

/* An entry can have a code of the rule and another one of the rule in it. */
static void
add_codes_in_codes(char *to, const char *id)
{
	static const char *const codes[] = { "'urn:x|a'", "['urn:x|b', 'urn:x|d']",
		"['urn:x|c', 'urn:x|a']" };
	char text[256];

	(void)snprintf(text, sizeof text,
	    "  - {id: %s, say: Rule., effect: permit, what: {code: %s}, rules: [{id: n, say: Rule., "
	    "effect: deny, what: {code: %s}}]}\n",
	    id, codes[draw(3)], codes[draw(3)]);
	add(to, text);
}

static void
random_directive(const char *id, const char *status)
{
	char begin[256], nested[256];
	bool base = draw(2) == 0;

	(void)snprintf(begin, sizeof begin,
	    "ehr_authz: 1\nconsent: %s\npatient: p\nstatus: %s\nbase: %s\nacknowledges: [H0, H1, "
	    "H2]\n%s%s%srules:\n",
	    id, status, base ? "permit" : "deny", base && draw(3) == 0 ? "what: {" : "", "", "");
	consents[0] = '\0';
	if (strstr(begin, "what: {")) {
		(void)snprintf(begin, sizeof begin,
		    "ehr_authz: 1\nconsent: %s\npatient: p\nstatus: %s\nbase: permit\nwhat: {%s}\nrules:\n",
		    id, status, random_data());
	}
	add(consents, begin);
	for (unsigned i = 0, count = draw(4); i < count; i++) {
		bool permit = draw(2) == 0;
		char name[8] = { 'c', (char)('0' + i), '\0' };

		(void)snprintf(nested, sizeof nested,
		    ", rules: [{id: n, say: Rule., effect: %s, what: {%s}%s}]", permit ? "deny" : "permit",
		    random_data(), draw(3) == 0 ? ", why: [TREAT]" : "");
		if (draw(6) == 0)
			add_codes_in_codes(consents, name);
		else
			add_rule(consents, name, permit, draw(2) == 0 ? nested : "");
	}
	if (consents[strlen(consents) - 2] == ':')
		consents[strlen(consents) - 7] = '\0';
}

static struct policy policy;

/* Loads the first DIRECTIVES of a.yaml and b.yaml. */
static void
load(unsigned directives)
{
	char path[4][FOLDER_PATH];
	const char *files[] = { path[1], path[2] };
	struct access_sources s = {
		.policy = &policy, .consents = files, .consents_count = directives, .facts = path[3]
	};
	struct fault fault = { 0 };

	access_free(engine);
	policy_release(&policy);
	folder_write("P/authz/house.yaml", house);
	folder_write("P/authz/law.yaml", law);
	(void)folder_path(path[0], "P");
	(void)folder_path(path[1], "a.yaml");
	(void)folder_path(path[2], "b.yaml");
	(void)folder_path(path[3], "f.ndjson");
	engine = policy_load(&policy, path[0], &fault) ? access_load(&s, &fault) : NULL;
	if (!engine) {
		printf("# %s:%u: %s\n%s\n%s\n", fault.file, fault.line, fault.text, house, consents);
		check(false);
		exit(tap_end());
	}
}

static unsigned wider[6];
static uint64_t asked, released_some;

static void
show(unsigned property, const struct question *q, const char *what)
{
	if (wider[property]++ < 3)
		printf("# P%u: %s %s\n# %s\n%s%s%s\n", property, request_of(q, NULL), what, answer, house,
		    law, consents);
}

static uint32_t
one_by_one(const struct question *q)
{
	uint32_t released = 0;

	for (unsigned e = 0; e < ENTRIES; e++)
		released |= ask(request_of(q, &entries[e])) & 1U << e;
	return released;
}

/* A narrowing, and what it means as an item of an obligation. */
static const struct narrowing {
	const char *data, *meaning;
} narrowings[] = {
	{ ",\"class\":\"Observation\"", "{\"class\":[\"Observation\"]}" },
	{ ",\"class\":[\"Observation\",\"Claim\"]", "{\"class\":[\"Observation\",\"Claim\"]}" },
	{ ",\"label\":\"N\"", "{\"label\":[\"N\"]}" },
	{ ",\"label\":[\"R\"]", "{\"label\":[\"R\"]}" },
	{ ",\"label\":[\"SUD\"]", "{\"label\":[\"SUD\"]}" },
	{ ",\"label\":[\"N\",\"ETHUD\"]", "{\"label\":{\"all\":[\"N\",\"ETHUD\"]}}" },
	{ ",\"label\":[\"R\",\"HIV\",\"SUD\"]", "{\"label\":{\"all\":[\"R\",\"HIV\",\"SUD\"]}}" },
	{ ",\"class\":\"Condition\",\"label\":[\"R\"]", "{\"class\":[\"Condition\"],\"label\":[\"R\"]}" },
	{ ",\"class\":[\"Condition\",\"Claim\"],\"label\":[\"V\"]",
	    "{\"class\":[\"Condition\",\"Claim\"],\"label\":[\"V\"]}" },
	{ ",\"code\":\"urn:x|a\"", "{\"code\":[\"urn:x|a\"]}" },
	{ ",\"class\":[]", "{\"class\":[]}" },
	{ ",\"label\":[]", "{\"label\":[]}" },
};

enum { NARROWINGS = sizeof narrowings / sizeof narrowings[0] };

static uint32_t
met(const char *meaning)
{
	char text[256] = { 0 };
	uint32_t entry_set = 0;

	(void)snprintf(text, sizeof text - JSON_SLACK, "%s", meaning);
	if (!json_parse(&json, bytes_of(text)))
		exit(2);
	for (unsigned e = 0; e < ENTRIES; e++)
		entry_set |= (uint32_t)item_matches(&entries[e], 0, true) << e;
	return entry_set;
}

static uint64_t narrowed_some;

static void
try_narrowing(const struct question *q, uint32_t single)
{
	const struct narrowing *n = &narrowings[draw(NARROWINGS)];
	uint32_t released = ask(request_with(q, n->data));

	asked++;
	narrowed_some += released != 0;
	if (released & ~single)
		show(4, q, n->data);
	else if (released & ~met(n->meaning))
		show(4, q, "releases more than was asked for");
}

static void
try_question(const struct question *q, uint32_t whole)
{
	struct question less = *q;
	uint32_t single = one_by_one(q), left;
	unsigned out = draw(6);

	asked += 2 + ENTRIES;
	released_some += whole != 0;
	if (whole & ~single)
		show(2, q, "releases more than its entries");
	try_narrowing(q, single);
	less.part[out] = NULL;
	left = ask(request_of(&less, NULL));
	if (left & ~whole)
		show(1, q, q->part[out] ? q->part[out] : "nothing");
}

static void
try_policy(void)
{
	struct question q[REQUESTS];
	uint32_t whole[REQUESTS];
	char more[4096], first[TEXT];

	random_house();
	random_directive("a", PICK("active", "active", "active", "inactive"));
	folder_write("a.yaml", consents);
	load(1);
	for (int i = 0; i < REQUESTS; i++) {
		q[i] = random_question();
		whole[i] = ask(request_of(&q[i], NULL));
		try_question(&q[i], whole[i]);
	}
	(void)snprintf(first, sizeof first, "%s", consents);
	random_directive("b", PICK("inactive", "rejected", "entered-in-error"));
	folder_write("b.yaml", consents);
	load(2);
	for (int i = 0; i < REQUESTS; i++)
		if (ask(request_of(&q[i], NULL)) != whole[i])
			show(5, &q[i], "depends on a directive that is not active");
	more[0] = '\0';
	add_rule(more, "Z", false, "");
	add(house, more);
	load(1);
	for (int i = 0; i < REQUESTS; i++)
		if (ask(request_of(&q[i], NULL)) & ~whole[i])
			show(3, &q[i], more);
}

int
main(void)
{
	authz_make();
	json_init(&json, NULL, JSON_MAX_DEPTH);
	buffer_init(&room, 4096);
	folder_write("P/authz/roles.yaml",
	    "ehr_authz: 1\nstructural_roles: [physician, nurse]\nrelations: {treating: {object: patient}}\n"
	    "acr: [loa1, loa2, loa3]\nattributes: {subject: [ward], resource: [ward]}\n");
	folder_write("f.ndjson", "{\"fact\":\"f\",\"relation\":\"treating\",\"subject\":\"u\",\"patient\":"
				 "\"p\",\"from\":\"2026-03-01T00:00:00Z\","
				 "\"until\":\"2026-04-01T00:00:00Z\"}\n");
	for (int i = 0; i < POLICIES; i++)
		try_policy();
	printf("# %" PRIu64 " decisions, %" PRIu64 " whole and %" PRIu64
	       " narrowed records released in part\n",
	    asked, released_some, narrowed_some);
	check(asked >= 100000);
	check(released_some > asked / 100);
	check(wider[1] == 0);
	check(wider[2] == 0);
	check(wider[3] == 0);
	check(narrowed_some > asked / 500);
	check(wider[4] == 0);
	check(wider[5] == 0);
	access_free(engine);
	policy_release(&policy);
	json_release(&json);
	buffer_release(&room);
	folder_remove();
	return tap_end();
}
