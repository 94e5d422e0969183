/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_OPERATION_H
#define EHR_REDACT_OPERATION_H

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/crypto/digest.h"
#include "common/json/json.h"
#include "common/policy/yaml.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * operation: what `do:` of a transform makes of a value.  What an operation does not understand (a date that
 * is none, a number where a string belongs) is removed, never passed on.
 *
 *	do: keep | remove | absent | mask
 *	do: {replace: X}
 *	do: {hash: {key: NAME, scope: [subject, type, year, month, batch]}}
 *	do: {truncate: year|month|day|hour, drop_over_age: 89}
 *	do: {round: {to: 0.5}} or {round: {digits: 1}}
 *	do: {band: {width: 10, from: 0, cap: 90}} or {band: {edges: [1, 5, 10]}}
 */
enum outcome { OUTCOME_KEEP, OUTCOME_REPLACE, OUTCOME_ABSENT, OUTCOME_REMOVE };

enum hash_scope { SCOPE_SUBJECT, SCOPE_TYPE, SCOPE_YEAR, SCOPE_MONTH, SCOPE_BATCH, SCOPES };

struct operation_entry;

/* One `do:`; which members mean something depends on the entry. */
struct operation {
	const struct operation_entry *entry;
	struct bytes constant; /* replace: JSON text */
	struct mac *key;       /* hash */
	bool scope[SCOPES];
	unsigned precision;  /* truncate: enum date_precision; DATE_TIME is the hour */
	uint64_t over_age;   /* truncate; 0: no such bound */
	struct decimal step; /* round, band: a multiple of it */
	struct decimal from; /* band: what is below is removed */
	struct decimal cap;
	bool has_from, has_cap;
	struct bytes *edge; /* band: ascending */
	size_t edges;
};

/* What operations are read with. */
struct operation_words {
	struct arena *arena;
	const char *file;
	struct mac *(*key)(void *context, const struct yaml_node *name, struct fault *f);
	void *context;
};

/* Reads a `do:`.  False after a fault; an operation that is not offered is one. */
bool operation_read(
    struct operation *o, const struct operation_words *w, const struct yaml_node *node, struct fault *f);

/* True if a value passes it as it is. */
bool operation_keeps(const struct operation *o);
/* True if removing is what it is for. */
bool operation_removes(const struct operation *o);
/* True if it leaves a sign that data are absent, as FHIR writes it. */
bool operation_blanks(const struct operation *o);
bool operation_needs_now(const struct operation *o);
bool operation_needs_batch(const struct operation *o);

/* A value to work on. */
struct operation_value {
	const struct json *json;
	uint32_t node;
	bool is_reference;         /* text of a Reference or a fullUrl: its id is what counts */
	struct bytes subject;      /* of the record; empty: none */
	struct bytes type;         /* of the root */
	const struct period *time; /* of the record, NULL: none */
	struct bytes batch;
	const struct instant *now;
	struct buffer *room; /* for unescaping: the caller's */
};

/* OUTCOME_REPLACE: the new JSON value was appended to OUT.  Otherwise OUT is as it was. */
enum outcome operation_apply(const struct operation *o, const struct operation_value *v, struct buffer *out);

#endif
