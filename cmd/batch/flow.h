/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_FLOW_H
#define EHR_BATCH_FLOW_H

#include "cmd/batch/program.h"
#include "cmd/batch/told.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * flow: the stages of pipeline.yaml over one upload, as one pipe.  Nothing that they write is believed before
 * the status of every one of them is known: a stage that died looks to the next like the end of its input.
 *
 *	upload (gzip, zstd) --> stages up to ehr-ingest --> this process --> the other stages --> output
 *
 * This process counts the records between them, and where ehr-classify, ehr-redact and ehr-seal stand next to
 * each other behind ehr-ingest, it hands the records out to workers that do all three (workers.h).
 */
struct flow_plan {
	const struct batch_policy *batch;
	struct policy *policy;
	const char *site;                       /* NULL: none */
	const char *ca, *crl;                   /* --trust and --crl, for all programs; NULL: none */
	const char *now;                        /* the time of the upload */
	unsigned jobs;                          /* workers; 0: every stage is a process of its own */
	struct workers_plan *workers;           /* what they share; NULL: the stages are none for workers */
	struct program stage[BATCH_MAX_STAGES]; /* of batch->stage */
	struct program then[BATCH_MAX_THEN];
};

/* One upload on its way. */
struct flow {
	const struct flow_plan *plan;
	const char *source; /* for messages */
	int input;          /* the upload, read from its beginning */
	int folder;         /* where output and refused records go, and its path */
	const char *path;
	const char *placed; /* where the folder will be, for messages */
	bool shows_progress;
	const char *batch; /* the name of this run in the tags */
	struct arena arena;
	/* the result */
	uint64_t records; /* refused ones included */
	uint64_t refused;
	enum diag_exit status;
	bool to_blame; /* the upload itself, not the machine or the site */
	char why[512];
	struct bytes said; /* some lines of what the stages said of it */
	int followed; /* how the first command of `then` ended, which ran beside the stages; -1: it did not */
	/* private */
	double began, shown; /* of the progress */
	struct told told;
	char said_text[TOLD_ROOM];
	void (*progress)(struct flow *f, uint64_t records);
};

/*
 * Opens the programs of PLAN and loads what workers share.  False with a message in WHY; ends the process as
 * workers_load() does.
 */
bool flow_open(struct flow_plan *plan, struct arena *a, char why[PROGRAM_WHY]);

/* Runs the stages.  False with `status`, `to_blame` and `why`; then the output must not be used. */
bool flow_run(struct flow *f);

/* Runs a command of `then` from IN to OUT.  Returns its status, as a shell has it. */
int flow_then(struct flow *f, unsigned then, int in, int out);

#endif
