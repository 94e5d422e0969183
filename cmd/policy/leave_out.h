/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_LEAVE_OUT_H
#define EHR_POLICY_LEAVE_OUT_H

#include "common/base/buffer.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/*
 * leave_out: a loader stops at the first fault of a file.  So that one run of check tells of all, what is at
 * fault is left out of the text and the file is loaded again.  In place of a row of a value set another one
 * stands, so that the number of rows stays.
 */
struct leave_out {
	/* private */
	struct policy *policy;
	struct policy_file *saved; /* the files as they came */
	char names[32][64];        /* of what was left out */
	unsigned count;
	struct buffer gone;              /* what was left out, but for the words that the faults quote */
	unsigned rows;                   /* left out of value sets */
	const struct policy_file *stood; /* where a value stands in for one at fault */
	unsigned line;
	unsigned tried; /* of such values */
};

void leave_out_init(struct leave_out *l, struct policy *p);

/* The files are as they came again. */
void leave_out_end(struct leave_out *l);

/* True if the fault may follow from what was left out before: then it is not said. */
bool leave_out_caused(const struct leave_out *l, const struct fault *f);

/* Leaves out the lines around the fault.  False: the rest would be no YAML, or it is in no YAML or TSV. */
bool leave_out_fault(struct leave_out *l, const struct fault *f);

#endif
