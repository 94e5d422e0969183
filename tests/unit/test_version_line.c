/* SPDX-License-Identifier: ISC */
#include "common/line/version_line.h"
#include "tests/lib/tap.h"

#define TAGS                                                                                                 \
	"\"v\":1,\"stage\":\"version\",\"id\":\"Observation/"                                                \
	"o1\",\"rl\":\"L\",\"al\":1,\"n\":1,\"of\":4,\"criticality\":\"low\",\"policy\":\"sha256:0\""

static struct version_line_reader *reader;
static struct version_line h;

static bool
reads(const char *line, bool may_be_bare)
{
	static char text[1024 + JSON_SLACK];

	return version_line_read(
	    reader, (struct bytes){ text, (size_t)snprintf(text, 1024, "%s", line) }, may_be_bare, &h);
}

static enum reason
reason_of(const char *line)
{
	return reads(line, false) ? REASON_NONE : h.reason;
}

int
main(void)
{
	reader = version_line_reader_new(8);
	check(reads("{\"ehr\":{" TAGS "},\"record\":{\"a\":[1,2]}}", false));
	check(bytes_are(h.record, "{\"a\":[1,2]}") && bytes_are(h.tags.id, "Observation/o1") &&
	      h.tags.of == 4 && !h.bare);
	check(reads(" { \"ehr\" : { \"of\":4 , " TAGS " } , \"record\" : {\"a\":\"}\"} } ", false) == false);
	check(h.reason == REASON_DUPLICATE_KEY);
	check(reads(" { \"ehr\" : { " TAGS " } , \"record\" : {\"a\":\"}\"} } ", false));
	check(bytes_are(h.record, "{\"a\":\"}\"}") && h.tags.n == 1);
	check(reads("{\"ehr\":{" TAGS ",\"subject\":\"a b\\\"c\"},\"record\":{}}", false));
	check(bytes_are(h.tags.subject, "a b\\\"c"));

	/* what is not looked at is not judged */
	check(reads("{\"ehr\":{" TAGS "},\"record\":{\"a\":1,\"a\":2}}", false));

	check(reads("{\"a\":1}", true) && h.bare && bytes_are(h.record, "{\"a\":1}"));
	check(reads(" {\"ehr\" } ", true) && h.bare);
	check(reason_of("{\"a\":1}") == REASON_WRONG_STAGE);
	check(reason_of("[]") == REASON_NOT_AN_OBJECT &&
	      reason_of("{\"ehr\":{" TAGS "},\"record\":[]}") == REASON_NOT_AN_OBJECT);
	check(reason_of("x") == REASON_BAD_SYNTAX && reason_of("{\"ehr\":") == REASON_TRUNCATED);
	check(reason_of("{\"ehr\":{" TAGS "},\"record\":{") == REASON_TRUNCATED);
	check(reason_of("{\"ehr\":{" TAGS "}}") == REASON_BAD_ENVELOPE);
	check(reason_of("{\"ehr\":{" TAGS "},\"record\":{}") == REASON_TRUNCATED);
	check(reason_of("{\"ehr\":{" TAGS "},\"other\":{}}") == REASON_BAD_ENVELOPE);
	check(reason_of("{\"ehr\":7,\"record\":{}}") == REASON_BAD_ENVELOPE);
	check(reason_of("{\"ehr\":{\"v\":2,\"stage\":\"version\"},\"record\":{}}") == REASON_UNKNOWN_VERSION);
	check(reason_of("{\"ehr\":{\"v\":1,\"stage\":\"version\"},\"record\":{}}") == REASON_TAGS_INVALID);
	check(reason_of("{\"ehr\":{\"v\":1,\"stage\":\"ingested\"},\"record\":{}}") == REASON_WRONG_STAGE);
	check(reason_of("[[[[[[[[[[") == REASON_TOO_DEEP);
	version_line_reader_free(reader);
	version_line_reader_free(NULL);
	return tap_end();
}
