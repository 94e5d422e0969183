/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new_files.h"

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
			new_put(out, "  id: %s\n", ids[k]);
			return repeating;
		}
		repeating = repeating != NULL ? repeating : ids[k];
	}
	if (repeating == NULL)
		new_put(out, "  # id: .id  # no place looked like one: records are named by their digest\n");
	else
		new_put(out,
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
		new_put(out, "  subject: [%s]\n  subject_type: %s # what a subject is that does not say it\n",
		    subjects[k].path, subjects[k].type);
		return;
	}
	if (repeating != NULL)
		new_put(out, "  subject: [%s] # what several records are about\n  subject_type: Subject\n",
		    repeating);
	else
		new_put(out, "  # subject: [.patient]  # whom the record is about\n"
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
		new_put(out, "%s%s%s", i == 0 ? "  time: [" : ", ", best[i]->path.at,
		    i + 1 == count ? "]\n" : "");
}

static void
put_own_shape(struct buffer *out, const struct sample *s)
{
	new_put(out, "record:\n");
	if (s->type.size == 0) {
		new_put(out, "  type: {const: Record}\n");
	} else {
		new_put(out, "  type: ");
		new_put_key(out, s->type);
		new_put(out, "\n");
	}
	put_subject(out, &s->survey, put_id(out, &s->survey));
	put_time(out, &s->survey);
}

void
new_policy(struct buffer *out, const struct sample *s, const char *policy)
{
	new_put(out,
	    "# A first policy, from a sample of %zu records. The files to edit are\n"
	    "# classify.yaml (how sensitive is what) and redact.yaml (who sees what).\n"
	    "# After every change:\n"
	    "#\n"
	    "#	ehr-policy check -P DIR\n"
	    "#	ehr-policy explain -P DIR --bars RECORD\n"
	    "policy: 1\nname: %s\nserial: 1 # raise it with every version that goes into use\n",
	    s->survey.records, policy);
	new_put(out, "%s", s->survey.is_fhir ? fhir_ladder : own_ladder);
	if (s->survey.is_fhir)
		new_put(out, "%s", fhir_shape);
	else
		put_own_shape(out, s);
}
