/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ROLES_H
#define EHR_ACCESS_ROLES_H

#include "common/access/attributes.h"
#include "common/access/intern.h"
#include "common/policy/policy.h"

/*
 * roles: the words that rules are written in: authz/roles.yaml (roles, permissions, relations, qualities of
 * authentication, groups of roles and of actions, attributes of the site) and authz/classes.yaml (groups of
 * record types).  Groups may hold groups; a group's name also stands for itself.
 */
enum group_kind { GROUP_ROLE, GROUP_ACTION, GROUP_CLASS, GROUP_KINDS };

struct group {
	uint32_t word;
	struct word_set all; /* everything below it and itself */
	uint32_t *leaf;      /* what it comes down to, in the order of the file, each once */
	uint32_t leaves;
	const struct yaml_node *members;
	enum { GROUP_RAW, GROUP_OPEN, GROUP_DONE } state;
};

struct relation {
	uint32_t word;
	bool to_patient;     /* else between persons */
	bool until_required; /* a fact without end is refused */
};

struct roles {
	struct group *group[GROUP_KINDS];
	uint32_t groups[GROUP_KINDS];
	struct word_set structural, functional, permissions;
	struct relation *relation;
	uint32_t relations;
	uint32_t *acr; /* weakest first */
	uint32_t acrs;
};

/* What all readers of this folder's files share; everything is borrowed. */
struct reader {
	struct arena *arena;
	struct intern *words;
	struct attributes *attributes;
	struct roles *names;
	struct policy *policy;
	struct moments *moments; /* gains the bounds of every `when` */
	const char *file;        /* at hand, as messages show it */
	struct fault *fault;
};

/* False with a fault.  Both files may be absent. */
bool roles_read(struct roles *n, struct reader *r);

const struct group *roles_group(const struct roles *n, enum group_kind kind, uint32_t word);
const struct relation *roles_relation(const struct roles *n, uint32_t word);

/* Position in the order of strength, from 0; -1 for a word outside of it. */
int roles_acr(const struct roles *n, uint32_t word);

/* Opens the map of one of this folder's files: `ehr_authz: 1` is taken. */
bool reader_open(struct reader *r, const struct yaml_node *root, struct yaml_map *m);

/* The string NODE as a word; false with a fault. */
bool reader_word(struct reader *r, const struct yaml_node *node, uint32_t *word);

#endif
