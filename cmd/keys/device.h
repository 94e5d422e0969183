/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DEVICE_H
#define EHR_KEYS_DEVICE_H

#include "cmd/keys/verbs.h"

/* device: the devices that the authority has taken in, and the revocation list. */
struct device {
	char id[KEYS_ID_SIZE + 1];
	char kind[16];
	char env[8];
	struct point sig;
	struct point enc;
	uint64_t al_cap;
	int64_t exp;
};

/*
 * Calls FOUND for each entry of devices.jwts; the last entry of a device counts.  False with a fault
 * (EXIT_KEYS).
 */
bool device_each(const struct keys *k, void (*found)(void *context, const struct device *d), void *context,
    struct verb_answer *a);

/*
 * The device whose id or signing thumbprint is NAME.  It must be enrolled at NOW and not be revoked.  False
 * with a fault and its status (EXIT_DENIED: device-unknown, device-revoked; or EXIT_KEYS).
 */
bool device_find(const struct keys *k, struct bytes name, struct instant now, struct device *d,
    struct verb_answer *a, enum diag_exit *status);

/* The same for a device that may be revoked, or whose enrolment may have ended. */
bool device_known(
    const struct keys *k, struct bytes name, struct device *d, struct verb_answer *a, enum diag_exit *status);

/* The directory's revocation list; empty if there is none.  False with a fault (EXIT_KEYS). */
bool device_revoked(const struct keys *k, struct revoked *r, struct verb_answer *a);

#endif
