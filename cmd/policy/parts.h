/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PARTS_H
#define EHR_POLICY_PARTS_H

#include "cmd/policy/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * parts: a record taken apart for people: each value in document order with its place, its level, the label
 * that gives it, and its fate in every version.
 */
enum { PARTS_MAX_VERSIONS = 64 };

struct part {
	uint32_t node;   /* in the pipeline's json */
	uint32_t key;    /* its key's node, 0 if it is an element or the record */
	uint32_t index;  /* of an element in its array */
	uint32_t parent; /* index of the part around it */
	uint32_t next;   /* index of the part behind it and all that it holds */
	uint32_t children;
	unsigned level;
	const struct label *label; /* what gives that level; NULL if nothing names it */
	bool uniform;              /* level, label and fates are those of all that it holds */
};

struct parts {
	const struct pipeline *pipeline;
	struct part *at;
	uint32_t count;
	unsigned versions;
	/* private */
	struct buffer room;
};

/* Takes apart the record of the pipeline's last run, which it borrows. */
void parts_init(struct parts *p, const struct pipeline *l);
void parts_release(struct parts *p);

/* What became of part I in VERSION. */
struct redactor_fate parts_fate(const struct parts *p, unsigned version, uint32_t i);

/* Appends ".name" or "[3]", the step from its parent to part I, as jq writes it. */
void parts_step(const struct parts *p, uint32_t i, struct buffer *out);

/* Appends the path of part I from the record, "." for the record itself. */
void parts_path(const struct parts *p, uint32_t i, struct buffer *out);

/* A value as people read it: without the quotes of a string. */
struct bytes parts_value(const struct json *j, uint32_t node);

#endif
