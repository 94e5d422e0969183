/* SPDX-License-Identifier: ISC */
#include "common/redact/redactor.h"

#include "common/base/clock.h"

#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Every case is a record, its labels and what a version must be, byte for byte.  Policies are written to a
 * folder of the test's own.
 */
static char directory[] = "/tmp/test_redactor.XXXXXX";

static const char policy_text[] =
    "policy: 1\n"
    "name: trial\n"
    "serial: 2026-11-01\n"
    "levels: [{name: U, al: 0}, {name: L, al: 1}, {name: N, al: 3}, {name: R, al: 4}, {name: V, al: 5}]\n"
    "code_system: http://terminology.hl7.org/CodeSystem/v3-Confidentiality\n"
    "record:\n"
    "  type: .resourceType\n"
    "  id: .id\n"
    "  subject: [.subject]\n"
    "  subject_type: Patient\n"
    "  time: [.effectiveDateTime]\n"
    "  roots: fhir\n";

static const char classify_text[] =
    "classify: 1\n"
    "systems: {loinc: http://loinc.org}\n"
    "criticality: {order: [routine, low, high, critical], default: routine}\n";

static const char seal_text[] = "seal: 1\ndomain: hospital\npadding: none\n";

static struct policy policy;
static struct mac *keys[2];
static struct redactor *redactor;
static struct redactor_problem problem;
static struct redaction result;
static struct instant now;
static char line[65536 + JSON_SLACK];

static void
put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(99);
}

static struct mac *
find_key(void *context, struct bytes name)
{
	(void)context;
	if (bytes_are(name, "mark"))
		return keys[0];
	return bytes_are(name, "pseudonym") ? keys[1] : NULL;
}

static void
unload(void)
{
	redactor_free(redactor);
	redactor = NULL;
	policy_release(&policy);
}

static enum redactor_start
load_with(const char *redact_yaml, struct redactor_settings settings)
{
	unload();
	problem = (struct redactor_problem){ .text = "" };
	put("redact.yaml", redact_yaml);
	if (!policy_load(&policy, directory, &problem.fault)) {
		printf("# %s\n", problem.fault.text);
		exit(99);
	}
	settings.max_depth = 64;
	settings.max_record = 1 << 20;
	settings.key = find_key;
	return redactor_load(&redactor, &policy, &settings, &problem);
}

static enum redactor_start
load(const char *redact_yaml)
{
	struct redactor_settings settings = { .now = &now, .batch = bytes_of("b1"), .other_policy = true };
	enum redactor_start start = load_with(redact_yaml, settings);

	if (start != REDACTOR_READY)
		printf("# start %d: %s:%u:%u: %s %s\n", (int)start, problem.fault.file, problem.fault.line,
		    problem.fault.column, problem.fault.text, problem.text);
	return start;
}

static bool
run(const char *labels, const char *record)
{
	int size = snprintf(line, sizeof line - JSON_SLACK,
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"Observation/o1\",\"subject\":\"Patient/p1\","
	    "\"level\":\"N\",\"criticality\":\"routine\",\"policy\":\"sha256:0\"},\"labels\":[%s],\"record\":"
	    "%s}",
	    labels, record);

	return redactor_run(redactor, (struct bytes){ line, (size_t)size }, &result);
}

/* The record of a version. */
static const char *
version(unsigned i)
{
	static char text[65536];
	struct buffer out;

	buffer_init(&out, sizeof text - 1);
	if (!redactor_record(redactor, i, &out))
		exit(99);
	if (out.used > 0)
		memcpy(text, out.at, out.used);
	text[out.used] = '\0';
	buffer_release(&out);
	return text;
}

static bool
is(unsigned i, const char *want)
{
	const char *got = version(i);

	if (strcmp(got, want) == 0)
		return true;
	printf("# version %u is   %s\n# and should be %s\n", i, got, want);
	return false;
}

#define BASE "{\"at\":\"\",\"level\":\"N\",\"rule\":\"base\"}"
#define OPEN                                                                                                 \
	BASE ",{\"at\":\"/resourceType\",\"level\":\"U\",\"rule\":\"base\"},"                                \
	     "{\"at\":\"/id\",\"level\":\"U\",\"rule\":\"base\"}"
#define RAISE(at) ",{\"at\":\"" at "\",\"level\":\"R\",\"rule\":\"x\"}"
#define LOWER(at) ",{\"at\":\"" at "\",\"level\":\"L\",\"rule\":\"base\"}"

/* N and R can be seen to lack something, V is whole. */
#define SHOWN "redact: 1\npresence: shown\nversions:\n  - {rl: N}\n  - {rl: R}\n  - {rl: V}\n"
#define HIDDEN "redact: 1\nversions:\n  - {rl: N}\n  - {rl: R}\n  - {rl: V}\n"

static void
check_spans(void)
{
	check(load(SHOWN) == REDACTOR_READY);
	check(run(BASE, "{ \"resourceType\" : \"X\" ,\t\"a\":7.40 , \"b\":[1, 2] }") && result.written == 3);
	check(is(0, "{ \"resourceType\" : \"X\" ,\t\"a\":7.40 , \"b\":[1, 2] }"));
	check(redactor_state(redactor, 0) == VERSION_WHOLE);
	/* the first, the middle, the last */
	check(run(BASE RAISE("/a"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") && is(0, "{ \"b\":2, \"c\":3 }"));
	check(run(BASE RAISE("/b"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") && is(0, "{ \"a\" : 1, \"c\":3 }"));
	check(run(BASE RAISE("/c"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") && is(0, "{ \"a\" : 1 , \"b\":2 }"));
	check(is(1, "{ \"a\" : 1 , \"b\":2, \"c\":3 }") && is(2, "{ \"a\" : 1 , \"b\":2, \"c\":3 }"));
	check(run(BASE RAISE("/a") RAISE("/b"), "{\"a\":1,\"b\":2,\"c\":3}") && is(0, "{\"c\":3}"));
	check(run(BASE RAISE("/a") RAISE("/c"), "{\"a\":1,\"b\":2,\"c\":3}") && is(0, "{\"b\":2}"));
	check(run(BASE RAISE("/x/1"), "{\"x\":[1, 2 ,3]}") && is(0, "{\"x\":[1 ,3]}"));
	/* what is left empty goes, up to the root */
	check(run(BASE RAISE("/x/0/y") RAISE("/x/0/z"), "{\"x\":[{\"y\":1,\"z\":[2]}],\"k\":{}}"));
	check(is(0, "{\"k\":{}}"));
	check(run(BASE RAISE("/x/0"), "{\"x\":[1]}") && redactor_state(redactor, 0) == VERSION_NONE);
	check(
	    result.written == 2 && redactor_tags(redactor, 1)->n == 1 && redactor_tags(redactor, 1)->of == 2);
	/* a restricted part with a harmless part of a harmless base: nothing opens what a label closed */
	check(run(BASE RAISE("/x") LOWER("/x/y"), "{\"x\":{\"y\":1},\"k\":1}") && is(0, "{\"k\":1}"));
	/* a place above the level with a part below it stays as a skeleton */
	check(run(BASE ",{\"at\":\"/x\",\"level\":\"V\",\"rule\":\"base\"}" LOWER("/x/y"),
	    "{\"x\":{\"w\":[5],\"y\":1,\"z\":2},\"k\":1}"));
	check(is(0, "{\"x\":{\"y\":1},\"k\":1}") && is(1, "{\"x\":{\"y\":1},\"k\":1}"));
}

static void
check_refusals(void)
{
	check(load(SHOWN) == REDACTOR_READY);
	check(!run("{\"at\":\"/x\",\"level\":\"N\",\"rule\":\"base\"}", "{\"x\":1}"));
	check(result.reason == REASON_BAD_LABEL);
	check(!run(BASE RAISE("/y"), "{\"x\":1}") && result.reason == REASON_BAD_POINTER);
	check(!run(BASE ",{\"at\":\"/x\",\"level\":\"Q\",\"rule\":\"r\"}", "{\"x\":1}"));
	check(result.reason == REASON_UNKNOWN_LEVEL);
	check(!run(BASE ",{\"at\":\"/x\",\"level\":\"N\",\"rule\":\"r\",\"odd\":1}", "{\"x\":1}"));
	check(result.reason == REASON_BAD_LABEL);
	check(!run(BASE ",{\"at\":\"/x\",\"sensitivity\":[\"NOPE\"],\"rule\":\"r\"}", "{\"x\":1}"));
	check(result.reason == REASON_BAD_LABEL);
	check(!run(
	    BASE ",{\"at\":\"/x\",\"level\":\"N\",\"criticality\":\"odd\",\"rule\":\"r\"}", "{\"x\":1}"));
	check(result.reason == REASON_UNKNOWN_CRITICALITY);
	check(!redactor_run(redactor,
	    (struct bytes)BYTES(
		"{\"x\":1}\0                                                                "),
	    &result));
	struct redactor_settings strict = { .batch = bytes_of("") };
	check(load_with(SHOWN, strict) == REDACTOR_READY);
	check(!run(BASE, "{\"x\":1}") && result.reason == REASON_OTHER_POLICY);
}

static void
check_hidden(void)
{
	check(load(HIDDEN) == REDACTOR_READY);
	/* an empty array and one whose only element is gone are the same */
	check(run(BASE, "{\"k\":1,\"x\":[],\"meta\":{}}") && is(0, "{\"k\":1}"));
	check(run(BASE RAISE("/x/0"), "{\"k\":1,\"x\":[5],\"meta\":{}}") && is(0, "{\"k\":1}"));
	check(is(2, "{\"k\":1,\"x\":[5],\"meta\":{}}"));
	/* narrative never, labels never, references that lead nowhere never */
	check(run(BASE, "{\"text\":{\"status\":\"generated\",\"div\":\"<div/>\"},\"k\":1}") &&
	      is(0, "{\"k\":1}"));
	check(run(BASE, "{\"meta\":{\"security\":[{\"system\":"
			"\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"HIV\"}]},\"k\":1}"));
	check(is(0, "{\"k\":1}"));
	check(run(BASE, "{\"subject\":{\"reference\":\"#p\",\"display\":\"Jane\"},\"k\":1}") &&
	      is(0, "{\"k\":1}"));
	check(run(BASE, "{\"subject\":{\"reference\":\"#\"},\"k\":1}") &&
	      is(0, "{\"subject\":{\"reference\":\"#\"},\"k\":1}"));
	/* nothing but type, id and meta is nothing */
	check(run(BASE RAISE("/k"),
	    "{\"resourceType\":\"X\",\"id\":\"1\",\"meta\":{\"versionId\":\"2\"},\"k\":1}"));
	check(redactor_state(redactor, 0) == VERSION_NONE && result.written == 2);
	check(run(BASE, "{\"resourceType\":\"X\",\"id\":\"1\"}") &&
	      redactor_state(redactor, 0) == VERSION_NONE);
	check(is(2, "{\"resourceType\":\"X\",\"id\":\"1\"}"));
	/* a sign would tell */
	check(load("redact: 1\nabove: mask\nversions:\n  - {rl: N}\n  - {rl: V}\n") == REDACTOR_FAULT);
	check(load("redact: 1\nabove: absent\nversions:\n  - {rl: N}\n  - {rl: V}\n") == REDACTOR_FAULT);
}

static void
check_signs(void)
{
#define GONE                                                                                                 \
	"{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","           \
	"\"valueCode\":\"masked\"}]}"
	check(load("redact: 1\npresence: shown\nversions:\n  - {rl: L}\n  - {rl: N, above: absent}\n"
		   "  - {rl: R, above: mask, without: [HIV]}\n  - {rl: V}\n") == REDACTOR_READY);
	check(run(BASE RAISE("/s") RAISE("/o") RAISE("/a") RAISE("/p"),
	    "{\"k\":1,\"s\":\"secret\",\"o\":{\"x\":1},\"a\":[{\"x\":1},{\"x\":2}],\"p\":[\"u\",\"v\"]}"));
	check(is(1, "{\"k\":1,\"_s\":" GONE ",\"o\":" GONE ",\"a\":[" GONE "],\"_p\":[" GONE "]}"));
	check(run(BASE RAISE("/s"), "{\"k\":1,\"s\":\"secret\",\"_s\":{\"id\":\"q\"}}"));
	check(is(1, "{\"k\":1,\"_s\":" GONE "}"));
	check(run(BASE RAISE("/a/1"), "{\"a\":[{\"x\":1},{\"x\":2}]}") &&
	      is(1, "{\"a\":[{\"x\":1}," GONE "]}"));
	check(run(BASE RAISE("/p/0"), "{\"p\":[\"u\",\"v\"]}") && is(1, "{\"p\":[\"v\"]}"));
	/* nothing but signs is nothing */
	check(run(BASE RAISE("/s"), "{\"s\":\"secret\"}") && redactor_state(redactor, 1) == VERSION_NONE);
	check(run(BASE ",{\"at\":\"/s\",\"level\":\"N\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}"
		       ",{\"at\":\"/n\",\"level\":\"N\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}",
	    "{\"k\":1,\"s\":\"secret, long\",\"n\":5}"));
	check(is(2, "{\"k\":1,\"s\":\"***\"}") && is(1, "{\"k\":1,\"s\":\"secret, long\",\"n\":5}"));
}

static void
check_halves(void)
{
	check(load(SHOWN) == REDACTOR_READY);
	check(run(BASE RAISE("/d"), "{\"k\":1,\"d\":\"x\",\"_d\":{\"id\":\"c\"}}") && is(0, "{\"k\":1}"));
	check(run(BASE RAISE("/_d"), "{\"_d\":{\"id\":\"c\"},\"k\":1,\"d\":\"x\"}") && is(0, "{\"k\":1}"));
	check(
	    run(BASE RAISE("/d"), "{\"k\":1,\"d\":\"x\",\"\\u005fd\":{\"id\":\"c\"}}") && is(0, "{\"k\":1}"));
	/* elements go together and the others keep their places */
	check(run(
	    BASE RAISE("/g/1"), "{\"g\":[\"a\",\"b\",\"c\"],\"_g\":[null,{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(is(0, "{\"g\":[\"a\",\"c\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(run(
	    BASE RAISE("/_g/1"), "{\"g\":[\"a\",\"b\",\"c\"],\"_g\":[null,{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(is(0, "{\"g\":[\"a\",\"c\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(run(BASE RAISE("/_g/0/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(is(0, "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(run(BASE RAISE("/_g/1/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(load(HIDDEN) == REDACTOR_READY);
	check(run(BASE RAISE("/_g/1/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(is(0, "{\"g\":[\"a\",\"b\"]}"));
	/* a changed value loses its other half, whichever stands first */
	check(load("redact: 1\npresence: shown\nversions:\n  - rl: N\n    transforms:\n"
		   "      - {id: y, say: y, at: .d, do: {truncate: year}}\n  - {rl: V}\n") == REDACTOR_READY);
	check(run(BASE, "{\"_d\":{\"id\":\"c\"},\"d\":\"2020-01-01\"}") && is(0, "{\"d\":\"2020\"}"));
	check(run(BASE, "{\"d\":\"2020-01-01\",\"_d\":{\"id\":\"c\"}}") && is(0, "{\"d\":\"2020\"}"));
}

static void
check_places(void)
{
	check(load(SHOWN) == REDACTOR_READY);
	/* security labels stay only where nothing is withheld */
#define SECURITY                                                                                             \
	"\"meta\":{\"security\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\","          \
	"\"code\":\"HIV\"},{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActReason\","              \
	"\"code\":\"HTEST\"}]}"
	check(run(BASE, "{" SECURITY ",\"k\":1}") && is(0, "{" SECURITY ",\"k\":1}"));
	check(run(BASE RAISE("/x"), "{" SECURITY ",\"k\":1,\"x\":1}"));
	check(is(0, "{\"meta\":{\"security\":[{\"system\":"
		    "\"http://terminology.hl7.org/CodeSystem/v3-ActReason\",\"code\":\"HTEST\"}]},\"k\":1}"));
	check(is(1, "{" SECURITY ",\"k\":1,\"x\":1}"));
	/* inline labels */
#define INLINE                                                                                               \
	"{\"url\":\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/"                         \
	"extension-inline-sec-label\",\"valueCoding\":{\"code\":\"HIV\"}}"
	check(run(BASE RAISE("/x"), "{\"c\":{\"extension\":[" INLINE ",{\"url\":\"u\"}],\"v\":1},\"x\":1}"));
	check(is(0, "{\"c\":{\"extension\":[{\"url\":\"u\"}],\"v\":1}}"));
	/* what identifies data that nobody may see */
	check(run(BASE RAISE("/a/data"), "{\"k\":1,\"a\":{\"contentType\":\"t\",\"url\":\"u\",\"size\":5,"
					 "\"data\":\"AA\",\"hash\":\"h\"}}"));
	check(is(0, "{\"k\":1,\"a\":{\"contentType\":\"t\"}}"));
	/* a contained root that goes takes its references along, wherever they stand */
#define CONTAINED                                                                                            \
	"\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"m\\u0031\",\"code\":{\"text\":\"c\"}}]"
	check(run(BASE RAISE("/contained/0"),
	    "{\"a\":{\"reference\":\"#m1\",\"display\":\"drug\"}," CONTAINED
	    ",\"b\":[{\"item\":{\"reference\":\"#m1\"}},{\"n\":1}],\"k\":\"#m1\"}"));
	check(is(0, "{\"b\":[{\"n\":1}]}"));
	check(run(BASE, "{\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	check(is(0, "{\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	/* one of which only type and id would stay goes whole */
	check(run(BASE RAISE("/contained/0/code"), "{\"k\":1,\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	check(is(0, "{\"k\":1}"));
	/* a Bundle that was kept */
#define ENTRY(n)                                                                                             \
	"{\"fullUrl\":\"urn:uuid:" n "\",\"resource\":{\"resourceType\":\"X\",\"id\":\"" n "\",\"k\":1}}"
	check(run(BASE RAISE("/entry/0/resource"),
	    "{\"resourceType\":\"Bundle\",\"total\":2,\"link\":[1],\"entry\":[" ENTRY("q") "," ENTRY(
		"r") "],\"signature\":{\"d\":1}}"));
	check(is(0, "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY("r") "]}"));
	check(run(BASE, "{\"resourceType\":\"Bundle\",\"total\":1,\"entry\":[" ENTRY("q") "]}"));
	check(is(0, "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY("q") "]}"));
	check(run(BASE RAISE("/entry/0/resource"),
	    "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY(
		"q") ",{\"resource\":{\"resourceType\":\"Y\",\"k\":1,"
		     "\"s\":{\"reference\":\"urn:uuid:q\"},\"t\":{\"reference\":\"http://h/X/q/_history/"
		     "2\"},\"u\":{\"reference\":\"Z/q\"}}}]}"));
	check(is(0, "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Y\",\"k\":1,"
		    "\"u\":{\"reference\":\"Z/q\"}}}]}"));
}

static void
check_keep(void)
{
	check(load("redact: 1\nversions:\n"
		   "  - rl: L\n    withheld: stub\n    types: [Observation, Patient, Medication]\n"
		   "    extensions: [http://e/ok]\n"
		   "    keep:\n      \"*\": [.resourceType, .id]\n"
		   "      Observation: [.status, .code, .subject.reference, .identifier, .contained, "
		   ".ids.identifier.value]\n"
		   "      Medication: [.form]\n"
		   "  - {rl: N}\n  - {rl: V}\n") == REDACTOR_READY);
#define LOW "{\"at\":\"\",\"level\":\"L\",\"rule\":\"base\"}"
	check(run(LOW, "{\"resourceType\":\"Observation\",\"note\":1,\"status\":\"final\",\"x\":{\"y\":1}}"));
	check(is(0, "{\"resourceType\":\"Observation\",\"status\":\"final\"}"));
	/* a kept subtree does not bring what may name or repeat somebody */
	check(run(LOW,
	    "{\"resourceType\":\"Observation\",\"code\":{\"id\":\"e\",\"text\":\"t\",\"_c\":{\"id\":\"1\"},"
	    "\"coding\":[{\"code\":\"c\",\"display\":\"d\",\"extension\":[{\"url\":\"http://e/no\"},"
	    "{\"url\":\"http://e/"
	    "ok\",\"valueCode\":\"v\"}]}]},\"subject\":{\"reference\":\"r\",\"identifier\":{\"value\":\"i\"}}"
	    "}"));
	check(is(0, "{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"code\":\"c\",\"extension\":["
		    "{\"url\":\"http://e/ok\",\"valueCode\":\"v\"}]}]},\"subject\":{\"reference\":\"r\"}}"));
	/* an identifier's value must be named */
	check(
	    run(LOW, "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"s\",\"value\":\"v\"}],"
		     "\"ids\":{\"identifier\":{\"system\":\"s\",\"value\":\"v\"}}}"));
	check(is(0, "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"s\"}],\"ids\":{"
		    "\"identifier\":{\"value\":\"v\"}}}"));
	/* inside a root its own list holds */
	check(run(LOW,
	    "{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"m\","
	    "\"status\":\"active\",\"form\":{\"code\":\"f\"}},{\"resourceType\":\"Group\",\"id\":\"g\","
	    "\"form\":1}]}"));
	check(is(0, "{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Medication\","
		    "\"id\":\"m\",\"form\":{\"code\":\"f\"}}]}"));
	/* another type is withheld, and a stub tells no more than that */
	check(run(LOW, "{\"resourceType\":\"Group\",\"status\":\"a\"}") && is(0, "{}"));
	check(redactor_state(redactor, 0) == VERSION_STUB && result.written == 3);
	check(run(LOW RAISE("/status"), "{\"resourceType\":\"Observation\",\"status\":\"final\"}") &&
	      is(0, "{}"));
	/* what keep names and the level forbids goes */
	check(run(BASE LOWER("/status"),
	    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"a\":1}}"));
	check(is(0, "{\"status\":\"final\"}"));
}

static void
check_transforms(void)
{
	check(load("redact: 1\nkeys: [pseudonym]\npresence: shown\nversions:\n"
		   "  - rl: L\n    transforms:\n"
		   "      - {id: y, say: y, at: .birth, do: {truncate: year, drop_over_age: 89}, level: L}\n"
		   "  - rl: N\n    transforms:\n"
		   "      - {id: k, say: k, at: .m.keep, do: keep}\n"
		   "      - {id: m, say: m, at: \".m[]\", do: mask}\n"
		   "      - {id: r, say: r, at: .r, do: {replace: none}}\n"
		   "      - {id: n, say: n, at: .n, do: {replace: 0}}\n"
		   "      - {id: g, say: g, at: .gone, do: remove}\n"
		   "      - {id: a, say: a, at: .a, do: absent}\n"
		   "      - {id: mo, say: m, at: .month, do: {truncate: month}}\n"
		   "      - {id: da, say: m, at: .day, do: {truncate: day}}\n"
		   "      - {id: ho, say: m, at: .hour, do: {truncate: hour}}\n"
		   "      - {id: ro, say: m, at: .round, do: {round: {to: 0.5}}}\n"
		   "      - {id: di, say: m, at: .digits, do: {round: {digits: 1}}}\n"
		   "      - {id: ba, say: m, at: \".band[]\", do: {band: {width: 10, from: 0, cap: 90}}}\n"
		   "      - {id: ed, say: m, at: \".edges[]\", do: {band: {edges: [1, 2.5, 10]}}}\n"
		   "  - {rl: V}\n") == REDACTOR_READY);
	/* a release by name: only where the place alone is above the level */
	check(run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"1956-05-03\"}") &&
	      is(0, "{\"k\":1,\"birth\":\"1956\"}"));
	check(run(BASE LOWER("/k") RAISE("/birth"), "{\"k\":1,\"birth\":\"1956-05-03\"}") &&
	      is(0, "{\"k\":1}"));
	check(run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"1936-05-03\"}") && is(0, "{\"k\":1}"));
	check(run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"soon\"}") && is(0, "{\"k\":1}"));
	check(redactor_failed(redactor) == 2);
	check(run(BASE, "{\"m\":{\"a\":\"long "
			"secret\",\"keep\":\"k\",\"n\":5,\"o\":{\"p\":1}},\"r\":[1,{\"x\":2}],\"n\":\"q\"}"));
	check(is(1, "{\"m\":{\"a\":\"***\",\"keep\":\"k\"},\"r\":\"none\",\"n\":0}"));
	check(run(BASE, "{\"k\":1,\"gone\":{\"x\":1},\"a\":\"v\",\"_a\":{\"id\":\"1\"}}"));
	check(is(1, "{\"k\":1,\"_a\":" GONE "}"));
	check(run(BASE, "{\"month\":\"1956-05-03\",\"day\":\"1956-05-03T10:11:12.5+01:00\","
			"\"hour\":\"1956-05-03T10:11:12.5+01:00\",\"round\":7.26,\"digits\":12}"));
	check(is(1, "{\"month\":\"1956-05\",\"day\":\"1956-05-03\",\"hour\":\"1956-05-03T10:00:00+01:00\","
		    "\"round\":7.5,\"digits\":12.0}"));
	check(run(BASE, "{\"month\":\"1956\",\"hour\":\"1956-05\",\"round\":\"7\",\"digits\":1e9999}"));
	check(is(1, "{\"month\":\"1956\",\"hour\":\"1956-05\"}"));
	check(run(BASE, "{\"band\":[0,9.99,10,89.9,90,120,-1],\"edges\":[0.5,1,2.49,2.5,99]}"));
	check(is(1, "{\"band\":[0,0,10,80,90,90],\"edges\":[1,1,2.5,10]}"));
	/* an object that is changed as a whole, with labels and halves in it */
	check(run(BASE RAISE("/r/x"), "{\"k\":1,\"r\":{\"x\":\"s\",\"_x\":{\"id\":\"1\"},\"y\":\"t\"}}"));
	check(is(1, "{\"k\":1,\"r\":\"none\"}"));
	/* a narrative repeats what was changed */
	check(run(BASE, "{\"text\":{\"div\":\"d\"},\"k\":1}") && is(1, "{\"k\":1}") &&
	      is(2, "{\"text\":{\"div\":\"d\"},\"k\":1}"));
}

static void
check_where(void)
{
	check(load("redact: 1\npresence: shown\nversions:\n  - rl: N\n    transforms:\n"
		   "      - {id: s, say: s, type: [Patient], where: {.status: final}, at: .v, do: mask}\n"
		   "      - {id: t, say: t, at: '.i[] | select(.system == \"ssn\") | .value', do: mask}\n"
		   "  - {rl: V}\n") == REDACTOR_READY);
	check(run(BASE, "{\"resourceType\":\"Patient\",\"status\":\"final\",\"v\":\"s\"}"));
	check(is(0, "{\"resourceType\":\"Patient\",\"status\":\"final\",\"v\":\"***\"}"));
	check(run(BASE, "{\"resourceType\":\"Patient\",\"status\":\"draft\",\"v\":\"s\"}"));
	check(is(0, "{\"resourceType\":\"Patient\",\"status\":\"draft\",\"v\":\"s\"}"));
	check(run(BASE, "{\"resourceType\":\"Group\",\"status\":\"final\",\"v\":\"s\"}"));
	check(is(0, "{\"resourceType\":\"Group\",\"status\":\"final\",\"v\":\"s\"}"));
	check(run(BASE, "{\"i\":[{\"system\":\"ssn\",\"value\":\"1\"},{\"system\":\"x\",\"value\":\"1\"}]}"));
	check(is(0, "{\"i\":[{\"system\":\"ssn\",\"value\":\"***\"},{\"system\":\"x\",\"value\":\"1\"}]}"));
}

/* The token of version 0's member X. */
static bool
token(const char *record, char out[64])
{
	const char *at;

	if (!run(BASE, record) || (at = strstr(version(0), "\"x\":\"")) == NULL)
		return false;
	(void)snprintf(out, 64, "%.*s", (int)strcspn(at + 5, "\""), at + 5);
	return true;
}

#define HASH(scope)                                                                                          \
	"redact: 1\nkeys: [pseudonym]\npresence: shown\nversions:\n  - rl: N\n    transforms:\n"             \
	"      - {id: h, say: h, at: \"..|.x?, .reference?\", do: {hash: {key: pseudonym" scope              \
	"}}}\n  - {rl: V}\n"

static void
check_tokens(void)
{
	char a[64], b[64], c[96];

	check(load(HASH("")) == REDACTOR_READY);
	check(token("{\"x\":\"p1\"}", a) && strlen(a) == 26 &&
	      strspn(a, "abcdefghijklmnopqrstuvwxyz234567") == 26);
	check(token("{\"x\":\"p\\u0031\"}", b) && strcmp(a, b) == 0);
	check(token("{\"x\":\"p2\"}", b) && strcmp(a, b) != 0);
	check(run(BASE, "{\"reference\":\"http://h/fhir/Patient/p1/_history/3\"}"));
	(void)snprintf(c, sizeof c, "{\"reference\":\"Patient/%s\"}", a);
	check(is(0, c));
	check(run(BASE, "{\"reference\":\"Patient/p1\"}") && is(0, c));
	check(run(BASE, "{\"k\":1,\"reference\":\"Patient?identifier=s|v\"}") && is(0, "{\"k\":1}"));
	check(run(BASE, "{\"k\":1,\"reference\":\"#p\"}") && is(0, "{\"k\":1,\"reference\":\"#p\"}"));
	check(run(BASE, "{\"reference\":\"urn:uuid:p1\"}") && strlen(version(0)) == 61 &&
	      version(0)[37] == '8');
	check(run(BASE, "{\"k\":1,\"x\":5}") && is(0, "{\"k\":1}"));
	check(run(BASE, "{\"k\":1,\"x\":\"\"}") && is(0, "{\"k\":1}"));
	/* a token is bound to what its scope says, and lost where the record does not say it */
	check(load(HASH(", scope: [month]")) == REDACTOR_READY);
	check(token("{\"effectiveDateTime\":\"2026-03-31\",\"x\":\"p1\"}", b) && strcmp(a, b) != 0);
	check(token("{\"effectiveDateTime\":\"2026-03-01T00:00:00Z\",\"x\":\"p1\"}", c) && strcmp(c, b) == 0);
	check(token("{\"effectiveDateTime\":\"2026-04-01\",\"x\":\"p1\"}", c) && strcmp(c, b) != 0);
	check(run(BASE, "{\"k\":1,\"effectiveDateTime\":\"2026\",\"x\":\"p1\"}"));
	check(is(0, "{\"k\":1,\"effectiveDateTime\":\"2026\"}"));
	check(load(HASH(", scope: [subject]")) == REDACTOR_READY && token("{\"x\":\"p1\"}", b) &&
	      strcmp(a, b) != 0);
	check(load(HASH(", scope: batch")) == REDACTOR_READY && token("{\"x\":\"p1\"}", c) &&
	      strcmp(c, b) != 0);
}

static void
check_marks(void)
{
	char text[512];
	int size;
	char first[32];

	check(load("redact: 1\nkeys: [mark]\npresence: shown\nmark: {key: mark, except: [.meta.versionId]}\n"
		   "versions:\n  - {rl: N}\n  - {rl: V}\n") == REDACTOR_READY);
	/* the example of the notification page */
	size = snprintf(text, sizeof text,
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"r_k3m1\",\"level\":\"N\",\"criticality\":"
	    "\"critical\","
	    "\"policy\":\"sha256:0\"},\"labels\":[" BASE
	    ",{\"at\":\"\",\"level\":\"N\",\"criticality\":\"critical\","
	    "\"rule\":\"c\"}],\"record\":{\"resourceType\":\"Observation\"}}");
	check(redactor_run(redactor, (struct bytes){ text, (size_t)size }, &result));
	check(bytes_are(redactor_tags(redactor, 0)->mark, "m_dHt-csD4i9LJXAQhdwJJGA"));
	/* what every update changes does not count; everything else does */
	check(run(BASE, "{\"meta\":{\"versionId\":\"1\",\"tag\":1},\"k\":1}"));
	(void)snprintf(first, sizeof first, "%.24s", redactor_tags(redactor, 0)->mark.at);
	check(run(BASE, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":1}"));
	check(bytes_are(redactor_tags(redactor, 0)->mark, first));
	check(is(0, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":1}"));
	check(run(BASE, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":2}"));
	check(!bytes_are(redactor_tags(redactor, 0)->mark, first));
	/* a change above a level does not change its mark */
	check(run(BASE RAISE("/x"), "{\"k\":1,\"x\":1}"));
	(void)snprintf(first, sizeof first, "%.24s", redactor_tags(redactor, 0)->mark.at);
	check(run(BASE RAISE("/x"), "{\"k\":1,\"x\":22}"));
	check(bytes_are(redactor_tags(redactor, 0)->mark, first));
}

static void
check_tags(void)
{
	const struct tags *t;

	check(
	    load("redact: 1\npresence: shown\nversions:\n  - {rl: L}\n  - {rl: N, without: [HIV], view: n1}\n"
		 "  - {rl: R}\n  - {rl: V}\n") == REDACTOR_READY);
	check(run(LOW ",{\"at\":\"/x\",\"level\":\"R\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}"
		      ",{\"at\":\"/x/y\",\"level\":\"N\",\"criticality\":\"critical\",\"rule\":\"c\"}"
		      ",{\"at\":\"/z\",\"level\":\"L\",\"criticality\":\"low\",\"rule\":\"c\"}"
		      ",{\"at\":\"/z\",\"level\":\"R\",\"criticality\":\"high\",\"rule\":\"d\"}",
	    "{\"k\":1,\"x\":{\"y\":1},\"z\":1}"));
	t = redactor_tags(redactor, 0);
	check(bytes_are(t->criticality, "low") && t->n == 1 && t->of == 4 && t->al == 1 && t->view.size == 0);
	t = redactor_tags(redactor, 1);
	check(bytes_are(t->criticality, "low") && bytes_are(t->view, "n1") && bytes_are(t->rl, "N") &&
	      t->al == 3);
	check(bytes_are(redactor_tags(redactor, 2)->criticality, "critical"));
	check(bytes_are(t->id, "Observation/o1") && bytes_are(t->subject, "Patient/p1"));
	/* a version is missing only at the bottom */
	check(
	    run(BASE RAISE("/x"), "{\"x\":1}") && result.written == 2 && redactor_tags(redactor, 2)->n == 1);
	check(run(
	    LOW ",{\"at\":\"/x\",\"level\":\"L\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}", "{\"x\":1}"));
	check(result.written == 4 && is(0, "{\"x\":1}") && is(1, "{}") && is(2, "{\"x\":1}"));
	struct redactor_settings two = { .levels = "N,R", .other_policy = true };
	check(load_with(SHOWN, two) == REDACTOR_READY && run(BASE, "{\"k\":1}") && result.written == 2);
	two.levels = "N,Q";
	check(load_with(SHOWN, two) == REDACTOR_UNKNOWN_LEVEL && strcmp(problem.text, "Q") == 0);
}

static void
check_faults(void)
{
#define VERSIONS(text) "redact: 1\nkeys: [pseudonym, mark, other]\nmark: {key: mark}\nversions:\n" text
#define DO(text) VERSIONS("  - {rl: V, transforms: [{id: a, say: a, at: .x, do: " text "}]}\n")
	static const struct {
		const char *yaml;
		enum redactor_start start;
		const char *text;
	} list[] = {
		{ VERSIONS("  - {rl: N}\n"), REDACTOR_FAULT, "highest level has no version" },
		{ VERSIONS("  - {rl: V}\n  - {rl: N}\n"), REDACTOR_FAULT, "lowest first" },
		{ VERSIONS("  - {rl: X}\n"), REDACTOR_FAULT, "X" },
		{ VERSIONS("  - {rl: V, odd: 1}\n"), REDACTOR_FAULT, "odd" },
		{ VERSIONS("  - {rl: V, types: [Patiend]}\n"), REDACTOR_FAULT, "unknown type 'Patiend'" },
		{ VERSIONS("  - {rl: V, without: [HIVE]}\n"), REDACTOR_FAULT,
		    "unknown-code: no category 'HIVE'" },
		{ VERSIONS("  - {rl: V, keep: {\"*\": [\".a[-1]\"]}}\n"), REDACTOR_FAULT, "path" },
		{ VERSIONS("  - {rl: V, keep: {\"*\": [\".a | ascii\"]}}\n"), REDACTOR_FAULT,
		    "bad-path: not a plain one" },
		{ VERSIONS("  - {rl: V, view: x}\n"), REDACTOR_FAULT, "a view stands beside" },
		{ DO("date_shift"), REDACTOR_FAULT,
		    "unknown operation, expected one of keep remove absent mask" },
		{ DO("{zip: {digits: 3}}"), REDACTOR_FAULT, "unknown operation" },
		{ DO("{truncate: week}"), REDACTOR_FAULT, "year" },
		{ DO("{round: {to: 0}}"), REDACTOR_FAULT, "above 0" },
		{ DO("{round: {to: 1, digits: 1}}"), REDACTOR_FAULT, "either" },
		{ DO("{band: {width: 10, from: 5}}"), REDACTOR_FAULT, "not an edge" },
		{ DO("{band: {edges: [2, 1]}}"), REDACTOR_FAULT, "ascend" },
		{ DO("{hash: {key: pseudonym, scope: [day]}}"), REDACTOR_FAULT, "subject" },
		{ DO("{hash: {key: unlisted}}"), REDACTOR_FAULT, "not among" },
		{ DO("{hash: {key: mark}}"), REDACTOR_FAULT, "serves nothing else" },
		{ DO("{hash: {key: other}}"), REDACTOR_NO_KEY, "" },
		{ DO("{truncate: year, drop_over_age: 89}"), REDACTOR_NEEDS_NOW, "" },
		{ DO("{hash: {key: pseudonym, scope: batch}}"), REDACTOR_NEEDS_BATCH, "" },
	};
	struct redactor_settings settings = { .other_policy = true };

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		enum redactor_start start = load_with(list[i].yaml, settings);
		bool good = start == list[i].start && strstr(problem.fault.text, list[i].text) != NULL;

		if (!good)
			printf("# %s# %d: %s\n", list[i].yaml, (int)start, problem.fault.text);
		check(good);
	}
}

static void
check_fates(void)
{
	struct redactor_fate fate;

	/* nodes of the record: 0 itself, 1 "k", 2, 3 "x", 4, 5 "y", 6 */
	check(load(SHOWN) == REDACTOR_READY);
	redactor_explain(redactor);
	check(run(BASE RAISE("/x"), "{\"k\":1,\"x\":{\"y\":1},\"z\":{\"w\":1}}"));
	check(redactor_fate(redactor, 0, 2).fate == FATE_KEPT);
	fate = redactor_fate(redactor, 0, 6);
	check(fate.fate == FATE_WITHHELD && fate.why == WHY_LEVEL &&
	      redactor_fate(redactor, 1, 4).fate == FATE_KEPT);
	check(load("redact: 1\npresence: shown\nversions:\n  - rl: N\n    keep: {\"*\": [.k, .m]}\n    "
		   "transforms:\n"
		   "      - {id: one, say: One., at: .k, do: mask}\n  - {rl: V}\n") == REDACTOR_READY);
	redactor_explain(redactor);
	check(run(BASE, "{\"k\":\"s\",\"x\":1,\"m\":1}"));
	fate = redactor_fate(redactor, 0, 2);
	check(fate.fate == FATE_TRANSFORMED && fate.why == WHY_TRANSFORM);
	check(bytes_are(redactor_transform(redactor, fate.transform).id, "one"));
	check(redactor_fate(redactor, 0, 4).why == WHY_NOT_KEPT);
}

static void
check_tombstone(void)
{
	static const char text[] = "{\"ehr\":{\"v\":1,\"stage\":\"deleted\",\"id\":\"X/1\"},\"record\":{}}"
				   "                                                                ";

	check(load(SHOWN) == REDACTOR_READY);
	check(redactor_run(redactor, (struct bytes){ text, sizeof text - 1 - JSON_SLACK }, &result));
	check(result.written == 1 && is(0, "{}") && redactor_tags(redactor, 0)->stage == STAGE_DELETED);
	check(redactor_tags(redactor, 0)->of == 1 && redactor_state(redactor, 1) == VERSION_NONE);
}

int
main(void)
{
	static const char *const files[] = { "policy.yaml", "classify.yaml", "seal.yaml", "redact.yaml" };
	unsigned char key[32];
	char path[512];

	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (unsigned char)i;
	keys[0] = mac_new((struct bytes){ (const char *)key, sizeof key });
	key[0] = 99;
	keys[1] = mac_new((struct bytes){ (const char *)key, sizeof key });
	(void)clock_parse_instant((struct bytes)BYTES("2026-11-01T00:00:00Z"), &now);
	if (mkdtemp(directory) == NULL)
		return 99;
	put("policy.yaml", policy_text);
	put("classify.yaml", classify_text);
	put("seal.yaml", seal_text);
	check_spans();
	check_refusals();
	check_hidden();
	check_signs();
	check_halves();
	check_places();
	check_keep();
	check_transforms();
	check_where();
	check_tokens();
	check_marks();
	check_tags();
	check_faults();
	check_fates();
	check_tombstone();
	unload();
	mac_free(keys[0]);
	mac_free(keys[1]);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", directory, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
	return tap_end();
}
