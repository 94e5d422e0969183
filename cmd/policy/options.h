/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_OPTIONS_H
#define EHR_POLICY_OPTIONS_H

#include "common/base/diag.h"
#include "common/base/options.h"
#include "common/line/sink.h"
#include "common/policy/policy.h"

/* options: what the verbs ask of the command line alike.  Misuse and faults end the program. */

/* Misuse if there is any operand. */
void options_no_operands(const struct options *o);

/* Loads the policy in DIRECTORY; misuse if it is NULL. */
void options_policy(const struct options *o, const char *directory, struct policy *p);

/* Closes the output; the worse of STATUS and what that gives. */
enum diag_exit options_finish(struct sink *out, enum diag_exit status);

#endif
