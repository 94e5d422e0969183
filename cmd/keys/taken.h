/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_TAKEN_H
#define EHR_KEYS_TAKEN_H

#include "cmd/keys/decision.h"

/*
 * taken: a decision is carried out once.  The ids of those that were stand in taken.log of the authority with
 * the time at which they are too old anyway; of those that are gone, the latest time.  They are on disk
 * before a key or grant leaves; if it does not leave after all, they are given back.  The caller holds the
 * lock of the directory.
 */
struct taken;

/*
 * Reads taken.log and leaves out what has ended at NOW.  An unfinished last line is cut off and noted, and
 * then all decisions up to a minute from now are gone.  NULL with a fault (EXIT_KEYS).
 */
struct taken *taken_begin(const struct keys *k, struct instant now, struct verb_answer *a);

/*
 * Adds D.  False with a fault (EXIT_DENIED) if it is older than MAX_AGE seconds, of more than a minute from
 * now or not later than what is gone (decision-stale), or if it is there (decision-taken).
 */
bool taken_add(struct taken *t, const struct decision *d, int64_t max_age, struct verb_answer *a);

/*
 * Writes taken.log.  From here on main() gives back what was added unless the verb ends with 0 or 1.  Owns T
 * in either case.  False with a fault (EXIT_IO).
 */
bool taken_commit(struct taken *t, struct verb_answer *a);

void taken_free(struct taken *t);

#endif
