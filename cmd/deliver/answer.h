/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_ANSWER_H
#define EHR_DELIVER_ANSWER_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* answer: what a channel says of a message, by its exit status or by a line of its own. */
enum verdict { VERDICT_ACCEPTED, VERDICT_AGAIN, VERDICT_DEAD, VERDICT_NOBODY, VERDICT_UNKNOWN };

/* By sysexits.h; what a shell says of a program that it cannot run is set-up, too. */
enum verdict answer_judge(int status);

/*
 * Finds {"id":..,"code":..,"retry_after":..} of the message ID among ANSWERS, and sets what it says.
 * ONLY: it was the one message of the call, so a line without an id is for it, too.
 * A line for no message of the call is ignored.  False: there is none.
 */
bool answer_find(struct bytes answers, struct bytes id, bool only, int *status, int64_t *retry_after);

#endif
