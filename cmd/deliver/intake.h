/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_INTAKE_H
#define EHR_DELIVER_INTAKE_H

#include "cmd/deliver/spool.h"
#include "common/base/reason.h"
#include "common/json/json.h"
#include "common/line/sealed_line.h"
#include "common/policy/notify_policy.h"

/*
 * intake: the lines of ehr-notify into the spool.  An id that is there already is counted and changes
 * nothing, so a line may come twice.
 *
 * An event line sets what is visible of its record at each level.  An intent for a version in which nothing
 * has changed ends at once as `unchanged`.
 *
 * An intent that wants an acknowledgement belongs to a trouble: a subject and a criticality, until somebody
 * takes charge.  A trouble escalates once, not once for each reading: what a later reading would tell at a
 * later step ends as `merged` while the same step of the trouble is open.
 */
enum { INTAKE_LINE = 1 << 20 }; /* bytes of an intent at most */

struct intake {
	struct spool *spool;
	int64_t now;
	bool again; /* what was given up is taken again */
	/* counts of the run */
	uint64_t taken;
	uint64_t known;
	uint64_t unchanged;
	/* private */
	struct json json;
	struct buffer event; /* whose lines come; empty: none */
	struct sealed_line_reader *sealed;
};

/* The words of criticality, in a transaction of the caller's: what the policy has no longer stays known. */
void intake_words(struct spool *s, const struct notify_policy *plan);

void intake_init(struct intake *i, struct spool *s, unsigned max_depth);
void intake_release(struct intake *i);

/*
 * Takes one line inside a transaction of the caller's; ID is its id, borrowed from LINE.  False: it is
 * refused.  Check spool_failed() afterwards.
 */
bool intake_line(struct intake *i, struct bytes line, struct bytes *id, enum reason *reason, size_t *byte);

/* In a transaction of the caller's, at the end of the input: no more intents of the last event come. */
void intake_whole(struct intake *i);

#endif
