/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_MOMENTS_H
#define EHR_ACCESS_MOMENTS_H

#include "common/base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * moments: instants at which something dated begins or ends.  The first one after the request's time is how
 * long a decision stays what it is.
 */
struct moments {
	struct instant *at;
	size_t count;
	size_t room;
};

/* A half-open interval; an end that is not there is open. */
struct interval {
	struct instant from, until;
	bool has_from, has_until;
};

static inline bool
interval_dated(const struct interval *i)
{
	return i->has_from || i->has_until;
}

static inline bool
interval_holds(const struct interval *i, struct instant t)
{
	return (!i->has_from || instant_compare(i->from, t) <= 0) &&
	       (!i->has_until || instant_compare(t, i->until) < 0);
}

/* Both ends of I. */
void moments_add(struct moments *m, const struct interval *i);

/* After the last was added. */
void moments_sort(struct moments *m);

/* Lowers *NEXT (*FOUND: is there one yet) to the first moment after T, if that is earlier. */
void moments_next(const struct moments *m, struct instant t, struct instant *next, bool *found);

void moments_release(struct moments *m);

#endif
