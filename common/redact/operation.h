/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_OPERATION_H
#define EHR_REDACT_OPERATION_H

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/crypto/digest.h"
#include "common/json/json.h"
#include "common/label/fhir_labels.h"
#include "common/policy/codes.h"
#include "common/policy/yaml.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * operation: `do:` of a transform.  A value that an operation does not understand (a string that is no
 * date, a number where a string belongs) is removed and never passed on.
 *
 *	do: keep | remove | absent | mask
 *	do: {replace: X}
 *	do: {hash: {key: NAME, scope: [subject, type, year, month, batch]}}
 *	do: {truncate: year|month|day|hour, drop_over_age: 89}
 *	do: {round: {to: 0.5}} or {round: {digits: 1}}
 *	do: {band: {width: 10, from: 0, cap: 90}} or {band: {edges: [1, 5, 10]}}
 *	do: {date_shift: {key: NAME, days: 365, scope: [subject]}}
 *	do: {zip: {digits: 3, restricted: VALUE SET}}    of five or nine digits; 000 if restricted
 *	do: {code: {characters: 3}}
 *	do: {display: from_value_set}
 */
enum operation_outcome {
	OPERATION_KEEP,
	OPERATION_REPLACE,
	OPERATION_ABSENT,
	OPERATION_REMOVE, /* not understood, unless the operation is to remove */
	OPERATION_HIDE,   /* understood, and nothing of it may stay: an age over the bound */
};

enum operation_scope {
	OPERATION_SUBJECT,
	OPERATION_TYPE,
	OPERATION_YEAR,
	OPERATION_MONTH,
	OPERATION_BATCH,
	OPERATION_SCOPES
};

struct operation_entry;

/* One `do:`.  The entry says which members it uses; the others are zeros. */
struct operation {
	const struct operation_entry *entry;
	struct bytes constant; /* replace: JSON text */
	struct mac *key;       /* hash, date_shift */
	bool scope[OPERATION_SCOPES];
	unsigned precision;  /* truncate: enum date_precision; DATE_TIME is the hour */
	uint64_t over_age;   /* truncate; 0: no such bound */
	struct decimal step; /* round, band: a multiple of it */
	struct decimal from; /* band: values below are removed */
	struct decimal cap;  /* band: values from here on become `constant` */
	bool has_from, has_cap;
	struct bytes *edge; /* band: ascending */
	size_t edges;
	uint64_t days;             /* date_shift */
	uint64_t characters;       /* zip, code */
	const struct codes *codes; /* zip, code, display */
	int restricted;            /* zip: a value set; -1: none */
};

/* For reading operations; all borrowed.  KEY gives a key by its name, NULL after a fault. */
struct operation_words {
	struct arena *arena;
	const char *file;
	struct mac *(*key)(void *context, const struct yaml_node *name, struct fault *f);
	const struct codes *(*codes)(void *context); /* the value sets of classify.yaml, NULL after a fault */
	void *context;
};

/* Reads a `do:`.  False after a fault. */
bool operation_read(
    struct operation *o, const struct operation_words *w, const struct yaml_node *node, struct fault *f);

/* True for `keep`, and for `remove`. */
bool operation_keeps(const struct operation *o);
bool operation_removes(const struct operation *o);

/* True for `code` and `display`: the result tells of the members system and code of a Coding. */
bool operation_reads_coding(const struct operation *o);

/* What FHIR calls a value that the operation has changed; FHIR_LABELS_DONE: nothing. */
enum fhir_labels_done operation_done(const struct operation *o);

/* True if it needs the time of now, and if it needs the name of a batch. */
bool operation_needs_now(const struct operation *o);
bool operation_needs_batch(const struct operation *o);

/* A value to work on. */
struct operation_value {
	const struct json *json;
	uint32_t node;
	uint32_t around;           /* the object that has it as a member */
	bool is_reference;         /* the string of a Reference, or a fullUrl: its id is hashed */
	struct bytes subject;      /* of the record; empty: none */
	struct bytes type;         /* of the root */
	const struct period *time; /* of the record, NULL: none */
	struct bytes batch;
	const struct instant *now;
	struct buffer *room; /* for unescaping, the caller's */
};

/* With OPERATION_REPLACE the new JSON value was appended to OUT, else OUT is as it was. */
enum operation_outcome operation_apply(
    const struct operation *o, const struct operation_value *v, struct buffer *out);

#endif
