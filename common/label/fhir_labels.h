/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_FHIR_LABELS_H
#define EHR_LABEL_FHIR_LABELS_H

#include "common/base/buffer.h"
#include "common/json/json.h"
#include "common/label/roots.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * fhir_labels: writes security labels into a record (FHIR R4, 6.1.3; the DS4P guide for labels of elements).
 * All else stays byte for byte, and no array element moves, so that JSON Pointers to what was there hold.
 *
 *	meta.security    the confidentiality code in place of the one there, else behind the last code; each
 *	                 sensitivity category; what was done to the record.  Codes that are there stay once.
 *	meta             made after `id`, else after `resourceType`; a `meta` that is a scalar is replaced
 *	contained roots  get no meta.security (FHIR dom-5): the root around them has their labels
 *	elements         an extension in the element, or in `_x` beside a primitive x
 *
 * An element that can hold no such extension (an Extension, an id, a div) leaves its label to the nearest one
 * around it that can.  Nothing is written in meta, which has the label of its root.
 */
enum fhir_labels_done {
	FHIR_LABELS_REDACTED,
	FHIR_LABELS_MASKED,
	FHIR_LABELS_PSEUDED,
	FHIR_LABELS_ABSTRED,
	FHIR_LABELS_DONE
};

/* The labels of a root. */
struct fhir_labels_sum {
	unsigned level;       /* index in the ladder */
	uint64_t sensitivity; /* bit i: VOCABULARY_SENSITIVITY concept i */
	uint64_t basis;       /* bit i: VOCABULARY_PRIVACY_LAW concept i */
	unsigned done;        /* bit i: enum fhir_labels_done */
};

/* A label of an element. */
struct fhir_labels_part {
	uint32_t node;
	int level; /* below 0: none */
	uint64_t sensitivity;
};

/* What to write; borrowed. */
struct fhir_labels_wanted {
	const struct fhir_labels_sum *sum;   /* by root */
	const struct fhir_labels_part *part; /* by node */
	size_t parts;
	bool has_pointers; /* somebody names elements of meta.security by number: none is removed */
};

struct fhir_labels {
	const struct policy *policy; /* borrowed: the names of levels, and their code system */
	/* private */
	const struct json *json;
	uint32_t record; /* node */
	struct buffer frames, parts, splices, text, room;
};

void fhir_labels_init(struct fhir_labels *l, const struct policy *p);
void fhir_labels_release(struct fhir_labels *l);

/* Finds where to write into the first of ROOTS and those inside. */
void fhir_labels_find(struct fhir_labels *l, const struct json *j, const struct roots *roots,
    const struct fhir_labels_wanted *wanted);

/* Hands the record with its labels to PUT piece by piece.  False as soon as PUT answers false. */
bool fhir_labels_each(
    const struct fhir_labels *l, bool (*put)(void *context, struct bytes piece), void *context);

#endif
