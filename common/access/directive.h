/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DIRECTIVE_H
#define EHR_ACCESS_DIRECTIVE_H

#include "common/access/rule.h"

/*
 * directive: what one patient has consented to (authorization page, section 7), and the way from a patient to
 * all of hers.  A directive that cannot be understood while its patient can makes that patient's consent
 * undecided; nothing of it is guessed.
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
	struct instant date;
	struct interval period;
	struct criteria root; /* to what it applies at all */
	bool has_what;
	struct criteria what; /* of a base permit: the data that it is about */
	struct bytes *acknowledges;
	uint32_t acknowledged;
	struct rule *rule;
	uint32_t rules;
	struct moments moments;
	struct directive *next; /* of the same patient, by id */
};

struct directives {
	struct directive **slot; /* private: open addressing by patient, the first of each */
	uint32_t room;
	uint32_t patients;
	uint64_t count;
	struct fault *warning; /* of those that could not be understood */
	size_t warnings, warning_room;
};

void directives_release(struct directives *d);

/* The directives in one file, by the ending of its name: YAML, JSON or NDJSON.  TEXT is needed no longer than
 * the call.  False with a fault. */
bool directives_read(struct directives *d, struct reader *r, const char *path, struct bytes text);

/* The first of a patient's, NULL if there is none. */
const struct directive *directives_of(const struct directives *d, struct bytes patient);

#endif
