/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_SUBJECT_H
#define EHR_INGEST_SUBJECT_H

#include "common/json/json.h"

/*
 * subject: whom a record of a Bundle is about, where the record alone does not tell.  In a transaction a
 * record refers to its patient by the fullUrl of that entry (FHIR R4, Bundle, resolving references), and
 * the patient has another id or none yet.  J is indexed with the numbers of members_keys().
 */
struct subjects {
	const struct json *json;
	struct buffer names; /* struct name: the resources by their fullUrl */
	bool sorted;
	struct buffer one, two, text;
};

/*
 * A resource in an entry.  The nodes of URL (its fullUrl) and REQUEST (the url of a PUT) are 0 where
 * absent.
 */
struct subject_entry {
	uint32_t bundle; /* a number; a name is known within its Bundle alone */
	uint32_t resource;
	uint32_t url;
	uint32_t request;
};

void subjects_init(struct subjects *s);
void subjects_release(struct subjects *s);
void subjects_start(struct subjects *s, const struct json *j);
void subjects_add(struct subjects *s, const struct subject_entry *e);

/*
 * Type/id of whom E is about, if the record itself does not say it; else empty.  A patient without an id is
 * about itself.  Call it when all entries were added.  Good until the next call.
 */
struct bytes subjects_of(struct subjects *s, const struct subject_entry *e);

#endif
