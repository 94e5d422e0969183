/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_RECOVERY_H
#define EHR_POLICY_RECOVERY_H

#include "common/base/buffer.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/*
 * recovery: a loader stops at the first fault of a file.  So that one run of check reports all faults, the
 * lines at fault are left out of the text and the file is loaded again.  A row of a value set gives way to
 * another one, so that the number of rows stays.
 */
struct recovery {
	/* private */
	struct policy *policy;
	struct policy_file *saved; /* the files as they came */
	char names[32][64];        /* of keys and ids that were left out */
	unsigned count;
	struct buffer text; /* what was left out, without the words that the faults quote */
	unsigned rows;      /* of value sets: how many were left out */
	const struct policy_file *substituted; /* where a value was put in place of one at fault */
	unsigned line;
	unsigned tried; /* of such values */
};

void recovery_begin(struct recovery *l, struct policy *p);

/* Gives the files their own texts back. */
void recovery_end(struct recovery *l);

/* True if what was left out before may have caused the fault: then it is not reported. */
bool recovery_caused(const struct recovery *l, const struct fault *f);

/* Leaves out the lines around the fault.  False: then it is no YAML, or it is neither YAML nor TSV. */
bool recovery_leave_out(struct recovery *l, const struct fault *f);

#endif
