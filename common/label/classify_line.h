/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CLASSIFY_LINE_H
#define EHR_LABEL_CLASSIFY_LINE_H

#include "common/label/classifier.h"

/*
 * classify_line: what ehr-classify makes of a line, wherever it runs: index, labels, labelled line.
 */
struct classify_line {
	struct classifier *classifier; /* borrowed */
	size_t max_record;
	struct json json;
	struct json envelope; /* allows one level more */
	enum reason reason;   /* after a refusal */
	size_t byte;
};

/* MAX_DEPTH and MAX_RECORD are those of a record; its envelope does not count. */
void classify_line_init(struct classify_line *c, struct classifier *classifier, const struct json_keys *keys,
    unsigned max_depth, size_t max_record);
void classify_line_release(struct classify_line *c);

/*
 * Writes the labelled line of LINE to OUT, which remembers a failure.  A tombstone has no content: it gets no
 * labels and is written as it was read.  False: the line is refused, reason and byte are set, and nothing is
 * written.
 */
bool classify_line_run(struct classify_line *c, struct bytes line, struct sink *out);

#endif
