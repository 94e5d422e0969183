/* SPDX-License-Identifier: ISC */
#ifndef EHR_CONSENT_NEGOTIATION_H
#define EHR_CONSENT_NEGOTIATION_H

#include "common/access/intern.h"
#include "common/base/clock.h"
#include "common/base/reason.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

/*
 * negotiation: how a patient and a privacy officer come to agree on a directive.  Events in, the state of
 * each directive out: a fold, so the same events give the same bytes.
 *
 *	event         by                       state -> state
 *	proposed      patient, registrar       any but closed -> draft
 *	checked       checker                  draft -> clear, conflict
 *	shown         registrar                conflict -> shown
 *	refused       patient                  shown -> officer-notified
 *	contacted     privacy-officer          officer-notified -> negotiating
 *	offered       privacy-officer          negotiating
 *	chosen        patient                  negotiating -> draft
 *	alternative   patient                  negotiating -> evaluating
 *	accepted      privacy-officer          evaluating -> draft
 *	rejected      privacy-officer          evaluating -> negotiating
 *	agreed        patient, privacy-officer clear, agreed -> agreed, active
 *	withdrawn     patient                  any -> inactive; closed stays closed
 *	closed        patient, privacy-officer any but closed -> closed
 *
 * A directive is in force if for one pair of digests, of the directive and of the policy, a check was clear
 * and the patient agreed after it, and the officer too if the policy is not that of the first check.  It
 * stays so until another digest is, or the patient withdraws, which she may at any time: nothing is in force
 * then, nor on its way.
 */
struct negotiations;

/* NOW: later events do not count yet; NULL: all count. */
struct negotiations *negotiations_new(const struct instant *now);
void negotiations_free(struct negotiations *all);

/*
 * Takes the event J.  REASON_NONE, or why it is refused; *NODE is then what it is about.  Nothing of a
 * refused event counts.
 */
enum reason negotiations_take(struct negotiations *all, const struct json *j, uint32_t *node);

/*
 * Writes the I-th directive of those that events named, in the order of their first; nothing if all its
 * events were refused.  False after the last.
 */
bool negotiations_write(const struct negotiations *all, uint32_t i, struct json_write *w);

#endif
