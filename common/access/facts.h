/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_FACTS_H
#define EHR_ACCESS_FACTS_H

#include "common/access/reader.h"
#include "common/base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * facts: who stands in which relation to whom, and from when until when.
 */

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

/*
 * The instants at which rules, directives and facts begin or end.  A decision is valid until the first of
 * them after the request's time.
 */
struct moments {
	struct instant *at;
	size_t count;
	size_t room;
};

/* Adds both ends of I. */
void moments_add(struct moments *m, const struct interval *i);

/* To be called after the last is added. */
void moments_sort(struct moments *m);

/* Lowers *NEXT to the first moment after T, if that is earlier or *FOUND is false; then *FOUND is true. */
void moments_next(const struct moments *m, struct instant t, struct instant *next, bool *found);

/* May be called twice. */
void moments_release(struct moments *m);

/*
 * NDJSON: a line tells a fact or ends one early.  The order of lines never matters: an end may precede its
 * fact.
 */
struct facts;

enum fact_answer { FACT_NONE, FACT_UNTIMED, FACT_OF_SOMEBODY, FACT_HOLDS };

/* Who asks: two domains may have the same id for two persons. */
struct fact_subject {
	struct bytes id;
	struct bytes domain; /* empty: unknown */
	bool foreign;        /* a fact that names no domain may be about someone else */
};

/*
 * NULL with a fault.  TEXT has JSON_SLACK bytes behind it and is needed no longer than the call.  With
 * UNFINISHED half a last line is left out, of so many bytes; NULL: it is a fault, see ndjson_next().
 */
struct facts *facts_read(struct access_reader *r, struct bytes text, size_t *unfinished);
void facts_free(struct facts *f);

/*
 * Does a fact of RELATION lead from SUBJECT to OBJECT at T?  Without a time (NULL) an undated fact holds, and
 * a dated one gives FACT_UNTIMED.  FACT_OF_SOMEBODY: one holds, and it is unknown whether it is about her.
 */
enum fact_answer facts_ask(const struct facts *f, uint32_t relation, const struct fact_subject *subject,
    struct bytes object, const struct instant *t);

/*
 * For trials: a fact without end that nobody has told.  facts_forget() leaves the first COUNT of these, of
 * which facts_assumed() tells the number.  facts_assume(): false if there are too many.
 */
struct facts *facts_none(struct arena *arena);
bool facts_assume(struct facts *f, uint32_t relation, struct bytes subject, struct bytes object);
size_t facts_assumed(const struct facts *f);
void facts_forget(struct facts *f, size_t count);

/* The ends of the facts about SUBJECT; NULL if there is no fact about it. */
const struct moments *facts_moments(const struct facts *f, struct bytes subject);

#endif
