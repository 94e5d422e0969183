/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_KEY_H
#define EHR_DELIVER_KEY_H

#include "cmd/deliver/spool.h"

/*
 * key: ack.key of the spool, 32 random bytes from which the tokens of acknowledgements are made.  Whoever
 * has the token of a message may acknowledge it, and so silence an alarm.
 */
struct mac;

/* Makes it anew.  False with a fault. */
bool key_make(const struct spool *s, struct spool_fault *f);

/* The keyed digest for message_token(); NULL with a fault (EXIT_KEYS). */
struct mac *key_read(const struct spool *s, struct spool_fault *f);

#endif
