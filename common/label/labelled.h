/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_LABELLED_H
#define EHR_LABEL_LABELLED_H

#include "common/label/run.h"

/*
 * labelled: the line that ehr-classify writes: what is known of the record, its labels, and the record as it
 * came.
 */

/* The text of a base label on NODE, kept as long as the policy. */
struct bytes labelled_base(struct run *run, uint32_t node, unsigned origin);

/* False: the sink failed. */
bool labelled_write(struct run *run, const struct json *j, const struct labels *labels, struct sink *out);

#endif
