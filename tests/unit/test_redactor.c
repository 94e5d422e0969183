/* SPDX-License-Identifier: ISC */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"

static void
check_spans(void)
{
	check(redact_load("shown") == REDACTOR_READY);
	check(redact_run(BASE, "{ \"resourceType\" : \"X\" ,\t\"a\":7.40 , \"b\":[1, 2] }") &&
	      redact.result.written == 3);
	check(redact_is(0, "{ \"resourceType\" : \"X\" ,\t\"a\":7.40 , \"b\":[1, 2] }"));
	check(redact_state(0) == VERSION_WHOLE);
	/* the first, the middle, the last */
	check(redact_run(BASE RAISE("/a"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") &&
	      redact_is(0, "{ \"b\":2, \"c\":3 }"));
	check(redact_run(BASE RAISE("/b"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") &&
	      redact_is(0, "{ \"a\" : 1, \"c\":3 }"));
	check(redact_run(BASE RAISE("/c"), "{ \"a\" : 1 , \"b\":2, \"c\":3 }") &&
	      redact_is(0, "{ \"a\" : 1 , \"b\":2 }"));
	check(redact_is(1, "{ \"a\" : 1 , \"b\":2, \"c\":3 }") &&
	      redact_is(2, "{ \"a\" : 1 , \"b\":2, \"c\":3 }"));
	check(redact_run(BASE RAISE("/a") RAISE("/b"), "{\"a\":1,\"b\":2,\"c\":3}") &&
	      redact_is(0, "{\"c\":3}"));
	check(redact_run(BASE RAISE("/a") RAISE("/c"), "{\"a\":1,\"b\":2,\"c\":3}") &&
	      redact_is(0, "{\"b\":2}"));
	check(redact_run(BASE RAISE("/x/1"), "{\"x\":[1, 2 ,3]}") && redact_is(0, "{\"x\":[1 ,3]}"));
	/* what is left empty goes, up to the root */
	check(redact_run(BASE RAISE("/x/0/y") RAISE("/x/0/z"), "{\"x\":[{\"y\":1,\"z\":[2]}],\"k\":{}}"));
	check(redact_is(0, "{\"k\":{}}"));
	check(redact_run(BASE RAISE("/x/0"), "{\"x\":[1]}") && redact_state(0) == VERSION_NONE);
	check(redact.result.written == 2 && redact_tags(1)->n == 1 && redact_tags(1)->of == 2);
	/* a restricted part with a harmless part of a harmless base: nothing opens what a label closed */
	check(redact_run(BASE RAISE("/x") LOWER("/x/y"), "{\"x\":{\"y\":1},\"k\":1}") &&
	      redact_is(0, "{\"k\":1}"));
	/* a place above the level with a part below it stays as a skeleton */
	check(redact_run(BASE ",{\"at\":\"/x\",\"level\":\"V\",\"rule\":\"base\"}" LOWER("/x/y"),
	    "{\"x\":{\"w\":[5],\"y\":1,\"z\":2},\"k\":1}"));
	check(redact_is(0, "{\"x\":{\"y\":1},\"k\":1}") && redact_is(1, "{\"x\":{\"y\":1},\"k\":1}"));
}

static void
check_refusals(void)
{
	check(redact_load("shown") == REDACTOR_READY);
	check(!redact_run("{\"at\":\"/x\",\"level\":\"N\",\"rule\":\"base\"}", "{\"x\":1}"));
	check(redact.result.reason == REASON_BAD_LABEL);
	check(!redact_run(BASE RAISE("/y"), "{\"x\":1}") && redact.result.reason == REASON_BAD_POINTER);
	check(!redact_run(BASE ",{\"at\":\"/x\",\"level\":\"Q\",\"rule\":\"r\"}", "{\"x\":1}"));
	check(redact.result.reason == REASON_UNKNOWN_LEVEL);
	check(!redact_run(BASE ",{\"at\":\"/x\",\"level\":\"N\",\"rule\":\"r\",\"odd\":1}", "{\"x\":1}"));
	check(redact.result.reason == REASON_BAD_LABEL);
	check(!redact_run(BASE ",{\"at\":\"/x\",\"sensitivity\":[\"NOPE\"],\"rule\":\"r\"}", "{\"x\":1}"));
	check(redact.result.reason == REASON_BAD_LABEL);
	check(!redact_run(
	    BASE ",{\"at\":\"/x\",\"level\":\"N\",\"criticality\":\"odd\",\"rule\":\"r\"}", "{\"x\":1}"));
	check(redact.result.reason == REASON_UNKNOWN_CRITICALITY);
	check(!redactor_run(redact.redactor,
	    (struct bytes)BYTES(
		"{\"x\":1}\0                                                                "),
	    &redact.result));
	struct redactor_settings strict = { .batch = bytes_of("") };
	check(redact_load_with("shown", strict) == REDACTOR_READY);
	check(!redact_run(BASE, "{\"x\":1}") && redact.result.reason == REASON_OTHER_POLICY);
}

static void
check_hidden(void)
{
	check(redact_load("hidden") == REDACTOR_READY);
	/* an empty array and one whose only element is gone are the same */
	check(redact_run(BASE, "{\"k\":1,\"x\":[],\"meta\":{}}") && redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE RAISE("/x/0"), "{\"k\":1,\"x\":[5],\"meta\":{}}") && redact_is(0, "{\"k\":1}"));
	check(redact_is(2, "{\"k\":1,\"x\":[5],\"meta\":{}}"));
	/* narrative never, labels never, references that lead nowhere never */
	check(redact_run(BASE, "{\"text\":{\"status\":\"generated\",\"div\":\"<div/>\"},\"k\":1}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE,
	    "{\"meta\":{\"security\":[{\"system\":"
	    "\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"HIV\"}]},\"k\":1}"));
	check(redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE, "{\"subject\":{\"reference\":\"#p\",\"display\":\"Jane\"},\"k\":1}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE, "{\"subject\":{\"reference\":\"#\"},\"k\":1}") &&
	      redact_is(0, "{\"subject\":{\"reference\":\"#\"},\"k\":1}"));
	/* nothing but type, id and meta is nothing */
	check(redact_run(BASE RAISE("/k"),
	    "{\"resourceType\":\"X\",\"id\":\"1\",\"meta\":{\"versionId\":\"2\"},\"k\":1}"));
	check(redact_state(0) == VERSION_NONE && redact.result.written == 2);
	check(redact_run(BASE, "{\"resourceType\":\"X\",\"id\":\"1\"}") && redact_state(0) == VERSION_NONE);
	check(redact_is(2, "{\"resourceType\":\"X\",\"id\":\"1\"}"));
}

static void
check_signs(void)
{
	check(redact_load("signs") == REDACTOR_READY);
	check(redact_run(BASE RAISE("/comment") RAISE("/period") RAISE("/contact") RAISE("/given"),
	    "{\"k\":1,\"comment\":\"secret\",\"period\":{\"x\":1},\"contact\":[{\"x\":1},{\"x\":2}],"
	    "\"given\":[\"u\",\"v\"]}"));
	check(redact_is(1, "{\"k\":1,\"_comment\":" GONE ",\"period\":" GONE ",\"contact\":[" GONE
			   "],\"_given\":[" GONE "]}"));
	check(redact_run(
	    BASE RAISE("/comment"), "{\"k\":1,\"comment\":\"secret\",\"_comment\":{\"id\":\"q\"}}"));
	check(redact_is(1, "{\"k\":1,\"_comment\":" GONE "}"));
	check(redact_run(BASE RAISE("/contact/1"), "{\"contact\":[{\"x\":1},{\"x\":2}]}") &&
	      redact_is(1, "{\"contact\":[{\"x\":1}," GONE "]}"));
	check(redact_run(BASE RAISE("/given/0"), "{\"given\":[\"u\",\"v\"]}") &&
	      redact_is(1, "{\"given\":[\"v\"]}"));
	/* a name that FHIR does not have may tell, and goes with what it names */
	check(redact_run(BASE RAISE("/secret"), "{\"k\":1,\"secret\":\"secret\"}") &&
	      redact_is(1, "{\"k\":1}"));
	/* nothing but signs is nothing */
	check(redact_run(BASE RAISE("/comment"), "{\"comment\":\"secret\"}") &&
	      redact_state(1) == VERSION_NONE);
	check(
	    redact_run(BASE ",{\"at\":\"/comment\",\"level\":\"N\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}"
			    ",{\"at\":\"/rank\",\"level\":\"N\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}",
		"{\"k\":1,\"comment\":\"secret, long\",\"rank\":5}"));
	check(redact_is(2, "{\"k\":1,\"comment\":\"***\"}") &&
	      redact_is(1, "{\"k\":1,\"comment\":\"secret, long\",\"rank\":5}"));
}

static void
check_marks(void)
{
	char text[512];
	int size;
	char first[32];

	check(redact_load("marks") == REDACTOR_READY);
	/* the example of the notification page */
	size = snprintf(text, sizeof text,
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"r_k3m1\",\"level\":\"N\",\"criticality\":"
	    "\"critical\","
	    "\"policy\":\"sha256:0\"},\"labels\":[" BASE
	    ",{\"at\":\"\",\"level\":\"N\",\"criticality\":\"critical\","
	    "\"rule\":\"c\"}],\"record\":{\"resourceType\":\"Observation\"}}");
	check(redactor_run(redact.redactor, (struct bytes){ text, (size_t)size }, &redact.result));
	check(bytes_are(redact_tags(0)->mark, "m_dHt-csD4i9LJXAQhdwJJGA"));
	/* what every update changes does not count; everything else does */
	check(redact_run(BASE, "{\"meta\":{\"versionId\":\"1\",\"tag\":1},\"k\":1}"));
	(void)snprintf(first, sizeof first, "%.24s", redact_tags(0)->mark.at);
	check(redact_run(BASE, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":1}"));
	check(bytes_are(redact_tags(0)->mark, first));
	check(redact_is(0, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":1}"));
	check(redact_run(BASE, "{\"meta\":{\"versionId\":\"27\",\"tag\":1},\"k\":2}"));
	check(!bytes_are(redact_tags(0)->mark, first));
	/* a change above a level does not change its mark */
	check(redact_run(BASE RAISE("/x"), "{\"k\":1,\"x\":1}"));
	(void)snprintf(first, sizeof first, "%.24s", redact_tags(0)->mark.at);
	check(redact_run(BASE RAISE("/x"), "{\"k\":1,\"x\":22}"));
	check(bytes_are(redact_tags(0)->mark, first));
}

static void
check_tags(void)
{
	const struct tags *t;

	check(redact_load("without") == REDACTOR_READY);
	check(redact_run(LOW ",{\"at\":\"/x\",\"level\":\"R\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}"
			     ",{\"at\":\"/x/y\",\"level\":\"N\",\"criticality\":\"critical\",\"rule\":\"c\"}"
			     ",{\"at\":\"/z\",\"level\":\"L\",\"criticality\":\"low\",\"rule\":\"c\"}"
			     ",{\"at\":\"/z\",\"level\":\"R\",\"criticality\":\"high\",\"rule\":\"d\"}",
	    "{\"k\":1,\"x\":{\"y\":1},\"z\":1}"));
	t = redact_tags(0);
	check(bytes_are(t->criticality, "low") && t->n == 1 && t->of == 4 && t->al == 1 && t->view.size == 0);
	t = redact_tags(1);
	check(bytes_are(t->criticality, "low") && bytes_are(t->view, "n1") && bytes_are(t->rl, "N") &&
	      t->al == 3);
	check(bytes_are(redact_tags(2)->criticality, "critical"));
	check(bytes_are(t->id, "Observation/o1") && bytes_are(t->subject, "Patient/p1"));
	/* a version is missing only at the bottom */
	check(redact_run(BASE RAISE("/x"), "{\"x\":1}") && redact.result.written == 2 &&
	      redact_tags(2)->n == 1);
	check(redact_run(
	    LOW ",{\"at\":\"/x\",\"level\":\"L\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}", "{\"x\":1}"));
	check(redact.result.written == 4 && redact_is(0, "{\"x\":1}") && redact_is(1, "{}") &&
	      redact_is(2, "{\"x\":1}"));
}

static void
check_fates(void)
{
	struct redactor_fate fate;

	/* nodes of the record: 0 itself, 1 "k", 2, 3 "x", 4, 5 "y", 6 */
	check(redact_load("shown") == REDACTOR_READY);
	redactor_explain(redact.redactor);
	check(redact_run(BASE RAISE("/x"), "{\"k\":1,\"x\":{\"y\":1},\"z\":{\"w\":1}}"));
	check(redactor_fate(redact.redactor, 0, 2).fate == FATE_KEPT);
	fate = redactor_fate(redact.redactor, 0, 6);
	check(fate.fate == FATE_WITHHELD && fate.why == WHY_LEVEL &&
	      redactor_fate(redact.redactor, 1, 4).fate == FATE_KEPT);
	check(redact_load("fates") == REDACTOR_READY);
	redactor_explain(redact.redactor);
	check(redact_run(BASE, "{\"k\":\"s\",\"x\":1,\"m\":1}"));
	fate = redactor_fate(redact.redactor, 0, 2);
	check(fate.fate == FATE_TRANSFORMED && fate.why == WHY_TRANSFORM);
	check(bytes_are(redactor_transform(redact.redactor, fate.transform).id, "one"));
	check(redactor_fate(redact.redactor, 0, 4).why == WHY_NOT_KEPT);
}

static void
check_tombstone(void)
{
	static const char text[] = "{\"ehr\":{\"v\":1,\"stage\":\"deleted\",\"id\":\"X/1\"},\"record\":{}}"
				   "                                                                ";

	check(redact_load("shown") == REDACTOR_READY);
	check(redactor_run(
	    redact.redactor, (struct bytes){ text, sizeof text - 1 - JSON_SLACK }, &redact.result));
	check(redact.result.written == 1 && redact_is(0, "{}") && redact_tags(0)->stage == STAGE_DELETED);
	check(redact_tags(0)->of == 1 && redact_state(1) == VERSION_NONE);
}

int
main(void)
{
	redact_begin();
	check_spans();
	check_refusals();
	check_hidden();
	check_signs();
	check_marks();
	check_tags();
	check_fates();
	check_tombstone();
	redact_end();
	return tap_end();
}
