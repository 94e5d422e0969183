/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_PIECE_H
#define EHR_BATCH_PIECE_H

#include "common/base/diag.h"
#include "common/base/reason.h"
#include "common/json/json.h"
#include "common/line/manifest.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * piece: some lines of an upload through the engines of ehr-classify, ehr-redact and, if it stands behind
 * them, ehr-seal, in one process.  Out come the bytes that the programs would write one behind the other, and
 * the same messages, refused records and notes at the end.
 */
enum { PIECE_MOST_LINE = 64 << 20, PIECE_SLACK = JSON_SLACK + 1, PIECE_PROGRAMS = 2 };

/* What came of the pieces so far; workers share it and change it in turn. */
struct piece_counts {
	uint64_t count[PIECE_PROGRAMS]; /* refused by ehr-classify and ehr-redact */
	uint64_t by_reason[PIECE_PROGRAMS][REASON_COUNT];
	uint64_t versions;      /* in the pieces whose versions have numbers */
	bool is_listing;        /* the manifest has its head */
	atomic_flag fault_said; /* at the start of one of them */
	struct manifest_counts listed;
};

/* The policy of ehr-classify, loaded once for all uploads: workers are forked later and share its memory. */
struct piece_labels {
	struct json_keys *names;
	struct classifier *classifier;
};

struct piece_setup {
	struct policy *policy;
	const char *site;   /* NULL: none */
	const char *now;    /* RFC 3339 */
	const char *batch;  /* for tokens that are bound to it */
	const char *levels; /* of versions, "L,N"; NULL: all */
	const struct piece_labels *labels;
	bool labels_records, labels_versions; /* --fhir-labels of either program */
	bool seals;                           /* ehr-seal stands behind them */
	int manifest;       /* with that: what is sealed is listed there, but for the end; -1: nowhere */
	bool sets_aside;    /* refused records go to refused.*.ndjson; else the first ends the run */
	const char *source; /* the upload, for messages */
	const char *folder; /* of refused.*.ndjson */
	const char *places; /* lines "OUT IN STEP" that ehr-ingest wrote: line OUT came from line IN */
	struct piece_counts *counts;
};

struct piece_engine;

/*
 * Loads the policy of ehr-classify, with --fhir-labels if LABELS_RECORDS.  Ends the process with a message
 * and status if it is at fault.  What it returns lives as long as the process.
 */
struct piece_labels *piece_labels_load(struct policy *policy, bool labels_records);

/* Loads what is left of the policy, and the keys.  Ends the process with a message and status as above. */
struct piece_engine *piece_open(const struct piece_setup *setup);

/* LINES, with JSON_SLACK readable bytes behind them; FIRST is the number of the first, from 1. */
void piece_run(struct piece_engine *p, struct bytes lines, uint64_t first);

/* Numbers the versions of what was run, before the next piece does.  Only if the setup seals. */
void piece_number(struct piece_engine *p);

/* Seals them.  ehr-seal refuses no version of ehr-redact; if it does, the process ends. */
void piece_seal(struct piece_engine *p);

/*
 * Says and sets aside what was refused, and writes the versions or what is sealed to OUT.  EXIT_REFUSED:
 * something was; above it: the run ends.
 */
enum diag_exit piece_write(struct piece_engine *p, int out);

/* Sends what is to be noted at the end. */
void piece_end(struct piece_engine *p, int socket);

/* The notes of all workers in one, said at the end, as are the messages that were only counted. */
struct piece_report;
struct piece_report *piece_report_new(const struct piece_setup *setup);
void piece_report_add(struct piece_report *r, int socket);
void piece_report_end(struct piece_report *r, bool said);

#endif
