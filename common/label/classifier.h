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
 * classifier: from a record to its labels, by classify.yaml.  A base table gives each part of the record a
 * level by its place.  Rules, labels that came with the record, and parts that nobody can look into only
 * raise the level.  Only a release by name lowers it.
 *
 *	level(n) = max(base(n), raise(n))     base: of the nearest place around n that the table names
 *	                                      raise: the highest label on n or around it
 *
 * Once, when a policy is loaded:
 *
 *	ruleset.c           classify.yaml, with rules and criticality from ruleset_rules.c,
 *	condition.c         `where:` and `when:` from it, and
 *	type_plan.c         one automaton for each type over all paths that concern it
 *	terms_rules.c       `terms:`: where terms are searched, and what they label
 *	shape.c             `record:` of policy.yaml: where type, id, subject and time stand
 *
 * Then a line goes these ways:
 *
 *	classifier.c        opens the envelope: a bare, ingested or labelled line
 *	roots.c             finds the roots: the record and the resources inside of it
 *	shape.c             makes ehr.id and ehr.subject
 *	  for each root:
 *	current_root.c      chooses the plan of the root's type
 *	root_walk.c         walks the root once; adds base labels; passes on Codings (coding.c, coverage.c,
 *	                    apply.c), strings (root_terms.c, opaque.c), attachments (opaque.c), matched paths
 *	                    (apply.c), words and values of urgency (urgency.c), brought labels
 *	                    (brought_labels.c)
 *	displays.c          labels displays of references by the rules with `refers_to`
 *	apply.c             evaluates the rules whose needs were seen (condition_judge.c, quantity.c)
 *	urgency.c           drops or ages the root's urgencies
 *	  then for all roots:
 *	brought_labels.c    adds labels of the line: `floor`, and `labels` of a labelled line
 *	label_list.c        sorts the labels, joins equal ones, says which level holds where
 *	urgency.c           makes labels of urgencies; their level depends on what they were read from
 *	summary.c           raises what tells of other parts: summaries, narratives
 *	classifier.c        sums up
 *	labelled.c          writes the labelled line
 *	fhir_labels.c       writes labels into the record, if asked
 *
 * parts.h has the structs that these files own while they work.
 */
enum label_kind {
	LABEL_BASE,    /* by place */
	LABEL_DEFAULT, /* by `default:`, or of an unknown type */
	LABEL_RAISE,   /* by a rule, brought, opaque, summary, narrative, uncovered */
	LABEL_RELEASE, /* brought and lowered by `declassify:` from `was` */
	LABEL_URGENCY, /* criticality; raises no level */
};

enum { LABEL_NONE = -1 };

struct label {
	uint32_t node;
	unsigned origin;      /* for classifier_origin */
	uint64_t sensitivity; /* bit i: VOCABULARY_SENSITIVITY concept i */
	uint64_t basis;       /* bit i: VOCABULARY_PRIVACY_LAW concept i */
	uint32_t written;   /* private: number of its JSON, where that is the same in every record; else 0 */
	uint8_t kind;       /* enum label_kind */
	int8_t level;       /* index in the ladder; LABEL_NONE: gives none */
	int8_t criticality; /* index in `order:`; LABEL_NONE: not LABEL_URGENCY */
	int8_t was;         /* level, with LABEL_RELEASE */
};

/* Where a label comes from: a rule of the policy, a line of `base:`, or one of the reserved ids. */
struct label_origin {
	const char *id;
	const char *say; /* the policy's sentence; our own for a reserved id */
	const char *file;
	unsigned line;  /* 0: no line of its own */
	bool is_retold; /* summaries may tell of what it labels */
	bool retells;   /* it labels what tells of other labels: a summary, a narrative */
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
	bool subject_is_escaped; /* it came with the line, with its escapes */
	uint32_t record;         /* the record's node */
	const struct roots *roots;
	enum reason reason; /* after a refusal */
	size_t byte;        /* of the line, from 1 */
};

struct classifier;

/*
 * KEYS gains all members that the policy speaks of, so records are indexed with KEYS only afterwards.  NOW
 * (RFC 3339) may be NULL.  Policy, keys and NOW are borrowed.  NULL after a fault.
 */
struct classifier *classifier_load(
    struct policy *p, struct json_keys *keys, const char *now, struct fault *f);
void classifier_free(struct classifier *c);

/*
 * From the next line on the time is NOW, borrowed; the classifier must have been loaded with one.  False if
 * it is none.
 */
bool classifier_set_time(struct classifier *c, const char *now);

/*
 * Labels an indexed line, bare, ingested or labelled.  False: a reason of labels' (bad-label, wrong-stage,
 * bad-envelope, not-an-object, ...) and where.
 */
bool classifier_run(struct classifier *c, const struct json *j, struct labels *labels);

/*
 * From here on records are written with security labels of FHIR in them (fhir_labels.h).  False: the policy's
 * records or levels are not FHIR's.
 */
bool classifier_fhir_labels(struct classifier *c);

/* Writes the labelled line, newline included.  False: the sink failed. */
bool classifier_write(
    struct classifier *c, const struct json *j, const struct labels *labels, struct sink *out);

/* level(n) of any node of the record. */
unsigned classifier_level(
    const struct classifier *c, const struct json *j, const struct labels *labels, uint32_t node);

struct label_origin classifier_origin(const struct classifier *c, unsigned origin);
struct bytes classifier_criticality(const struct classifier *c, unsigned criticality);

/* What the policy did not see in all records so far. */
enum coverage_kind {
	COVERAGE_UNKNOWN_TYPE,   /* roots of unknown types */
	COVERAGE_NO_BASE,        /* a type that `base` does not name */
	COVERAGE_SYSTEM,         /* a code system that no value set covers */
	COVERAGE_PART_OF_SYSTEM, /* one that the value sets cover in part */
	COVERAGE_NO_CODE,        /* concepts of which there is a text alone */
	COVERAGE_NO_SUCH_CODE,   /* codes that their system cannot have, by form or check digit */
};

struct coverage {
	enum coverage_kind kind;
	struct bytes name; /* of a vocabulary or of the policy, never a text of a record */
	uint64_t records;
	size_t rows;
	unsigned place; /* in the order in which facts come; the same in each classifier of a policy */
};

/* Fact number I, from 0; false after the last. */
bool classifier_coverage(const struct classifier *c, size_t i, struct coverage *fact);

/*
 * Facts as notes for people, each given to SAY.  Several types stand in one note: a note for each would hide
 * the others.  The first of each kind says what the reader can do about it.
 */
struct coverage_notes {
	void (*say)(const char *text);
	/* private, at first zeros */
	char types[400];
	size_t used;
	bool is_advised[COVERAGE_NO_SUCH_CODE + 1];
};
void coverage_notes_add(struct coverage_notes *n, const struct coverage *fact);
/* Says what is left. */
void coverage_notes_end(struct coverage_notes *n);

#endif
