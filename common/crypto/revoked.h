/* SPDX-License-Identifier: ISC */
#ifndef EHR_CRYPTO_REVOKED_H
#define EHR_CRYPTO_REVOKED_H

#include "common/base/arena.h"
#include "common/crypto/jws.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * revoked: the revocation list (ehr-revoked+jwt), signed by the authority: grants, persons, devices and keys
 * that count no longer.  A list that is there must verify.  Otherwise half a file would give back what the
 * authority took away, so every program that reads a list ends with EXIT_KEYS.
 */
enum revoked_kind { REVOKED_GRANTS, REVOKED_PARTIES, REVOKED_DEVICES, REVOKED_KIDS, REVOKED_KINDS };

struct revoked_words {
	struct bytes *at;     /* in the order of the list */
	struct bytes *sorted; /* the same by bytes_compare() */
	size_t count;
};

/* A struct revoked of zeros is no list: it has no words. */
struct revoked {
	bool is_there;
	uint64_t serial; /* rises with each list */
	int64_t iat;
	int64_t next; /* from this time on the list is stale */
	struct revoked_words list[REVOKED_KINDS];
	struct arena arena; /* private */
};

/* "grants", "parties", "devices", "kids": the claim. */
const char *revoked_name(enum revoked_kind kind);

/* Whose lists count. */
struct revoked_by {
	const struct signers *keys;
	struct bytes domain; /* the issuer; empty: any that KEYS may sign for */
};

/* What is wrong, and in which line of the file (0: in none). */
struct revoked_fault {
	const char *why; /* not to be freed; valid until the next call */
	unsigned line;
	int error; /* the errno if the file could not be read, else 0 */
};

/*
 * Reads the file NAME in DIRFD (AT_FDCWD), lists one a line, into R; what R holds is replaced if a list of
 * the file has a higher serial.  False with a fault: the file has no list, a line does not verify, or the
 * newest list of the file is older than R's.  True without a list if the file does not exist and OPTIONAL is
 * set.
 */
bool revoked_read_at(struct revoked *r, const struct revoked_by *by, int dirfd, const char *name,
    bool optional, struct revoked_fault *f);

/*
 * The same for one token, of a file that has tokens of other types too.  A list that is not newer than R's is
 * dropped.  NULL, or what is wrong with it.
 */
const char *revoked_take(
    struct revoked *r, const struct revoked_by *by, struct bytes token, struct jws_reader *reader);

/* "revocation-invalid: line 1: signature wrong, expected ...": the message, but for the name of the file. */
void revoked_message(char text[300], const struct revoked_fault *f);

/* Whether the list of that kind has exactly WORD. */
bool revoked_has(const struct revoked *r, enum revoked_kind kind, struct bytes word);

/* NAME is the id of a device or the thumbprint of its signing key, and so is each item of the list. */
bool revoked_has_device(const struct revoked *r, struct bytes name);

void revoked_free(struct revoked *r);

#endif
