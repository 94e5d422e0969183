/* SPDX-License-Identifier: ISC */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"

#define SECURITY                                                                                             \
	"\"meta\":{\"security\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\","          \
	"\"code\":\"HIV\"},{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActReason\","              \
	"\"code\":\"HTEST\"}]}"

#define INLINE                                                                                               \
	"{\"url\":\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/"                         \
	"extension-inline-sec-label\",\"valueCoding\":{\"code\":\"HIV\"}}"

#define CONTAINED                                                                                            \
	"\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"m\\u0031\",\"code\":{\"text\":\"c\"}}]"

#define ENTRY(n)                                                                                             \
	"{\"fullUrl\":\"urn:uuid:" n "\",\"resource\":{\"resourceType\":\"X\",\"id\":\"" n "\",\"k\":1}}"

static void
check_siblings(void)
{
	check(redact_load("shown") == REDACTOR_READY);
	check(redact_run(BASE RAISE("/d"), "{\"k\":1,\"d\":\"x\",\"_d\":{\"id\":\"c\"}}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE RAISE("/_d"), "{\"_d\":{\"id\":\"c\"},\"k\":1,\"d\":\"x\"}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE RAISE("/d"), "{\"k\":1,\"d\":\"x\",\"\\u005fd\":{\"id\":\"c\"}}") &&
	      redact_is(0, "{\"k\":1}"));
	/* elements go together and the others keep their places */
	check(redact_run(
	    BASE RAISE("/g/1"), "{\"g\":[\"a\",\"b\",\"c\"],\"_g\":[null,{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(redact_is(0, "{\"g\":[\"a\",\"c\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(redact_run(
	    BASE RAISE("/_g/1"), "{\"g\":[\"a\",\"b\",\"c\"],\"_g\":[null,{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(redact_is(0, "{\"g\":[\"a\",\"c\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(redact_run(
	    BASE RAISE("/_g/0/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[{\"id\":\"i\"},{\"id\":\"j\"}]}"));
	check(redact_is(0, "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(redact_run(BASE RAISE("/_g/1/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(redact_load("hidden") == REDACTOR_READY);
	check(redact_run(BASE RAISE("/_g/1/id"), "{\"g\":[\"a\",\"b\"],\"_g\":[null,{\"id\":\"j\"}]}"));
	check(redact_is(0, "{\"g\":[\"a\",\"b\"]}"));
	/* a changed value loses its sibling, whichever stands first */
	check(redact_load("year") == REDACTOR_READY);
	check(redact_run(BASE, "{\"_d\":{\"id\":\"c\"},\"d\":\"2020-01-01\"}") &&
	      redact_is(0, "{\"d\":\"2020\"}"));
	check(redact_run(BASE, "{\"d\":\"2020-01-01\",\"_d\":{\"id\":\"c\"}}") &&
	      redact_is(0, "{\"d\":\"2020\"}"));
}

static void
check_places(void)
{
	check(redact_load("shown") == REDACTOR_READY);
	/* security labels stay only where nothing is withheld */
	check(redact_run(BASE, "{" SECURITY ",\"k\":1}") && redact_is(0, "{" SECURITY ",\"k\":1}"));
	check(redact_run(BASE RAISE("/x"), "{" SECURITY ",\"k\":1,\"x\":1}"));
	check(redact_is(0,
	    "{\"meta\":{\"security\":[{\"system\":"
	    "\"http://terminology.hl7.org/CodeSystem/v3-ActReason\",\"code\":\"HTEST\"}]},\"k\":1}"));
	check(redact_is(1, "{" SECURITY ",\"k\":1,\"x\":1}"));
	/* inline labels */
	check(redact_run(
	    BASE RAISE("/x"), "{\"c\":{\"extension\":[" INLINE ",{\"url\":\"u\"}],\"v\":1},\"x\":1}"));
	check(redact_is(0, "{\"c\":{\"extension\":[{\"url\":\"u\"}],\"v\":1}}"));
	/* what identifies data that nobody may see */
	check(redact_run(BASE RAISE("/a/data"),
	    "{\"k\":1,\"a\":{\"contentType\":\"t\",\"url\":\"u\",\"size\":5,"
	    "\"data\":\"AA\",\"hash\":\"h\"}}"));
	check(redact_is(0, "{\"k\":1,\"a\":{\"contentType\":\"t\"}}"));
	/* a contained root that goes takes its references along, wherever they stand */
	check(redact_run(BASE RAISE("/contained/0"),
	    "{\"a\":{\"reference\":\"#m1\",\"display\":\"drug\"}," CONTAINED
	    ",\"b\":[{\"item\":{\"reference\":\"#m1\"}},{\"n\":1}],\"k\":\"#m1\"}"));
	check(redact_is(0, "{\"b\":[{\"n\":1}]}"));
	check(redact_run(BASE, "{\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	check(redact_is(0, "{\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	/* one of which only type and id would stay goes whole */
	check(redact_run(
	    BASE RAISE("/contained/0/code"), "{\"k\":1,\"a\":{\"reference\":\"#m1\"}," CONTAINED "}"));
	check(redact_is(0, "{\"k\":1}"));
	/* a Bundle that was kept */
	check(redact_run(BASE RAISE("/entry/0/resource"),
	    "{\"resourceType\":\"Bundle\",\"total\":2,\"link\":[1],\"entry\":[" ENTRY("q") "," ENTRY(
		"r") "],\"signature\":{\"d\":1}}"));
	check(redact_is(0, "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY("r") "]}"));
	check(redact_run(BASE, "{\"resourceType\":\"Bundle\",\"total\":1,\"entry\":[" ENTRY("q") "]}"));
	check(redact_is(0, "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY("q") "]}"));
	check(redact_run(BASE RAISE("/entry/0/resource"),
	    "{\"resourceType\":\"Bundle\",\"entry\":[" ENTRY(
		"q") ",{\"resource\":{\"resourceType\":\"Y\",\"k\":1,"
		     "\"s\":{\"reference\":\"urn:uuid:q\"},\"t\":{\"reference\":\"http://h/X/q/_history/"
		     "2\"},\"u\":{\"reference\":\"Z/q\"}}}]}"));
	check(redact_is(0,
	    "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Y\",\"k\":1,"
	    "\"u\":{\"reference\":\"Z/q\"}}}]}"));
}

static void
check_keep(void)
{
	check(redact_load("keep") == REDACTOR_READY);
	check(redact_run(
	    LOW, "{\"resourceType\":\"Observation\",\"note\":1,\"status\":\"final\",\"x\":{\"y\":1}}"));
	check(redact_is(0, "{\"resourceType\":\"Observation\",\"status\":\"final\"}"));
	/* a kept subtree does not bring what may name or repeat somebody */
	check(redact_run(LOW,
	    "{\"resourceType\":\"Observation\",\"code\":{\"id\":\"e\",\"text\":\"t\",\"_c\":{\"id\":\"1\"},"
	    "\"coding\":[{\"code\":\"c\",\"display\":\"d\",\"extension\":[{\"url\":\"http://e/no\"},"
	    "{\"url\":\"http://e/"
	    "ok\",\"valueCode\":\"v\"}]}]},\"subject\":{\"reference\":\"r\",\"identifier\":{\"value\":\"i\"}}"
	    "}"));
	check(redact_is(0,
	    "{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"code\":\"c\",\"extension\":["
	    "{\"url\":\"http://e/ok\",\"valueCode\":\"v\"}]}]},\"subject\":{\"reference\":\"r\"}}"));
	/* an identifier's value must be named */
	check(redact_run(LOW,
	    "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"s\",\"value\":\"v\"}],"
	    "\"ids\":{\"identifier\":{\"system\":\"s\",\"value\":\"v\"}}}"));
	check(redact_is(0, "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"s\"}],\"ids\":{"
			   "\"identifier\":{\"value\":\"v\"}}}"));
	/* inside a root its own list holds */
	check(redact_run(LOW,
	    "{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Medication\",\"id\":\"m\","
	    "\"status\":\"active\",\"form\":{\"code\":\"f\"}},{\"resourceType\":\"Group\",\"id\":\"g\","
	    "\"form\":1}]}"));
	check(
	    redact_is(0, "{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Medication\","
			 "\"id\":\"m\",\"form\":{\"code\":\"f\"}}]}"));
	/* another type is withheld, and a stub tells no more than that */
	check(redact_run(LOW, "{\"resourceType\":\"Group\",\"status\":\"a\"}") && redact_is(0, "{}"));
	check(redact_state(0) == VERSION_STUB && redact.result.written == 3);
	check(redact_run(LOW RAISE("/status"), "{\"resourceType\":\"Observation\",\"status\":\"final\"}") &&
	      redact_is(0, "{}"));
	/* what keep names and the level forbids goes */
	check(redact_run(BASE LOWER("/status"),
	    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"a\":1}}"));
	check(redact_is(0, "{\"status\":\"final\"}"));
}

/*
 * What a node is made of must not decide what a version shows, if the version withholds it.  A version that
 * may know a reference to a Patient drops it; one that may not must not do otherwise than with any other
 * reference.
 */
static bool
shows(const char *labels, const char *subject)
{
	static const char *const references[] = { "Patient/p1", "Observation/o2" };
	char record[256], want[512];

	(void)snprintf(want, sizeof want, "{\"resourceType\":\"Observation\",\"k\":1%s}", subject);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(record, sizeof record,
		    "{\"resourceType\":\"Observation\",\"k\":1,\"subject\":{\"reference\":\"%s\",\"display\":"
		    "\"d\"}}",
		    references[i]);
		if (!redact_run(labels, record) || !redact_is(0, want))
			return false;
	}
	return true;
}

static void
check_seen(void)
{
#define HIV(at) ",{\"at\":\"" at "\",\"level\":\"N\",\"sensitivity\":[\"HIV\"],\"rule\":\"h\"}"
#define DISPLAY ",\"subject\":{\"_reference\":" GONE ",\"display\":\"d\"}"
#define PATIENT "\"subject\":{\"reference\":\"Patient/p1\",\"display\":\"d\"}"
	check(redact_load("seen") == REDACTOR_READY);
	check(redact_run(BASE, "{\"resourceType\":\"Observation\",\"k\":1," PATIENT "}"));
	check(redact_is(0, "{\"resourceType\":\"Observation\",\"k\":1}"));
	/* its own label: above the level, of a level of its own, of a category that is left out */
	check(shows(BASE RAISE("/subject/reference"), DISPLAY));
	check(shows(BASE LABEL("/subject/reference", "V", "base"), DISPLAY));
	check(shows(BASE HIV("/subject/reference"), DISPLAY));
	/* the label of the node around it */
	check(shows(BASE LABEL("/subject", "R", "base") LABEL("/subject/display", "N", "base"), DISPLAY));
	check(shows(BASE RAISE("/subject"), ",\"subject\":" GONE));
	check(shows(BASE HIV("/subject"), ",\"subject\":" GONE));
	/* a label below that of the node around it */
	check(redact_run(BASE LABEL("/subject", "R", "base") LOWER("/subject/reference"),
	    "{\"resourceType\":\"Observation\",\"k\":1," PATIENT "}"));
	check(redact_is(0, "{\"resourceType\":\"Observation\",\"k\":1}"));
	/* an extension without a url may be a security label */
	check(redact_load("shown") == REDACTOR_READY);
	check(
	    redact_run(BASE RAISE("/x"), "{\"c\":{\"extension\":[{\"id\":\"e\"},{\"url\":\"u\"}]},\"x\":1}"));
	check(redact_is(0, "{\"c\":{\"extension\":[{\"url\":\"u\"}]}}"));
}

int
main(void)
{
	redact_begin();
	check_siblings();
	check_places();
	check_keep();
	check_seen();
	redact_end();
	return tap_end();
}
