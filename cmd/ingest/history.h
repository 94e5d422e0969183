/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_HISTORY_H
#define EHR_INGEST_HISTORY_H

#include "common/base/buffer.h"

/*
 * history: finds which entries of a Bundle are versions of one record, and puts them in order, the oldest
 * first: by the time of their last change, else by the number of their version, else the last entry first,
 * as a Bundle of type history begins with the newest (FHIR R4, RESTful API, history).  A store in which the
 * newest line wins then ends with the newest version.  Versions of one record take the places that they had
 * together; other entries keep theirs.
 */
struct history {
	struct buffer entries; /* struct history_entry */
	struct buffer texts;   /* the ids */
	struct buffer places;  /* of the versions at hand */
};

void history_init(struct history *h);
void history_release(struct history *h);
void history_start(struct history *h);

/*
 * The next entry.  ID is Type/id, empty where it has none; MODIFIED an instant and VERSION a number as
 * text, either may be empty.  The bytes are copied.
 */
void history_add(struct history *h, struct bytes id, struct bytes modified, struct bytes version);

/* Sorts the entries.  Returns how many of them stand behind a newer version of the same record. */
size_t history_sort(struct history *h);

/* After history_sort: which entry comes at PLACE. */
uint32_t history_at(const struct history *h, uint32_t place);

#endif
