/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DEVICE_H
#define EHR_KEYS_DEVICE_H

#include "cmd/keys/verbs.h"

/* device: the devices that were taken in, and what was revoked since. */
struct device {
	char id[32];
	char kind[16];
	char env[8];
	struct point sig;
	struct point enc;
	uint64_t al_cap;
	int64_t exp;
};

/* Each device in devices.jwts, the newest entry of each last; false with the answer's fault if one does not
 * verify. */
bool device_each(const struct keys *k, void (*found)(void *context, const struct device *d), void *context,
    struct answer *a);

/*
 * The device whose id or signing thumbprint is NAME, enrolled, neither ended at NOW nor revoked.  False with
 * the answer's fault and *STATUS (EXIT_DENIED: device-unknown, device-revoked).
 */
bool device_find(const struct keys *k, struct bytes name, struct instant now, struct device *d,
    struct answer *a, enum diag_exit *status);

/* What the newest revocation list names; each list may be empty. */
enum revoked_kind { REVOKED_GRANTS, REVOKED_PARTIES, REVOKED_DEVICES, REVOKED_KIDS, REVOKED_KINDS };

struct revoked {
	struct jws_reader *reader; /* owns the rest */
	const struct json *claims; /* NULL: there is no list */
	uint32_t list[REVOKED_KINDS];
	uint64_t serial;
};

/* "grants", "parties", "devices", "kids" */
const char *revoked_name(enum revoked_kind kind);

/* Reads revoked.jwt; false with the answer's fault if it does not verify. */
bool revoked_read(const struct keys *k, struct revoked *r, struct answer *a);
bool revoked_has(const struct revoked *r, enum revoked_kind kind, struct bytes word);
void revoked_free(struct revoked *r);

#endif
