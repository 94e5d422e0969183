/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_CHANNEL_H
#define EHR_DELIVER_CHANNEL_H

#include "common/base/buffer.h"
#include "common/policy/delivery.h"

#include <poll.h>
#include <sys/types.h>

/*
 * channel: the executables that carry messages.  One is copied when the program starts, and its SHA-256
 * compared with the policy's; each call runs this copy, so that a file that is changed later is never
 * run.  A call is a process group of its own that has:
 *
 *	descriptor 0: the messages, a line each;
 *	descriptor 1: up to one answer line for each (as many bytes as the messages and 4 KiB);
 *	descriptor 2: errors, of which the first KiB is kept;
 *	descriptor 3: the secret that the policy names, else nothing;
 *	PATH (the folder of ehr-deliver last), LC_ALL=C, TZ=UTC; no other environment;
 *	the folder of the spool as its working directory.
 *
 * Nothing secret stands in arguments or environment.
 */
struct channel;

/*
 * Copies the executable.  SECRETS: a directory, may be NULL; the secret's file must be ours and closed
 * to others. NULL: WHY is said.
 */
struct channel *channel_open(
    const struct delivery_channel *policy, const char *secrets, int directory, char why[256]);
void channel_close(struct channel *c);

/* A call that runs. */
struct call;

/* NULL: the process could not be started, which counts as a failure for now. */
struct call *channel_start(struct channel *c, struct bytes messages, int64_t now);

/*
 * For --check: runs the executable with the one argument --check and no message.  Returns its exit status;
 * SAID is the first line of its standard error.
 */
int channel_check(struct channel *c, int64_t now, char said[256]);

enum { CALL_POLLS = 3 };

/* What to wait for; CALL_POLLS entries. */
void call_poll(const struct call *c, struct pollfd *poll);

/* Reads what there is, and ends the group when its time is over.  True: the process has ended. */
bool call_step(struct call *c, int64_t now);

/*
 * Of a call that has ended: its exit status, EX_TEMPFAIL (75) if a signal or the time ended it; what it
 * answered; the first line that it said, without control characters.
 */
int call_status(const struct call *c);
struct bytes call_answers(const struct call *c);
struct bytes call_said(const struct call *c);

/* Kills what is left of the group. */
void call_free(struct call *c);

#endif
