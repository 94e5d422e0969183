/* SPDX-License-Identifier: ISC */
/* What operations promise of dates, postal codes and codings. */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"

#include <sys/stat.h>

#define TAB "\t"
#define ICD "http://hl7.org/fhir/sid/icd-10-cm"

static unsigned seed = 7;

static unsigned
chance(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return seed / 65536 % below;
}

/* The day of the date in MEMBER of version 0; false if it is not there. */
static bool
day_of(const char *member, int64_t *day)
{
	char text[32];
	const char *at;
	struct period period;
	enum date_precision precision;

	(void)snprintf(text, sizeof text, "\"%s\":\"", member);
	at = strstr(redact_version(0), text);
	if (at == NULL)
		return false;
	at += strlen(text);
	if (!clock_parse_date((struct bytes){ at, strcspn(at, "T\"") }, &period, &precision))
		return false;
	*day = period.from.seconds / 86400;
	return true;
}

/* Of a record of SUBJECT. */
static bool
run_of(const char *subject, const char *record)
{
	int size = snprintf(redact.line, REDACT_TEXT,
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"Observation/"
	    "o1\",%s%s%s\"level\":\"N\",\"criticality\":"
	    "\"routine\",\"policy\":\"sha256:0\"},\"labels\":[" BASE "],\"record\":%s}",
	    subject[0] != '\0' ? "\"subject\":\"" : "", subject, subject[0] != '\0' ? "\"," : "", record);

	return redactor_run(redact.redactor, (struct bytes){ redact.line, (size_t)size }, &redact.result);
}

/* All dates of a subject move alike, by 1 to 30 days. */
static bool
intervals_hold(const char *subject, int64_t *offset)
{
	for (unsigned i = 0; i < 200; i++) {
		int64_t day = clock_days(1950, 1, 1) + chance(30000);
		int64_t moved;
		char record[96];
		int year;
		unsigned month, of_month;

		clock_date(day, &year, &month, &of_month);
		(void)snprintf(record, sizeof record, "{\"shift\":\"%04d-%02u-%02uT23:59:59.5+14:00\"}", year,
		    month % 100, of_month % 100);
		if (!run_of(subject, record) || !day_of("shift", &moved) ||
		    strstr(redact_version(0), "T23:59:59.5+14:00\"") == NULL)
			return false;
		if (i == 0)
			*offset = moved - day;
		if (moved - day != *offset || moved == day || moved - day > 30 || day - moved > 30)
			return false;
	}
	return true;
}

static void
check_shift(void)
{
	bool seen[61] = { false };
	unsigned different = 0;
	bool good = true;

	for (unsigned i = 0; i < 300; i++) {
		char subject[32];
		int64_t offset = 0;

		(void)snprintf(subject, sizeof subject, "Patient/%u", i);
		good = good && intervals_hold(subject, &offset);
		different += !seen[offset + 30];
		seen[offset + 30] = true;
	}
	check(good);
	check(different > 50 && !seen[30]); /* of 60 offsets, and none is 0 */
	/* partial dates stay partial */
	check(run_of("Patient/1", "{\"shift\":\"2026\"}") &&
	      strlen(redact_version(0)) == sizeof "{\"shift\":\"2026\"}" - 1);
	check(run_of("Patient/1", "{\"shift\":\"2026-03\"}") &&
	      strlen(redact_version(0)) == sizeof "{\"shift\":\"2026-03\"}" - 1);
	/* what is not understood goes */
	check(run_of("Patient/1", "{\"k\":1,\"shift\":\"soon\"}") && redact_is(0, "{\"k\":1}"));
	check(run_of("Patient/1", "{\"k\":1,\"shift\":20260302}") && redact_is(0, "{\"k\":1}"));
	check(run_of("Patient/1", "{\"k\":1,\"shift\":\"2026-02-30\"}") && redact_is(0, "{\"k\":1}"));
	check(run_of("Patient/1", "{\"k\":1,\"shift\":\"9999-12-31\",\"shifts\":[\"0001-01-01\"]}"));
	check(
	    (strstr(redact_version(0), "shift\"") == NULL) != (strstr(redact_version(0), "shifts") == NULL));
	/* without a subject there is no offset */
	check(run_of("", "{\"k\":1,\"shift\":\"2026-03-02\"}") && redact_is(0, "{\"k\":1}"));
	check(run_of("", "{\"resourceType\":\"X\",\"ofType\":\"2026-03-02\"}") &&
	      strstr(redact_version(0), "ofType") != NULL && strstr(redact_version(0), "2026-03-02") == NULL);
	/* a birth time would undo it */
	check(run_of("Patient/1", "{\"k\":1,\"far\":\"2026-03-02\",\"_far\":{\"extension\":[{\"url\":\"u\","
				  "\"valueDateTime\":\"2026-03-02T10:00:00Z\"}]}}") &&
	      strstr(redact_version(0), "_far") == NULL && strstr(redact_version(0), "03-02T") == NULL);
}

/* Of two dates of a period, whatever their precision, the end does not lie before the start. */
static bool
period_holds(const char *subject, const char *start, const char *end)
{
	char record[96];
	struct period from, until;
	enum date_precision precision;
	const char *at;

	(void)snprintf(record, sizeof record, "{\"period\":{\"start\":\"%s\",\"end\":\"%s\"}}", start, end);
	if (!run_of(subject, record) || strlen(redact_version(0)) != strlen(record) ||
	    (at = strstr(redact_version(0), "\"start\":\"")) == NULL ||
	    !clock_parse_date((struct bytes){ at + 9, strlen(start) }, &from, &precision) ||
	    (at = strstr(redact_version(0), "\"end\":\"")) == NULL ||
	    !clock_parse_date((struct bytes){ at + 7, strlen(end) }, &until, &precision))
		return false;
	return instant_compare(from.from, until.until) < 0;
}

static void
check_periods(void)
{
	static const char *const ends[][2] = { { "2024", "2024-03" }, { "2024", "2024" },
		{ "2024-02", "2024" }, { "2024-03-20", "2024-03" }, { "2024-12", "2025" },
		{ "2023-12-31", "2023" }, { "2024-02-29", "2024-02" },
		{ "2024", "2024-01-01T00:00:00.5+14:00" } };
	bool good = true;

	for (unsigned i = 0; i < 200; i++) {
		char subject[32];

		(void)snprintf(subject, sizeof subject, "Patient/%u", i);
		for (size_t n = 0; n < sizeof ends / sizeof ends[0]; n++)
			good = good && period_holds(subject, ends[n][0], ends[n][1]);
	}
	check(good);
}

/* A primitive of which only the extensions are there is changed as one with a value: it goes. */
static void
check_lone(void)
{
	static const char birth[] =
	    "{\"extension\":[{\"url\":\"u\",\"valueDateTime\":\"1949-05-12T03:04:05Z\"}]}";
	static const char *const around[][2] = { { "\"_far\":", "" }, { "\"\\u005ffar\":", "" },
		{ "\"_zips\":[null,", "]" }, { "\"period\":{\"_start\":", "}" },
		{ "\"coding\":[{\"_display\":", "}]" } };

	for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
		char record[200];

		(void)snprintf(record, sizeof record, "{\"k\":1,%s%s%s}", around[i][0], birth, around[i][1]);
		check(run_of("Patient/1", record) && redact_is(0, "{\"k\":1}"));
	}
	/* what no transform names stays */
	check(run_of("Patient/1", "{\"k\":1,\"_other\":{\"id\":\"a\"}}") &&
	      redact_is(0, "{\"k\":1,\"_other\":{\"id\":\"a\"}}"));
}

static void
check_zip(void)
{
	check(
	    redact_run(BASE, "{\"zips\":[\"02139\",\"021391234\",\"02139-1234\",\"03601\",\"036010000\"]}") &&
	    redact_is(0, "{\"zips\":[\"021\",\"021\",\"021\",\"000\",\"000\"]}"));
	check(redact_run(BASE,
		  "{\"k\":1,\"zips\":[\"2139\",\"021390\",\"0213-91234\",\"02139 \",\"SW1A 1AA\",2139,null,"
		  "\"\",\"Boston\",{\"a\":\"02139\"}]}") &&
	      redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE, "{\"zip5\":\"02139-1234\"}") && redact_is(0, "{\"zip5\":\"02139\"}"));
	/* a list of three digits holds for more of them */
	check(redact_run(BASE, "{\"zip4\":\"03601\"}") && redact_is(0, "{\"zip4\":\"0000\"}"));
	check(redact_run(BASE, "{\"zip4\":\"02139\"}") && redact_is(0, "{\"zip4\":\"0213\"}"));
	check(redact_run(BASE, "{\"zip\":\"02139\",\"_zip\":{\"id\":\"02139\"}}") &&
	      redact_is(0, "{\"zip\":\"021\"}"));
}

static void
check_codings(void)
{
	check(redact_run(BASE,
	    "{\"codes\":[{\"system\":\"" ICD "\",\"code\":\"F10.20\",\"display\":\"Alcohol dependence\","
	    "\"version\":\"2026\"},{\"system\":\"" ICD "\",\"code\":\"f1020\"},{\"code\":\"F10\","
	    "\"system\":\"urn:oid:2.16.840.1.113883.6.90\"}]}"));
	check(redact_is(0, "{\"codes\":[{\"system\":\"" ICD "\",\"code\":\"F10\"},{\"system\":\"" ICD
			   "\",\"code\":\"f10\"},{\"system\":\"" ICD "\",\"code\":\"F10\"}]}"));
	check(
	    redact_run(BASE,
		"{\"k\":1,\"codes\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"66590003\"},{\"code\":"
		"\"F10.20\"},{\"system\":\"" ICD "\",\"code\":\"F1\"},{\"system\":\"" ICD
		"\",\"code\":\"Jane Doe\"},{\"system\":\"" ICD "\"},{\"system\":\"http://e/icd\",\"code\":"
		"\"F10.20\"},\"F10.20\"]}") &&
	    redact_is(0, "{\"k\":1}"));
	check(redact_run(BASE,
	    "{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\",\"display\":\"pulse of "
	    "Jane\"},{\"system\":\"http://loinc.org\",\"code\":\"9279-1\",\"display\":\"Jane\"},{\"code\":"
	    "\"8867-4\",\"display\":\"Jane\"},{\"system\":\"http://loinc.org\",\"code\":\"8867-4\","
	    "\"display\":5}]}"));
	check(redact_is(0,
	    "{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\",\"display\":\"Heart "
	    "\\\"rate\\\"\"},{\"system\":"
	    "\"http://loinc.org\",\"code\":\"9279-1\"},{\"code\":\"8867-4\"},{\"system\":\"http://"
	    "loinc.org\",\"code\":"
	    "\"8867-4\"}]}"));
	/* a result must not tell of a code that the version withholds */
	check(redact_run(BASE RAISE("/coding/0/code"),
		  "{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\",\"display\":\"x\"}]}") &&
	      redact_is(0, "{\"coding\":[{\"system\":\"http://loinc.org\"}]}"));
	check(redact_run(BASE RAISE("/code/code"),
		  "{\"k\":1,\"code\":{\"system\":\"" ICD "\",\"code\":\"F10.20\"}}") &&
	      redact_is(0, "{\"k\":1}"));
}

int
main(void)
{
	char folder[FOLDER_PATH];

	redact_begin();
	check(mkdir(folder_path(folder, "valuesets"), 0700) == 0);
	folder_write("valuesets/sets.tsv",
	    "# source=trial\nsystem" TAB "code" TAB "display" TAB "category" TAB "from" TAB "until\n"
	    "urn:zip" TAB "036" TAB "a restricted area" TAB "zip" TAB TAB "\n"
	    "http://loinc.org" TAB "8867-4" TAB "Heart \"rate\"" TAB "pulse" TAB TAB "\n");
	folder_write("classify.yaml",
	    "classify: 1\nvalue_sets: {zips: {file: sets.tsv, category: zip}, pulse: {file: sets.tsv, "
	    "category: pulse}}\ncriticality: {order: [routine, low, high, critical], default: routine}\n");
	check(redact_load("operations") == REDACTOR_READY);
	check_shift();
	check_periods();
	check_lone();
	check_zip();
	check_codings();
	redact_end();
	return tap_end();
}
