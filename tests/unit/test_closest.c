/* SPDX-License-Identifier: ISC */
#include "common/base/closest.h"
#include "tests/lib/tap.h"

#include <string.h>

static bool
means(const char *word, const char *expected)
{
	static const char *const known[] = { "policy", "quarantine", "on-error", "R", "V", "VR", "skip",
		"max-record", "max-refused", "now" };
	struct closest c = closest_to(bytes_of(word));
	char text[CLOSEST_ROOM], want[CLOSEST_ROOM] = "";

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		closest_offer(&c, bytes_of(known[i]));
	if (expected[0] != '\0')
		(void)snprintf(want, sizeof want, ", did you mean '--%s'?", expected);
	return strcmp(closest_text(&c, "--", text), want) == 0;
}

int
main(void)
{
	char longest[200];

	check(means("polcy", "policy"));
	check(means("plicy", "policy"));
	check(means("polciy", "policy"));
	check(means("POLICY", "policy"));
	check(means("quarantaine", "quarantine"));
	check(means("on_error", "on-error"));
	check(means("max-recrod", "max-record"));
	check(means("max-reused", "max-refused"));
	check(means("skp", "skip"));
	check(means("nwo", "now"));
	check(means("r", "R"));
	check(means("vr", "VR"));
	check(means("X", ""));
	check(means("RV", ""));
	check(means("", ""));
	check(means("elephant", ""));
	check(means("pol", ""));
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	check(means(longest, ""));
	return tap_end();
}
