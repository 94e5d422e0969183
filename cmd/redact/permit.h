/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_PERMIT_H
#define EHR_REDACT_PERMIT_H

#include "common/base/options.h"
#include "common/policy/permission.h"
#include "common/redact/redactor.h"

/*
 * permit: the decision that ehr-redact carries out.  Unless the site names deciders, it is the word of its
 * file: who may write the file decides.
 */
struct permit_options {
	const char *decision; /* the file */
	const char *level;    /* the highest level that the caller wants; NULL: the decision says */
	const char *handled;  /* obligations that the caller carries out itself: "audit,notify"; NULL: none */
	const char *deliver;  /* where notify and expire go; NULL: nowhere */
	const char *site, *deciders, *authority, *revoked;
};

struct permit {
	struct deciders deciders;
	struct permission permission;
	struct obligations *obligations;
	struct redactor_decision decision;
};

/*
 * Reads the decision into p->decision.  Ends the program if it gives nothing: EXIT_DENIED, or EXIT_USAGE if
 * something is missing to tell.  NOW may be NULL.
 */
void permit_load(struct permit *p, struct policy *policy, const struct permit_options *from,
    const struct instant *now, struct arena *a, const struct options *o);

/* What others must do is on disk before anything is given.  Ends the program if it cannot be written. */
void permit_deliver(const struct permit *p, const char *path);
void permit_release(struct permit *p);

#endif
