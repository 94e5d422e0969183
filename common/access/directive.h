/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DIRECTIVE_H
#define EHR_ACCESS_DIRECTIVE_H

#include "common/access/rule.h"

/*
 * directive: what a patient has consented to, and the table from a patient to all of the directives.  If a
 * directive cannot be read but its patient can, that patient's consent is undecided; nothing of the directive
 * is guessed.
 */
enum directive_status { DIRECTIVE_ACTIVE, DIRECTIVE_SETTLING, DIRECTIVE_WITHOUT_EFFECT };

struct directive {
	struct bytes id;
	struct bytes id_text; /* as a JSON string */
	struct bytes patient;
	enum directive_status status;
	bool unreadable;
	bool base_permit;
	bool dated;
	struct instant date; /* with dated */
	struct interval period;
	struct criteria root; /* the requests that it applies to */
	bool has_what;
	struct criteria what; /* of a base permit: the data that it is about */
	struct bytes *acknowledges;
	uint32_t acknowledged;
	struct access_rule *rule;
	uint32_t rules;
	struct moments moments;
	struct directive *next; /* of the same patient, by id */
};

struct directives {
	struct fault *warning; /* one for each directive that could not be read */
	size_t warnings;
	/* private */
	size_t warning_room;
	struct directive **slot; /* open addressing by patient, the first directive of each */
	uint32_t room;
	uint32_t patients;
	struct intern ids; /* patient NUL id, of patients with several directives */
	struct scratch scratch;
};

/* ARENA holds ids and is borrowed. */
void directives_init(struct directives *d, struct arena *arena);

/* May be called twice. */
void directives_release(struct directives *d);

/*
 * Adds the directives of one file: YAML, JSON or NDJSON by the ending of its name.  TEXT has JSON_SLACK bytes
 * behind it and is needed no longer than the call.  False with a fault.
 */
bool directives_read(struct directives *d, struct access_reader *r, const char *path, struct bytes text);

/* Sorts the directives of each patient by id.  To be called after the last file. */
void directives_ready(struct directives *d);

/* The first directive of a patient, NULL if there is none. */
const struct directive *directives_of(const struct directives *d, struct bytes patient);

#endif
