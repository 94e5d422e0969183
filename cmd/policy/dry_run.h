/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_DRY_RUN_H
#define EHR_POLICY_DRY_RUN_H

#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/label/classifier.h"
#include "common/redact/redactor.h"

/*
 * dry_run: classifies and redacts one record at a time in this process, and writes nothing.  It uses test
 * keys that anyone can compute, opens no key of a site, and so never makes a token of a site.
 */
struct dry_run {
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

enum dry_run_outcome {
	DRY_RUN_READY,
	DRY_RUN_FAULT,
	DRY_RUN_NEEDS_NOW, /* the policy computes ages */
};

/*
 * NOW (RFC 3339) may be NULL.  With EXPLAIN the redactor notes the fates of all nodes.  The caller calls
 * dry_run_release after any outcome.
 */
enum dry_run_outcome dry_run_load(
    struct dry_run *l, struct policy *p, const char *now, bool explain, struct fault *f);
void dry_run_release(struct dry_run *l);

/*
 * Labels RECORD and makes its versions.  False: reason and byte say why; line is empty if the classifier
 * refused it.
 */
bool dry_run(struct dry_run *l, struct bytes record);

/* NODE of the record as redactor_fate counts it: the record itself is 0. */
uint32_t dry_run_node(const struct dry_run *l, uint32_t node);

#endif
