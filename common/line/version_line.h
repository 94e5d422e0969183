/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_VERSION_LINE_H
#define EHR_LINE_VERSION_LINE_H

#include "common/line/tags.h"

/*
 * version_line: reads a line that is to be sealed (a version, a deletion, an opened line or a bare record) up
 * to its record.  The record is not parsed, because that would double what sealing costs.
 */
struct version_line {
	bool bare; /* without ehr: the record is the line */
	struct tags tags;
	struct bytes record;
	enum reason reason; /* after a failure */
	size_t byte;        /* after a failure: in the line, from 1; 0: none to name */
};

struct version_line_reader;
struct version_line_reader *version_line_reader_new(unsigned max_depth);
void version_line_reader_free(struct version_line_reader *r);

/* LINE has JSON_SLACK readable bytes behind it.  Spans are of the line.  False: reason and byte are set. */
bool version_line_read(
    struct version_line_reader *r, struct bytes line, bool may_be_bare, struct version_line *h);

#endif
