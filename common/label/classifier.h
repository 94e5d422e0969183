/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CLASSIFIER_H
#define EHR_LABEL_CLASSIFIER_H

#include "common/label/roots.h"
#include "common/label/shape.h"
#include "common/line/sink.h"
#include "common/line/tags.h"
#include "common/policy/codes.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * classifier: from a record to its labels, by classify.yaml.  A base table gives every part a level by its
 * place; rules, what came with the record, and what nobody can look into only raise; a release by name is
 * the only way down.  One walk over the index serves all rules and the criticality.
 *
 *	level(n) = max(base(n), raise(n))     base: of the nearest place that the table names
 *	                                      raise: the highest label on n or around it
 */
enum label_kind {
	LABEL_BASE,    /* by place */
	LABEL_DEFAULT, /* by `default:`, or of an unknown type */
	LABEL_RAISE,   /* rules, floors, opaque, narrative, uncovered */
	LABEL_RELEASE, /* declassify: what it lowered stands in `was` */
	LABEL_URGENCY, /* criticality; raises nothing */
};

enum { LABEL_NONE = -1 };

struct label {
	uint32_t node;
	enum label_kind kind;
	int level;            /* index in the ladder; LABEL_NONE: gives none */
	uint64_t sensitivity; /* bit i: VOCABULARY_SENSITIVITY concept i */
	uint64_t basis;       /* bit i: VOCABULARY_PRIVACY_LAW concept i */
	int criticality;      /* index in `order:`; LABEL_NONE: not LABEL_URGENCY */
	int was;              /* with LABEL_RELEASE */
	unsigned origin;      /* for classifier_origin */
	struct bytes written; /* private: its text, where it is the same in every record */
};

/* Whence a label comes: a rule of the policy, or what it says of places (base: the line of that path). */
struct label_origin {
	const char *id;
	const char *say; /* the policy's sentence; of a reserved id our own */
	const char *file;
	unsigned line; /* 0: no line of its own */
};

/* A record's labels, owned by the classifier and good until the next run. */
struct labels {
	const struct label *at; /* in document order, then policy order; the first is the root's */
	size_t count;
	unsigned level; /* the high-water mark */
	uint64_t sensitivity;
	unsigned criticality;
	struct bytes id; /* ehr.id: unescaped */
	struct bytes subject;
	bool subject_is_escaped; /* it came with the line, escapes as they stand */
	uint32_t record;         /* the record's node */
	const struct roots *roots;
	enum reason reason; /* after a failure */
	size_t byte;
};

struct classifier;

/*
 * KEYS gains all members that the policy speaks of: afterwards records are parsed with them.  NOW (RFC 3339)
 * may be NULL.  Policy and keys are borrowed.  NULL after a fault.
 */
struct classifier *classifier_load(
    struct policy *p, struct json_keys *keys, const char *now, struct fault *f);
void classifier_free(struct classifier *c);

/*
 * Labels an indexed line, bare, ingested or labelled.  False: a reason of labels' (bad-label, wrong-stage,
 * bad-envelope, not-an-object, ...) and where.
 */
bool classifier_run(struct classifier *c, const struct json *j, struct labels *labels);

/* Writes the labelled line, newline included.  False: the sink failed. */
bool classifier_write(
    struct classifier *c, const struct json *j, const struct labels *labels, struct sink *out);

/* level(n) of any node of the record. */
unsigned classifier_level(
    const struct classifier *c, const struct json *j, const struct labels *labels, uint32_t node);

struct label_origin classifier_origin(const struct classifier *c, unsigned origin);
struct bytes classifier_criticality(const struct classifier *c, unsigned criticality);

/* ---- coverage: what the policy did not see in all records so far ---- */
enum coverage_kind {
	COVERAGE_UNKNOWN_TYPE,   /* of records or parts that nobody knows */
	COVERAGE_NO_BASE,        /* a type of which `base` does not speak */
	COVERAGE_SYSTEM,         /* a code system that no value set covers */
	COVERAGE_PART_OF_SYSTEM, /* one that the value sets cover in part */
};

struct coverage {
	enum coverage_kind kind;
	struct bytes name; /* a word of ours or the policy's, never a record's: "another system" */
	uint64_t records;
	size_t rows;
};

/* The facts one after another from 0; false behind the last. */
bool classifier_coverage(const struct classifier *c, size_t i, struct coverage *fact);

#endif
