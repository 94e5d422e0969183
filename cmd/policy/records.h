/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_RECORDS_H
#define EHR_POLICY_RECORDS_H

#include "common/base/reason.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * records: the records of a file: one JSON object in any layout, an array of objects, or
 * an object a line.  (ehr-ingest makes lines of other formats.)
 */
struct records {
	size_t line; /* of the last record, from 1 */
	/* private */
	struct buffer text;
	struct json whole;
	bool is_array;
	bool is_one;
	uint32_t element;
	size_t at;
	size_t next_line;
};

/* Reads all of PATH ("-": standard input).  False with errno. */
bool records_read(struct records *r, const char *path);
void records_release(struct records *r);

/* The next record, with JSON_SLACK readable bytes behind it; false at the end. */
bool records_next(struct records *r, struct bytes *record);

/* What is wrong with the record that was read last, at BYTE of it; FIRST: with what to do about it. */
void records_say(const struct records *r, const char *shown, struct bytes record, enum reason reason,
    size_t byte, bool first);

/* The next record is the first again. */
void records_rewind(struct records *r);

#endif
