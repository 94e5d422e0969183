/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_GRANTS_H
#define EHR_POLICY_GRANTS_H

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/crypto/jws.h"
#include "common/policy/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * grants: what the authority has signed about people: how far each may read (ehr-grant+jwt), which subjects
 * belong to a panel (ehr-panel+jwt), and what of it no longer holds (ehr-revoked+jwt).  Compact JWS, one a
 * line; each is verified when it is read, and what does not verify gives nothing but a reason. The AL comes
 * from here and from nowhere else.
 */
enum grant_fault {
	GRANT_GOOD,
	GRANT_AL,
	GRANT_MISSING,
	GRANT_BAD,
	GRANT_EARLY,
	GRANT_EXPIRED,
	GRANT_SUBJECT,
	GRANT_PURPOSE,
	GRANT_ROLE,
	GRANT_DEVICE,
	GRANT_REVOKED,
	GRANT_REVOCATION_STALE,
};

/* "grant-missing": as suppressed lines, messages and audit name it. */
const char *grant_fault_word(enum grant_fault fault);

struct grant_words {
	struct bytes *at;
	size_t count;
};

struct grant {
	struct bytes jti;
	struct bytes sub; /* the person */
	struct grant_words roles;
	struct grant_words subjects; /* pseudonyms, @panels, or "*" */
	struct grant_words purposes;
	struct bytes jkt; /* the device that the person is bound to */
	unsigned al;
	int64_t nbf;
	int64_t exp;
	enum grant_fault fault; /* GRANT_GOOD, or GRANT_BAD: known by its jti alone, and worth nothing */
};

struct panel {
	struct bytes name; /* "@panel-cardiology" */
	uint64_t serial;
	struct grant_words subjects;
	int64_t exp;
};

struct grants {
	struct grant *grant; /* sorted by jti */
	size_t count;
	struct panel *panel; /* sorted by name, the newest of each */
	size_t panels;
	size_t bad;        /* lines that did not verify */
	size_t bad_grants; /* of these, lines of grants_files.grants */
	/* the newest revocation list */
	bool has_revocations;
	uint64_t serial;
	int64_t next; /* past it the list is stale */
	struct grant_words revoked_grants;
	struct grant_words revoked_parties;
	struct grant_words revoked_devices;
	/* private */
	size_t room;
	size_t panel_room;
	struct arena arena;
	struct jws_reader *reader;
};

void grants_init(struct grants *g);
void grants_release(struct grants *g);

/*
 * Reads the lines of TEXT: grants and panels, or revocations.  MAX_LIFETIME: the longest exp - nbf, 0 for
 * any. Revocation lists are taken by the highest serial.  Call grants_ready() after the last text.
 */
void grants_read(struct grants *g, const struct signers *s, struct bytes text, int64_t max_lifetime);
void grants_ready(struct grants *g);

/* The files that a program takes grants from; a path that is NULL is passed over. */
struct grants_files {
	const char *authority; /* public keys of the authority, as a JWKS */
	struct bytes keys;     /* the text of AUTHORITY if the caller has it; NULL: it is read */
	const char *grants;
	const char *revoked;
	size_t limit;         /* of bytes in a file */
	int64_t max_lifetime; /* as for grants_read() */
	bool must_revoke;     /* without a good list of revocations nothing is granted */
};

/*
 * Reads all of FROM into G, which is ready for use then.  EXIT_DONE, or the status to end with: EXIT_IO if a
 * file cannot be read, EXIT_KEYS if there is no key or no list of revocations; F says which file and why.
 */
enum diag_exit grants_load(
    struct grants *g, const struct grants_files *from, struct arena *a, struct fault *f);

/* NULL if there is none of that id. */
const struct grant *grants_find(const struct grants *g, struct bytes jti);
const struct panel *grants_panel(const struct grants *g, struct bytes name);

/* GRANT_GOOD or GRANT_REVOKED: the grant, its person or its device stands on the list. */
enum grant_fault grants_revoked(const struct grants *g, const struct grant *grant);

/* GRANT_GOOD, GRANT_EARLY or GRANT_EXPIRED; GRANT_REVOCATION_STALE if there is a list and it is past its
 * `next`. */
enum grant_fault grants_in_time(const struct grants *g, const struct grant *grant, struct instant now);

/* True if the grant covers SUBJECT: by name, by a panel that holds it, or by "*".  A panel's name is covered
 * if it is listed. */
bool grants_cover(const struct grants *g, const struct grant *grant, struct bytes subject);

/* True if PURPOSE is one of the grant's or stands below one (v3-ActReason). */
bool grants_purpose(const struct grant *grant, struct bytes purpose);

bool grant_words_have(const struct grant_words *w, struct bytes word);

#endif
