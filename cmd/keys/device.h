/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DEVICE_H
#define EHR_KEYS_DEVICE_H

#include "cmd/keys/verbs.h"
#include "common/crypto/pseudonym.h"

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
 * Calls FOUND for each line of issued.log, an object with device, sub, iat, exp and kids: which level keys
 * went to whom.  The device is a string and kids an array; any other line is a fault.  False with it
 * (EXIT_KEYS).
 */
bool device_issued(const struct keys *k, void (*found)(void *context, const struct json *j), void *context,
    struct verb_answer *a);

/* True if the list `kids` of such a line names KID. */
bool device_issue_names(const struct json *j, struct bytes kid);

/*
 * The device whose id or signing thumbprint is NAME.  It must be enrolled at S->now and not be revoked.
 * False with a fault and its status (EXIT_DENIED: device-unknown, device-revoked; or EXIT_KEYS).
 */
bool device_find(const struct keys *k, struct bytes name, const struct verb_settings *s, struct device *d,
    struct verb_answer *a, enum diag_exit *status);

/*
 * The same for many devices: devices.jwts and the revocation list are read once.  devices_read() is false
 * with a fault (EXIT_KEYS); devices_end() in either case.
 */
struct devices {
	struct device *at; /* as devices.jwts has them */
	size_t count;
	struct revoked revoked;
	struct instant now;
};

bool devices_read(
    struct devices *all, const struct keys *k, const struct verb_settings *s, struct verb_answer *a);
bool devices_find(const struct devices *all, struct bytes name, struct device *d, struct verb_answer *a,
    enum diag_exit *status);
void devices_end(struct devices *all);

/* As device_find() for a device that may be revoked, or whose enrolment may have ended. */
bool device_known(
    const struct keys *k, struct bytes name, struct device *d, struct verb_answer *a, enum diag_exit *status);

/*
 * The newest revocation list of the directory and the site; empty if there is none.  False with a fault
 * (EXIT_KEYS): a list does not verify, or the newest has ended at S->now.
 */
bool device_revoked(
    const struct keys *k, const struct verb_settings *s, struct revoked *r, struct verb_answer *a);

/* The same for a list that may have ended: the next one goes on from it, and `list` shows what it says. */
bool device_revoked_last(
    const struct keys *k, const struct verb_settings *s, struct revoked *r, struct verb_answer *a);

/*
 * The key of these pseudonyms.  NULL with a fault (EXIT_KEYS): it is not here, revoked, or not valid at
 * S->now, so that ehr-seal writes no such pseudonyms.
 */
struct mac *device_pseudonym_key(
    struct keys *k, enum pseudonym_kind kind, const struct verb_settings *s, struct verb_answer *a);

/*
 * True if a device of this kind may have keys without a person who uses it, and the keys of pseudonyms,
 * tokens and marks: it is a host that seals.
 */
bool device_seals(const char *kind);

/*
 * True if the person ID is not on the revocation list.  False with a fault and its status (EXIT_DENIED:
 * party-revoked; or EXIT_KEYS).
 */
bool device_party_counts(const struct keys *k, const struct verb_settings *s, struct bytes id,
    struct verb_answer *a, enum diag_exit *status);

/* The devices that are enrolled now, each a signer for its own id.  NULL with a fault and its status. */
struct signers *device_signers(
    const struct keys *k, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status);

/* AL, or what the enrolment of the device lets it have, if that is less: a remark says so, with the cure. */
uint64_t device_capped(const struct device *d, uint64_t al, struct verb_answer *a);

/* True if the device with these keys, or one of the keys, is on the list. */
bool device_is_revoked(const struct revoked *r, const struct point *sig, const struct point *enc);

#endif
