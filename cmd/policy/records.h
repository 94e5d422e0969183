/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_RECORDS_H
#define EHR_POLICY_RECORDS_H

#include "common/json/json.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * records: a file that a person hands over, as one record or many: a JSON object however it is laid out, an
 * array of them, or one object a line.  (Whatever else there is, ehr-ingest makes lines of.)
 */
struct records {
	size_t line; /* of the record just returned, from 1 */
	/* private */
	struct buffer text;
	struct json whole;
	bool is_array;
	bool is_one;
	uint32_t element;
	size_t at;
	size_t next_line;
};

/* All of PATH ("-": standard input).  False: errno says why. */
bool records_read(struct records *r, const char *path);
void records_release(struct records *r);

/* The next record, JSON_SLACK behind it; false at the end. */
bool records_next(struct records *r, struct bytes *record);

/* From the first record again. */
void records_rewind(struct records *r);

#endif
