/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PIPELINE_H
#define EHR_POLICY_PIPELINE_H

#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/label/classifier.h"
#include "common/redact/redactor.h"

/*
 * pipeline: classifies and redacts one record at a time in this process.  It uses test keys that anyone can
 * compute, opens no key of a site, and so never makes a token of a site.
 */
struct pipeline {
	struct policy *policy; /* borrowed */
	struct json_keys *keys;
	struct json json; /* the record */
	struct classifier *classifier;
	struct redactor *redactor;
	struct labels labels;
	struct bytes line; /* the labelled line */
	struct redaction redaction;
	/* why the record was refused, as in labels and redaction */
	enum reason reason;
	size_t byte;
	/* private */
	struct instant now; /* borrowed by the redactor */
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
 * NOW (RFC 3339) may be NULL.  With EXPLAIN the redactor notes the fates of all nodes.  The caller calls
 * pipeline_release after any outcome.
 */
enum pipeline_outcome pipeline_load(
    struct pipeline *l, struct policy *p, const char *now, bool explain, struct fault *f);
void pipeline_release(struct pipeline *l);

/*
 * Labels RECORD and makes its versions.  False: reason and byte say why; line is empty if the classifier
 * refused it.
 */
bool pipeline_run(struct pipeline *l, struct bytes record);

/* NODE of the record as redactor_fate counts it: the record itself is 0. */
uint32_t pipeline_node(const struct pipeline *l, uint32_t node);

#endif
