/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SITE_H
#define EHR_POLICY_SITE_H

#include "common/base/arena.h"
#include "common/policy/fault.h"

#include <stdbool.h>

/*
 * site: the files of one installation that are not policy, in one directory under fixed names (-S DIR).  Each
 * program opens only those that it needs.  An option (--keys, --facts, ...) names another path for one of
 * them.
 *
 *	DIR/policy          the policy that the site is made for, see trust.h
 *	DIR/keys/           level, pseudonym, hash, shift and mark keys
 *	DIR/consents/       consent directives
 *	DIR/facts.ndjson    facts on patients and staff
 *	DIR/entities.ndjson users, devices, organizations
 *	DIR/subscriptions/  subscriptions to notifications
 *	DIR/grants.jwts     the AL that readers were granted
 *	DIR/revoked.jwt     grants that are revoked
 *	DIR/authority.jwks  public keys of the authority that signs grants
 *	DIR/trust.pem       the CA whose certificates sign policies; if it is there, no other policy counts
 *	DIR/trust.crl       what that CA revoked
 *	DIR/trust.serial    the serials of policies that ehr-policy verify has seen
 *	DIR/deciders.jwks   public keys that sign decisions; if it is there, no other decision counts
 *	DIR/assertions.jwks public keys that sign who asks; if it is there, nobody is believed without
 */
enum site_place {
	SITE_KEYS,
	SITE_CONSENTS,
	SITE_FACTS,
	SITE_ENTITIES,
	SITE_SUBSCRIPTIONS,
	SITE_GRANTS,
	SITE_REVOKED,
	SITE_AUTHORITY,
	SITE_DECIDERS,
	SITE_ASSERTIONS,
	SITE_POLICY,
	SITE_TRUST,
	SITE_TRUST_CRL,
	SITE_TRUST_SERIAL,
	SITE_PLACES,
};

/*
 * True if DIRECTORY is NULL or a directory.  Else false with a fault whose status is EXIT_IO.  A program asks
 * before it looks for optional files: in a mistyped site none would be there, and directives, facts and
 * revocations would be left out without a word.
 */
bool site_check(const char *directory, struct fault *f);

/*
 * The path of PLACE: OVERRIDE if it is not NULL, else a path below DIRECTORY, or NULL if that is NULL too.
 * The function opens nothing.  The path is OVERRIDE itself or lives in the arena.
 */
const char *site_path(struct arena *a, const char *directory, enum site_place place, const char *override);

/*
 * The same for optional files (consents, facts, entities, revoked, deciders, assertions, trust): NULL too if
 * there is no OVERRIDE and DIRECTORY has no file of that name.  OVERRIDE is returned whether it exists or
 * not.
 */
const char *site_path_if_there(
    struct arena *a, const char *directory, enum site_place place, const char *override);

/*
 * The bytes of a file of at most LIMIT bytes, with JSON_SLACK zeros behind them, in the arena.  False with a
 * fault whose status is EXIT_IO.
 */
bool site_read(struct arena *a, const char *path, size_t limit, struct bytes *text, struct fault *f);

#endif
