/* SPDX-License-Identifier: ISC */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"

static void
check_transforms(void)
{
	check(redact_load("transforms") == REDACTOR_READY);
	/* a release by name: only where the place alone is above the level */
	check(redact_run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"1956-05-03\"}") &&
	      redact_is(0, "{\"k\":1,\"birth\":\"1956\"}"));
	check(redact_run(BASE LOWER("/k") RAISE("/birth"), "{\"k\":1,\"birth\":\"1956-05-03\"}") &&
	      redact_is(0, "{\"k\":1}"));
	check(
	    redact_run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"1936-05-03\"}") && redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE LOWER("/k"), "{\"k\":1,\"birth\":\"soon\"}") && redact_is(0, "{\"k\":1}"));
	/* an age over the bound was understood */
	check(redactor_failed(redact.redactor) == 1);
	check(redact_run(BASE,
	    "{\"m\":{\"a\":\"long "
	    "secret\",\"keep\":\"k\",\"n\":5,\"o\":{\"p\":1}},\"r\":[1,{\"x\":2}],\"n\":\"q\"}"));
	check(redact_is(1, "{\"m\":{\"a\":\"***\",\"keep\":\"k\"},\"r\":\"none\",\"n\":0}"));
	check(redact_run(BASE, "{\"k\":1,\"gone\":{\"x\":1},\"a\":\"v\",\"_a\":{\"id\":\"1\"}}"));
	check(redact_is(1, "{\"k\":1,\"_a\":" GONE "}"));
	check(redact_run(BASE, "{\"month\":\"1956-05-03\",\"day\":\"1956-05-03T10:11:12.5+01:00\","
			       "\"hour\":\"1956-05-03T10:11:12.5+01:00\",\"round\":7.26,\"digits\":12}"));
	check(redact_is(1,
	    "{\"month\":\"1956-05\",\"day\":\"1956-05-03\",\"hour\":\"1956-05-03T10:00:00+01:00\","
	    "\"round\":7.5,\"digits\":12.0}"));
	check(
	    redact_run(BASE, "{\"month\":\"1956\",\"hour\":\"1956-05\",\"round\":\"7\",\"digits\":1e9999}"));
	check(redact_is(1, "{\"month\":\"1956\",\"hour\":\"1956-05\"}"));
	check(redact_run(BASE, "{\"band\":[0,9.99,10,89.9,90,120,-1],\"edges\":[0.5,1,2.49,2.5,99]}"));
	check(redact_is(1, "{\"band\":[0,0,10,80,90,90],\"edges\":[1,1,2.5,10]}"));
	/* an object that is changed as a whole, with labels and halves in it */
	check(redact_run(
	    BASE RAISE("/r/x"), "{\"k\":1,\"r\":{\"x\":\"s\",\"_x\":{\"id\":\"1\"},\"y\":\"t\"}}"));
	check(redact_is(1, "{\"k\":1,\"r\":\"none\"}"));
	/* a narrative repeats what was changed */
	check(redact_run(BASE, "{\"text\":{\"div\":\"d\"},\"k\":1}") && redact_is(1, "{\"k\":1}") &&
	      redact_is(2, "{\"text\":{\"div\":\"d\"},\"k\":1}"));
}

static void
check_where(void)
{
	check(redact_load("where") == REDACTOR_READY);
	check(redact_run(BASE, "{\"resourceType\":\"Patient\",\"status\":\"final\",\"v\":\"s\"}"));
	check(redact_is(0, "{\"resourceType\":\"Patient\",\"status\":\"final\",\"v\":\"***\"}"));
	check(redact_run(BASE, "{\"resourceType\":\"Patient\",\"status\":\"draft\",\"v\":\"s\"}"));
	check(redact_is(0, "{\"resourceType\":\"Patient\",\"status\":\"draft\",\"v\":\"s\"}"));
	check(redact_run(BASE, "{\"resourceType\":\"Group\",\"status\":\"final\",\"v\":\"s\"}"));
	check(redact_is(0, "{\"resourceType\":\"Group\",\"status\":\"final\",\"v\":\"s\"}"));
	check(redact_run(
	    BASE, "{\"i\":[{\"system\":\"ssn\",\"value\":\"1\"},{\"system\":\"x\",\"value\":\"1\"}]}"));
	check(redact_is(
	    0, "{\"i\":[{\"system\":\"ssn\",\"value\":\"***\"},{\"system\":\"x\",\"value\":\"1\"}]}"));
}

/* The token of version 0 in the place of "p1" in MEMBER of a record that has the member TIME too. */
static bool
token(const char *member, const char *time, char out[64])
{
	char text[128];
	const char *at;

	(void)snprintf(text, sizeof text, "{\"effectiveDateTime\":\"%s\",\"%s\":\"p1\"}", time, member);
	if (!redact_run(BASE, text))
		return false;
	(void)snprintf(text, sizeof text, "\"%s\":\"", member);
	at = strstr(redact_version(0), text);
	if (at == NULL)
		return false;
	at += strlen(text);
	(void)snprintf(out, 64, "%.*s", (int)strcspn(at, "\""), at);
	return true;
}

static void
check_tokens(void)
{
	char a[64], b[64], c[96];

	check(redact_load("tokens") == REDACTOR_READY);
	check(
	    token("x", "2026", a) && strlen(a) == 26 && strspn(a, "abcdefghijklmnopqrstuvwxyz234567") == 26);
	(void)snprintf(c, sizeof c, "{\"x\":\"%s\"}", a);
	check(redact_run(BASE, "{\"x\":\"p\\u0031\"}") && redact_is(0, c));
	check(redact_run(BASE, "{\"x\":\"p2\"}") && strcmp(redact_version(0), c) != 0);
	/* every shape of a reference to the same id */
	(void)snprintf(c, sizeof c, "{\"reference\":\"Patient/%s\"}", a);
	check(redact_run(BASE, "{\"reference\":\"http://h/fhir/Patient/p1/_history/3\"}") && redact_is(0, c));
	check(redact_run(BASE, "{\"reference\":\"Patient/p1\"}") && redact_is(0, c));
	check(redact_run(BASE, "{\"k\":1,\"reference\":\"Patient?identifier=s|v\"}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE, "{\"k\":1,\"reference\":\"#p\"}") &&
	      redact_is(0, "{\"k\":1,\"reference\":\"#p\"}"));
	check(redact_run(BASE, "{\"reference\":\"urn:uuid:p1\"}") && strlen(redact_version(0)) == 61 &&
	      redact_version(0)[37] == '8');
	check(redact_run(BASE, "{\"k\":1,\"x\":5}") && redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE, "{\"k\":1,\"x\":\"\"}") && redact_is(0, "{\"k\":1}"));
	/* a token is bound to its scope, and withheld where the record does not have it */
	check(token("month", "2026-03-31", b) && strcmp(a, b) != 0);
	check(token("month", "2026-03-01T00:00:00Z", c) && strcmp(c, b) == 0);
	check(token("month", "2026-04-01", c) && strcmp(c, b) != 0);
	check(redact_run(BASE, "{\"k\":1,\"effectiveDateTime\":\"2026\",\"month\":\"p1\"}"));
	check(redact_is(0, "{\"k\":1,\"effectiveDateTime\":\"2026\"}"));
	check(token("who", "2026", b) && strcmp(a, b) != 0);
	check(token("batch", "2026", c) && strcmp(c, b) != 0 && strcmp(c, a) != 0);
}

int
main(void)
{
	redact_begin();
	check_transforms();
	check_where();
	check_tokens();
	redact_end();
	return tap_end();
}
