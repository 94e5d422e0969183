/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_JQ_CHILD_H
#define EHR_POLICY_JQ_CHILD_H

#include "common/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * jq_child: a second process, forked from this one, that does work which may never end.  libjq cannot be
 * interrupted, and a regular expression or an array of it may take any time and memory.  The kernel
 * therefore limits the processor time and the memory of the child, and ends it at the limit.  The child has
 * no open file but its socket, and it ends when this process ends.
 */
struct jq_child_limit {
	uint64_t task;         /* requests of one task, one after another, share its time */
	uint64_t milliseconds; /* of processor time */
	uint64_t bytes;        /* of memory, beyond what the program held when it forked */
};

enum jq_child_end {
	JQ_CHILD_ANSWERED,
	JQ_CHILD_TIME,   /* it reached its limit of time */
	JQ_CHILD_MEMORY, /* it reached its limit of memory, or its answer would be longer than 16 MB */
	JQ_CHILD_CRASH,  /* an error ended it */
};

/*
 * Sends REQUEST to the child, in which SERVE answers it, and replaces REPLY by the answer.  The first call
 * starts the child, so SERVE sees the memory of the program as it was then.  If the child ended, the next
 * call starts another.
 */
enum jq_child_end jq_child_ask(const struct jq_child_limit *limit, struct bytes request, struct buffer *reply,
    void (*serve)(struct bytes request, struct buffer *reply));

/* Ends the child if there is one, so that the next has the memory of the program as it is then. */
void jq_child_stop(void);

#endif
