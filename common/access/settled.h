/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_SETTLED_H
#define EHR_ACCESS_SETTLED_H

#include "common/access/intern.h"
#include "common/access/reader.h"

/*
 * settled: what ehr-consent says of each directive: which bytes of it are in force.
 */
struct settled;

struct settlement {
	struct bytes in_force; /* "sha256:.."; empty: nothing is */
	bool over;             /* closed or inactive, so nothing is on its way either */
};

/*
 * NDJSON {"patient":..,"directive":..,"state":..,"in_force":..}.  TEXT has JSON_SLACK bytes behind it and is
 * needed no longer than the call.  NULL with a fault, among others for a directive with two lines.
 */
struct settled *settled_read(struct access_reader *r, struct bytes text);
void settled_free(struct settled *s);

/* NULL if the directive has no line. */
const struct settlement *settled_find(struct settled *s, struct bytes patient, struct bytes directive);

#endif
