/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_WORKERS_H
#define EHR_BATCH_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * workers: ehr-classify, ehr-redact and ehr-seal in one process, several times, over pieces of one upload.
 * Versions and refused records come out in the order of the upload, as one process of each would write them.
 *
 *	                  slots: memory that both sides see
 *	ehr-ingest --> this process --+--> worker 0: piece 0, 2, 4 .. --+--> output, or the next stage
 *	               cuts at lines  +--> worker 1: piece 1, 3, 5 .. --+
 *	                                        the turn goes round
 *
 * A worker makes the versions of its piece in memory.  It waits for its turn, numbers them and passes the
 * turn on; it seals them, waits for its turn again, writes what was refused and what is sealed, and passes it
 * on.  Where ehr-seal has options or does not stand behind ehr-redact, it is a process of its own: then a
 * piece has one turn, in which its versions are written.  Messages and refused records name the line of the
 * upload, which ehr-ingest notes in the file `places`.
 */
struct flow;
struct flow_plan;
struct workers_plan;
struct workers;

/*
 * What is the same for all uploads, the policy loaded, if the stages of PLAN have ehr-ingest, ehr-classify
 * and ehr-redact next to each other with options that workers know; else NULL.  It lives as long as the
 * process, which ends as with piece_labels_load().
 */
struct workers_plan *workers_load(const struct flow_plan *plan);

/* Workers for F, if its plan has some; else NULL.  BEHIND is the stage that the workers stand behind. */
struct workers *workers_for(struct flow *f, unsigned *behind);

/* How many stages they are, and what messages call them. */
unsigned workers_stages(const struct workers *w);
const char *workers_name(const struct workers *w);

/* The file that ehr-ingest notes places in; NULL: none. */
const char *workers_places(const struct workers *w);

/* Forks them; they write to OUT, which stays the caller's.  False with errno. */
bool workers_start(struct workers *w, int out);

/* Hands out the records that FROM has, to its end.  False: a worker ended, or F has its fault. */
bool workers_run(struct workers *w, int from);

/* Ends them; kills them first if the flow has failed.  Returns the worst status, as a shell has it. */
int workers_end(struct workers *w, bool failed);

#endif
