/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_SCHEME_READ_H
#define EHR_REDACT_SCHEME_READ_H

#include "common/redact/scheme.h"

/*
 * scheme_read: what the parts of redact.yaml have in common while they are read: types, paths, keys, value
 * sets. All functions return false, or NULL, after a fault.
 */
struct scheme_read {
	struct scheme *s;
	struct arena *arena;
	struct json_keys *keys;
	const struct redactor_settings *settings;
	const struct yaml_node *key_names; /* `keys:` */
	const struct yaml_node *mark;      /* the node that names the mark's key */
	struct fault *fault;
	char *missing; /* the first key that is not there; room for 128 bytes */
	bool needs_now, needs_batch;
	size_t place_room;
};

/* What the top of the file says for all versions, and a version for itself. */
enum scheme_above { SCHEME_REMOVE, SCHEME_ABSENT, SCHEME_MASK };
enum { SCHEME_HIDDEN, SCHEME_SHOWN };

struct scheme_habits {
	unsigned above;      /* enum scheme_above */
	unsigned withheld;   /* 1: a stub */
	unsigned presence;   /* SCHEME_HIDDEN, SCHEME_SHOWN */
	unsigned references; /* 1: they are dropped */
};

/* Numbers the types that VERSIONS name.  Tables are indexed by the numbers, so this comes first. */
bool scheme_read_types(struct scheme_read *r, const struct yaml_node *versions);

/* Adds the path NODE, or each of a list of them, for PLACE. */
bool scheme_read_paths(struct scheme_read *r, const struct yaml_node *node, const struct scheme_place *place);

/* The map KEY of classify.yaml, which *SHOWN names in messages; NULL if it has none. */
const struct yaml_node *scheme_read_classify(
    const struct scheme_read *r, const char *key, const char **shown);

/* Loads the value sets of classify.yaml, which conditions need, unless they are there. */
bool scheme_read_codes(struct scheme_read *r);

/* True if `keys:` has the key of that name. */
bool scheme_read_listed(struct scheme_read *r, const struct yaml_node *name, struct fault *f);

/* The key of that name.  CONTEXT is the struct scheme_read. */
struct mac *scheme_read_key(void *context, const struct yaml_node *name, struct fault *f);

/*
 * scheme_keep.c: `keep:` of a version.  Once all of the version is read, scheme_keep_check finds bare paths
 * to places whose values have no form.
 */
bool scheme_keep_read(struct scheme_read *r, const struct yaml_node *keep, const struct scheme_version *v);
bool scheme_keep_check(
    struct scheme_read *r, const struct yaml_node *version, const struct scheme_version *v);

/* After all versions: makes known the elements of FHIR R4 of the types that versions with `keep` have. */
void scheme_keep_kinds(struct scheme_read *r);

/* scheme_version.c: `versions:`, whose habits are HABITS unless a version says otherwise. */
bool scheme_version_habits(struct yaml_map *m, struct scheme_habits *h, struct fault *f);
bool scheme_version_all(
    struct scheme_read *r, const struct yaml_node *versions, const struct scheme_habits *habits);

/*
 * scheme_summary.c: `summaries:`.  A version in which nobody may see that something is missing never has
 * summaries: whether one may be shown depends on what else the record holds.
 */
bool scheme_summary_read(struct scheme_read *r);

#endif
