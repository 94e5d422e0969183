/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_TRUST_H
#define EHR_POLICY_TRUST_H

#include "common/base/options.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/*
 * trust: loads a policy that must be signed.  DIR/policy.p7s is a detached CMS signature over the policy's
 * listing (policy.h), by a certificate for code.  Two may demand one, and each demand holds by itself:
 *
 *	the command line, by --trust CA and --crl FILE;
 *	the site, by its file trust.pem, which names the CA, and trust.crl beside it, if it is there.
 *
 * A key directory may hold the same files, so that nobody uses its keys with a policy that is not signed.
 * The demand of a site cannot be left out on the command line, and no option replaces its CA.
 *
 * trust.serial beside trust.pem holds the highest serial of each policy that `ehr-policy verify` has seen.  A
 * policy with a lower one is refused, and so is another policy with the same one.  Only `ehr-policy verify`
 * writes the file; the filters read it.
 */
struct trust_demand {
	const char *ca;  /* --trust */
	const char *crl; /* --crl */
	/* set by the caller; each may be NULL */
	const char *site;
	const char *keys;
	const char *now; /* as --now names it; NULL: the clock */
};

/* TYPE is the settings of the program, with a member `trust` that is a struct trust_demand. */
#define TRUST_OPTIONS(type)                                                                                  \
	{ OPTION_TEXT(type, trust.ca), 0, false, "trust", "CA",                                              \
		"take the policy only if a certificate of this CA has signed it" },                          \
	{                                                                                                    \
		OPTION_TEXT(type, trust.crl), 0, false, "crl", "FILE", "certificates that the CA revoked"    \
	}

/* Misuse: --crl without --trust. */
void trust_options(const struct options *o, const struct trust_demand *t);

/*
 * policy_load() for programs: the signature is checked before a file of the policy is parsed.  The fault of a
 * signature begins with "policy-signature: " and a word that stays, as in ehr-policy(1).
 */
bool trust_load(struct policy *p, const char *directory, const struct trust_demand *t, struct fault *f);

/*
 * A site remembers its policy: SITE/policy, one line of JSON, has its absolute path, name, serial and digest.
 * ehr-keys make and rotate write it.  A command line without --policy means that path.  trust_load() refuses
 * the policy at that path if its serial is lower, and sets has_changed if its digest is another.
 */

/* Sets *POLICY, if it is NULL, to what SITE (NULL: none) remembers, if it does.  False with a fault. */
bool trust_default(const char **policy, const char *site, struct fault *f);

/* The same for programs that need a policy: misuse if there is none. */
void trust_policy(const struct options *o, const char **policy, const char *site);

/* For -v, where has_changed is set: the policy's folder and digest. */
#define TRUST_HAS_CHANGED "%s: not the files that the site was made with: they are %s"

/* Writes SITE/policy, for P as trust_load() loaded it.  False with errno. */
bool trust_note(struct policy *p, const char *site);

/* Notes the serial of P, which trust_load() loaded, in DIRECTORY, a site or key directory. */
bool trust_remember(struct policy *p, const char *directory, struct fault *f);

/*
 * Reads the CA and the revocation list for detached_check; CRL may be NULL.  The caller calls
 * detached_release().  False with a fault, and nothing to release.
 */
struct detached_trust;
bool trust_read(struct arena *a, const char *ca, const char *crl, const char *now, struct detached_trust *t,
    struct fault *f);

#endif
