/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_REDACTOR_H
#define EHR_REDACT_REDACTOR_H

#include "common/crypto/digest.h"
#include "common/json/json.h"
#include "common/line/sink.h"
#include "common/line/tags.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * redactor: from a labelled record to its versions, by redact.yaml.  A version of level L holds what L may
 * know; what it holds it holds byte for byte as it came, but for the transforms that the policy names.  One
 * walk over the index yields the edits of all versions: a version is the record's bytes with spans left out
 * or replaced.
 *
 * What is withheld is decided by the line's labels and by redact.yaml alone; classify.yaml is read for the
 * words of criticality, seal.yaml for the domain that a mark is bound to.
 *
 *	struct redactor *r;
 *	if (redactor_load(&r, &policy, &settings, &problem) != REDACTOR_READY) ...
 *	if (!redactor_run(r, line, &result)) refuse(result.reason, result.byte);
 *	if (!redactor_write(r, out)) ... the sink failed ...
 */
struct redactor;

struct redactor_settings {
	const char *levels;        /* "L,N": these versions only; NULL: all */
	const struct instant *now; /* for ages; NULL: not known */
	struct bytes batch;        /* for `scope: [batch]`; empty: none */
	bool other_policy;         /* take lines that another policy labelled */
	unsigned max_depth;
	size_t max_record; /* of the record inside the line */
	/* The keyed digest of that name of `keys:`, borrowed; NULL: there is none, REDACTOR_NO_KEY. */
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
};

struct redactor_problem {
	struct fault fault;
	char text[128];
};

/* Policy and keys are borrowed for the life of *R, which is NULL unless REDACTOR_READY. */
enum redactor_start redactor_load(struct redactor **r, struct policy *p,
    const struct redactor_settings *settings, struct redactor_problem *problem);
void redactor_free(struct redactor *r);

/* ---- one record ---- */
struct redaction {
	unsigned written;   /* versions that there are to write; 0: withheld at all levels asked for */
	enum reason reason; /* after a failure */
	size_t byte;        /* in the line, from 1 */
};

/* LINE is a labelled line or a tombstone, JSON_SLACK behind it, and borrowed until the next run. */
bool redactor_run(struct redactor *r, struct bytes line, struct redaction *result);

/* The versions of the last run as lines, lowest first.  False: the sink failed. */
bool redactor_write(struct redactor *r, struct sink *out);

/* ---- the versions of redact.yaml, lowest first, and what the last run made of them ---- */
unsigned redactor_versions(const struct redactor *r);
unsigned redactor_level(const struct redactor *r, unsigned version); /* index in the ladder */
struct bytes redactor_say(const struct redactor *r, unsigned version);

enum redactor_state {
	VERSION_WHOLE,    /* the record's bytes */
	VERSION_REDACTED, /* some of them */
	VERSION_STUB,     /* {} */
	VERSION_NONE,     /* no line */
};
enum redactor_state redactor_state(const struct redactor *r, unsigned version);

/* The record of a version, appended ({} for a stub, nothing for none); its tags as they will be written. */
bool redactor_record(struct redactor *r, unsigned version, struct buffer *out);
const struct tags *redactor_tags(const struct redactor *r, unsigned version);

/* ---- why: what became of each node ---- */
enum fate {
	FATE_KEPT,        /* its bytes; of an object or array: at least some of them */
	FATE_TRANSFORMED, /* replaced */
	FATE_WITHHELD,    /* gone */
};

enum fate_why {
	WHY_NONE,      /* nothing speaks against it */
	WHY_LEVEL,     /* above the version's level */
	WHY_CATEGORY,  /* of a category that the version leaves out (`without`) */
	WHY_TYPE,      /* in a root of a type that the version does not have */
	WHY_NOT_KEPT,  /* `keep` does not name it */
	WHY_TRANSFORM, /* by the transform of that index; withheld: it removes, or could not be carried out */
	WHY_PLACE, /* a copy or a trace of something else: narrative, security labels, Bundle.total, ... */
	WHY_REFERENCE, /* it refers to a root that is gone */
	WHY_EMPTY,     /* nothing of what it held is left */
	WHY_RECORD,    /* so little was left that the whole record or root is withheld */
};

struct redactor_fate {
	uint8_t fate; /* enum fate */
	uint8_t why;  /* enum fate_why */
	uint16_t transform;
};

/* From now on every run notes the fates of all nodes: for explaining, not for speed. */
void redactor_explain(struct redactor *r);

/* With redactor_explain, after a run: the index of the line, the record's node, and a node's fate. */
const struct json *redactor_json(const struct redactor *r);
uint32_t redactor_node(const struct redactor *r);
struct redactor_fate redactor_fate(const struct redactor *r, unsigned version, uint32_t node);

/* A transform: its id and sentence, and where redact.yaml says it.  And a version's own line there. */
struct redactor_rule {
	struct bytes id;
	struct bytes say;
	const char *file;
	unsigned line;
};
struct redactor_rule redactor_transform(const struct redactor *r, unsigned transform);
struct redactor_rule redactor_version_rule(const struct redactor *r, unsigned version);

/* How many nodes no operation could be carried out on (a date that is none): removed, counted. */
uint64_t redactor_failed(const struct redactor *r);

#endif
