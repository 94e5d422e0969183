/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_WORKERS_H
#define EHR_BATCH_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * workers: ehr-classify and ehr-redact in one process, several times, over pieces of one upload.  Versions
 * and refused records come out in the order of the upload, as one process of each would write them.
 *
 *	                  slots: memory that both sides see
 *	ehr-ingest --> this process --+--> worker 0: piece 0, 2, 4 .. --+--> ehr-seal
 *	               cuts at lines  +--> worker 1: piece 1, 3, 5 .. --+
 *	                                        the turn goes round
 *
 * A worker makes the versions of its piece in memory, waits for its turn, writes what was refused and then
 * the versions, and passes the turn on.  Messages and refused records name the line of the upload, which
 * ehr-ingest notes in the file `places`.
 */
struct flow;
struct workers;

/*
 * Workers for the stages of F, if they have ehr-ingest, ehr-classify and ehr-redact next to each other with
 * options that workers know; else NULL.  BEHIND is the stage that the workers stand behind.
 */
struct workers *workers_for(struct flow *f, unsigned *behind);

/* The file that ehr-ingest notes places in; NULL: none. */
const char *workers_places(const struct workers *w);

/* Forks them; they write to OUT, which stays the caller's.  False with errno. */
bool workers_start(struct workers *w, int out);

/* Hands out the records that FROM has, to its end.  False: a worker ended, or F has its fault. */
bool workers_run(struct workers *w, int from);

/* Ends them; kills them first if the flow has failed.  Returns the worst status, as a shell has it. */
int workers_end(struct workers *w, bool failed);

#endif
