/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_KNOWN_H
#define EHR_KEYS_KNOWN_H

#include "cmd/keys/verbs.h"

/*
 * known: whether a person, grant or key that is to be revoked is one that the authority or its site has heard
 * of.  A name that is misspelt would revoke nobody, and the command would seem to have worked.
 *
 *	parties  users of entities.ndjson, persons of grants.jwts, persons in issued.log
 *	grants   grants.jwts
 *	kids     keys of epochs.jwts and of releases/, keys of the devices in devices.jwts
 *
 * What stands on the revocation list is known, too.  Without a site, or if these files name nobody at all,
 * nothing can be compared: the name is taken as it stands.  The same holds for the thumbprint of a key,
 * because ehr-seal --to takes keys of devices that were never enrolled.  A note says so.
 */
enum { KNOWN_KEYS = KEYS_LEVELS | KEYS_LATER | KEYS_TAGS | KEYS_REDACT }; /* what K needs for kids */

/* False with a fault and its status: party-unknown, grant-unknown, key-unknown (EXIT_DENIED). */
bool known_names(struct keys *k, const struct verb_settings *s, const struct revoked *r,
    struct verb_answer *a, enum diag_exit *status);

#endif
