/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_CODE_H
#define EHR_KEYS_CODE_H

#include "cmd/keys/verbs.h"

/*
 * code: what an enrolment can bring along so that the authority knows its device after a way that nobody
 * trusts: a code, or a certificate.
 *
 * A code is a secret of 128 bits that is put into a device and told to the authority.  The device sends
 * HMAC-SHA-256(code, thumbprint of its signing key "." thumbprint of its key to open with) as code_mac.  A
 * code is good for one device.
 *
 * Writes the claim code_mac.  False with a fault (EXIT_IO or EXIT_USAGE) if FILE, which must be ours and
 * closed to others, holds no code: 32 hex digits, as `openssl rand -hex 16` prints them.
 */
bool code_write(struct json_write *w, const char *file, const struct point *sig, const struct point *enc,
    struct verb_answer *a, enum diag_exit *status);

/* An enrolment and its keys. */
struct code_device {
	const struct jws *enrolment;
	const struct point *sig, *enc;
};

/*
 * Whether the device knows the code; then it is spent (codes.log).  False with a fault and its status
 * (EXIT_DENIED: device-unknown, code-spent).
 */
bool code_check(const struct keys *k, const char *file, const struct code_device *device,
    struct verb_answer *a, enum diag_exit *status);

/*
 * Writes the claim x5c, the certificates of the PEM in FILE (RFC 7515 4.1.6): of the signing key, and behind
 * it those that lead to a CA.  False with a fault (EXIT_IO or EXIT_KEYS).
 */
bool code_write_certificates(
    struct json_write *w, const char *file, struct verb_answer *a, enum diag_exit *status);

/*
 * Whether x5c certifies the device's signing key under the CA of the settings, by its revocation list if the
 * file has one.  False with a fault and its status (EXIT_DENIED: device-unknown).
 */
bool code_check_certificates(const struct code_device *device, const struct verb_settings *s,
    struct verb_answer *a, enum diag_exit *status);

#endif
