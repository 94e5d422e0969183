/* SPDX-License-Identifier: ISC */
#include "common/policy/site.h"

#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is(const char *got, const char *want)
{
	return want == NULL ? got == NULL : got != NULL && strcmp(got, want) == 0;
}

int
main(void)
{
	struct arena a = { 0 };
	char directory[] = "/tmp/test_site.XXXXXX";

	check(is(site_path(&a, "ward", SITE_KEYS, NULL), "ward/keys"));
	check(is(site_path(&a, "ward//", SITE_GRANTS, NULL), "ward/grants.jwts"));
	check(is(site_path(&a, "/", SITE_FACTS, NULL), "//facts.ndjson"));
	check(is(site_path(&a, "ward", SITE_KEYS, "other"), "other"));
	check(is(site_path(&a, NULL, SITE_KEYS, NULL), NULL));
	check(is(site_path(&a, NULL, SITE_KEYS, "other"), "other"));
	for (int i = 0; i < SITE_PLACES; i++)
		check(site_path(&a, "ward", (enum site_place)i, NULL)[5] != '(');
	if (mkdtemp(directory) == NULL)
		return 99;
	check(is(site_path_if_there(&a, directory, SITE_CONSENTS, NULL), NULL));
	check(is(site_path_if_there(&a, directory, SITE_CONSENTS, "none"), "none"));
	const char *consents = site_path(&a, directory, SITE_CONSENTS, NULL);
	check(mkdir(consents, 0700) == 0);
	check(is(site_path_if_there(&a, directory, SITE_CONSENTS, NULL), consents));
	/* A link that leads nowhere is there: whoever reads it says what is wrong. */
	const char *facts = site_path(&a, directory, SITE_FACTS, NULL);
	check(symlink("/nowhere/at/all", facts) == 0);
	check(is(site_path_if_there(&a, directory, SITE_FACTS, NULL), facts));
	(void)unlink(facts);
	(void)rmdir(consents);
	(void)rmdir(directory);
	arena_release(&a);
	return tap_end();
}
