/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SITE_H
#define EHR_POLICY_SITE_H

#include "common/base/arena.h"
#include "common/policy/yaml.h"

#include <stdbool.h>

/*
 * site: what belongs to one installation and not to the policy, in one directory under fixed names (-S DIR).
 * Each program takes from it just what it needs, and opens nothing else; a single option (--keys, --facts,
 * ...) overrides a place.
 *
 *	DIR/keys/           level, pseudonym, hash, shift and mark keys
 *	DIR/consents/       consent directives
 *	DIR/facts.ndjson    what the site knows of patients and staff
 *	DIR/entities.ndjson who takes part: users, devices, organizations
 *	DIR/subscriptions/  who wants to be told of what
 *	DIR/grants.jwts     what AL a reader was granted
 *	DIR/revoked.jwt     which grants hold no longer
 *	DIR/authority.jwks  whose signatures count
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
	SITE_PLACES,
};

/* The name below DIR: "keys", "grants.jwts". */
const char *site_name(enum site_place place);

/*
 * Where PLACE is: OVERRIDE if it is not NULL, else below DIRECTORY, else (DIRECTORY is NULL) NULL.  Nothing
 * is opened and nothing need be there.  The path is OVERRIDE itself or lives in the arena.
 */
const char *site_path(struct arena *a, const char *directory, enum site_place place, const char *override);

/*
 * The same for what a site may lack (consents, facts, entities, revoked): NULL too if it is only implied by
 * DIRECTORY and nothing of that name is there.  A path that an option named is never passed over.
 */
const char *site_path_if_there(
    struct arena *a, const char *directory, enum site_place place, const char *override);

/*
 * The bytes of a file of at most LIMIT bytes, with JSON_SLACK zeros behind them, in the arena.  False with a fault
 * whose status is EXIT_IO.
 */
bool site_read(struct arena *a, const char *path, size_t limit, struct bytes *text, struct fault *f);

#endif
