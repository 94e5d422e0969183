/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_GRANTS_H
#define EHR_POLICY_GRANTS_H

#include "common/base/clock.h"
#include "common/base/pool.h"
#include "common/crypto/revoked.h"
#include "common/policy/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * grants: the signed statements of the authority: the authorization level of a person (ehr-grant+jwt), the
 * subjects of a panel (ehr-panel+jwt), and revocations (ehr-revoked+jwt).  Each is a compact JWS (RFC 7515
 * 7.1) on a line of its own.  A line is verified when it is read; a line that does not verify gives only a
 * reason.  A grant is the only source of an authorization level.
 */
enum grant_fault {
	GRANT_GOOD,
	GRANT_AL,
	GRANT_MISSING,
	GRANT_BAD,
	GRANT_PARTY, /* the grant is another person's */
	GRANT_EARLY,
	GRANT_EXPIRED,
	GRANT_SUBJECT,
	GRANT_PURPOSE,
	GRANT_ROLE,
	GRANT_DEVICE,
	GRANT_REVOKED,
	GRANT_REVOCATION_STALE,
};

/* The word of suppressed lines and messages: "grant-missing". */
const char *grant_fault_word(enum grant_fault fault);

/* Sorted by bytes, see grant_words_sort(): a grant or a panel may have thousands of subjects. */
struct grant_words {
	const struct bytes *at;
	size_t count;
};

struct grant {
	struct bytes jti;
	struct bytes sub; /* the person */
	struct grant_words roles;
	struct grant_words subjects; /* pseudonyms, @panels, or "*" */
	struct grant_words purposes; /* not sorted: the first is what a subscription asks for by itself */
	struct bytes jkt;            /* thumbprint of the key of the person's device; empty: any device */
	unsigned al;
	int64_t nbf;
	int64_t exp;
	enum grant_fault fault; /* GRANT_GOOD; GRANT_BAD: only jti is set, and the grant permits nothing */
};

struct panel {
	struct bytes name; /* "@panel-cardiology" */
	uint64_t serial;
	struct grant_words subjects;
	int64_t nbf;
	int64_t exp; /* 0: none */
};

struct grants {
	struct grant *grant; /* sorted by jti */
	size_t count;
	struct panel *panel; /* sorted by name, the newest of each */
	size_t panels;
	size_t bad;      /* lines that did not verify */
	bool unfinished; /* the last line of grants_files.grants is, and does not count */
	int64_t
	    until; /* seconds since 1970: the next time at which a panel begins or ends; INT64_MAX: none */
	struct revoked revoked;
	const char *bad_list; /* why a revocation list among the grants does not verify; NULL: none is bad */
	/* private */
	size_t room;
	size_t panel_room;
	struct pool pool; /* the texts: many grants have the same roles, subjects and purposes */
	struct jws_reader *reader;
	struct bytes domain;
};

void grants_init(struct grants *g);
void grants_release(struct grants *g);

/*
 * Reads the lines of TEXT: grants, panels, revocations.  MAX_LIFETIME: the longest exp - nbf, 0 for any.  Of
 * the revocation lists the one with the highest serial counts.  Call grants_ready() after the last text.
 */
void grants_read(struct grants *g, const struct signers *s, struct bytes text, int64_t max_lifetime);
void grants_ready(struct grants *g);

/* The files of grants_load; a path that is NULL is not read. */
struct grants_files {
	const char *authority; /* public keys of the authority, as a JWKS */
	struct bytes keys;     /* the text of AUTHORITY; NULL: the file is read */
	const char *grants;
	const char *revoked;
	const char *known;    /* a list that REVOKED stands for: REVOKED must not be older; may not exist */
	struct bytes domain;  /* of the policy: the issuer of revocations; empty: any */
	size_t limit;         /* of bytes in a file */
	int64_t max_lifetime; /* as for grants_read() */
	bool must_revoke;     /* a good list of revocations is required */
	struct jws_memory *memory; /* of a program that reads them again; may be NULL */
	const struct instant *now; /* a panel that has ended or not begun is empty; NULL: not looked at */
};

/*
 * Reads all files of FROM and makes G ready.  EXIT_DONE, or the exit status of the program: EXIT_IO if a file
 * cannot be read, EXIT_KEYS if there is no key, if a list of revocations does not verify, or if there is none
 * although one is required.  F has the message, which names the file.
 */
enum diag_exit grants_load(
    struct grants *g, const struct grants_files *from, struct arena *a, struct fault *f);

/*
 * True if something that was read ends some time: a grant, a panel, or the list of revocations.  A program
 * that has no time then refuses to start, because it would honour what has ended.
 */
bool grants_end(const struct grants *g);

/* By id, by name; NULL if there is none. */
const struct grant *grants_find(const struct grants *g, struct bytes jti);
const struct panel *grants_panel(const struct grants *g, struct bytes name);

/* GRANT_REVOKED if the grant, its person or its device is on the list; else GRANT_GOOD. */
enum grant_fault grants_revoked(const struct grants *g, const struct grant *grant);

/*
 * GRANT_GOOD, GRANT_EARLY, GRANT_EXPIRED; GRANT_REVOCATION_STALE if there is a list and its `next` is past.
 */
enum grant_fault grants_in_time(const struct grants *g, const struct grant *grant, struct instant now);

/* True if the grant lists SUBJECT (a subject or a panel), a panel with SUBJECT, or "*". */
bool grants_cover(const struct grants *g, const struct grant *grant, struct bytes subject);

/* True if PURPOSE is a purpose of the grant, or stands below one (v3-ActReason). */
bool grants_purpose(const struct grant *grant, struct bytes purpose);

/* Makes grant_words of COUNT words, which it sorts in place. */
struct grant_words grant_words_sort(struct bytes *words, size_t count);
bool grant_words_have(const struct grant_words *w, struct bytes word);

#endif
