/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_FHIR_LABELS_PARTS_H
#define EHR_LABEL_FHIR_LABELS_PARTS_H

#include "common/label/fhir_labels.h"

/* fhir_labels_parts: what the files of fhir_labels share. */
#define FHIR_LABELS_NONE UINT32_MAX

/* An element that gets labels, the key of a primitive without `_x`, or an array `_x` with no object there. */
struct fhir_labels_place {
	uint32_t node;
	uint32_t index; /* in the array, NODE or under the key NODE; FHIR_LABELS_NONE: there is no array */
	int level;
	uint64_t sensitivity;
};

/* fhir_labels_tour.c: a record while it is walked. */
struct fhir_labels_tour {
	const struct roots *roots;
	const struct fhir_labels_part *part, *parts_end;
	size_t next_root;
	unsigned char *is_contained; /* by root */
	bool at_root, at_contained;  /* what the node at hand is */
};

/* Finds where the labels of elements go (l->parts), and which roots are contained. */
void fhir_labels_tour(struct fhir_labels *l, struct fhir_labels_tour *t);

static inline uint32_t
fhir_labels_member(const struct fhir_labels *l, uint32_t node, const char *name)
{
	return json_member(l->json, node, bytes_of(name));
}

#endif
