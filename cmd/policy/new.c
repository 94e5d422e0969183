/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy new: writes a first policy from the names and counts of a sample, without any of its values.
 * Every place stands at the highest level, so a place that the editor of the policy overlooks stays closed.
 */
#include "cmd/policy/new.h"
#include "cmd/policy/verbs.h"
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 64 << 20, MODE = 0644, FOLDER_MODE = 0755 };

struct settings {
	const char *from;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, from), 0, false, "from", "SAMPLE",
	    "records like those to come (- for standard input)" },
};

static const struct option_manual manual = {
	.program = "ehr-policy new",
	.operands = "DIR",
	.purpose = "Writes a first policy to the new directory DIR, with every place of the sample at the "
		   "highest level.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

static const struct {
	const char *name;
	void (*write)(struct buffer *out, const struct sample *s, const char *policy); /* NULL: TEXT */
	const struct new_text *text;
} files[] = {
	{ "policy.yaml", new_policy, NULL },
	{ "classify.yaml", new_classify, NULL },
	{ "redact.yaml", new_redact, NULL },
	{ "seal.yaml", new_seal, NULL },
	{ "notify.yaml", new_notify, NULL },
	{ "pipeline.yaml", new_pipeline, NULL },
	{ "authz/roles.yaml", NULL, &new_roles },
	{ "authz/clearances.yaml", NULL, &new_clearances },
	{ "authz/organization.yaml", NULL, &new_organization },
	{ "tests/records.yaml", new_record_tests, NULL },
	{ "tests/access.yaml", NULL, &new_access_tests },
	{ "tests/access/p1.yaml", NULL, &new_access_consent },
	{ "tests/access/facts.ndjson", NULL, &new_access_facts },
};

static const char *const folders[] = { "authz", "tests", "tests/access" };

/*
 * "ward" of "policies/ward/", as a word that may name a policy and a domain; "policy" if no such word is
 * left.  YAML reads some words as other types, and `example` is the domain of examples.
 */
static const char *
policy_name(struct arena *a, const char *directory)
{
	size_t end = strlen(directory);
	char name[64];
	size_t used = 0;

	while (end > 0 && directory[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && directory[start - 1] != '/')
		start--;
	for (size_t i = start; i < end && used < sizeof(name) - 1; i++) {
		char c = directory[i];
		if (ascii_is_letter(c) || (used > 0 && (ascii_is_digit(c) || c == '-' || c == '_')))
			name[used++] = c;
	}
	name[used] = '\0';
	static const char *const taken[] = { "", "true", "false", "null", "example" };
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return "policy";
	return arena_format(a, "%s", name);
}

static bool
write_file(int folder, const char *name, struct bytes text)
{
	char path[64];
	const char *slash = strrchr(name, '/');

	if (slash == NULL)
		return file_replace_at(folder, name, text, MODE);
	(void)snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
	int inner = openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool good = inner >= 0 && file_replace_at(inner, slash + 1, text, MODE);
	int error = errno;
	if (inner >= 0)
		(void)close(inner);
	errno = error;
	return good;
}

static bool
write_files(int folder, const struct sample *s, const char *name)
{
	struct buffer text;
	bool good = true;

	for (size_t i = 0; good && i < sizeof(folders) / sizeof(folders[0]); i++)
		good = (!s->survey.is_fhir && strcmp(folders[i], "tests/access") == 0) ||
		       mkdirat(folder, folders[i], FOLDER_MODE) == 0;
	buffer_init(&text, MAX_FILE);
	for (size_t i = 0; good && i < sizeof(files) / sizeof(files[0]); i++) {
		const struct new_text *fixed = files[i].text;

		text.used = 0;
		if (files[i].write != NULL)
			files[i].write(&text, s, name);
		else if (s->survey.is_fhir || fixed->other != NULL)
			print_into(&text, "%s", s->survey.is_fhir ? fixed->fhir : fixed->other);
		else
			continue;
		good = write_file(folder, files[i].name, buffer_bytes(&text));
	}
	int error = errno;
	buffer_release(&text);
	errno = error;
	return good;
}

static enum diag_exit
write_directory(const struct sample *s, const char *directory)
{
	struct arena a = { 0 };
	bool good = mkdir(directory, FOLDER_MODE) == 0;
	int folder = good ? open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	good = folder >= 0 && write_files(folder, s, policy_name(&a, directory));
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
	struct sample sample;
	struct settings set = { 0 };
	struct sink out;

	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (set.from == NULL)
		diag_die(EXIT_USAGE, "no sample: --from is missing (try ehr-policy new --help)");
	if (o.operands != 1)
		diag_die(EXIT_USAGE, "expected one directory (try ehr-policy new --help)");
	enum diag_exit status = sample_read(&sample, set.from, 0, NULL);
	bool good = status == EXIT_DONE || status == EXIT_REFUSED;
	if (good && write_directory(&sample, o.operand[0]) != EXIT_DONE) {
		good = false;
		status = EXIT_IO;
	}
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	if (good)
		print(&out,
		    "%s: %zu records, %zu types; edit classify.yaml and redact.yaml, then: ehr-policy check "
		    "-P %s\n",
		    o.operand[0], sample.survey.records, sample.survey.types, o.operand[0]);
	sample_release(&sample);
	return verb_finish(&out, status);
}
