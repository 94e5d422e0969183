/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_REQUEST_H
#define EHR_KEYS_REQUEST_H

#include "cmd/keys/device.h"
#include "cmd/keys/order.h"

/* request: what ehr-authz has to answer before a person gets keys or a grant on a device (AuthZEN). */
enum { REQUEST_MOST = 1 << 17 }; /* bytes */

struct asking {
	struct keys *keys;
	const struct device *device; /* NULL: no matter which */
	const struct verb_settings *settings;
	const struct buffer *context; /* of request_context() */
	struct bytes token;           /* the user's, for context.assertion; empty: none */
	bool itself;                  /* the device asks, a host that seals; settings->user is its id */
	struct verb_answer *answer;
};

/*
 * Reads --context into CONTEXT, which the caller releases in either case; without it CONTEXT is empty.  To be
 * called before the lock is taken.  False with a fault (EXIT_IO).
 */
bool request_context(const struct verb_settings *s, struct buffer *context, struct verb_answer *a);

/* The epoch whose level keys are asked for: --epoch, else the current one; 0 with --digests. */
uint32_t request_epoch(const struct asking *q);

/*
 * Appends the request as it is asked at TIME: for the level keys of that epoch or, with --digests, the keys
 * of pseudonyms, tokens and marks; or to subscribe to PATIENT.  False with a fault (EXIT_BAD_RECORD) if
 * --context is no object, or one that states the time.
 */
bool request_release(struct buffer *out, const struct asking *q, struct instant time);
bool request_subscribe(struct buffer *out, const struct asking *q, const char *patient, struct instant time);

/* The same for an order (order.h). */
bool request_order(struct buffer *out, const struct asking *q, const struct order *o, struct instant time);

#endif
