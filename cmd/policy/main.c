/* SPDX-License-Identifier: ISC */
#include "cmd/policy/verbs.h"
#include "common/base/options.h"
#include "common/base/start.h"

#include <string.h>

static const struct {
	const char *name;
	enum diag_exit (*run)(int argc, char *argv[]);
} verbs[] = {
	{ "check", verb_check },
	{ "test", verb_test },
	{ "explain", verb_explain },
	{ "new", verb_new },
	{ "survey", verb_survey },
	{ "conflicts", verb_conflicts },
	{ "replay", verb_replay },
	{ "diff", verb_diff },
	{ "sign", verb_sign },
	{ "verify", verb_verify },
	{ "help", verb_help },
};

static const struct option_manual manual = {
	.program = "ehr-policy",
	.example = "ehr-policy explain -P hospital record.json",
	.operands = "VERB ...",
	.purpose = "Checks, tests, explains and begins policies.\n"
		   "\n"
		   "verbs (ehr-policy VERB --help says more):\n"
		   "  check    looks for faults in a policy, and prints its digest\n"
		   "  test     runs the tests that a policy brings along\n"
		   "  explain  says what becomes of a record, and why\n"
		   "  new      writes a first policy for records of one's own\n"
		   "  survey   lists what stands in records, and which rule speaks of it\n"
		   "  conflicts  finds what consent directives say against the rules of the house\n"
		   "  replay   decides old requests anew, and says which answers change\n"
		   "  diff     says which requests two policies decide differently\n"
		   "  sign     signs a policy, a program or a manifest\n"
		   "  verify   checks such a signature, and remembers the serial of a policy\n"
		   "  help     prints what the manual says of a key",
};

int
main(int argc, char *argv[])
{
	struct options o;
	struct closest near = closest_to(bytes_of(argc > 1 ? argv[1] : ""));

	start_program("ehr-policy");
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return (int)verbs[i].run(argc - 1, argv + 1);
		closest_offer(&near, bytes_of(verbs[i].name));
	}
	options_init(&o, &manual, argc, argv);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands > 0)
		options_unknown(&o, "unknown verb", o.operand[0], &near, "");
	diag_die(EXIT_USAGE, "no verb (try ehr-policy --help)");
}
