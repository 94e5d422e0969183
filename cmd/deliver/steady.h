/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_STEADY_H
#define EHR_DELIVER_STEADY_H

#include "cmd/deliver/spool.h"

/*
 * steady: the time for a spool whose machine has a time of day that may be put forward or back.  Deadlines
 * stand in the spool by the time of day, so that people can read them.  The spool remembers the time of day
 * and how long the machine had run when it was last written.  If the two have not moved by the same, the
 * clock was put, and what is left until each deadline is kept: nothing escalates or expires early, and
 * nothing is late.  After a start of the machine only a clock that went back is noticed.
 */

/* Milliseconds since the machine started, times of sleep included. */
int64_t steady_now(void);

/*
 * The time of day, inside a transaction that writes.  STEP: by how many milliseconds the clock was put, 0 if
 * it was not; all open deadlines have been moved by it.  It may be NULL.
 */
int64_t steady_time(struct spool *s, int64_t *step);

#endif
