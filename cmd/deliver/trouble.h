/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_TROUBLE_H
#define EHR_DELIVER_TROUBLE_H

#include "cmd/deliver/gate.h"
#include "cmd/deliver/spool.h"
#include "common/policy/delivery.h"

/*
 * trouble: a subject and a criticality from the first intent that wants an acknowledgement until somebody
 * has taken charge and the case is closed; what is about nobody has one for each event.  intake.h opens it.
 * Nobody answers: the same person is reminded, then the next step is due, at last the last resort.
 */

/*
 * What has passed at NOW: a message that was not acknowledged is sent again as a reminder, or is missed; a
 * trouble that nobody takes charge of and that has no step left goes to the last resort; one that was
 * acknowledged and not resolved asks again.
 */
void trouble_time(struct spool *s, const struct delivery_policy *delivery, int64_t now);

/* When a case that was acknowledged asks again; INT64_MAX: never. */
int64_t trouble_next(struct spool *s, const struct delivery_policy *delivery);

/* A trouble without anything left to wait for goes to the last resort, once. */
void trouble_exhaust(struct spool *s, int64_t now);

/*
 * The intent SEQ, which was given up, begins anew with all of its time and its first route.  A case that had
 * come to the last resort comes there again if nobody is reached now either.
 */
void trouble_revive(struct spool *s, int64_t seq, int64_t now);

/*
 * The intent SEQ reached nobody.  If it was the last of its step, the next step of its trouble is due; if it
 * was the last of a class, the last resort is.
 */
void trouble_next_step(struct spool *s, int64_t seq, int64_t now);

/*
 * The intent SEQ names a class: it becomes an intent for each subscription of that class whose grant holds,
 * or goes to the last resort if there is none.
 */
void trouble_tell_class(
    struct spool *s, const struct gate *gate, const struct notify_policy *plan, int64_t seq, int64_t now);

enum trouble_answer { TROUBLE_ACCEPTED, TROUBLE_REJECTED, TROUBLE_DELIVERED, TROUBLE_READ };

/*
 * An answer to the intent ID.  Accepted: somebody takes charge, later steps and reminders of the trouble
 * end. Rejected: the next step is due.  The others are noted.  False: there is no such intent.
 */
bool trouble_answer(
    struct spool *s, struct bytes id, enum trouble_answer answer, struct bytes by, int64_t now);

/*
 * Closes the trouble ID; who had been told gets a message `resolved`.  False: there is none that is open.
 */
bool trouble_resolve(struct spool *s, struct bytes id, struct bytes by, int64_t now);

#endif
