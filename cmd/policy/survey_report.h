/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SURVEY_REPORT_H
#define EHR_POLICY_SURVEY_REPORT_H

#include "cmd/policy/dry_run.h"
#include "common/base/arena.h"
#include "common/line/sink.h"
#include "common/policy/codes.h"

#include <stddef.h>

/*
 * survey_report: two tables at the end of what `survey` prints.  Each is initialized, given all records, and
 * printed.
 *
 * survey_systems: the code systems of records, by the names that stand there, and what the value sets of a
 * policy know of each.  Names are the records' own, so they go to standard output alone.
 */
struct survey_systems {
	/* private */
	const struct codes *codes; /* borrowed */
	struct json_keys *names;   /* their numbers are places in `tally` */
	struct system_tally *tally;
	struct arena arena;
	struct buffer text;
	size_t records;
	unsigned count;
};

void survey_systems_init(struct survey_systems *s, const struct codes *codes);
void survey_systems_release(struct survey_systems *s);

/* Counts the Codings in the record at NODE. */
void survey_systems_add(struct survey_systems *s, const struct json *j, uint32_t node);

/* A table, most records first; nothing if there are no Codings. */
void survey_systems_print(struct survey_systems *s, struct sink *out);

/*
 * survey_risk: the risk of re-identification.  A version singles a record out if what it shows of the record,
 * ids and subjects left aside, it shows of no other record of that type.  Whoever knows that much of a person
 * from elsewhere finds the record.  A sample tells of itself alone: in more records fewer are alone.
 */
struct survey_risk {
	/* private */
	struct policy *policy; /* borrowed */
	struct redactor *redactor;
	struct json json;
	struct buffer text;
	struct buffer shown;
	struct risk_group *group;
	size_t groups, room;
	struct arena arena;
};

void survey_risk_init(struct survey_risk *r, const struct dry_run *l);
void survey_risk_release(struct survey_risk *r);

/* The record of the last run of L. */
void survey_risk_add(struct survey_risk *r, const struct dry_run *l);

/* A line for each type and version. */
void survey_risk_print(struct survey_risk *r, struct sink *out);

#endif
