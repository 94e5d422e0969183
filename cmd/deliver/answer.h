/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_ANSWER_H
#define EHR_DELIVER_ANSWER_H

#include "common/base/bytes.h"
#include "common/json/json.h"

#include <stdbool.h>
#include <stdint.h>

/* answer: what a channel says of a message, by its exit status or by a line of its own. */
enum verdict { VERDICT_ACCEPTED, VERDICT_AGAIN, VERDICT_DEAD, VERDICT_NOBODY, VERDICT_UNKNOWN };

/* By sysexits.h; what a shell says of a program that it cannot run is set-up, too. */
enum verdict answer_judge(int status);

/* The answers of a call, {"id":..,"code":..,"retry_after":..} a line. */
struct answers {
	struct bytes text;
	/* private */
	struct bytes left; /* what has not been looked at since the last answer that was found */
	struct json json;
	struct buffer line;
};

/* TEXT is borrowed. */
void answers_init(struct answers *a, struct bytes text);
void answers_release(struct answers *a);

/*
 * Finds the answer to the message ID, and sets what it says.  Answers in the order of the messages are
 * found at once, others by going around.
 * ONLY: it was the one message of the call, so a line without an id is for it, too.
 * A line for no message of the call is ignored.  False: there is none.
 */
bool answers_find(struct answers *a, struct bytes id, bool only, int *status, int64_t *retry_after);

#endif
