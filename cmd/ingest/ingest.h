/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_INGEST_H
#define EHR_INGEST_INGEST_H

#include "cmd/ingest/bundle.h"
#include "cmd/ingest/frames.h"
#include "common/line/filter.h"

/*
 * ingest: the engine of ehr-ingest.  A frame is an object, which is a record or a Bundle, or an array of
 * objects.  Tokens are copied byte for byte; white space between them is dropped.
 */
struct ingest {
	struct json_keys *keys;
	struct json json;
	struct bundle bundle;
	struct frames frames; /* of the file at hand */
	enum framing framing; /* of --from */
	bool keep;            /* write a Bundle as one record */
	bool lost;            /* the last file was left before its end, because of an error in it */
	/*
	 * Where each line came from, if that is wanted.  A line "OUT IN STEP" says that line OUT of the
	 * output came from line IN of the input, and that the input goes on by STEP lines, 0 or 1, with each
	 * line of the output.  It is written before the line that it speaks of.
	 */
	struct sink *places; /* NULL: not wanted */
	uint64_t out, in, step;
};

void ingest_init(struct ingest *i, enum framing framing, bool keep, unsigned max_depth);
void ingest_release(struct ingest *i);

/* The functions of the filter's engine; CONTEXT is a struct ingest. */
enum filter_outcome ingest_record(void *context, struct filter *f, struct bytes text);
void ingest_summary(void *context, struct buffer *text);

/* Reads all frames of FD.  False if the run must end.  With i->lost the caller has to say why. */
bool ingest_file(void *context, struct filter *f, int fd);

#endif
