/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new.h"

#include "common/json/json_write.h"

#include <string.h>

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
    "  author: [.author, .recorder, .asserter, .performer, \".performer[].actor\", .requester]\n"
    "  roots: fhir\n"
    "  entries: # parts that are labelled and withheld as one; elsewhere the whole record is\n"
    "    Observation: [\".component[]\"]\n"
    "    Patient: [\".identifier[]\", \".name[]\", \".telecom[]\", \".address[]\"]\n";

static const char *const ids[] = { ".id", "._id", ".uuid", ".guid", ".recordId", ".record_id", ".key",
	".header.id", ".header.uuid", NULL };

/* Whom or what a record is about, and the type of that. */
static const struct {
	const char *path;
	const char *type;
} subjects[] = {
	{ ".subject", "Subject" },
	{ ".patient", "Patient" },
	{ ".patientId", "Patient" },
	{ ".patient_id", "Patient" },
	{ ".patient.id", "Patient" },
	{ ".userId", "User" },
	{ ".user_id", "User" },
	{ ".user.id", "User" },
	{ ".header.user_id", "User" },
	{ ".customer", "Customer" },
	{ ".customerId", "Customer" },
	{ ".customer_id", "Customer" },
	{ ".meter", "Meter" },
	{ ".meterId", "Meter" },
	{ ".meter_id", "Meter" },
	{ ".meter.id", "Meter" },
	{ ".device", "Device" },
	{ ".deviceId", "Device" },
	{ ".device_id", "Device" },
	{ ".device.id", "Device" },
};

static const struct survey_place *
place_at(const struct survey_type *t, const char *path)
{
	for (size_t i = 0; i < t->places; i++)
		if (bytes_are(t->place[i].path, path))
			return &t->place[i];
	return NULL;
}

/* True if every record has a word at PATH.  *REPEATS: two records of a type have the same word there. */
static bool
in_all(const struct survey *s, const char *path, bool *repeats)
{
	*repeats = false;
	for (size_t i = 0; i < s->types; i++) {
		const struct survey_place *p = place_at(&s->type[i], path);
		if (p == NULL || !p->words || p->records != s->type[i].records)
			return false;
		*repeats = *repeats || p->different < p->values;
	}
	return s->types > 0;
}

/* Two records with one id would be one record, of which only the last is kept: an id must not repeat. */
static const char *
put_id(struct buffer *out, const struct survey *s)
{
	const char *repeating = NULL;
	bool repeats;

	for (size_t k = 0; ids[k] != NULL; k++) {
		if (!in_all(s, ids[k], &repeats))
			continue;
		if (!repeats) {
			print_into(out, "  id: %s\n", ids[k]);
			return repeating;
		}
		repeating = repeating != NULL ? repeating : ids[k];
	}
	if (repeating == NULL)
		print_into(
		    out, "  # id: .id  # no place looked like one: records are named by their digest\n");
	else
		print_into(out,
		    "  # id: %s  # repeats in the sample, so it names no record: records are named by "
		    "their digest\n",
		    repeating);
	return repeating;
}

static bool
is_subject(const struct survey *s, const char *path)
{
	for (size_t i = 0; i < s->types; i++) {
		const struct survey_place *p = place_at(&s->type[i], path);
		if (p != NULL && p->words)
			return true;
	}
	return false;
}

/* REPEATING: a place that looked like an id and repeats, as the name of a meter or person does; or NULL. */
static void
put_subject(struct buffer *out, const struct survey *s, const char *repeating)
{
	for (size_t k = 0; k < sizeof(subjects) / sizeof(subjects[0]); k++) {
		if (!is_subject(s, subjects[k].path))
			continue;
		print_into(out,
		    "  subject: [%s]\n  subject_type: %s # what a subject is that does not say it\n",
		    subjects[k].path, subjects[k].type);
		return;
	}
	if (repeating != NULL)
		print_into(out, "  subject: [%s] # what several records are about\n  subject_type: Subject\n",
		    repeating);
	else
		print_into(out, "  # subject: [.patient]  # whom the record is about\n"
				"  # subject_type: Patient\n");
}

static bool
is_time(const struct survey_place *p)
{
	return p->dates && p->values > 0 && memchr(p->path.at, '[', p->path.size) == NULL &&
	       memchr(p->path.at, '"', p->path.size) == NULL;
}

/* Of each type the date that most records have. */
static void
put_time(struct buffer *out, const struct survey *s)
{
	const struct survey_place *best[8];
	size_t count = 0;

	for (size_t i = 0; i < s->types && count < sizeof(best) / sizeof(best[0]); i++) {
		const struct survey_type *t = &s->type[i];
		const struct survey_place *found = NULL;
		for (size_t k = 0; k < t->places; k++)
			if (is_time(&t->place[k]) && (found == NULL || t->place[k].records > found->records))
				found = &t->place[k];
		for (size_t k = 0; found != NULL && k < count; k++)
			if (bytes_equal(best[k]->path, found->path))
				found = NULL;
		if (found != NULL)
			best[count++] = found;
	}
	for (size_t i = 0; i < count; i++)
		print_into(out, "%s%s%s", i == 0 ? "  time: [" : ", ", best[i]->path.at,
		    i + 1 == count ? "]\n" : "");
}

static void
put_own_shape(struct buffer *out, const struct sample *s)
{
	print_into(out, "record:\n");
	if (s->type.size == 0) {
		print_into(out, "  type: {const: Record}\n");
	} else {
		print_into(out, "  type: ");
		new_put_key(out, s->type);
		print_into(out, "\n");
	}
	put_subject(out, &s->survey, put_id(out, &s->survey));
	put_time(out, &s->survey);
}

void
new_policy(struct buffer *out, const struct sample *s, const char *policy)
{
	print_into(out,
	    "# A first policy, from a sample of %zu records. The files to edit are\n"
	    "# classify.yaml (how sensitive is what) and redact.yaml (who sees what).\n"
	    "# After every change:\n"
	    "#\n"
	    "#	ehr-policy check -P DIR\n"
	    "#	ehr-policy explain -P DIR --bars RECORD\n"
	    "policy: 1\nname: %s\nserial: 1 # raise it with every version that goes into use\n",
	    s->survey.records, policy);
	print_into(out, "%s", s->survey.is_fhir ? fhir_ladder : own_ladder);
	if (s->survey.is_fhir)
		print_into(out, "%s", fhir_shape);
	else
		put_own_shape(out, s);
}

void
new_put_key(struct buffer *out, struct bytes key)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

	for (size_t i = 0; i < key.size; i++) {
		if (memchr(plain, key.at[i], sizeof(plain) - 1) != NULL)
			continue;
		(void)json_write_string(out, key);
		return;
	}
	(void)buffer_append(out, key.at, key.size);
}

const char *
new_top(const struct sample *s)
{
	return s->survey.is_fhir ? "V" : "restricted";
}

const char *
new_middle(const struct sample *s)
{
	return s->survey.is_fhir ? "N" : "internal";
}

const char *
new_bottom(const struct sample *s)
{
	return s->survey.is_fhir ? "U" : "public";
}

void
new_redact(struct buffer *out, const struct sample *s, const char *policy)
{
	print_into(out,
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
	    policy, new_middle(s), s->survey.is_fhir ? ".resourceType, .id, .status" : ".id, .status",
	    new_top(s));
}

void
new_seal(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)s;
	print_into(out,
	    "# How versions are sealed for the service layer.\n"
	    "seal: 1\n"
	    "domain: %s # in the name of every key and on every sealed line\n"
	    "pseudonyms: {id: stable, subject: stable}\n"
	    "padding: 4096 # bytes; records below that all look alike in length\n",
	    policy);
}

void
new_notify(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)policy;
	print_into(out,
	    "# Who is told what, and how fast. A secondary notification, never the only alarm.\n"
	    "notify: 1\n"
	    "grants: {max_lifetime: 365d, revocation: optional}\n"
	    "payload: [empty, reference]\n"
	    "responders: # class -> roles of authz/roles.yaml that may belong to it\n"
	    "  team: [%s]\n"
	    "tiers: # every word of criticality has one\n"
	    "  routine: {dispatch: 12h, expires: 72h, steps: [{to: [team]}]}\n"
	    "  urgent: {dispatch: 60s, ack: 15m, expires: 12h, steps: [{to: [team]}]}\n",
	    s->survey.is_fhir ? "physician, nurse" : "staff");
}

void
new_pipeline(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)s;
	(void)policy;
	print_into(out, "# What ehr-batch runs over an upload.\n"
			"pipeline: 1\n"
			"stages: # one pipe; each gets policy, site and time by itself\n"
			"  - ehr-ingest\n"
			"  - ehr-classify\n"
			"  - ehr-redact\n"
			"  - ehr-seal\n"
			"output: sealed.ndjson\n"
			"then: # over what is sealed\n"
			"  - {run: ehr-notify, output: intents.ndjson}\n"
			"on_error: quarantine # a refused record is set aside, and the others go on\n"
			"limits: {refused: 50%%, size: 16G}\n"
			"archive: false # true keeps each upload\n");
}
