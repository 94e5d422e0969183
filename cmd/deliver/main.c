/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/verbs.h"
#include "common/base/start.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	verb_function *run;
	const char *help;
} verbs[] = {
	{ "init", verb_init, "makes the spool" },
	{ "enqueue", verb_enqueue, "takes intents of ehr-notify: what is answered is on disk" },
	{ "run", verb_run, "sends what is due, through channels, until it is stopped" },
	{ "ack", verb_ack, "notes that somebody takes charge, or has read" },
	{ "resolve", verb_resolve, "closes a case" },
	{ "status", verb_status, "counts, deadlines, open cases, channels" },
	{ "list", verb_list, "intents by state or subscription" },
	{ "show", verb_show, "an intent, and each attempt to send it" },
	{ "dead", verb_dead, "what was given up, for enqueue --again" },
	{ "events", verb_events, "the messages of a subscription from a number on" },
	{ "hold", verb_hold, "sends nothing of what is named until it is released" },
	{ "release", verb_release, "sends again what was held" },
	{ "retry", verb_retry, "tries at once" },
	{ "drop", verb_drop, "gives up, with a reason" },
	{ "reactivate", verb_reactivate, "a subscription whose receiver did not exist" },
	{ "check", verb_check, "policy, channels and the spool itself" },
	{ "backup", verb_backup, "a copy of the spool while it is in use" },
	{ "prune", verb_prune, "takes out what ended long ago" },
	{ "sign", verb_sign, "signs a webhook message" },
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

int
main(int argc, char *argv[])
{
	static char purpose[2048];
	struct option_manual manual = {
		.example =
		    "ehr-deliver enqueue -S site intents.ndjson && ehr-deliver run -P hospital -S site",
		.program = "ehr-deliver",
		.operands = "VERB ...",
		.purpose = purpose
	};
	struct closest near = closest_to(bytes_of(argc > 1 ? argv[1] : ""));
	struct options o;
	size_t used;

	start_program("ehr-deliver");
	for (size_t i = 0; argc > 1 && i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
		closest_offer(&near, bytes_of(verbs[i].name));
	}
	used = (size_t)snprintf(purpose, sizeof purpose,
	    "Tells people what ehr-notify says, until they know or it is given up.\n"
	    "A secondary notification system: not a primary alarm (IEC 60601-1-8).\n\n"
	    "verbs (ehr-deliver VERB --help says more):");
	for (size_t i = 0; i < VERBS; i++)
		used += (size_t)snprintf(
		    purpose + used, sizeof purpose - used, "\n  %-10s %s", verbs[i].name, verbs[i].help);
	options_init(&o, &manual, argc, argv);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands > 0)
		options_unknown(&o, "unknown verb", o.operand[0], &near, "");
	diag_die(EXIT_USAGE, "no verb (try ehr-deliver --help)");
}
