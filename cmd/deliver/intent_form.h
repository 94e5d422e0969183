/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_INTENT_FORM_H
#define EHR_DELIVER_INTENT_FORM_H

#include "common/json/json.h"
#include "common/line/sealed_line.h"

/*
 * intent_form: what an intent may hold, by its kind.  enqueue asks before it takes a line, the gate asks
 * again before each attempt, because the line may have been altered on its way or in the spool.  A message
 * copies members of the intent, so a version may stand only where the gate checks its level, and nothing may
 * stand for another version than the one that is checked.
 *
 *	data		to a subscription and its person; names a version: rl, al, record, perhaps ref, sealed
 *	floor, resolved	to a subscription and its person; no version
 *	last-resort, alarm	to the last resort; no version
 *	notice		to a class; no version
 */
bool intent_form_good(const struct json *j, struct sealed_line_reader *sealed);

/* A member of OBJECT, inside its quotes; at NULL if it is not a word. */
struct bytes intent_word(const struct json *j, uint32_t object, const char *name);

/* to.subscription; at NULL: the intent names none. */
struct bytes intent_subscription(const struct json *j);

#endif
