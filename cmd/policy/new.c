/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy new: writes a first policy from the names and counts of a sample, without any of its values.
 * Every place stands at the highest level, so a place that the editor of the policy overlooks stays closed.
 */
#include "cmd/policy/print.h"
#include "cmd/policy/records.h"
#include "cmd/policy/survey.h"
#include "cmd/policy/verbs.h"
#include "common/base/file.h"
#include "common/json/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
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

static void __attribute__((format(printf, 2, 3))) put(struct buffer *out, const char *format, ...)
{
	char text[4096];
	va_list list;

	va_start(list, format);
	int size = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (size < 0 || (size_t)size >= sizeof(text) || !buffer_append(out, text, (size_t)size))
		diag_bug("a line of a policy is longer than its room");
}

/* A path as a key of YAML: plain if it has no character with a meaning in YAML, else in quotes as in JSON. */
static void
put_path(struct buffer *out, struct bytes path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

	for (size_t i = 0; i < path.size; i++) {
		if (memchr(plain, path.at[i], sizeof(plain) - 1) != NULL)
			continue;
		(void)json_write_string(out, path);
		return;
	}
	(void)buffer_append(out, path.at, path.size);
}

static const char *
top(const struct survey *s)
{
	return s->is_fhir ? "V" : "restricted";
}

static const char *
middle(const struct survey *s)
{
	return s->is_fhir ? "N" : "internal";
}

static const char *
bottom(const struct survey *s)
{
	return s->is_fhir ? "U" : "public";
}

static const char fhir_ladder[] = "levels: # lowest first; al is what a reader must have\n"
				  "  - {name: U, al: 0} # unrestricted\n"
				  "  - {name: L, al: 1} # low\n"
				  "  - {name: M, al: 2} # moderate\n"
				  "  - {name: N, al: 3} # normal: those who treat the patient\n"
				  "  - {name: R, al: 4} # restricted\n"
				  "  - {name: V, al: 5} # very restricted\n"
				  "code_system: http://terminology.hl7.org/CodeSystem/v3-Confidentiality\n";

static const char own_ladder[] = "levels: # lowest first; al is what a reader must have\n"
				 "  - {name: public, al: 0}\n"
				 "  - {name: internal, al: 1}\n"
				 "  - {name: restricted, al: 2}\n";

static const char fhir_shape[] =
    "record:\n"
    "  type: .resourceType\n"
    "  id: .id\n"
    "  subject: [.subject, .patient, .beneficiary, .individual, .for]\n"
    "  subject_type: Patient\n"
    "  time: [.effectiveDateTime, .effectivePeriod.start, .performedDateTime,\n"
    "         .period.start, .authoredOn, .date, .issued]\n"
    "  roots: fhir\n"
    "  entries: # parts that are labelled and withheld as one; elsewhere the whole record is\n"
    "    Observation: [\".component[]\"]\n"
    "    Patient: [\".identifier[]\", \".name[]\", \".telecom[]\", \".address[]\"]\n";

/* A place of one of these names at the top of every record. */
static const struct survey_place *
likely(const struct survey *s, const char *const *names)
{
	for (size_t k = 0; s->types > 0 && names[k] != NULL; k++)
		for (size_t i = 0; i < s->type[0].places; i++) {
			const struct survey_place *p = &s->type[0].place[i];
			if (bytes_are(p->path, names[k]) && p->words && p->records == s->type[0].records)
				return p;
		}
	return NULL;
}

static void
put_own_shape(struct buffer *out, const struct survey *s)
{
	static const char *const ids[] = { ".id", "._id", ".uuid", ".guid", ".recordId", ".record_id", ".key",
		NULL };
	static const char *const subjects[] = { ".subject", ".patient", ".patientId", ".patient_id",
		".userId", ".user_id", ".customer", ".meterId", ".meter_id", NULL };
	const struct survey_place *id = likely(s, ids);
	const struct survey_place *subject = likely(s, subjects);

	put(out, "record:\n  type: {const: Record}\n");
	if (id != NULL)
		put(out, "  id: %s\n", id->path.at);
	else
		put(out, "  # id: .id  # no place looked like one: records are named by their digest\n");
	if (subject != NULL)
		put(out, "  subject: [%s]\n", subject->path.at);
	else
		put(out, "  # subject: [.patient]  # whom the record is about\n");
	for (size_t i = 0; s->types > 0 && i < s->type[0].places; i++) {
		const struct survey_place *p = &s->type[0].place[i];
		if (!p->dates || memchr(p->path.at, '[', p->path.size) != NULL || p->path.at[1] == '"')
			continue;
		put(out, "  time: [%s]\n", p->path.at);
		return;
	}
}

static void
write_policy(struct buffer *out, const struct survey *s, const char *policy)
{
	put(out,
	    "# A first policy, from a sample of %zu records. The files to edit are\n"
	    "# classify.yaml (how sensitive is what) and redact.yaml (who sees what).\n"
	    "# After every change:\n"
	    "#\n"
	    "#	ehr-policy check -P DIR\n"
	    "#	ehr-policy explain -P DIR --bars RECORD\n"
	    "policy: 1\nname: %s\nserial: 1 # raise it with every version that goes into use\n",
	    s->records, policy);
	put(out, "%s", s->is_fhir ? fhir_ladder : own_ladder);
	if (s->is_fhir)
		put(out, "%s", fhir_shape);
	else
		put_own_shape(out, s);
}

static void
put_place(
    struct buffer *out, const struct survey *s, const struct survey_type *t, const struct survey_place *p)
{
	char kinds[96];

	/* In FHIR ._x belongs to .x: a label on either covers both. */
	if (s->is_fhir && bytes_begin(p->path, "._"))
		return;
	bool is_type = s->is_fhir && bytes_are(p->path, ".resourceType");

	put(out, "    ");
	put_path(out, p->path);
	put(out, ": %s # %s", is_type ? bottom(s) : top(s), survey_kinds(p, kinds));
	if (p->dates)
		put(out, ", a date");
	put(out, ", in %zu of %zu\n", p->records, t->records);
}

static void
put_base(struct buffer *out, const struct survey *s)
{
	put(out, "\n# How sensitive each place is. All stand at the highest level: lower what more\n"
		 "# people may know, place by place. The nearest place counts; what is not named\n"
		 "# has the level of what stands around it.\n"
		 "base:\n");
	if (s->unknown > 0)
		put(out, "  # %zu had types that FHIR R4 does not have: those stand at unknown_type.\n",
		    s->unknown);
	for (size_t i = 0; i < s->types; i++) {
		const struct survey_type *t = &s->type[i];
		put(out, "  %s: # %zu records\n    .: %s # whatever is not named below\n", t->name.at,
		    t->records, top(s));
		for (size_t k = 0; k < t->places; k++)
			put_place(out, s, t, &t->place[k]);
	}
}

static const char fhir_examples[] =
    "\n# Codes that make an entry sensitive, wherever they stand. A value set is a file\n"
    "# below valuesets/ with the columns system, code, display, category, from, until;\n"
    "# policies/hospital has ready ones.\n"
    "#\n"
    "# value_sets:\n"
    "#   hiv: {file: diagnoses.tsv, category: [HIV]}\n"
    "# rules:\n"
    "#   - id: hiv\n"
    "#     say: HIV diagnoses are restricted.\n"
    "#     where: {anywhere: {in: hiv}}\n"
    "#     label: {level: R, sensitivity: [HIV]}\n";

static const char own_examples[] = "\n# Rules raise what their conditions meet.\n"
				   "#\n"
				   "# rules:\n"
				   "#   - id: alarm\n"
				   "#     say: An alarm is nobody's business outside.\n"
				   "#     where: {.status: [alarm]}\n"
				   "#     label: {level: restricted}\n";

static const char urgency[] =
    "\n# How urgent a record is; who is told of it how fast stands in notify.yaml.\n"
    "criticality:\n"
    "  order: [routine, urgent]\n"
    "  default: routine\n"
    "  unreadable: urgent # a value that a rule should have judged and could not\n"
    "  # rules:\n"
    "  #   - {id: alarm, say: An alarm is urgent., where: {.status: [alarm]}, is: urgent}\n";

static void
write_classify(struct buffer *out, const struct survey *s, const char *policy)
{
	put(out,
	    "# How sensitive, and how urgent, each part of a record of %s is.\n"
	    "classify: 1\n"
	    "sign_off: {by: , at: , serial: } # who answers for this; check warns while it is empty\n"
	    "default: %s # a type that `base` does not name\n"
	    "unknown_type: %s # no type, or one that there is not: always the highest\n"
	    "opaque: %s # attachments and long base64: nobody can look into them\n",
	    policy, top(s), top(s), top(s));
	if (s->is_fhir)
		put(out, "narrative: high_water # text.div repeats the rest\n"
			 "categories: {\"*\": V} # of a category that a record brings without a level\n");
	put_base(out, s);
	put(out, "%s%s", s->is_fhir ? fhir_examples : own_examples, urgency);
}

static void
write_redact(struct buffer *out, const struct survey *s, const char *policy)
{
	put(out,
	    "# What a reader of each level sees of a record of %s: what classify.yaml\n"
	    "# puts at that level or below.\n"
	    "redact: 1\n"
	    "above: remove # how what is above goes: remove, absent or mask\n"
	    "withheld: none # if nothing is left: none (no line) or stub (that there is something)\n"
	    "presence: hidden # can a reader tell that something is missing? hidden: no; shown: yes\n"
	    "versions: # lowest first, the highest level last\n"
	    "  - rl: %s\n"
	    "    say: Those who work with it every day.\n"
	    "    # Here only what is named, whatever its level:\n"
	    "    # keep: {\"*\": [%s]}\n"
	    "    # Less exact values:\n"
	    "    # transforms:\n"
	    "    #   - {id: day, say: The day may be known., at: .time, do: {truncate: day}}\n"
	    "  - rl: %s\n"
	    "    say: The record as it came.\n",
	    policy, middle(s), s->is_fhir ? ".resourceType, .id, .status" : ".id, .status", top(s));
}

static void
write_seal(struct buffer *out, const struct survey *s, const char *policy)
{
	(void)s;
	put(out,
	    "# How versions are sealed for the service layer.\n"
	    "seal: 1\n"
	    "domain: %s # in the name of every key and on every sealed line\n"
	    "pseudonyms: {id: stable, subject: stable}\n"
	    "padding: 4096 # bytes; records below that all look alike in length\n",
	    policy);
}

static void
write_notify(struct buffer *out, const struct survey *s, const char *policy)
{
	(void)s;
	(void)policy;
	put(out, "# Who is told what, and how fast. A secondary notification, never the only alarm.\n"
		 "notify: 1\n"
		 "grants: {max_lifetime: 365d, revocation: optional}\n"
		 "payload: [empty, reference]\n"
		 "responders: # class -> roles of authz/roles.yaml that may belong to it\n"
		 "  team: [staff]\n"
		 "tiers: # every word of criticality has one\n"
		 "  routine: {dispatch: 12h, expires: 72h, steps: [{to: [team]}]}\n"
		 "  urgent: {dispatch: 60s, ack: 15m, expires: 12h, steps: [{to: [team]}]}\n");
}

static void
write_roles(struct buffer *out, const struct survey *s, const char *policy)
{
	(void)s;
	(void)policy;
	put(out, "# The words that the other files here may use.\n"
		 "ehr_authz: 1\n"
		 "structural_roles: [staff, owner]\n"
		 "acr: [loa1, loa2] # how well a user is authenticated, weakest first\n");
}

static void
write_clearances(struct buffer *out, const struct survey *s, const char *policy)
{
	(void)policy;
	put(out,
	    "# The authorization level of a user: the highest row that applies.\n"
	    "ehr_authz: 1\n"
	    "clearances:\n"
	    "  - {who: {structural_role: staff}, al: %d} # sees %s\n"
	    "  - {who: {structural_role: owner}, al: %d} # sees %s\n"
	    "caps: # whatever applies lowers it again\n"
	    "  - {where: {acr: {below: loa2}}, al: %d}\n",
	    s->is_fhir ? 3 : 1, middle(s), s->is_fhir ? 5 : 2, top(s), s->is_fhir ? 3 : 1);
}

static void
write_organization(struct buffer *out, const struct survey *s, const char *policy)
{
	(void)policy;
	put(out,
	    "# What the house permits. What no rule permits is denied.\n"
	    "ehr_authz: 1\n"
	    "layer: organization\n"
	    "default: deny\n"
	    "no_consent: ignore # without a directive: deny, permit, break-glass-only, ignore\n"
	    "rules:\n"
	    "  - id: staff\n"
	    "    say: Staff and owners may read and follow records for their work.\n"
	    "    effect: permit\n"
	    "    who: {structural_role: [staff, owner]}\n"
	    "    does: [read, search, subscribe, notify]\n"
	    "    why: [%s]\n",
	    s->is_fhir ? "TREAT" : "HOPERAT");
}

/* The files of a first policy, made from a survey.  Each function appends the text of its file. */
static const struct {
	const char *name;
	void (*write)(struct buffer *out, const struct survey *s, const char *policy);
} files[] = {
	{ "policy.yaml", write_policy },
	{ "classify.yaml", write_classify },
	{ "redact.yaml", write_redact },
	{ "seal.yaml", write_seal },
	{ "notify.yaml", write_notify },
	{ "authz/roles.yaml", write_roles },
	{ "authz/clearances.yaml", write_clearances },
	{ "authz/organization.yaml", write_organization },
};

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

/* *IS_FHIR: most records have a resourceType of FHIR R4.  False if one is no record, or there is none. */
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
	for (size_t i = 0; good && i < sizeof(files) / sizeof(files[0]); i++) {
		const char *file = files[i].name;
		bool inner = strncmp(file, "authz/", 6) == 0;
		text.used = 0;
		files[i].write(&text, s, name);
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
write_directory(const struct survey *s, const char *directory)
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
	struct survey survey;
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
	struct json_keys *keys = json_keys_new();
	enum diag_exit status = take_survey(&survey, keys, set.from);
	if (status == EXIT_DONE)
		status = write_directory(&survey, o.operand[0]);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	if (status == EXIT_DONE)
		print(&out,
		    "%s: %zu records, %zu types; edit classify.yaml and redact.yaml, then: ehr-policy check "
		    "-P %s\n",
		    o.operand[0], survey.records, survey.types, o.operand[0]);
	survey_release(&survey);
	json_keys_free(keys);
	return verb_finish(&out, status);
}
