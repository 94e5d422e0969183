/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_REDACTOR_H
#define EHR_REDACT_REDACTOR_H

#include "common/crypto/digest.h"
#include "common/json/json.h"
#include "common/line/sink.h"
#include "common/line/tags.h"
#include "common/policy/policy.h"
#include "common/redact/obligations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * redactor: makes of a labelled record its versions, by redact.yaml.  The version of a level holds what its
 * readers may know.  Bytes that no transform changes stay as they came: a version is the record with spans
 * left out or replaced.
 *
 * The labels of the line and redact.yaml decide what is withheld, and `summaries:` of classify.yaml where
 * presence is hidden.  From classify.yaml come also the words of criticality and the value sets of
 * conditions, from seal.yaml the domain that a mark is bound to.
 *
 *	labels --> notes.c ---+               what the labels say, by node
 *	                      |
 *	record --> outline.c -+               its roots and types; versions that certainly are whole
 *	                      v
 *	+------------------ walk.c ----+      each node, for all versions at once
 *	|                              |
 *	|    view.c                    |      what speaks against the node, in which versions
 *	|      v                       |
 *	|    decide.c                  |      which versions keep, replace or lose it
 *	|      v                       |
 *	|    edits.c                   |      spans to remove or replace, for each version
 *	|                              |
 *	+--- again, if what was lost --+      a reference goes with its target
 *	     takes more along |
 *	                      v
 *	                  redactor.c          versions: the bytes between the spans
 *
 * The life of one node, the second note of a record, in version N, which may not hold what is of level R:
 *
 *	labels  {"at":"","level":"N","rule":"base"}  {"at":"/note/1","level":"R","rule":"hiv"}
 *	record  {"resourceType":"Observation","note":[{"text":"tired"},{"text":"on PrEP"}],"status":"final"}
 *	        0                                     38               55                 73
 *
 *	notes.c     /note/1: raise R
 *	outline.c   one root, an Observation, and no references; V, the highest level, is always whole
 *	walk.c      enters note for the bit of N, because a label is inside, and visits /note/1
 *	view.c      base N, raise R: above_level = {N}, and all that is in it is above N too: undecided = {}
 *	decide.c    stays = {}, so N loses it; no sign may stand in its place (presence: hidden)
 *	edits.c     N: remove 54..73, the node and the comma before it
 *	walk.c      no reference and no security label depends on it: no other turn
 *	redactor.c  N: {"resourceType":"Observation","note":[{"text":"tired"}],"status":"final"}
 *
 *	struct redactor *r;
 *	if (redactor_load(&r, &policy, &settings, &problem) != REDACTOR_READY) ...
 *	if (!redactor_run(r, line, &result)) refuse(result.reason, result.byte);
 *	if (!redactor_write(r, out)) ... the sink failed ...
 */
struct redactor;

/* A decision on access: one version of each record of one patient, and less of it. */
struct redactor_decision {
	unsigned level;                        /* the version is the highest that is not above it */
	struct bytes subject;                  /* "p1" or "Patient/p1" */
	const struct obligations *obligations; /* NULL: none */
};

/* Strings and bytes are borrowed for the life of the redactor. */
struct redactor_settings {
	const char *levels;                       /* "L,N": these versions only; NULL: all */
	const struct instant *now;                /* for ages; NULL: not known */
	struct bytes batch;                       /* for `scope: [batch]`; empty: none */
	bool other_policy;                        /* take lines that another policy labelled */
	const struct redactor_decision *decision; /* NULL: none; borrowed */
	bool fhir_labels;                         /* write security labels of FHIR into the versions */
	unsigned max_depth;
	size_t max_record; /* of the record inside the line */
	/* The keyed digest NAME of `keys:`, borrowed.  NULL if there is none: REDACTOR_NO_KEY. */
	struct mac *(*key)(void *context, struct bytes name);
	void *context;
};

enum redactor_start {
	REDACTOR_READY,
	REDACTOR_FAULT,         /* the policy: fault */
	REDACTOR_NO_KEY,        /* text: its name */
	REDACTOR_NEEDS_NOW,     /* the policy computes ages */
	REDACTOR_NEEDS_BATCH,   /* the policy binds tokens to the batch */
	REDACTOR_UNKNOWN_LEVEL, /* text: what `levels` names and redact.yaml does not */
	REDACTOR_NO_FHIR,       /* `fhir_labels`, and the policy's records or levels are not FHIR's */
	REDACTOR_NO_VERSION,    /* redact.yaml has none that the decision allows */
};

struct redactor_problem {
	struct fault fault;
	char text[128];
};

/* Policy and keys are borrowed for the life of *R, which is NULL unless REDACTOR_READY. */
enum redactor_start redactor_load(struct redactor **r, struct policy *p,
    const struct redactor_settings *settings, struct redactor_problem *problem);
void redactor_free(struct redactor *r);

/* What became of one record. */
struct redaction {
	unsigned written;   /* versions to write; 0: the record is withheld at all levels asked for */
	enum reason reason; /* after a failure */
	size_t byte;        /* in the line, from 1 */
};

/*
 * LINE is a labelled line or a tombstone with JSON_SLACK behind it, borrowed until the next run.  False:
 * refused.
 */
bool redactor_run(struct redactor *r, struct bytes line, struct redaction *result);

/* The versions of the last run as lines, lowest first.  False: the sink failed. */
bool redactor_write(struct redactor *r, struct sink *out);

/* The versions of redact.yaml, lowest first. */
unsigned redactor_versions(const struct redactor *r);
unsigned redactor_level(const struct redactor *r, unsigned version); /* index in the ladder */

/* What the last run made of a version. */
enum redactor_state {
	VERSION_WHOLE,    /* the record's bytes */
	VERSION_REDACTED, /* some of them */
	VERSION_STUB,     /* {} */
	VERSION_NONE,     /* no line */
};
enum redactor_state redactor_state(const struct redactor *r, unsigned version);

/* Appends the record of a version: {} for a stub, nothing for none.  False: OUT is full. */
bool redactor_record(struct redactor *r, unsigned version, struct buffer *out);

/* Its tags as they will be written. */
const struct tags *redactor_tags(const struct redactor *r, unsigned version);

/* What became of a node in a version, and why. */
enum fate {
	FATE_KEPT,        /* it stays; of an object or array at least a part */
	FATE_TRANSFORMED, /* it is replaced */
	FATE_WITHHELD,    /* it is gone */
};

enum fate_why {
	WHY_NONE,
	WHY_LEVEL,     /* above the version's level */
	WHY_CATEGORY,  /* of a category that the version leaves out (`without`) */
	WHY_TYPE,      /* in a root of a type that the version does not have */
	WHY_FORM,      /* `keep` names it, but the value does not have the form that it must have */
	WHY_NOT_KEPT,  /* `keep` does not name it */
	WHY_TRANSFORM, /* by that transform; withheld: it removes, or could not be carried out */
	WHY_PLACE,     /* it copies or counts something else: narrative, security labels, Bundle.total, ... */
	WHY_REFERENCE, /* it refers to a root that is withheld, or nothing refers to it any more */
	WHY_EMPTY,     /* nothing of what it held is left */
	WHY_RECORD,    /* nothing of its root but type, id and meta is left */
};

struct redactor_fate {
	uint8_t fate; /* enum fate */
	uint8_t why;  /* enum fate_why */
	uint16_t transform;
};

/* From now on each run notes the fates of all nodes, which takes time. */
void redactor_explain(struct redactor *r);

/*
 * After such a run.  NODE is counted from the record, which is 0, in document order as struct json has it.
 */
struct redactor_fate redactor_fate(const struct redactor *r, unsigned version, uint32_t node);

/* What redact.yaml says of a transform, or of a version (whose id is its level), and where. */
struct redactor_rule {
	struct bytes id;
	struct bytes say;
	const char *file;
	unsigned line;
};
struct redactor_rule redactor_transform(const struct redactor *r, unsigned transform);
struct redactor_rule redactor_version_rule(const struct redactor *r, unsigned version);

/*
 * The number of nodes so far that an operation did not understand (a string that is no date) and removed.
 */
uint64_t redactor_failed(const struct redactor *r);
#define REDACTOR_NOT_UNDERSTOOD "not-understood: %" PRIu64 " values, such as a malformed time, were removed"

#endif
