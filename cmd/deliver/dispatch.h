/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_DISPATCH_H
#define EHR_DELIVER_DISPATCH_H

#include "cmd/deliver/channel.h"
#include "cmd/deliver/gate.h"
#include "cmd/deliver/intake.h"
#include "cmd/deliver/spool.h"

/*
 * dispatch: what is to be done next, and what becomes of it.  All of it is in the spool; a dispatcher
 * that is killed goes on where it was.  A round is one transaction:
 *
 *	dispatch_time()     what waited is due, deadlines for acknowledgements have passed
 *	dispatch_route()    each intent that is due gets the channel of its route
 *	dispatch_fill()     messages for the free slots, each through the gate; their attempts are noted
 *	commit              only then are the channels called
 *	dispatch_result()   in a later round
 *
 * Times are in milliseconds.
 */
struct dispatch {
	struct spool *spool;
	struct policy *policy;
	const struct notify_policy *plan;
	const struct delivery_policy *delivery;
	struct gate *gate;
	struct mac *key; /* of acknowledgement tokens */
	int64_t now;
	uint32_t unusable; /* bit i: channel i cannot be used */
	/* counts of the run */
	uint64_t sent;
	uint64_t stopped;
	uint64_t failed; /* given up */
	/* private */
	struct json json;
	struct buffer line; /* of the intent in JSON, with slack */
	struct buffer refs;
};

enum {
	DISPATCH_MANY = 1000,
	DISPATCH_LINE = INTAKE_LINE, /* bytes of an intent */
	DISPATCH_FAILURES = 5,       /* in a row, and a channel rests */
};

/* The messages of one call. */
struct batch {
	unsigned channel;
	/* Of the intents, in order of the messages; one that rides with the message before it is negative. */
	int64_t seq[DISPATCH_MANY];
	unsigned count;
	unsigned messages;
	struct buffer text;
	/* private */
	struct bytes ref[DISPATCH_MANY]; /* of the message at hand, if it is a digest */
	size_t refs;
	bool mixed; /* they are about several subjects */
};

void dispatch_init(struct dispatch *d);
void dispatch_release(struct dispatch *d);

/* What was being sent when the last dispatcher ended is due again. */
void dispatch_recover(struct dispatch *d);

void dispatch_time(struct dispatch *d);

void dispatch_route(struct dispatch *d);

/*
 * Whether something is due that has no channel yet: there was too much for one round, or what the gate
 * stopped made the next step due.
 */
bool dispatch_unrouted(struct dispatch *d);

/*
 * How CHANNEL is.  One that has rested is asked by one message whether it is back: DISPATCH_PROBE; what is
 * urgent does not wait for that answer, see dispatch_probing().
 */
enum dispatch_way { DISPATCH_UP, DISPATCH_PROBE, DISPATCH_RESTS };
enum dispatch_way dispatch_way(struct dispatch *d, unsigned channel);

/*
 * The next messages for CHANNEL, at most as many as the policy allows in a call, and MOST; ONLY_URGENT: of
 * the two highest criticalities.  False: there is none.
 */
bool dispatch_fill(struct dispatch *d, unsigned channel, bool only_urgent, unsigned most, struct batch *b);

/* A message asks CHANNEL whether it is back: what is urgent looks for another way until it has answered. */
void dispatch_probing(struct dispatch *d, unsigned channel);

/* What became of a call: its exit status, answers, and what it said. */
void dispatch_result(
    struct dispatch *d, const struct batch *b, int status, struct bytes answers, struct bytes said);

/*
 * When something has to be done without a call that ends: a time that is waited for comes, or a channel that
 * rests is asked again.  INT64_MAX: never.
 */
int64_t dispatch_next(struct dispatch *d);

/* What waits to be sent or acknowledged. */
int64_t dispatch_open(struct dispatch *d);

#endif
