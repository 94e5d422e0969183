/* SPDX-License-Identifier: ISC */
#include "cmd/policy/sample.h"

#include "cmd/policy/records.h"

#include <errno.h>
#include <string.h>

enum {
	MAX_SAID = 10, /* messages of bad records */
	MAX_TYPES = 32,
	MAX_PASSES = 8,
};

/* The last names of a place where the type of a record stands, the likeliest first. */
static const char *const type_names[] = { ".resourceType", ".recordType", ".record_type", ".type", ".kind",
	".eventType", ".event_type", ".messageType", ".message_type", ".schema_id.name", NULL };

/* The next good record in J. */
static bool
next_good(struct records *r, struct json *j, struct bytes *record)
{
	while (records_next(r, record))
		if (json_parse(j, *record) && json_kind(j, 0) == JSON_OBJECT)
			return true;
	return false;
}

/* Says each bad record.  False if none is good. */
static bool
look(struct sample *s, struct records *r, struct json *j, const char *shown)
{
	struct bytes record;
	size_t count = 0;
	size_t typed = 0;

	while (records_next(r, &record)) {
		bool good = json_parse(j, record);
		if (good && json_kind(j, 0) == JSON_OBJECT) {
			typed += survey_is_fhir(j, survey_record(j));
			count++;
			continue;
		}
		if (s->refused++ < MAX_SAID)
			records_say(r, shown, record, good ? REASON_NOT_AN_OBJECT : j->reason,
			    good ? (size_t)1 : j->byte, s->refused == 1);
	}
	if (s->refused > MAX_SAID)
		diag_warn("%s: %zu bad records in all", shown, s->refused);
	if (count == 0)
		diag_warn("%s: no record", shown);
	s->survey.is_fhir = typed * 2 > count;
	return count > 0;
}

static void
survey_all(struct survey *s, struct records *r, struct json *j)
{
	struct bytes record;
	unsigned passes = 0;

	do {
		records_rewind(r);
		while (next_good(r, j, &record))
			survey_add(s, j);
	} while (survey_again(s) && ++passes < MAX_PASSES);
	survey_end(s);
}

/* A word in every record, of which few differ.  One record tells nothing, unless the name is FHIR's. */
static bool
is_type(const struct survey_type *t, const struct survey_place *p)
{
	bool tells = t->records > 1 || bytes_are(p->path, type_names[0]);

	return tells && p->words && p->records == t->records && p->values == t->records &&
	       p->different <= MAX_TYPES && (p->different == 1 || p->different * 2 <= p->records) &&
	       memchr(p->path.at, '[', p->path.size) == NULL;
}

static struct bytes
find_type(const struct survey *s)
{
	for (size_t k = 0; s->types == 1 && type_names[k] != NULL; k++)
		for (size_t i = 0; i < s->type[0].places; i++) {
			const struct survey_place *p = &s->type[0].place[i];
			if (bytes_end(p->path, type_names[k]) && is_type(&s->type[0], p))
				return p->path;
		}
	return (struct bytes){ 0 };
}

/* The first survey of records that are not FHIR finds where their type stands. */
static void
survey_sample(struct sample *s, struct records *r, struct json *j, unsigned depth)
{
	bool is_fhir = s->survey.is_fhir;

	survey_release(&s->survey);
	survey_init(&s->survey, is_fhir, s->keys);
	s->survey.depth = depth > 0 ? depth : s->survey.depth;
	survey_all(&s->survey, r, j);
	struct bytes type = !is_fhir ? find_type(&s->survey) : (struct bytes){ 0 };
	if (type.size == 0)
		return;
	s->type = arena_copy(&s->arena, type);
	survey_release(&s->survey);
	survey_init(&s->survey, false, s->keys);
	s->survey.depth = depth > 0 ? depth : s->survey.depth;
	if (!survey_set_type(&s->survey, s->type))
		diag_bug("the place of a type is no plain path");
	survey_all(&s->survey, r, j);
}

static void
watch_sample(struct sample *s, struct records *r, struct json *j, const struct sample_watch *watch)
{
	struct bytes record;

	s->survey.watch = &watch->values;
	records_rewind(r);
	while (next_good(r, j, &record))
		if (watch->record(watch->values.context, j, record))
			survey_add(&s->survey, j);
		else
			s->refused++;
	s->survey.watch = NULL;
}

enum diag_exit
sample_read(struct sample *s, const char *path, unsigned depth, const struct sample_watch *watch)
{
	struct records records;
	struct json j;
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
	enum diag_exit status = EXIT_DONE;

	*s = (struct sample){ .keys = json_keys_new() };
	survey_init(&s->survey, false, s->keys);
	json_init(&j, s->keys, JSON_MAX_DEPTH);
	if (!records_read(&records, path)) {
		diag_warn("%s: %s", shown, strerror(errno));
		status = EXIT_IO;
	} else if (!look(s, &records, &j, shown)) {
		status = EXIT_BAD_RECORD;
	} else {
		survey_sample(s, &records, &j, depth);
		if (watch != NULL)
			watch_sample(s, &records, &j, watch);
		status = s->refused > 0 ? EXIT_REFUSED : EXIT_DONE;
	}
	records_release(&records);
	json_release(&j);
	return status;
}

void
sample_release(struct sample *s)
{
	survey_release(&s->survey);
	json_keys_free(s->keys);
	arena_release(&s->arena);
	*s = (struct sample){ 0 };
}
