/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_VERBS_H
#define EHR_POLICY_VERBS_H

#include "common/base/diag.h"

/*
 * verbs: what ehr-policy can do.  Each reads its own options from ARGV, whose first word is the verb, writes
 * to standard output, and returns how the program ends.  Each stands in the file of its name.
 */
enum diag_exit verb_check(int argc, char *argv[]);
enum diag_exit verb_test(int argc, char *argv[]);
enum diag_exit verb_explain(int argc, char *argv[]);
enum diag_exit verb_new(int argc, char *argv[]);

#endif
