/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PIPELINE_H
#define EHR_POLICY_PIPELINE_H

#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/label/classifier.h"
#include "common/redact/redactor.h"

/*
 * pipeline: classify and redact in this process, on one record at a time, with test keys of its own: nothing
 * that it makes can be taken for a site's, and no site's key is ever opened.
 */
struct pipeline {
	struct policy *policy; /* borrowed */
	struct json_keys *keys;
	struct json json; /* the record as it was given */
	struct classifier *classifier;
	struct redactor *redactor;
	struct labels labels;
	struct bytes line; /* the labelled line */
	struct redaction redaction;
	/* what went wrong with the record: as in labels and redaction */
	enum reason reason;
	size_t byte;
	/* private */
	struct instant now; /* which the redactor borrows */
	struct buffer text;
	struct buffer labelled;
	struct mac *mac[16];
	struct bytes name[16];
	unsigned macs;
	int fd;
};

enum pipeline_outcome {
	PIPELINE_READY,
	PIPELINE_FAULT,
	PIPELINE_NEEDS_NOW, /* the policy computes ages */
};

/*
 * NOW (RFC 3339) may be NULL.  With EXPLAIN the fates of all nodes are noted.  Afterwards, whatever came out,
 * pipeline_release.
 */
enum pipeline_outcome pipeline_load(
    struct pipeline *l, struct policy *p, const char *now, bool explain, struct fault *f);
void pipeline_release(struct pipeline *l);

/* Labels RECORD and makes its versions.  False: reason and byte; if classified is what failed, line is empty.
 */
bool pipeline_run(struct pipeline *l, struct bytes record);

/* NODE of the record as redactor_fate counts it: the record itself is 0. */
uint32_t pipeline_node(const struct pipeline *l, uint32_t node);

#endif
