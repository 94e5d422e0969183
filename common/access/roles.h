/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ROLES_H
#define EHR_ACCESS_ROLES_H

#include "common/access/intern.h"
#include "common/access/reader.h"

/*
 * roles: the names that rules are written with.  authz/roles.yaml has roles, permissions, relations, degrees
 * of authentication (acr), groups of roles and of actions, the site's own attributes and the values that
 * attributes may have; authz/classes.yaml has groups of record types.  A group may hold groups.  Its name
 * also stands for itself.
 */
enum roles_group_kind { GROUP_ROLE, GROUP_ACTION, GROUP_CLASS, GROUP_KINDS };

struct roles_group {
	uint32_t word;
	struct intern_set all; /* itself, its groups and their members */
	uint32_t *leaf;        /* its members that are no groups, in the order of the file, each once */
	uint32_t leaves;
	/* private */
	const struct yaml_node *members;
	enum { GROUP_UNREAD, GROUP_BEING_READ, GROUP_READ } state;
};

struct relation {
	uint32_t word;
	bool to_patient;     /* else between persons */
	bool until_required; /* a fact without end is refused */
	int64_t longest;     /* seconds that one may declare it for; 0: it is not declared */
};

struct roles {
	struct roles_group *group[GROUP_KINDS];
	uint32_t groups[GROUP_KINDS];
	struct intern_set structural, functional, permissions;
	struct relation *relation;
	uint32_t relations;
	uint32_t *acr; /* weakest first */
	uint32_t acrs;
	struct intern_set *values; /* by attribute; count 0: any value; NULL: no attribute has a list */
};

/* Both files may be absent.  The site's attributes go to r->attributes.  False with a fault. */
bool roles_read(struct roles *roles, struct access_reader *r);

/* True if WORD is a structural or functional role or a group of roles. */
bool roles_has(const struct roles *roles, uint32_t word);

/* False if authz/roles.yaml names no role at all. */
bool roles_name_any(const struct roles *roles);

/* The nearest role or group of roles, and the nearest relation, for a message. */
struct closest roles_near(const struct roles *roles, const struct access_reader *r, struct bytes text);
struct closest roles_near_relation(
    const struct roles *roles, const struct access_reader *r, struct bytes text);

/* NULL if WORD names none. */
const struct roles_group *roles_find_group(
    const struct roles *roles, enum roles_group_kind kind, uint32_t word);
const struct relation *roles_relation(const struct roles *roles, uint32_t word);

/* The position in the order of strength, from 0; -1 for a word that is not in it. */
int roles_acr(const struct roles *roles, uint32_t word);

#endif
