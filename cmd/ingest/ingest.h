/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_INGEST_H
#define EHR_INGEST_INGEST_H

#include "cmd/ingest/bundle.h"
#include "cmd/ingest/frames.h"
#include "common/line/filter.h"

/*
 * ingest: the engine of ehr-ingest.  A frame is an object, which is a record or a Bundle of them, or an array
 * of such. No token changes a byte; white space between tokens is dropped.
 */
struct ingest {
	struct json_keys *keys;
	struct json json;
	struct bundle bundle;
	struct frames frames; /* of the file at hand */
	enum framing framing; /* as asked for */
	bool keep;            /* a Bundle is one record */
	bool lost;            /* the last file was left behind an error in it */
};

void ingest_init(struct ingest *i, enum framing framing, bool keep, unsigned max_depth);
void ingest_release(struct ingest *i);

/* The engine's parts for the filter; CONTEXT is a struct ingest. */
enum filter_outcome ingest_record(void *context, struct filter *f, struct bytes text);
void ingest_summary(void *context, struct buffer *text);

/* All frames of FD.  False if the run must end: after i->lost it is the caller who says why. */
bool ingest_file(void *context, struct filter *f, int fd);

#endif
