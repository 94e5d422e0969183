/* SPDX-License-Identifier: ISC */
/*
 * What the cases in testdata/authz do not cover: single values and shapes of requests, each data criterion,
 * and the ways to settle several directives.  Each check is a small policy and a request.
 */
#include "tests/lib/authz.h"
#include "tests/lib/tap.h"

#include <string.h>

static struct policy policy;
static struct access *access_now;
static struct access_decision decision;
static char answer[65536];

static const char roles[] =
    "ehr_authz: 1\nstructural_roles: [physician, nurse]\nfunctional_roles: [auditor]\n"
    "roles: {staff: [physician, nurse]}\nrelations: {treating: {object: patient}, "
    "supervises: {object: subject}}\nacr: [loa1, loa2, loa3]\n"
    "attributes: {subject: [ward, age, active], resource: [ward]}\n";

#define HOUSE(more) "ehr_authz: 1\nlayer: organization\ndefault: deny\nno_consent: ignore\nrules:\n" more

static void
forget(void)
{
	access_free(access_now);
	policy_release(&policy);
	access_now = NULL;
}

/* Loads the rules of HOUSE, a file of directives and a file of facts; NULL: none. */
static bool
load(const char *house, const char *consents, const char *facts)
{
	char path[3][FOLDER_PATH];
	const char *files[] = { path[1] };
	struct access_sources s = { .policy = &policy, .consents = files };
	struct fault fault = { 0 };

	forget();
	folder_write("P/authz/roles.yaml", roles);
	folder_write("P/authz/house.yaml", house);
	(void)folder_path(path[0], "P");
	(void)folder_path(path[1], "c.ndjson");
	(void)folder_path(path[2], "f.ndjson");
	if (consents)
		folder_write("c.ndjson", consents);
	if (facts)
		folder_write("f.ndjson", facts);
	s.consents_count = consents != NULL;
	s.facts = facts ? path[2] : NULL;
	if (!policy_load(&policy, path[0], &fault))
		return false;
	access_now = access_load(&s, &fault);
	return access_now != NULL;
}

static bool
ask(const char *request)
{
	static char room[65536];

	memset(room, 0, sizeof room);
	(void)snprintf(room, sizeof room - JSON_SLACK, "%s", request);
	access_decide(access_now, bytes_of(room), &decision);
	(void)snprintf(answer, sizeof answer, "%.*s", (int)decision.text.size, decision.text.at);
	return decision.permitted;
}

#define REQUEST(subject, resource, context)                                                                  \
	"{\"subject\":{\"type\":\"user\",\"id\":\"u\",\"properties\":{" subject                              \
	"}},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\",\"properties\":"   \
	"{" resource "}},\"context\":{" context "}}"

/* One rule with CRITERIA: is a request of these properties permitted? */
static bool
rule(const char *criteria, const char *request)
{
	char house[4096];

	(void)snprintf(house, sizeof house, HOUSE("  - {id: R, say: Rule., effect: permit, %s}\n"), criteria);
	if (!load(house, NULL, NULL)) {
		check(false);
		return false;
	}
	return ask(request);
}

static void
check_values(void)
{
	check(rule("who: {structural_role: staff}", REQUEST("\"structural_role\":\"nurse\"", "", "")));
	check(rule("who: {structural_role: staff}", REQUEST("\"structural_role\":\"staff\"", "", "")));
	check(rule(
	    "who: {structural_role: staff}", REQUEST("\"structural_role\":[\"auditor\",\"nurse\"]", "", "")));
	check(rule("who: {structural_role: staff}", REQUEST("\"structural_role\":\"nur\\u0073e\"", "", "")));
	check(!rule("who: {structural_role: staff}", REQUEST("\"structural_role\":\"Nurse\"", "", "")));
	check(!rule("who: {structural_role: staff}", REQUEST("\"structural_role\":[]", "", "")));
	check(!rule("who: {structural_role: {not: [nurse]}}",
	    REQUEST("\"structural_role\":[\"auditor\",\"nurse\"]", "", "")));
	check(rule(
	    "who: {structural_role: {not: [nurse]}}", REQUEST("\"structural_role\":\"physician\"", "", "")));
	check(rule("who: {structural_role: {not: [nurse]}}", REQUEST("\"structural_role\":[]", "", "")));
	check(!rule("who: {structural_role: {not: [nurse]}}", REQUEST("", "", "")));
	check(rule("who: {structural_role: {all: [nurse, physician]}}",
	    REQUEST("\"structural_role\":[\"physician\",\"nurse\"]", "", "")));
	check(!rule("who: {structural_role: {all: [nurse, physician]}}",
	    REQUEST("\"structural_role\":\"nurse\"", "", "")));
	check(rule("who: {active: true}", REQUEST("\"active\":true", "", "")));
	check(!rule("who: {active: true}", REQUEST("\"active\":\"true\"", "", "")));
	check(!rule("who: {active: true}", REQUEST("\"active\":false", "", "")));
	check(!rule("who: {active: true}", REQUEST("\"active\":1", "", "")));
	check(rule("who: {age: 7}", REQUEST("\"age\":7.0", "", "")));
	check(rule("who: {age: 7}", REQUEST("\"age\":70e-1", "", "")));
	check(!rule("who: {age: 7}", REQUEST("\"age\":\"7\"", "", "")));
	check(!rule("who: {age: '7'}", REQUEST("\"age\":7", "", "")));
	check(!rule("who: {age: 7}", REQUEST("\"age\":[[7]]", "", "")));
	check(rule("who: {ward: {present: true}}", REQUEST("\"ward\":0", "", "")));
	check(!rule("who: {ward: {present: true}}", REQUEST("\"ward\":\"\"", "", "")));
	check(!rule("who: {ward: {present: true}}", REQUEST("\"ward\":[]", "", "")));
	check(!rule("who: {ward: {present: true}}", REQUEST("\"ward\":{}", "", "")));
	check(rule("same: [[subject.ward, resource.ward]]",
	    REQUEST("\"ward\":[\"1\",\"2\"]", "\"ward\":[\"3\",\"2\"]", "")));
	check(rule("same: [[subject.ward, resource.ward]]", REQUEST("\"ward\":2", "\"ward\":2.0", "")));
	check(!rule("same: [[subject.ward, resource.ward]]", REQUEST("\"ward\":2", "\"ward\":\"2\"", "")));
	check(rule("who: {id: u}, does: [read], what: {type: record, id: r}", REQUEST("", "", "")));
	check(!rule("who: {id: v}", REQUEST("", "", "")));
}

static void
check_purposes(void)
{
	check(rule("why: [TREAT]", REQUEST("", "", "\"purpose\":\"BTG\"")));
	check(rule("why: [ETREAT]", REQUEST("", "", "\"purpose\":[\"HPAYMT\",\"BTG\"]")));
	check(!rule("why: [ETREAT]", REQUEST("", "", "\"purpose\":[\"x\",\"BTG\"]")));
	check(strcmp(decision.code, "unknown-purpose") == 0);
	check(rule("why: [ETREAT]",
	    REQUEST("", "", "\"purpose\":\"http://terminology.hl7.org/CodeSystem/v3-ActReason|BTG\"")));
	check(!rule("why: [ETREAT]", REQUEST("", "", "\"purpose\":\"TREAT\"")));
	check(!rule("why: [TREAT], except: [{why: [BTG]}]", REQUEST("", "", "\"purpose\":\"BTG\"")));
	check(rule("why: ['ours|X']", REQUEST("", "", "\"purpose\":\"ours|X\"")));
	check(!rule("why: [TREAT]", REQUEST("", "", "\"purpose\":null")));
}

static void
check_strength(void)
{
	check(rule("where: {acr: {at_least: loa2}}", REQUEST("", "", "\"acr\":\"loa2\"")));
	check(rule("where: {acr: {at_least: loa2}}", REQUEST("", "", "\"acr\":\"loa3\"")));
	check(!rule("where: {acr: {at_least: loa2}}", REQUEST("", "", "\"acr\":\"loa1\"")));
	check(strstr(answer, "\"acr_value\":\"loa2\"") != NULL);
	check(!rule("where: {acr: {at_least: loa2}}", REQUEST("", "", "\"acr\":\"loa9\"")));
	check(strstr(answer, "\"missing\":[\"context.acr\"]") != NULL);
	check(!rule("where: {acr: {at_least: loa2}, route: x}", REQUEST("", "", "\"acr\":\"loa1\"")));
	check(strstr(answer, "step-up") == NULL);
	check(rule("where: {acr: {below: loa2}}", REQUEST("", "", "\"acr\":\"loa1\"")));
}

/* Is the whole record permitted with these obligations? */
static bool
leaves(const char *criteria, const char *request, const char *obligations)
{
	char want[512];

	(void)snprintf(want, sizeof want, "\"obligations\":[%s],\"", obligations);
	return rule(criteria, request) && strstr(answer, want) != NULL;
}

#define KEEP(items) KEEP_AS("1", items)
#define KEEP_AS(number, items)                                                                               \
	"{\"id\":\"ob-" number                                                                               \
	"\",\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",\"action\":\"keep-only\","                \
	"\"any_of\":[" items "]}}"

static void
check_data(void)
{
	check(
	    leaves("what: {class: Observation}", REQUEST("", "", ""), KEEP("{\"class\":[\"Observation\"]}")));
	check(leaves("what: {class: Observation}", REQUEST("", "\"class\":\"Observation\"", ""),
	    KEEP("{\"class\":[\"Observation\"]}")));
	check(leaves("what: {class: Observation}",
	    REQUEST("", "\"class\":\"http://hl7.org/fhir/resource-types|Observation\"", ""),
	    KEEP("{\"class\":[\"Observation\"]}")));
	check(!rule("what: {class: Observation}", REQUEST("", "\"class\":\"Condition\"", "")));
	check(leaves("what: {class: {not: [Observation]}}", REQUEST("", "", ""),
	    KEEP("{\"class\":{\"not\":[\"Observation\"]}}")));
	check(
	    leaves("what: {label: [N]}", REQUEST("", "\"label\":[\"L\"]", ""), KEEP("{\"label\":[\"L\"]}")));
	check(!rule("what: {label: [N]}", REQUEST("", "\"label\":[\"L\",\"R\"]", "")));
	check(leaves("what: {label: [N]}", REQUEST("", "\"label\":[\"HIV\"]", ""),
	    KEEP("{\"label\":[\"N\"]}") "," KEEP_AS("2", "{\"label\":[\"HIV\"]}")));
	check(leaves(
	    "what: {label: {not: [R]}}", REQUEST("", "\"label\":[\"N\"]", ""), KEEP("{\"label\":[\"N\"]}")));
	check(!rule("what: {label: {not: [R]}}", REQUEST("", "\"label\":[\"V\"]", "")));
	check(leaves("what: {label: [SUD]}", REQUEST("", "\"label\":[\"N\",\"ETHUD\"]", ""),
	    KEEP("{\"label\":{\"all\":[\"N\",\"ETHUD\"]}}")));
	check(!rule("what: {label: [ETHUD]}", REQUEST("", "\"label\":[\"N\",\"SUD\"]", "")));
	check(leaves("what: {label: [R]}",
	    REQUEST("", "\"label\":\"http://terminology.hl7.org/CodeSystem/v3-Confidentiality|N\"", ""),
	    KEEP("{\"label\":[\"N\"]}")));
	check(leaves("what: {date: {from: 2020}}", REQUEST("", "\"date\":\"2020\"", ""),
	    KEEP("{\"date\":{\"from\":\"2020\",\"until\":\"2020\"}}")));
	check(leaves("what: {date: {from: 2020-03}}", REQUEST("", "\"date\":\"2020\"", ""),
	    KEEP("{\"date\":{\"from\":\"2020-03\"}}") "," KEEP_AS(
		"2", "{\"date\":{\"from\":\"2020\",\"until\":\"2020\"}}")));
	check(!rule("what: {date: {from: 2020-03}}", REQUEST("", "\"date\":\"2019-12-31T23:59:59Z\"", "")));
	check(!rule("what: {date: {until: 2020-03}}", REQUEST("", "\"date\":\"2020-04\"", "")));
	check(leaves("what: {date: {until: 2020-03}}", REQUEST("", "\"date\":\"2020-03-31\"", ""),
	    KEEP("{\"date\":{\"from\":\"2020-03-31\",\"until\":\"2020-03-31\"}}")));
	check(leaves("what: {code: ['http://loinc.org|8310-5']}",
	    REQUEST("", "\"code\":\"http://loinc.org|8310-5\"", ""),
	    KEEP("{\"code\":[\"http://loinc.org|8310-5\"]}")));
	check(leaves("what: {class: Observation}, except: [{what: {label: [R]}}]", REQUEST("", "", ""),
	    KEEP("{\"class\":[\"Observation\"],\"except\":[{\"label\":[\"R\"]}]}")));
}

#define DIRECTIVE(id, date, base)                                                                            \
	"{\"ehr_authz\":1,\"consent\":\"" id "\",\"patient\":\"p\",\"status\":\"active\"," date              \
	"\"base\":\"" base "\",\"rules\":[]}\n"

#define SEVERAL(how)                                                                                         \
	"ehr_authz: 1\nlayer: organization\ndefault: permit\nno_consent: deny\non_several: " how             \
	"\nrules: []\n"

static void
check_several(void)
{
	static const char differ[] =
	    DIRECTIVE("a", "\"date\":\"2025\",", "deny") DIRECTIVE("b", "\"date\":\"2026-01-05\",", "permit");
	static const char same[] =
	    DIRECTIVE("a", "\"date\":\"2026\",", "deny") DIRECTIVE("b", "\"date\":\"2026-01-01\",", "permit");
	static const char undated[] =
	    DIRECTIVE("a", "", "permit") DIRECTIVE("b", "\"date\":\"2026\",", "permit");
	static const char request[] = REQUEST("", "\"patient\":\"p\"", "");

	check(load(SEVERAL("deny-overrides"), differ, NULL) && !ask(request));
	check(load(SEVERAL("newest"), differ, NULL) && ask(request));
	check(load(SEVERAL("newest"), same, NULL) && !ask(request) &&
	      strcmp(decision.code, "consent-several") == 0);
	check(load(SEVERAL("newest"), undated, NULL) && !ask(request));
	check(load(SEVERAL("refuse"), differ, NULL) && !ask(request));
	check(load(SEVERAL("refuse"), undated, NULL) && ask(request));
}

/* A rule inside a rule: two lists of one criterion intersect. */
static void
check_nested(void)
{
	static const char house[] =
	    "ehr_authz: 1\nlayer: organization\ndefault: permit\nno_consent: deny\nrules: []\n";
	static const char directive[] = "{\"ehr_authz\":1,\"consent\":\"c\",\"patient\":\"p\",\"status\":"
					"\"active\",\"base\":\"deny\",\"rules\":["
					"{\"id\":\"a\",\"say\":\"A.\",\"effect\":\"permit\",\"what\":{"
					"\"class\":[\"Observation\",\"Condition\"]},"
					"\"rules\":[{\"id\":\"b\",\"say\":\"B.\",\"effect\":\"deny\","
					"\"what\":{\"class\":[\"Condition\",\"Claim\"],"
					"\"author\":\"x\"}}]}]}\n";
	static const char apart[] =
	    "{\"ehr_authz\":1,\"consent\":\"c\",\"patient\":\"p\",\"status\":\"active\",\"base\":\"deny\","
	    "\"rules\":["
	    "{\"id\":\"a\",\"say\":\"A.\",\"effect\":\"permit\",\"what\":{\"class\":[\"Observation\"]},"
	    "\"rules\":[{\"id\":\"b\",\"say\":\"B.\",\"effect\":\"deny\",\"what\":{\"class\":[\"Claim\"]}}]}]"
	    "}\n";

	check(load(house, directive, NULL) && ask(REQUEST("", "\"patient\":\"p\"", "")));
	check(strstr(answer,
		  "\"action\":\"redact\",\"rule\":\"b\",\"class\":[\"Condition\"],\"author\":[\"x\"]}") !=
	      NULL);
	check(strstr(answer, "\"any_of\":[{\"class\":[\"Observation\",\"Condition\"]}]") != NULL);
	check(load(house, apart, NULL) && ask(REQUEST("", "\"patient\":\"p\"", "")));
	check(strstr(answer, "redact") == NULL && strstr(answer, "keep-only") != NULL);
}

static void
check_facts(void)
{
	static const char house[] =
	    HOUSE("  - {id: R, say: Rule., effect: permit, who: {relation: treating}}\n");
	static const char facts[] =
	    "{\"end\":\"f-2\",\"at\":\"2026-03-02T00:00:00Z\"}\n"
	    "{\"fact\":\"f-1\",\"relation\":\"treating\",\"subject\":\"u\",\"patient\":\"p\"}\n"
	    "{\"fact\":\"f-2\",\"relation\":\"treating\",\"subject\":\"u\",\"patient\":\"q\","
	    "\"from\":\"2026-03-01T00:00:00Z\"}\n";

	check(load(house, NULL, facts));
	check(ask(REQUEST("", "\"patient\":\"p\"", "")));
	check(!ask(REQUEST("", "\"patient\":\"o\"", "")));
	check(!ask(REQUEST("", "\"patient\":\"q\"", "")));
	check(strstr(answer, "\"missing\":[\"context.time\"]") != NULL);
	check(ask(REQUEST("", "\"patient\":\"q\"", "\"time\":\"2026-03-01T23:59:59.999Z\"")));
	check(strstr(answer, "\"valid_until\":\"2026-03-02T00:00:00Z\"") != NULL);
	check(!ask(REQUEST("", "\"patient\":\"q\"", "\"time\":\"2026-03-02T00:00:00Z\"")));
	check(!ask(REQUEST("", "\"patient\":\"q\"", "\"time\":\"2026-02-28T00:00:00Z\"")));
}

/* Two lists of many members are compared without quadratic time. */
static void
check_long_lists(void)
{
	enum { MEMBERS = 200000 };
	static const char head[] = "{\"subject\":{\"type\":\"user\",\"id\":\"u\",\"properties\":{\"ward\":[";
	static const char middle[] = "\"\"]}},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"t\","
				     "\"id\":\"i\",\"properties\":{\"ward\":[";
	static const char tail[] = "\"last\"]}}}";
	char *text = calloc(1, 2 * MEMBERS * 10 + 512 + JSON_SLACK), *at = text;

	check(load(HOUSE("  - {id: R, say: Rule., effect: permit, same: [[subject.ward, resource.ward]]}\n"),
	    NULL, NULL));
	at += snprintf(at, 64 + sizeof head + sizeof middle, "%s", head);
	for (int i = 0; i < MEMBERS; i++)
		at += snprintf(at, 64 + sizeof head + sizeof middle, "\"a%06d\",", i);
	at += snprintf(at, 64 + sizeof head + sizeof middle, "%s", middle);
	for (int i = 0; i < MEMBERS; i++)
		at += snprintf(at, 64 + sizeof head + sizeof middle, "\"b%06d\",", i);
	at += snprintf(at, 64 + sizeof head + sizeof middle, "%s", tail);
	access_decide(access_now, (struct bytes){ text, (size_t)(at - text) }, &decision);
	check(!decision.ill_formed && !decision.permitted);
	free(text);
}

int
main(void)
{
	authz_make();
	check_values();
	check_purposes();
	check_strength();
	check_data();
	check_several();
	check_nested();
	check_facts();
	check_long_lists();
	forget();
	folder_remove();
	return tap_end();
}
