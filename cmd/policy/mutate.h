/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_MUTATE_H
#define EHR_POLICY_MUTATE_H

#include "common/line/sink.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/*
 * mutate: whether the tests of a policy would miss its rules.  Each rule of classify.yaml is once removed,
 * and its condition once inverted; then some test must fail.  Each changed policy runs in a process of its
 * own.
 */
enum mutate_outcome {
	MUTATE_FAILS,  /* a test fails: it notices the change */
	MUTATE_HOLDS,  /* all tests hold */
	MUTATE_FAULTY, /* the changed policy does not load */
};

/*
 * Tries all rules with RUN, and prints the changes that no test notices and a count.  *NOTICED: tests notice
 * all changes.  False with a fault if classify.yaml cannot be read, or with EXIT_IO's errno in f->error.
 */
bool mutate_all(struct policy *p, struct sink *out, enum mutate_outcome (*run)(struct policy *p),
    bool *noticed, struct fault *f);

#endif
