/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_LINT_H
#define EHR_POLICY_LINT_H

#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * lint: what is wrong, or doubtful, in a policy that could be read: what only shows when rules are looked at
 * side by side.  The codes are those of ehr-policy(1).
 */
struct finding {
	struct fault fault;
	bool is_warning;
};

struct lint {
	struct policy *policy;
	struct finding *finding;
	size_t count;
	size_t room; /* private */
};

void lint_init(struct lint *l, struct policy *p);
void lint_release(struct lint *l);

/* A loader's fault, as it is. */
void lint_fault(struct lint *l, const struct fault *f, bool is_warning);

/* CODE and what it means here, at NODE (NULL: the file as a whole). */
void lint_error(struct lint *l, const char *file, const struct yaml_node *node, const char *code,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void lint_warn(struct lint *l, const char *file, const struct yaml_node *node, const char *code,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* By file and place. */
void lint_sort(struct lint *l);

/* classify.yaml and redact.yaml, which their loaders have accepted. */
void lint_classify(struct lint *l);
void lint_redact(struct lint *l);

/* True if the list or word NODE holds TEXT. */
bool lint_holds(const struct yaml_node *node, struct bytes text);

#endif
