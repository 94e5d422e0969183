/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/line/cure.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

/* The text is copied to its own allocation, so that AddressSanitizer sees what is read beside it. */
static bool
cure_is(
    const char *program, enum reason reason, struct bytes head, size_t byte, bool first, const char *expected)
{
	char text[CURE_ROOM];
	char *copy = calloc(1, head.size + JSON_SLACK);

	memcpy(copy, head.at, head.size);
	const struct cure_case c = { program, reason, { copy, head.size }, byte, first, false };
	bool same = strcmp(cure_of(&c, text), expected) == 0;

	free(copy);
	if (!same)
		printf("# '%s', not '%s'\n", text, expected);
	return same;
}

#define AT(text) ((struct bytes){ (text), sizeof(text) - 1 })

static void
check_formats(void)
{
	static const char gzip[] = "; this is gzip: put zcat before";

	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("\x1f\x8b\x08"), 1, true, gzip));
	check(cure_is("ehr-open", REASON_TOO_LONG, AT("\x1f\x8b\x08"), 1, true, gzip));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("\x1f\x8b\x08"), 1, false, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("\x1f"), 1, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT(" \t<Patient/>"), 3, true,
	    "; this is XML: translate it into FHIR JSON before"));
	check(cure_is("ehr-ingest", REASON_NUL_BYTE, AT("{\0\"\0"), 2, true,
	    "; this is UTF-16: put iconv -f UTF-16LE -t UTF-8 before"));
	check(cure_is("ehr-ingest", REASON_NUL_BYTE, AT("\xff\xfe\0\0"), 3, true,
	    "; this is UTF-32: put iconv -f UTF-32 -t UTF-8 before"));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("MSH|^~\\&|"), 1, true,
	    "; this is HL7 v2: translate it into FHIR JSON before"));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("id: 7"), 1, true,
	    "; this looks like YAML: translate it into JSON before"));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("a_b-c:"), 1, true,
	    "; this looks like YAML: translate it into JSON before"));
	check(cure_is("ehr-ingest", REASON_BAD_NUMBER, AT("-"), 1, true,
	    "; this looks like YAML: translate it into JSON before"));
	check(cure_is("ehr-ingest", REASON_BAD_NUMBER, AT("-x"), 2, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("http://x"), 1, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT(": x"), 1, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("id: 7"), 1, false, ""));
	check(cure_is("ehr-ingest", REASON_TOO_LONG, AT(""), 0, true, ""));
}

static void
check_columns(void)
{
	static const char columns[] = "; this looks like columns: make each row a JSON object before";

	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("id,name"), 1, true, columns));
	check(cure_is("ehr-ingest", REASON_TRAILING_DATA, AT("\"id\";\"name\""), 5, true, columns));
	check(cure_is("ehr-ingest", REASON_TRAILING_DATA, AT("1\t2"), 2, true, columns));
	check(cure_is("ehr-ingest", REASON_TRAILING_DATA, AT("\"id\": 1,"), 5, true, ""));
	check(cure_is("ehr-ingest", REASON_TRAILING_DATA, AT("\"id"), 5, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("{a,b}"), 2, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT(",a"), 1, true, ""));
	check(cure_is("ehr-ingest", REASON_BAD_SYNTAX, AT("nonsense"), 1, true, ""));
}

static void
check_shapes(void)
{
	check(cure_is("ehr-classify", REASON_TRUNCATED, AT("{"), 2, true,
	    "; a text of several lines: put ehr-ingest before"));
	check(cure_is("ehr-redact", REASON_TRUNCATED, AT("  {\"ehr\": { "), 12, true,
	    "; a text of several lines: put each on one line, as jq -c does"));
	check(cure_is("ehr-ingest", REASON_TRUNCATED, AT("{"), 2, true, ""));
	check(cure_is("ehr-classify", REASON_TRUNCATED, AT("{\"a\":\"b"), 8, true, ""));
	check(cure_is(
	    "ehr-classify", REASON_NOT_AN_OBJECT, AT("[{}]"), 1, false, "; an array: put ehr-ingest before"));
	check(cure_is("ehr-ingest", REASON_NOT_AN_OBJECT, AT("\"{}\""), 1, false,
	    "; JSON inside a string: put jq -r . before"));
	check(cure_is("ehr-classify", REASON_TRAILING_DATA, AT("{}{}"), 3, true,
	    "; several texts on a line: put ehr-ingest before"));
	check(cure_is("ehr-classify", REASON_BAD_SYNTAX, AT("\x1e{}"), 1, true,
	    "; this is a JSON text sequence: put ehr-ingest before"));
	check(cure_is(
	    "ehr-redact", REASON_NOT_AN_OBJECT, AT("[{}]"), 1, false, "; an array: put jq -c .[] before"));
	check(cure_is("ehr-authz", REASON_TRAILING_DATA, AT("{}{}"), 3, true,
	    "; several texts on a line: put each on one line, as jq -c does"));
	check(cure_is("ehr-open", REASON_BAD_SYNTAX, AT("\x1e{}"), 1, true,
	    "; this is a JSON text sequence: put tr -d '\\036' before"));
	check(cure_is(
	    "ehr-ingest", REASON_BAD_SYNTAX, AT("{'a':1}"), 2, true, "; strings stand in double quotes"));
}

static void
check_stages(void)
{
	static const struct bytes labelled = BYTES("{\"ehr\":{\"v\":1,\"stage\":\"labelled\"}}");

	check(cure_is(
	    "ehr-seal", REASON_WRONG_STAGE, labelled, 0, false, "; a labelled line: put ehr-redact before"));
	check(cure_is("ehr-open", REASON_SEALED_MEMBERS, labelled, 0, false,
	    "; a labelled line: put ehr-redact and ehr-seal before"));
	check(cure_is("ehr-ingest", REASON_RESERVED_MEMBER, labelled, 2, false,
	    "; a labelled line, which ehr-redact reads"));
	check(cure_is("ehr-redact", REASON_BAD_ENVELOPE, labelled, 0, false, ""));
	check(cure_is("ehr-redact", REASON_WRONG_STAGE, AT("{\"resourceType\":\"Patient\"}"), 1, false,
	    "; a bare record: put ehr-classify before"));
	check(cure_is("ehr-classify", REASON_WRONG_STAGE, AT("{\"ehr\":{\"stage\":\"sealed\"}}"), 1, false,
	    "; a sealed line, which ehr-notify, ehr-select and ehr-open read"));
	check(cure_is("ehr-notify", REASON_WRONG_STAGE, AT("{\"ehr\":{\"stage\":\"version\"}}"), 1, false,
	    "; a version: put ehr-seal before"));
	check(cure_is("ehr-authz", REASON_BAD_REQUEST, AT("{\"resourceType\":\"Patient\"}"), 0, false,
	    "; a record: requests for access are read"));
	check(cure_is("ehr-authz", REASON_BAD_REQUEST, AT("{\"subject\":{}}"), 0, false, ""));
	check(
	    cure_is("ehr-notify", REASON_WRONG_STAGE, AT("{\"ehr\":{\"stage\":\"jansen\"}}"), 1, false, ""));
	check(cure_is("ehr-notify", REASON_WRONG_STAGE, AT("{\"ehr\":7}"), 1, false, ""));
	check(cure_is("ehr-notify", REASON_SEALED_MEMBERS, AT("[]"), 1, false, ""));
}

int
main(void)
{
	check_formats();
	check_columns();
	check_shapes();
	check_stages();
	return tap_end();
}
