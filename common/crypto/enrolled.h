/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_ENROLLED_H
#define EHR_CRYPTO_ENROLLED_H

#include "common/crypto/jws.h"

/*
 * enrolled: the devices whose signatures count: lines of type ehr-device+jwt that the authority has signed,
 * as devices.jwts of its key directory has them.
 *
 * Reads TEXT, lines, into a set of signers in which each device signs for its own id.  An enrolment that has
 * ended at NOW does not count; NULL: none of those with an end does.  READINGS: only sensors and
 * actuators count.  NULL with *LINE, the number of the line that is not such an enrolment, or 0 if no line
 * counts.
 */
struct signers *enrolled_read(const struct signers *authority, struct bytes text, bool readings,
    const struct instant *now, unsigned *line);

#endif
