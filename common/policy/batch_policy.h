/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_BATCH_POLICY_H
#define EHR_POLICY_BATCH_POLICY_H

#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * batch_policy: pipeline.yaml: what ehr-batch runs over an upload.
 *	pipeline: 1
 *	stages: [ehr-ingest, ehr-classify, ehr-redact, ehr-seal]   one pipe
 *	output: sealed.ndjson                                      what the last one writes
 *	then: [{run: ehr-notify, output: intents.ndjson}]          over that output, or over `input`
 *	on_error: quarantine                                       fail (the default), skip or quarantine
 *	limits: {refused: 50%, size: 16G}                          of the records; of the unpacked upload
 *	manifest: sealed.manifest                                  lists what ehr-seal writes; not given: none
 *	archive: false                                             true: the upload is kept
 *
 * A command is a program of the toolkit with its options, "ehr-classify --fhir-labels" or a list of words.
 * Each option is one word, `--levels=L,N`, so that no command names a file to read.  What ehr-batch gives
 * each program by itself (policy, site, time, batch, what becomes of refused records) cannot be given.  Any
 * other executable is named by its whole path and its digest: {run: [/opt/translate, -x], sha256: HEX}.
 */
enum batch_takes {
	BATCH_TAKES_POLICY = 1,
	BATCH_TAKES_SITE = 2,
	BATCH_TAKES_NOW = 4,
	BATCH_TAKES_BATCH = 8,
	BATCH_TAKES_ON_ERROR = 16,
	BATCH_ACTS = 32, /* it does more than write its output: it runs when all else is in place */
};

enum { BATCH_MAX_WORDS = 24, BATCH_MAX_STAGES = 12, BATCH_MAX_THEN = 12 };

struct batch_command {
	const char *word[BATCH_MAX_WORDS + 1]; /* NULL behind the last */
	unsigned words;
	unsigned takes;      /* enum batch_takes; 0: an executable of the site's own */
	struct bytes sha256; /* of such an executable, 64 hex digits; else empty */
	const char *input;   /* of `then`: the name of a file that stands before it */
	const char *output;  /* of `then` */
};

enum batch_on_error { BATCH_FAIL, BATCH_SKIP, BATCH_QUARANTINE };

struct batch_policy {
	struct batch_command stage[BATCH_MAX_STAGES];
	unsigned stages;
	const char *output;
	const char *manifest; /* NULL: none */
	struct batch_command then[BATCH_MAX_THEN];
	unsigned thens;
	unsigned on_error; /* enum batch_on_error */
	unsigned refused;  /* percent of the records that may be refused */
	uint64_t size;     /* bytes */
	bool archive;
};

/* False with a fault.  Texts live as long as the policy. */
bool batch_policy_load(struct batch_policy *b, struct policy *p, struct fault *f);

#endif
