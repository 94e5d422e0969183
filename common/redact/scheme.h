/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_SCHEME_H
#define EHR_REDACT_SCHEME_H

#include "common/json/path.h"
#include "common/label/condition.h"
#include "common/label/shape.h"
#include "common/policy/policy.h"
#include "common/redact/operation.h"
#include "common/redact/redactor.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * scheme: redact.yaml, compiled.  All questions that are asked of a node are asked for all versions at once,
 * so a version is a bit, and so is its mark: what stays of a version without the places of `mark.except`.
 * Bit i is version i, bit 32 + i its mark.
 */
enum { SCHEME_MAX_VERSIONS = 32 };

static inline uint64_t
scheme_bit(unsigned version)
{
	return UINT64_C(1) << version;
}

static inline uint64_t
scheme_mark_bit(unsigned version)
{
	return UINT64_C(1) << (SCHEME_MAX_VERSIONS + version);
}

enum above { ABOVE_REMOVE, ABOVE_ABSENT, ABOVE_MASK };

/* One item of `versions:`. */
struct scheme_version {
	unsigned level;
	uint64_t bits;    /* its own and its mark's */
	uint64_t excepts; /* marks that leave out places */
	uint64_t without; /* sensitivity categories: bits of the vocabulary */
	bool stub;
	struct bytes say, view;
	unsigned line;
	struct bytes *extension; /* URLs */
	size_t extensions;
};

/* One item of a version's `transforms:`. */
struct scheme_transform {
	struct bytes id, say;
	unsigned line;
	uint64_t bits;
	bool *types; /* by type number; NULL: all */
	struct condition *where;
	struct operation operation;
	int release; /* `level:`, -1 if there is none */
};

/* What a number in the automaton stands for. */
enum scheme_use { USE_KEEP, USE_EXCEPT, USE_TRANSFORM };

struct scheme_place {
	enum scheme_use use;
	uint64_t bits;
	unsigned type;      /* USE_KEEP: in roots of that type; 0: of all */
	unsigned transform; /* USE_TRANSFORM */
};

struct scheme {
	struct policy *policy;
	const char *file; /* redact.yaml as messages show it */
	struct shape *shape;
	struct codes *codes;
	struct condition_words words; /* what conditions were compiled with */
	struct paths *paths;
	bool is_fhir;
	struct scheme_version version[SCHEME_MAX_VERSIONS];
	unsigned versions;
	struct scheme_transform *transform;
	size_t transforms;
	struct scheme_place *place;
	size_t places;
	/* types that redact.yaml names, sorted; number i + 1 is type[i], 0 any other */
	struct bytes *type;
	size_t types;
	uint64_t *type_gone;    /* by type number: bits that have no roots of it */
	uint64_t *type_changes; /* bits that change something in roots of it */
	/* sets of bits */
	uint64_t all;
	uint64_t open;                        /* whole, whatever stands in the record */
	uint64_t below;                       /* of a level below the highest, or made to leave things out */
	uint64_t hidden;                      /* presence: hidden, and not open */
	uint64_t keeps;                       /* with an allow-list of paths */
	uint64_t changes;                     /* with a transform that changes something */
	uint64_t absent;                      /* above: absent */
	uint64_t mask;                        /* above: mask */
	uint64_t drops;                       /* references: drop */
	uint64_t extends;                     /* with an allow-list of extensions */
	uint64_t excepts;                     /* marks that leave out places */
	uint64_t without;                     /* that leave out categories */
	uint64_t over[POLICY_MAX_LEVELS + 1]; /* of a level below that one */
	/* the mark */
	struct mac *mark;
	struct bytes domain;
	/* criticality, lowest first */
	struct bytes *criticality;
	unsigned criticalities;
	unsigned criticality_default;
	/* a record that holds nothing but these members holds nothing */
	struct bytes type_member, id_member;
};

/* As redactor_load. */
enum redactor_start scheme_load(struct scheme *s, struct policy *p, struct json_keys *keys,
    const struct redactor_settings *settings, struct redactor_problem *problem);
void scheme_release(struct scheme *s);

/* The number of a type, 0 if redact.yaml does not name it. */
unsigned scheme_type(const struct scheme *s, struct bytes type);

#endif
