/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy new: a first policy for records of one's own.  Only names of members and of types go into it,
 * and counts: no value of the sample does.
 */
#include "cmd/policy/options.h"
#include "cmd/policy/print.h"
#include "cmd/policy/records.h"
#include "cmd/policy/starter.h"
#include "cmd/policy/verbs.h"
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FROM = 1, MAX_FILE = 64 << 20, MODE = 0644, FOLDER_MODE = 0755 };

static const struct option_entry table[] = {
	{ FROM, 0, false, "from", "SAMPLE", "records like those to come (- for standard input)" },
};

static const struct option_manual manual = {
	.program = "ehr-policy new",
	.operands = "DIR",
	.purpose = "Writes a first policy to the new directory DIR, with every place of the sample at the "
		   "highest level.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

/* FHIR if most records say a resourceType that there is.  False: a record is none, or there is none. */
static bool
look(struct records *r, struct json *j, const char *shown, bool *is_fhir)
{
	struct bytes record;
	size_t count = 0;
	size_t typed = 0;

	while (records_next(r, &record)) {
		bool good = json_parse(j, record);
		if (!good || json_kind(j, 0) != JSON_OBJECT) {
			enum reason reason = good ? REASON_NOT_AN_OBJECT : j->reason;
			diag_warn("%s:%zu: %s: %s at byte %zu", shown, r->line, reason_code(reason),
			    reason_text(reason), good ? (size_t)1 : j->byte);
			return false;
		}
		typed += survey_is_fhir(j, 0);
		count++;
	}
	if (count == 0)
		diag_warn("%s: no record", shown);
	*is_fhir = typed * 2 > count;
	return count > 0;
}

static enum diag_exit
take_survey(struct survey *s, struct json_keys *keys, const char *path)
{
	struct records records;
	struct bytes record;
	struct json j;
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
	bool is_fhir = false;
	enum diag_exit status = EXIT_DONE;

	json_init(&j, keys, JSON_MAX_DEPTH);
	if (!records_read(&records, path)) {
		diag_warn("%s: %s", shown, strerror(errno));
		status = EXIT_IO;
	} else if (!look(&records, &j, shown, &is_fhir)) {
		status = EXIT_BAD_RECORD;
	}
	survey_init(s, is_fhir, keys);
	if (status == EXIT_DONE) {
		records_rewind(&records);
		while (records_next(&records, &record) && json_parse(&j, record))
			survey_add(s, &j);
	}
	records_release(&records);
	json_release(&j);
	return status;
}

static bool
write_files(int folder, const struct survey *s, const char *name)
{
	struct buffer text;
	bool good = mkdirat(folder, "authz", FOLDER_MODE) == 0;
	int authz = openat(folder, "authz", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	good = good && authz >= 0;
	buffer_init(&text, MAX_FILE);
	for (size_t i = 0; good && i < starter_file_count; i++) {
		const char *file = starter_files[i].name;
		bool inner = strncmp(file, "authz/", 6) == 0;
		text.used = 0;
		starter_files[i].write(&text, s, name);
		good = file_replace_at(
		    inner ? authz : folder, inner ? file + 6 : file, buffer_bytes(&text), MODE);
	}
	int error = errno;
	buffer_release(&text);
	if (authz >= 0)
		(void)close(authz);
	errno = error;
	return good;
}

static enum diag_exit
write_policy(const struct survey *s, const char *directory)
{
	struct arena a = { 0 };
	bool good = mkdir(directory, FOLDER_MODE) == 0;
	int folder = good ? open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	good = folder >= 0 && write_files(folder, s, starter_name(&a, directory));
	if (!good)
		diag_warn("%s: %s", directory, strerror(errno));
	if (folder >= 0)
		(void)close(folder);
	arena_release(&a);
	return good ? EXIT_DONE : EXIT_IO;
}

enum diag_exit
verb_new(int argc, char *argv[])
{
	struct options o;
	struct survey survey;
	const char *from = NULL;
	struct sink out;

	options_init(&o, &manual, argc, argv);
	while (options_next(&o) == FROM)
		from = o.value;
	if (from == NULL)
		diag_die(EXIT_USAGE, "no sample: --from is missing (try ehr-policy new --help)");
	if (o.operands != 1)
		diag_die(EXIT_USAGE, "expected one directory (try ehr-policy new --help)");
	struct json_keys *keys = json_keys_new();
	enum diag_exit status = take_survey(&survey, keys, from);
	if (status == EXIT_DONE)
		status = write_policy(&survey, o.operand[0]);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	if (status == EXIT_DONE)
		print(&out,
		    "%s: %zu records, %zu types; edit classify.yaml and redact.yaml, then: ehr-policy check "
		    "-P %s\n",
		    o.operand[0], survey.records, survey.types, o.operand[0]);
	survey_release(&survey);
	json_keys_free(keys);
	return options_finish(&out, status);
}
