/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_DISPATCH_PARTS_H
#define EHR_DELIVER_DISPATCH_PARTS_H

#include "cmd/deliver/dispatch.h"

/* dispatch_parts: what the files of the dispatcher share: an intent of the spool, and how it ends. */

/*
 * SELECT of the intents G that gather for the same digest as the intent A: of one subscription, level,
 * criticality and case, so that what the message says, and what its token answers, holds for each reference.
 */
#define DISPATCH_SAME                                                                                        \
	"SELECT g.seq FROM intent AS a JOIN intent AS g ON g.subscription = a.subscription AND g.state = "   \
	"'gathering' AND g.level IS a.level AND g.urgency = a.urgency AND g.trouble IS a.trouble WHERE "     \
	"a.seq = ?"

/* What of an intent a message needs; its line is in the dispatcher's JSON. */
struct chosen {
	int64_t seq, urgency, ack, expires, tries, reminders, number, route, step;
	bool sending; /* an answer that came meanwhile may have ended it */
	char id[260], kind[32], subscription[130], trouble[130];
};

/* False if the intent is not there any more: another process has taken it out. */
bool dispatch_fetch(struct dispatch *d, int64_t seq, struct chosen *c);

/* It ends in STATE. */
void dispatch_end(struct dispatch *d, int64_t seq, const char *state, const char *reason);

/* The gate stops it: if it was the last of its step, the next step of its case is due. */
void dispatch_stop(struct dispatch *d, int64_t seq, const char *reason);

/* It ends as dead: if it was the last of its step, the next step of its case is due. */
void dispatch_give_up(struct dispatch *d, int64_t seq, const char *reason);

/* Of the two highest criticalities. */
bool dispatch_is_urgent(const struct dispatch *d, int64_t urgency);

/* The intent waits until then for others, with which it becomes one message. */
void dispatch_gather(struct dispatch *d, int64_t seq, int64_t until);

/*
 * Whether the subscription heard of the same version of the record not long ago, at least as urgently; then
 * the intent ends.  What is urgent, and what was sent before, as a reminder, is always news.  BEING_TOLD:
 * the message that says the same is on its way.
 */
enum dispatch_told { DISPATCH_NEWS, DISPATCH_TOLD, DISPATCH_BEING_TOLD };
enum dispatch_told dispatch_told(struct dispatch *d, const struct subscription *sub, const struct chosen *c);

/* The intent is due on the next route of its subscription.  False: it has none. */
bool dispatch_next_route(struct dispatch *d, const struct subscription *sub, int64_t seq, int64_t route);

/*
 * When the next route of its subscription begins, whatever becomes of the one that it is on; 0: never.  Each
 * `after` counts from the route before it, the first from the first try.
 */
int64_t dispatch_next_route_at(struct dispatch *d, const struct subscription *sub, const struct chosen *c);

#endif
