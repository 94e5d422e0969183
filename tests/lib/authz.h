/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_AUTHZ_H
#define EHR_TESTS_AUTHZ_H

#include "common/access/access.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * authz: a policy directory in /tmp for tests of decisions.
 */
static char authz_folder[] = "/tmp/ehr-authz-XXXXXX";

static inline void
authz_write(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", authz_folder, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		exit(2);
}

/* A folder with policy.yaml (levels U to V) and an empty authz/. */
static inline void
authz_make(void)
{
	char path[256];

	if (!mkdtemp(authz_folder))
		exit(2);
	(void)snprintf(path, sizeof path, "%s/P", authz_folder);
	if (mkdir(path, 0700) != 0)
		exit(2);
	(void)snprintf(path, sizeof path, "%s/P/authz", authz_folder);
	if (mkdir(path, 0700) != 0)
		exit(2);
	authz_write("P/policy.yaml",
	    "policy: 1\nname: test\nserial: 1\nlevels: [{name: U, al: 0}, {name: L, al: 1}, {name: M, al: "
	    "2}, "
	    "{name: N, al: 3}, {name: R, al: 4}, {name: V, al: 5}]\n"
	    "code_system: http://terminology.hl7.org/CodeSystem/v3-Confidentiality\n");
}

static inline int
authz_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void
authz_remove(void)
{
	(void)nftw(authz_folder, authz_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
