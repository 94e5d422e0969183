/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CHECK_SITE_H
#define EHR_POLICY_CHECK_SITE_H

#include "cmd/policy/lint.h"
#include "common/access/access.h"

/*
 * check_site: findings on the files of a site, which their loaders have accepted: register, facts,
 * directives, subscriptions.  They name file and line, never a person.  The policy's own files have no fault;
 * ACCESS was loaded with the site.
 */
void check_site(struct lint *l, const char *site, struct access *access);

#endif
