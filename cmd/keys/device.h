/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DEVICE_H
#define EHR_KEYS_DEVICE_H

#include "cmd/keys/verbs.h"

/* device: the devices that the authority has taken in, and the revocation list. */
struct device {
	char id[32];
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

/* The newest revocation list. */
enum revoked_kind { REVOKED_GRANTS, REVOKED_PARTIES, REVOKED_DEVICES, REVOKED_KIDS, REVOKED_KINDS };

struct revoked {
	struct jws_reader *reader;    /* owns CLAIMS */
	const struct json *claims;    /* NULL: there is no list */
	uint32_t list[REVOKED_KINDS]; /* nodes of arrays */
	uint64_t serial;
};

/* "grants", "parties", "devices", "kids" */
const char *revoked_name(enum revoked_kind kind);

/* Reads revoked.jwt.  Without the file R is an empty list.  False with a fault (EXIT_KEYS). */
bool revoked_read(const struct keys *k, struct revoked *r, struct verb_answer *a);
bool revoked_has(const struct revoked *r, enum revoked_kind kind, struct bytes word);
void revoked_free(struct revoked *r);

#endif
