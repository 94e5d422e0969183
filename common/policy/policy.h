/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_POLICY_H
#define EHR_POLICY_POLICY_H

#include "common/base/arena.h"
#include "common/base/closest.h"
#include "common/policy/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * policy: a policy directory, read once into memory, and the name and levels of its policy.yaml.  The digest
 * and all readers use the same bytes, so a change of the directory during a run has no effect.
 *
 * Refused: links, devices, hidden files, names outside A-Z a-z 0-9 . _ / -, over 1,000 files or 64 MiB.
 */
struct policy_file {
	struct bytes name; /* relative: "valuesets/hiv.tsv" */
	const char *shown; /* as messages show it: "policies/hospital/valuesets/hiv.tsv" */
	struct bytes text; /* JSON_SLACK (64) readable zero bytes behind it */
	/* private: what policy_yaml read, and of which text */
	const struct yaml_node *tree;
	const char *tree_of;
};

struct policy_level {
	struct bytes name;
	unsigned al; /* the authorization level that a reader needs */
};

enum { POLICY_MAX_LEVELS = 64 };

struct policy {
	struct arena arena;
	const char *directory;
	char digest[72];          /* "sha256:" + 64 hex digits: of the listing */
	struct bytes listing;     /* what sha256sum prints of the sorted files; policy.p7s signs it */
	struct policy_file *file; /* sorted by name */
	size_t files;
	struct bytes name;
	struct bytes serial;
	bool has_changed;                             /* since the site noted its digest, see trust.h */
	struct policy_level level[POLICY_MAX_LEVELS]; /* lowest first, al strictly rising */
	unsigned levels;
	uint64_t condition_seconds;     /* for conditions of jq; 0 if policy.yaml does not say */
	struct bytes code_system;       /* of the levels; empty if they are the site's own */
	const struct yaml_node *root;   /* policy.yaml */
	const struct yaml_node *record; /* its `record:`; NULL if absent */
};

/*
 * Reads the directory and makes the listing and the digest; no file is parsed.  A name without a slash, which
 * is nothing here, means the policy of that name that came with the program.  False with a fault; its
 * `error` is set if the policy exists but could not be read.
 */
bool policy_gather(struct policy *p, const char *directory, struct fault *f);

/* Both.  Programs call trust_load() instead, which checks the signature, too. */
bool policy_load(struct policy *p, const char *directory, struct fault *f);

/*
 * Reads policy.yaml: after policy_gather, or anew if its text was changed.  Where policy_load failed and
 * `files` is not 0, only policy.yaml was at fault.
 */
bool policy_read(struct policy *p, struct fault *f);
void policy_release(struct policy *p);

/* The file of that relative name, NULL if there is none. */
const struct policy_file *policy_file(const struct policy *p, const char *name);

/* Reads a YAML file of the policy, each text once; NULL with a fault if it is missing or bad. */
const struct yaml_node *policy_yaml(struct policy *p, const char *name, const char **shown, struct fault *f);

/* The index of a level by name, -1 if there is none. */
int policy_level(const struct policy *p, struct bytes name);

/* For the message about an unknown level: the one that may have been meant. */
struct closest policy_level_near(const struct policy *p, struct bytes name);

/* The same for a YAML scalar.  False with a fault, which lists the levels. */
bool policy_level_node(
    const struct policy *p, const char *file, const struct yaml_node *node, unsigned *level, struct fault *f);

/* The highest level with al(level) <= AL, -1 if there is none. */
int policy_level_for(const struct policy *p, unsigned al);

#endif
