/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_LINT_H
#define EHR_POLICY_LINT_H

#include "common/access/access.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * lint: findings on a policy: the faults of its loaders, and errors and warnings that only a comparison of
 * rules shows.  ehr-policy(1) lists the codes.
 */
struct lint_finding {
	struct fault fault;
	bool is_warning;
	bool of_site;
};

struct lint {
	struct policy *policy;
	bool in_site; /* what is added is about the site, not the policy */
	struct lint_finding *finding;
	size_t count;
	size_t room; /* private */
};

void lint_init(struct lint *l, struct policy *p);
void lint_release(struct lint *l);

/* Adds the fault of a loader. */
void lint_fault(struct lint *l, const struct fault *f, bool is_warning);

/* Adds the warning CODE with an explanation, at NODE (NULL: the file as a whole). */
void lint_warn(struct lint *l, const char *file, const struct yaml_node *node, const char *code,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for the error CODE. */
void lint_error(struct lint *l, const char *file, const struct yaml_node *node, const char *code,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Sorts the findings by file and place. */
void lint_sort(struct lint *l);

/* Check classify.yaml and redact.yaml, which their loaders have accepted. */
void lint_classify(struct lint *l);
void lint_redact(struct lint *l);

/* Compares the paths of both files with the elements of FHIR R4, if records are FHIR. */
void lint_paths(struct lint *l);

/* Of records of FHIR: misspelt names of members, free text that no summary names, required elements. */
void lint_fhir(struct lint *l);

/* What the rules of authz/, which its loader has accepted, oblige to and no program carries out. */
void lint_duties(struct lint *l);

/*
 * The files of a site, which their loaders have accepted: register, facts, directives, subscriptions.
 * Findings name file and line, never a person.  The policy has no fault; ACCESS was loaded with the site.
 */
void lint_site(struct lint *l, const char *site, struct access *access);

#endif
