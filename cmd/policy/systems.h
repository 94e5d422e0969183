/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SYSTEMS_H
#define EHR_POLICY_SYSTEMS_H

#include "common/base/arena.h"
#include "common/json/json.h"
#include "common/line/sink.h"
#include "common/policy/codes.h"

#include <stddef.h>

/*
 * systems: the code systems of records, by the names that stand there, and what the value sets of a policy
 * know of each.  Names are the records' own, so they go to standard output alone.
 */
struct systems {
	/* private */
	const struct codes *codes; /* borrowed */
	struct json_keys *names;   /* their numbers are places in `tally` */
	struct system_tally *tally;
	struct arena arena;
	struct buffer text;
	size_t records;
	unsigned count;
};

void systems_init(struct systems *s, const struct codes *codes);
void systems_release(struct systems *s);

/* Counts the Codings in the record at NODE. */
void systems_add(struct systems *s, const struct json *j, uint32_t node);

/* A table, most records first; nothing if there are no Codings. */
void systems_print(struct systems *s, struct sink *out);

#endif
