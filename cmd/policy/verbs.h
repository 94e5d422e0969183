/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_VERBS_H
#define EHR_POLICY_VERBS_H

#include "common/base/diag.h"
#include "common/base/options.h"
#include "common/line/sink.h"
#include "common/policy/policy.h"

/* verbs: the verbs of ehr-policy, each with the arguments from its own name on, and what they share. */
enum diag_exit verb_check(int argc, char *argv[]);
enum diag_exit verb_test(int argc, char *argv[]);
enum diag_exit verb_explain(int argc, char *argv[]);
enum diag_exit verb_explain_request(int argc, char *argv[]); /* of verb_explain, with --request */
enum diag_exit verb_new(int argc, char *argv[]);
enum diag_exit verb_survey(int argc, char *argv[]);
enum diag_exit verb_conflicts(int argc, char *argv[]);
enum diag_exit verb_replay(int argc, char *argv[]);
enum diag_exit verb_diff(int argc, char *argv[]);
enum diag_exit verb_sign(int argc, char *argv[]);
enum diag_exit verb_verify(int argc, char *argv[]);
enum diag_exit verb_help(int argc, char *argv[]);

/* The row of --policy; TYPE is the settings of the verb, with a member `policy`. */
#define VERB_POLICY(type)                                                                                    \
	{                                                                                                    \
		OPTION_TEXT(type, policy), 'P', false, "policy", "DIR", "the policy"                         \
	}

/*
 * Loads the policy in DIRECTORY; if that is NULL, the one that SITE remembers.  If there is none, or it has a
 * fault, the program ends.
 */
void verb_load(const struct options *o, const char *directory, const char *site, struct policy *p);

/* Where WORD stands in TEXT with no letter, digit, `_` or `-` beside it; NULL: nowhere, or WORD is empty. */
const char *verb_find_word(struct bytes text, struct bytes word);

/* Closes the output.  The worse of STATUS and the status of closing. */
enum diag_exit verb_finish(struct sink *out, enum diag_exit status);

#endif
