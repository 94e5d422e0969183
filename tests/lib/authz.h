/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_AUTHZ_H
#define EHR_TESTS_AUTHZ_H

#include "common/access/access.h"
#include "tests/lib/folder.h"

#include <sys/stat.h>

/* authz: a policy directory for tests of decisions, P in the folder of the test. */

/* A folder with policy.yaml (levels U to V) and an empty authz/. */
static inline void
authz_make(void)
{
	char path[FOLDER_PATH];

	folder_make();
	if (mkdir(folder_path(path, "P"), 0700) != 0 || mkdir(folder_path(path, "P/authz"), 0700) != 0)
		exit(99);
	folder_write("P/policy.yaml",
	    "policy: 1\nname: test\nserial: 1\nlevels: [{name: U, al: 0}, {name: L, al: 1}, {name: M, al: "
	    "2}, "
	    "{name: N, al: 3}, {name: R, al: 4}, {name: V, al: 5}]\n"
	    "code_system: http://terminology.hl7.org/CodeSystem/v3-Confidentiality\n");
}

#endif
