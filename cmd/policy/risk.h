/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_RISK_H
#define EHR_POLICY_RISK_H

#include "cmd/policy/pipeline.h"
#include "common/line/sink.h"

#include <stddef.h>

/*
 * risk: which records of a sample a version singles out: what it shows of them, its ids and subjects left
 * aside, it shows of no other record of that type.  Who knows that much of a person from elsewhere finds the
 * record.  A sample tells of itself alone: in more records fewer are alone.
 */
struct risk {
	struct policy *policy; /* borrowed */
	struct redactor *redactor;
	struct json json;
	struct buffer text;
	struct buffer shown;
	struct risk_group *group;
	size_t groups, room;
	struct arena arena;
};

void risk_init(struct risk *r, const struct pipeline *l);
void risk_release(struct risk *r);

/* The record of the last run of L. */
void risk_add(struct risk *r, const struct pipeline *l);

/* A line for each type and version. */
void risk_print(struct sink *out, struct risk *r);

#endif
