/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_STARTER_H
#define EHR_POLICY_STARTER_H

#include "cmd/policy/survey.h"

/*
 * starter: the files of a first policy, made of what a survey found.  Everything stands at the highest level:
 * whoever edits the policy opens place after place, and what nobody thought of stays closed.
 */
struct starter_file {
	const char *name;
	/* The file's text, appended. */
	void (*write)(struct buffer *out, const struct survey *s, const char *policy);
};

extern const struct starter_file starter_files[];
extern const size_t starter_file_count;

/* "ward" of "policies/ward/", as a word that may name a policy and a domain; "policy" if that leaves nothing.
 */
const char *starter_name(struct arena *a, const char *directory);

#endif
