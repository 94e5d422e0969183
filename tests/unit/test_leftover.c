/* SPDX-License-Identifier: ISC */
#include "common/base/leftover.h"
#include "tests/lib/tap.h"

#include <string.h>

static bool
left_by(const char *name, const char *what)
{
	const char *cure = leftover_of(name);

	return what == NULL ? cure == NULL : cure != NULL && strstr(cure, what) != NULL;
}

int
main(void)
{
	check(left_by("classify.yaml~", "an editor"));
	check(left_by(".classify.yaml.swp", "an editor"));
	check(left_by("#classify.yaml#", "an editor"));
	check(left_by(".#classify.yaml", "an editor"));
	check(left_by("classify.yaml.orig", "a patch or merge"));
	check(left_by("classify.yaml.rej", "a patch or merge"));
	check(left_by("classify.yaml.bak", "older copy"));
	check(left_by(".DS_Store", "a desktop"));
	check(left_by("._classify.yaml", "a desktop"));
	check(left_by(".git", "version control"));
	check(left_by(".gitignore", "version control"));
	check(left_by("classify.yaml.rpmnew", "a package"));
	check(left_by("classify.yaml", NULL));
	check(left_by(".hidden", NULL));
	check(left_by("original.yaml", NULL));
	check(left_by("#", NULL));
	check(left_by("", NULL));
	return tap_end();
}
