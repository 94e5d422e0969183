/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_SCHEME_H
#define EHR_REDACT_SCHEME_H

#include "common/base/bisect.h"
#include "common/json/path.h"
#include "common/label/condition.h"
#include "common/label/shape.h"
#include "common/policy/policy.h"
#include "common/redact/kinds.h"
#include "common/redact/operation.h"
#include "common/redact/redactor.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * scheme: redact.yaml, compiled.  The walk asks each question for all versions at once, so a version is a
 * bit of a 64-bit set.  So is its mark's record, the version without the places of `mark.except`: bit i is
 * version i, bit 32 + i its mark.  Marks are made only where notify.yaml has `visible_change`.
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

/* One item of `versions:`. */
struct scheme_version {
	unsigned level;   /* index in the ladder */
	uint64_t bits;    /* its own and its mark's */
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
	bool *types; /* by type number; NULL: all */
	struct condition *where;
	struct operation operation;
	int release; /* `level:`, -1 if there is none */
};

/* A path of redact.yaml: what its number in the automaton stands for. */
enum scheme_use { SCHEME_KEEP, SCHEME_EXCEPT, SCHEME_TRANSFORM, SCHEME_SUMMARY };

struct scheme_place {
	enum scheme_use use;
	uint64_t bits;
	unsigned type;           /* SCHEME_KEEP, SCHEME_SUMMARY: in roots of that type; 0: of all */
	unsigned transform;      /* SCHEME_TRANSFORM */
	const struct form *form; /* SCHEME_KEEP: what a value must look like; NULL: a bare path */
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
	struct scheme_place *place; /* by number in the automaton */
	size_t places;
	struct kinds *kinds;      /* NULL: no version asks for forms */
	struct kinds_at *element; /* by type number: what stands at such a root */
	/* the types that redact.yaml names, sorted: type[i] has number i + 1, any other type 0 */
	struct bytes *type;
	size_t types;
	uint64_t *type_gone;        /* by type number: bits that have no roots of it */
	uint64_t *type_transformed; /* by type number: bits that change something in roots of it */
	bool *has_no_summary;       /* by type number */
	/* names of summaries anywhere */
	uint16_t *summary; /* keys */
	size_t summaries;
	uint16_t *coding; /* keys of members that hold a Coding */
	size_t codings;
	/* sets of bits */
	uint64_t no_summary;       /* lose summaries */
	uint64_t may_retell;       /* those, and those that lose them where a decision takes something out */
	uint64_t asked;            /* of the versions to make */
	uint64_t always_whole;     /* of the highest level, and nothing is left out or changed */
	uint64_t may_lack;         /* below the highest level, or with `keep`, `types` or `without` */
	uint64_t hidden;           /* presence: hidden, and not always whole */
	uint64_t has_keep;         /* with `keep` */
	uint64_t strict;           /* with `keep`, whose bare paths have the forms of FHIR R4 */
	uint64_t has_except;       /* marks that leave out places */
	uint64_t transforming;     /* with a transform that changes something */
	uint64_t leaves_absent;    /* above: absent */
	uint64_t leaves_mask;      /* above: mask */
	struct json_keys *names;   /* FHIR's, where one of those two is set: others tell; NULL */
	uint64_t drops_references; /* references: drop, and views */
	uint64_t views;            /* with a `view` beside `types`: nothing tells of other types */
	uint64_t lists_extensions; /* with `extensions` */
	uint64_t below_level[POLICY_MAX_LEVELS + 1]; /* of a level below that one */
	/* the mark */
	struct mac *mark;  /* borrowed; NULL: versions have none */
	bool mark_excepts; /* else a mark's record is the version's, and no bit of its own is needed */
	struct bytes domain;
	/* criticality, lowest first */
	struct bytes *criticality;
	unsigned criticalities;
	unsigned criticality_default;
	/* the members of a record's type and id: a record of nothing else is empty */
	struct bytes type_member, id_member;
};

/* As redactor_load. */
enum redactor_start scheme_load(struct scheme *s, struct policy *p, struct json_keys *keys,
    const struct redactor_settings *settings, struct redactor_problem *problem);
void scheme_release(struct scheme *s);

/* The number of a type, 0 if redact.yaml does not name it. */
static inline unsigned
scheme_type(const struct scheme *s, struct bytes type)
{
	struct bisect b = { .high = s->types };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(s->type[b.middle], type) < 0);
	return b.low < s->types && bytes_equal(s->type[b.low], type) ? (unsigned)b.low + 1 : 0;
}

#endif
